"""Any optax optimizer as a candidate in a comparison: ``from_optax(optax.lion, learning_rate=[1e-4, 1e-3])``."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from kobai.errors import UsageError
from kobai.optimizers.base import Optimizer


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FromOptax(Optimizer):
    """An optax factory with its arguments; made by `from_optax`.

    The optax transformation is built anew wherever it is used, inside the traced function:
    `optax.inject_hyperparams` would make float32 arrays of the arguments and drift from the plain optimizer.
    """

    factory: Callable[..., Any] = dataclasses.field(metadata={"static": True})
    hyperparameters: dict[str, Any]
    """The float arguments (or lists of them: a grid): traced."""
    settings: tuple[tuple[str, Any], ...] = dataclasses.field(metadata={"static": True})
    """All other arguments: part of the program."""

    elementwise = False

    def __post_init__(self) -> None:
        """Optax's arguments are optax's to check."""

    @property
    def name(self) -> str:
        return self.factory.__name__

    def transformation(self) -> Any:
        """The `optax.GradientTransformation`."""
        return self.factory(**self.hyperparameters, **dict(self.settings))

    def init(self, params: Any) -> Any:
        return self.transformation().init(params)

    def update(self, gradient: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        return self.transformation().update(gradient, state, params)

    def as_optax(self) -> Any:
        return self.transformation()


def from_optax(factory: Callable[..., Any], **arguments: Any) -> FromOptax:
    """An optax optimizer under kobai's contract.

    Args:
      factory: a function that makes an `optax.GradientTransformation`, such as `optax.lion`.
      arguments: its arguments. Floats are hyperparameters: traced, and a list of floats is a grid. Integers,
        booleans and everything else are fixed when the program is compiled.

    Raises `UsageError` where the factory refuses the arguments, or its optimizer needs more than a gradient
    (the loss's value, or the loss itself, as optax.lbfgs does).
    """
    floats = {name: value for name, value in arguments.items() if _is_float(value)}
    rest = tuple(sorted((name, value) for name, value in arguments.items() if name not in floats))
    optimizer = FromOptax(factory, floats, rest)
    _try_out(optimizer)
    return optimizer


def _is_float(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_float(item) for item in value)
    return isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f"


def _try_out(optimizer: FromOptax) -> None:
    """One update in the abstract: no cost, and every refusal now instead of in the middle of a sweep."""
    name = getattr(optimizer.factory, "__name__", repr(optimizer.factory))
    first = {key: value[0] if isinstance(value, list | tuple) else value
             for key, value in optimizer.hyperparameters.items()}
    point = {"w": jnp.zeros((2, 2)), "b": jnp.zeros(2)}

    def once(hyperparameters: Mapping[str, Any]) -> Any:
        made = dataclasses.replace(optimizer, hyperparameters=dict(hyperparameters))
        return made.update(point, made.init(point), point)

    try:
        jax.eval_shape(once, first)
    except Exception as problem:
        needs = [word for word in ("value_fn", "value") if f"'{word}'" in str(problem)]
        if needs:
            raise UsageError("error.from_optax.value", name=name, needs=needs[0]) from problem
        raise UsageError("error.from_optax.refused", name=name, problem=str(problem).split("\n")[0]) from problem
