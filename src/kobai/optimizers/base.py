"""What every first-order update rule shares: the contract, its state, the check of its hyperparameters.

A rule is a frozen dataclass whose fields are its hyperparameters. It names its memories (arrays shaped like
the parameters, all zero at the start) and gives one formula::

    @hyperparameters
    class Momentum(Optimizer):
        learning_rate: float = 0.01
        momentum: float = 0.9
        memories = ("v",)

        def rule(self, g, t, v):
            v = self.momentum * v - self.learning_rate * g
            return v, (v,)

`Optimizer` makes of it ``init(params) -> state`` and ``update(gradient, state, params) -> (update, state)``
over any pytree of NumPy or JAX arrays. Both are pure, and the update is *added* to the parameters. These are
optax's signatures, so that a rule can stand in a loop written for optax.

What a rule may ask for beyond a gradient, each at no cost to those that do not ask:

- a place of its own for the gradient: `lookahead`;
- a second gradient of the same batch, or products with its Hessian: `asks`. Then `update` has one argument
  more, ``gradient_at``, the function of the parameters whose value ``gradient`` was;
- another point of evaluation: `evaluation_point`;
- what each array is, from the first step on: `roles`. Then `init` and `update` are told by `weights`, and
  with `ends` of the ends of the network, too;
- the arrays with their shapes (`elementwise` False, see `kobai.optimizers.by_array`), or sums over all of
  them (`kobai.optimizers.on_vector`).
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias, TypeGuard

import jax
import numpy as np

from kobai.basics.arrays import (
    Array,
    Flag,
    Number,
    Parameters,
    Structure,
    Weights,
    Whole,
    is_float,
    is_movable,
    namespace,
    narrow,
    wide,
    zeros_like,
)
from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError, quoted, said
from kobai.basics.leaf import is_outer
from kobai.basics.roles import weights as weights_of

if TYPE_CHECKING:
    import optax

Range: TypeAlias = tuple[str, Callable[[Any], bool]]
"""What a hyperparameter may be: in words, and as a condition."""

RANGES: dict[str, Range] = {
    "learning_rate": ("rule.rate", lambda x: 0 <= x < math.inf),
    "momentum": ("rule.decay", lambda x: 0 <= x < 1),
    "decay": ("rule.decay", lambda x: 0 <= x < 1),
    "decay_1": ("rule.decay", lambda x: 0 <= x < 1),
    "decay_2": ("rule.decay", lambda x: 0 <= x < 1),
    "decay_3": ("rule.decay", lambda x: 0 <= x < 1),
    "epsilon": ("rule.epsilon", lambda x: 0 <= x < math.inf),
    "weight_decay": ("rule.rate", lambda x: 0 <= x < math.inf),
    "adamw_learning_rate": ("rule.rate", lambda x: 0 <= x < math.inf),
    "mixture": ("rule.rate", lambda x: 0 <= x < math.inf),
    "radius": ("rule.rate", lambda x: 0 <= x < math.inf),
    "exponent": ("rule.rate", lambda x: 0 <= x < math.inf),
    "scale": ("rule.rate", lambda x: 0 <= x < math.inf),
}
"""What a hyperparameter of this name may be, in whichever rule it stands."""

RATES = ("learning_rate", "lr", "eta", "step_size")
"""What a rule may call its learning rate, by which decay beside the step is multiplied."""

GRADIENT, CURVATURE = "gradient", "curvature"
"""What a rule may ask for: see `Optimizer.asks`."""

GradientAt: TypeAlias = Callable[[Parameters], Parameters]
"""The gradient of the step's batch as a function of the parameters, which JAX can derive."""

ANY: Range = ("rule.finite", math.isfinite)
"""What a hyperparameter of any other name may be, in a rule of the user's own."""


