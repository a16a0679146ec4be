"""Any optax optimizer as a candidate: ``from_optax(optax.lion, learning_rate=[1e-4, 1e-3])``."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Number, Parameters, Weights, Whole, narrow
from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError, quoted
from kobai.optimizers.base import RATES, Optimizer, check, entries, is_grid, numbers, refuse_grid

if TYPE_CHECKING:
    import optax

Factory = Callable[..., "optax.GradientTransformation"]
"""A function that makes an optax optimizer."""

RATELESS = {"prodigy", "dadapt_adamw", "dog", "dowg", "cocob", "mechanize"}
"""Factories whose learning rate is a factor of one that they find themselves."""


RESCALED = {"lamb", "lars", "novograd"}
"""The optimizers of optax that scale a step to the length of its array, with their own weight decay in it."""

WITHOUT_RATE = {"polyak_sgd", "sam", "mechanize"}
"""The optimizers of optax that have no argument of the name `learning_rate`."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FromOptax(Optimizer):
    """An optax factory with its arguments; made by `from_optax`.

    The optax transformation is built anew wherever it is used, inside the traced function:
    `optax.inject_hyperparams` would make float32 arrays of the arguments and drift from the plain optimizer.
    """

    factory: Factory = dataclasses.field(metadata={"static": True})
    hyperparameters: dict[str, object]
    """The float arguments (or lists of them: a grid): traced."""
    switches: tuple[tuple[str, object], ...] = dataclasses.field(metadata={"static": True})
    """All other arguments: part of the program."""

    elementwise = False

    def __post_init__(self) -> None:
        """Optax's arguments are optax's to check."""

    @property
    def name(self) -> str:
        return name_of(self.factory)

    @property
    def rate_is_factor(self) -> bool:  # type: ignore[override]
        """Whether the rule finds a rate, of which `learning_rate` is a factor."""
        return self.name in RATELESS

    def transformation(self) -> "optax.GradientTransformation":
        """The `optax.GradientTransformation` that the factory makes."""
        refuse_grid(self.name, self.hyperparameters)
        return self.factory(**self.hyperparameters, **dict(self.switches))

    def rate_at(self, step: Whole) -> Number | None:
        """η of the update after `step` others; None for a rule that finds its own rate."""
        if self.rate_is_factor:
            return None
        arguments: dict[str, Any] = {**_defaults(self.factory), **self.hyperparameters, **dict(self.switches)}
        rate = next((arguments[name] for name in RATES if arguments.get(name) is not None), None)
        return rate(step) if callable(rate) else rate

    def hides_rate(self, state: PyTree) -> bool:
        """Whether the factory makes a schedule of a number, so that η is known inside of it alone."""
        numbers = not callable(dict(self.switches).get("learning_rate"))
        return numbers and any(map(_is_scheduled, jax.tree.leaves(state, is_leaf=_is_scheduled)))

    def evaluation_point(self, params: Parameters, state: PyTree) -> Parameters:
        """Where the network is evaluated: at x, where a Schedule-Free rule trains y = (1 − β) z + βx.

        Defazio and others (2024), arXiv 2405.15682; `optax.contrib.schedule_free_eval_params`.
        """
        for node in jax.tree.leaves(state, is_leaf=_is_schedule_free):
            if _is_schedule_free(node):
                return jax.tree.map(functools.partial(_evaluated, node.b1), params, node.z)
        return params

    def init(self, params: Parameters) -> PyTree:
        return self.transformation().init(params)

    def update(
        self,
        gradient: Parameters,
        state: PyTree,
        params: Parameters | None = None,
        weights: Weights | None = None,
    ) -> tuple[Parameters, PyTree]:
        return self.transformation().update(gradient, self._current(state), params)

    def _current(self, state: PyTree) -> PyTree:
        """The state of `optax.inject_hyperparams` with the numbers of this rule in the place of its first."""
        if not hasattr(state, "hyperparams"):
            return state
        known = state.hyperparams
        now = {name: jnp.asarray(value, known[name].dtype) for name, value in self.hyperparameters.items()}
        return state._replace(hyperparams={**known, **now})

    def as_optax(self, weights: Weights | None = None) -> "optax.GradientTransformation":
        return self.transformation()


