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
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

import jax
import numpy as np

from kobai.errors import UsageError, said

if TYPE_CHECKING:
    import optax

T = TypeVar("T")

RANGES = {
    "learning_rate": ("rule.rate", lambda x: 0 <= x < math.inf),
    "momentum": ("rule.decay", lambda x: 0 <= x < 1),
    "decay": ("rule.decay", lambda x: 0 <= x < 1),
    "decay_1": ("rule.decay", lambda x: 0 <= x < 1),
    "decay_2": ("rule.decay", lambda x: 0 <= x < 1),
    "epsilon": ("rule.epsilon", lambda x: 0 <= x < math.inf),
}
"""What a hyperparameter of this name may be, in whichever rule it stands."""


class State(NamedTuple):
    """What a rule remembers between two updates."""

    step: Any
    """How many updates were made (an integer scalar)."""
    memory: dict[str, Any]
    """One pytree shaped like the parameters for each name in the rule's `memories`."""


@dataclass_transform(frozen_default=True)
def hyperparameters(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass and a pytree whose leaves are its fields: traced, never static."""
    return jax.tree_util.register_dataclass(dataclasses.dataclass(frozen=True)(cls))


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """The contract of an update rule.

    A hyperparameter is checked when the rule is made, if it is a Python or NumPy number or a list of them
    (a list is a grid for `kobai.compare`); a traced value passes. Raises `UsageError` (a ValueError) that
    names the field, its range and the value.
    """

    memories: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = True
    """Whether a formula on the concatenation of all arrays is the formula on each of them."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            for value in numbers(getattr(self, field.name)):
                rule, holds = RANGES[field.name]
                if not holds(value):
                    raise UsageError(
                        "error.range", owner=type(self).__name__, name=field.name, rule=said(rule), value=value
                    )

    def rule(self, g: Any, t: Any, *memory: Any) -> tuple[Any, tuple[Any, ...]]:
        """The formula on one array: gradient, step number (from 1), memories -> (Δ, new memories)."""
        raise NotImplementedError

    def init(self, params: Any) -> State:
        """The state before the first update: every memory zero."""
        return State(np.int32(0), {name: jax.tree.map(zeros_like, params) for name in self.memories})

    def update(self, gradient: Any, state: State, params: Any = None) -> tuple[Any, State]:  # noqa: ARG002
        """The update to be *added* to the parameters, and the next state.

        `gradient` is a pytree of the parameters' shapes; `params` is there for optax's signature only.
        """
        leaves, tree = jax.tree.flatten(gradient)
        memories = [tree.flatten_up_to(state.memory[name]) for name in self.memories]
        t = state.step + 1
        results = [self.rule(g, t, *memory) for g, *memory in zip(leaves, *memories, strict=True)]
        update = tree.unflatten([delta for delta, _ in results])
        memory = {
            name: tree.unflatten([kept[i] for _, kept in results]) for i, name in enumerate(self.memories)
        }
        return update, State(t, memory)

    def lookahead(self, params: Any, state: State) -> Any:  # noqa: ARG002
        """Where the next gradient is to be taken: at the parameters themselves."""
        return params

    def as_optax(self) -> "optax.GradientTransformation":
        """This rule as an `optax.GradientTransformation` (needs optax installed)."""
        import optax

        return optax.GradientTransformation(self.init, self.update)


def numbers(value: Any) -> Iterator[float]:
    """The Python or NumPy numbers in `value`: none in a traced value or a placeholder of a pytree operation."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        yield from value.ravel().tolist()


def zeros_like(array: Any) -> Any:
    """Zeros of the shape, dtype and library (NumPy, JAX) of `array`."""
    return namespace(array).zeros_like(array)


def namespace(array: Any) -> Any:
    """The library that `array` belongs to: a formula written with it runs on NumPy and JAX arrays alike."""
    return array.__array_namespace__() if hasattr(array, "__array_namespace__") else np