class State(NamedTuple):
    """What a rule remembers between two updates."""

    step: Whole
    """How many updates were made (an integer scalar)."""
    memory: dict[str, Parameters]
    """One pytree shaped like the parameters for each name in the rule's `memories`."""


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """The contract of an update rule.

    A hyperparameter is a number, or an array that JAX holds or traces, or a list or NumPy array of numbers: a
    grid for `kobai.compare`, which `init` and `update` refuse. Numbers are checked when the rule is made, and
    not in tree operations. Raises `UsageError` (a ValueError) that names the field, its range and the value.
    """

    memories: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = True
    """Whether a formula on the concatenation of all arrays is the formula on each of them."""
    rate_is_factor: ClassVar[bool] = False
    """Whether the rule as published has no learning rate, and `learning_rate` is a factor of its step."""
    decays: ClassVar[bool] = False
    """Whether `weight_decay` shrinks the weights beside the formula: Δ − ηλθ."""
    decays_within: ClassVar[bool] = False
    """Whether the formula has its `weight_decay` elsewhere than in −ηλθ: a strategy's λ takes its place."""
    ranges: ClassVar[Mapping[str, Range]] = {}
    """What single hyperparameters may be where that is not what `RANGES` says."""
    roles: ClassVar[bool] = False
    """Whether the formula itself goes by what is a weight: `init` and `update` are both told by `weights`."""
    ends: ClassVar[bool] = False
    """Whether it also goes by what is at an end of the network: then `weights` say "outer" of embeddings and
    the last layer."""
    asks: ClassVar[str | None] = None
    """What else `update` needs, by its argument ``gradient_at``: the gradient at another point (`GRADIENT`),
    which a training clips as it clips the first; its derivative (`CURVATURE`), of the loss itself; None: no
    more than a gradient."""
    degree: ClassVar[int | None] = None
    """The power of the gradient with which a step grows: 1 as SGD's, 0 as Adam's; None: another, or none."""
    gradients: ClassVar[float] = 1.0
    """What a step costs, in gradients; a product with the Hessian counts as two."""

    def __post_init__(self) -> None:
        check(type(self).__name__, vars(self), self.ranges)

    def rule(self, g: Array, t: Whole, *memory: Any) -> tuple[Array, tuple[Array, ...]]:
        """The formula on one array: gradient, step number (from 1), memories -> (Δ, new memories)."""
        raise NotImplementedError

    def init(self, params: Parameters) -> State:
        """The state before the first update: every memory zero, in at least float32.

        A leaf that is no floating-point array (a counter, a function) has no memory.
        """
        refuse_grid(type(self).__name__, vars(self))

        def zeros(leaf: Array) -> Array | None:
            return zeros_like(leaf) if is_movable(leaf) else None

        return State(np.int32(0), {name: jax.tree.map(zeros, params) for name in self.memories})

    def update(
        self,
        gradient: Parameters,
        state: State,
        params: Parameters | None = None,
        weights: Weights | None = None,
    ) -> tuple[Parameters, State]:
        """The update to be *added* to the parameters, and the next state.

        `gradient` is a pytree of the parameters' shapes and dtypes, and so is the update; its leaves that are
        no floating-point arrays come to nothing. Complex numbers are treated as in optax: squares are |g|²;
        rules by array or on one vector refuse them.
        Only a rule that decays the weights looks at `params` and `weights` (see `decayed`).
        """
        refuse_grid(type(self).__name__, vars(self))
        tree: Structure
        leaves, tree = jax.tree.flatten(gradient, is_leaf=is_none)
        memories = [tree.flatten_up_to(state.memory[name]) for name in self.memories]
        t = state.step + 1
        places = [None] * len(leaves) if params is None else tree.flatten_up_to(params)
        results = [
            self._on_array(g, θ, t, *memory) for g, θ, *memory in zip(leaves, places, *memories, strict=True)
        ]
        update = tree.unflatten([delta for delta, _ in results])
        memory = {
            name: tree.unflatten([values[i] for _, values in results]) for i, name in enumerate(self.memories)
        }
        if self.decays:
            rate = self.rate_at(state.step)
            if rate is None:
                raise UsageError("error.decay.rate", name=type(self).__name__)
            update = decayed(update, params, rate * self.weight_decay, weights)  # type: ignore[attr-defined]
        return update, State(t, memory)

    def _on_array(self, g: Array, θ: Array | None, t: Whole, *memory: Array) -> tuple[Array, Sequence[Array]]:
        moves = is_movable(g) if θ is None else is_movable(θ)
        if memory:  # which is there for what moves; its gradient may be whole numbers, (1, 2) for (1., 2.)
            moves = all(old is not None for old in memory)
        if not moves or is_nothing(g):
            return nothing(g), memory
        Δ, values = self.rule(wide(g), t, *memory)
        return narrow(Δ, g), [narrow(new, old) for new, old in zip(values, memory, strict=True)]

    def lookahead(self, params: Parameters, state: State) -> Parameters:
        """Where the next gradient is to be taken: at the parameters themselves."""
        return params

    def evaluation_point(self, params: Parameters, state: State) -> Parameters:
        """Where the network is evaluated: at the parameters themselves."""
        return params

    def rate_at(self, step: Whole) -> Number | None:
        """η of the update after `step` others; None for a rule that has no number of a name in `RATES`."""
        return next((getattr(self, name) for name in RATES if hasattr(self, name)), None)

    def as_optax(self, weights: Weights | None = None) -> "optax.GradientTransformation":
        """This rule as an `optax.GradientTransformation` (needs optax installed).

        `weights` says what is a weight, as `init` and `update` take it, where the rule goes by that.
        """
        try:
            import optax
        except ImportError as missing:
            raise UsageError("error.needs_optax") from missing
        told = {} if weights is None else {"weights": weights}
        init = functools.partial(self.init, **(told if self.roles else {}))
        update = functools.partial(self.update, **(told if self.roles or self.decays else {}))
        if self.asks is not None:
            return optax.GradientTransformationExtraArgs(init, update)
        return optax.GradientTransformation(init, update)