def from_optax(factory: Factory, **arguments: object) -> FromOptax:
    """An optax optimizer under kobai's contract.

    Args:
      factory: a function that makes an `optax.GradientTransformation`, such as `optax.lion`.
      arguments: its arguments. Floats are hyperparameters: traced, and a list or NumPy array of them is a
        grid. Integers (but for a learning rate), booleans, tuples and everything else are fixed when the
        program is compiled, and must be hashable.

    Raises `UsageError` where a function of optax is no optimizer, or goes around one that is not given, where
    the factory refuses the arguments, where the learning rate is out of range, or where the optimizer needs
    more than a gradient: the loss's value, or the loss itself, as optax.lbfgs does.
    """
    if not callable(factory):
        raise UsageError("error.from_optax.factory", value=type(factory).__name__)
    if not is_optimizer(factory):
        raise UsageError("error.from_optax.part", name=name_of(factory))
    if inner := [name for name in _required(factory) if "optimizer" in name and name not in arguments]:
        raise UsageError("error.from_optax.inner", name=name_of(factory), arguments=", ".join(inner))
    rate = arguments.get("learning_rate", 0.0)
    if not callable(rate):
        check(name_of(factory), {"learning_rate": rate})
    floats = {name: _plain(value) for name, value in arguments.items() if _is_traced(name, value)}
    switches = tuple(sorted((name, value) for name, value in arguments.items() if name not in floats))
    for argument, value in switches:
        if not _is_hashable(value):
            raise UsageError(
                "error.from_optax.switch", name=name_of(factory), argument=argument, value=quoted(value)
            )
    optimizer = FromOptax(factory, floats, switches)
    _try_out(optimizer)
    return optimizer


def name_of(factory: Factory) -> str:
    """What a factory is called; a `functools.partial` after its function."""
    factory = getattr(factory, "func", factory)
    return getattr(factory, "__name__", type(factory).__name__)


def is_optimizer(factory: Factory) -> bool:
    """Whether a function makes an optimizer: one of optax's takes a learning rate, and is no part of another.

    A function of the user's own is believed.
    """
    origin = getattr(factory, "func", factory)
    if not inspect.isfunction(origin) or origin.__module__.split(".")[0] != "optax":
        return True
    name = name_of(factory)
    if name.startswith("scale_by_"):
        return False
    return name in WITHOUT_RATE or "learning_rate" in inspect.signature(origin).parameters


def _is_traced(name: str, value: object) -> bool:
    """Whether an argument is a hyperparameter: a float, or a grid of numbers with a float among them."""
    if isinstance(value, tuple):
        return False
    if is_grid(value):
        items = list(entries(value))
        return all(map(is_number, items)) and any(_is_traced(name, item) for item in items)
    if name == "learning_rate" and is_number(value):
        return True
    return isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f"


def _plain(value: object) -> object:
    """Python floats: NumPy's would widen a float32 array."""
    if is_grid(value):
        return list(numbers(value))
    return float(value) if isinstance(value, int | float | np.generic) else value


def _required(factory: Factory) -> list[str]:
    """The arguments that have no default."""
    try:
        every = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return []
    return [argument.name for argument in every if argument.default is argument.empty]


def _defaults(factory: Factory) -> dict[str, object]:
    """The defaults of a factory's arguments."""
    try:
        every = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {argument.name: argument.default for argument in every if argument.default is not argument.empty}


def _evaluated(β: Number, y: Array, z: Array) -> Array:
    """x of y = (1 − β) z + βx."""
    return narrow((y - (1 - β) * z) / β, y)


def _is_schedule_free(node: object) -> bool:
    return type(node).__name__ == "ScheduleFreeState"


def _is_scheduled(node: object) -> bool:
    return type(node).__name__ == "ScaleByScheduleState"


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _try_out(optimizer: FromOptax) -> None:
    """One update in the abstract: no cost, and every refusal now instead of in the middle of a sweep."""
    first = {key: value[0] if is_grid(value) else value for key, value in optimizer.hyperparameters.items()}
    point = {"w": jnp.zeros((2, 2)), "b": jnp.zeros(2)}

    def once(hyperparameters: Mapping[str, object]) -> Parameters:
        trial = dataclasses.replace(optimizer, hyperparameters=dict(hyperparameters))
        return trial.update(point, trial.init(point), point)[0]

    try:
        dataclasses.replace(optimizer, hyperparameters=dict(first)).transformation().init  # noqa: B018
    except Exception as problem:
        raise refused(optimizer.name, problem) from problem
    try:
        jax.eval_shape(once, first)
    except (ValueError, KeyError, AttributeError) as problem:
        if "obj_fn" in str(problem):
            raise UsageError("error.from_optax.value", name=optimizer.name, needs="obj_fn") from problem
        return  # a rule that goes by names asks for the user's own tree
    except Exception as problem:
        name, sentence = optimizer.name, str(problem).split("\n")[0]
        needs = [word for word in ("value_fn", "value") if f"'{word}'" in sentence]
        if needs:
            raise UsageError("error.from_optax.value", name=name, needs=needs[0]) from problem
        raise refused(name, problem) from problem


def refused(name: str, problem: Exception) -> UsageError:
    """What optax says of the arguments, or of the user's tree."""
    return UsageError("error.from_optax.refused", name=name, problem=str(problem).split("\n")[0])