def as_array(leaf: Any) -> Any:
    """A leaf as it is; Python's own number as an array of no dimensions."""
    return leaf if hasattr(leaf, "shape") else np.asarray(leaf)


def decayed(
    update: Parameters, params: Parameters | None, rate: Number, weights: Weights | None = None
) -> Parameters:
    """The update with the weights shrunk beside it: Δ − rate·θ (Loshchilov and Hutter 2019).

    `weights` says what is a weight, as a pytree of the parameters' structure: True or False for a whole array
    (or "outer"), or an array of 1 and 0. Default: what the tree tells (`kobai.basics.roles`). Biases and
    scales are left alone: nothing is gained by drawing them to zero. Raises `UsageError` where there are
    weights and no `params`.
    """
    if weights is None:
        weights = weights_of(update if params is None else params)
    if params is None:
        if any(weight is not False for weight in jax.tree.leaves(weights)):
            raise UsageError("error.decay.params")
        return update

    def shrink(Δ: Array | None, θ: Array, weight: Array | Flag) -> Array | None:
        if Δ is None or weight is False:
            return Δ
        return narrow(wide(Δ) - rate * (is_outer(weight) if isinstance(weight, str) else weight) * θ, Δ)

    return jax.tree.map(shrink, update, params, weights, is_leaf=is_none)


def nothing(leaf: Array) -> Array:
    """The update of a leaf that no rule moves: zeros of an array of numbers, else the leaf itself."""
    if not hasattr(leaf, "dtype") or not hasattr(leaf, "shape"):
        return leaf
    if leaf.dtype == jax.dtypes.float0:  # what JAX says of a gradient by whole numbers
        return np.zeros(leaf.shape, bool)
    whole = isinstance(leaf.dtype, np.dtype) and leaf.dtype.kind in "iub"  # the dtype of a random key is none
    return namespace(leaf).zeros_like(leaf) if is_float(leaf) or whole else leaf


def is_nothing(gradient: object) -> bool:
    """Whether a gradient says that there is none: None, a function, what JAX says of whole numbers."""
    return not (is_movable(gradient) or getattr(getattr(gradient, "dtype", None), "kind", None) in ("i", "u"))


def is_none(leaf: object) -> bool:
    """Whether nothing stands there: a gradient may lack what its parameters have, a function in a module."""
    return leaf is None


def check(owner: str, values: Mapping[str, object], ranges: Mapping[str, Range] = {}) -> None:  # noqa: B006
    """Raise `UsageError` where a hyperparameter is no number, or out of its range."""
    for name, value in values.items():
        rule, holds = ranges.get(name) or RANGES.get(name, ANY)
        for entry in entries(value):
            if not (is_number(entry) and holds(entry)):
                raise UsageError("error.range", owner=owner, name=name, rule=said(rule), value=quoted(entry))


def leaves_of(
    rule: Optimizer, gradient: Parameters, params: Parameters | None
) -> tuple[list[Array], list[Array], Structure]:
    """(the leaves of the gradient, those of the parameters, their tree) for a formula of real numbers that
    needs both. Raises `UsageError` for a grid, without parameters, and for complex numbers."""
    owner = type(rule).__name__
    refuse_grid(owner, vars(rule))
    if params is None:
        raise UsageError("error.rule.params", name=owner)
    tree: Structure
    leaves, tree = jax.tree.flatten(gradient, is_leaf=is_none)
    places = tree.flatten_up_to(params)
    refuse_complex(owner, [*leaves, *places])
    return leaves, places, tree


def refuse_complex(owner: str, leaves: Sequence[object]) -> None:
    """Raise `UsageError` where there are complex numbers, for a formula that is one of real numbers."""
    for leaf in leaves:
        if isinstance(leaf, complex) or getattr(getattr(leaf, "dtype", None), "kind", None) == "c":
            raise UsageError("error.rule.complex", name=owner)


def refuse_grid(owner: str, values: Mapping[str, object]) -> None:
    """Raise `UsageError` where a hyperparameter is a grid: that is several optimizers."""
    for name, value in values.items():
        if is_grid(value):
            raise UsageError("error.grid", owner=owner, name=name, value=value)


def entries(value: object) -> Iterator[object]:
    """What can be checked in a hyperparameter: each entry of a list or a NumPy array, or the value itself.

    Nothing in an array of JAX: it may be traced.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple) and value:
        for item in value:
            yield from entries(item)
    elif not hasattr(value, "dtype"):
        yield value


def is_grid(value: object) -> TypeGuard[list | tuple | np.ndarray]:
    """Whether a hyperparameter is several: a list, a tuple or a NumPy array of one or more dimensions."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def numbers(value: object) -> Iterator[float]:
    """The numbers among the `entries` of `value`."""
    return (float(entry) for entry in entries(value) if is_number(entry))
