"""What every landscape is: a function to descend, with all that is known of it."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TypeGuard

from kobai.basics import registry
from kobai.basics.arrays import Scalar, Vector
from kobai.basics.checks import is_number, is_whole
from kobai.basics.errors import UsageError, quoted, said
from kobai.basics.notation import is_text
from kobai.words import say

Point = tuple[float, ...]
Box = tuple[tuple[float, float], tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Landscape:
    """A function f: Rⁿ → R to be made small, its start and what is known of its minima.

    Args:
      name: under which it is reported.
      objective: f, from an array [n] to a scalar, in operations that JAX can differentiate. Those that ship
        with kobai take NumPy arrays too.
      start: where a path begins when nobody says otherwise; its length is n.
      box: ((left, right), (bottom, top)) of the part to look at; for two dimensions.
      minima: known points [n] where f is least; several where they are equally low.
      least: the greatest lower bound of f; None where there is none, or where it is not known.
      tolerance: f has arrived where it is below ``(least or 0) + tolerance``. Negative for a saddle, where to
        arrive is to have left.
      source: who described it, or where it comes from.
      learning_rates: for an update rule, by name, the rate to show when nobody says otherwise.

    Raises `UsageError` for a field that cannot be meant.
    """

    name: str
    objective: Callable[[Vector], Scalar]
    start: Point
    box: Box | None = None
    minima: tuple[Point, ...] = ()
    least: float | None = None
    tolerance: float = 1e-3
    source: str = ""
    learning_rates: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.start) if finite(self.start) else 0
        box, minima = self.box, self.minima
        sound = {
            "name": is_text(self.name) and self.name.strip() != "",
            "objective": callable(self.objective),
            "start": n > 0,
            "box": box is None or (_listed(box) and len(box) == 2 and all(map(_ascends, box))),
            "minima": _listed(minima) and all(finite(point) and len(point) == n for point in minima),
            "least": self.least is None or finite([self.least]),
            "tolerance": finite([self.tolerance]),
            "source": is_text(self.source),
            "learning_rates": isinstance(self.learning_rates, Mapping)
            and all(map(is_text, self.learning_rates))
            and finite([*self.learning_rates.values()]),
        }
        for field, fits in sound.items():
            if not fits:
                rule, value = said(f"landscape.field.{field}"), repr(getattr(self, field))
                raise UsageError("error.landscape.field", field=field, rule=rule, value=value)
        object.__setattr__(self, "start", tuple(map(float, self.start)))

    @property
    def dimension(self) -> int:
        """How many coordinates a point has, n."""
        return len(self.start)

    @property
    def shows(self) -> str:
        """What can be learned on it, in the language in use; nothing for a landscape of the user's own."""
        return say(f"landscape.{self.name}.shows") if self.name in registry.LANDSCAPES else ""

    def level(self, tolerance: float | None = None) -> float:
        """The value below which a path has arrived."""
        return (self.least or 0.0) + (self.tolerance if tolerance is None else tolerance)

    def __call__(self, x: Vector) -> Scalar:
        """The height f(x) at a point."""
        return self.objective(x)


def load(name: str, dimension: int | None = None) -> Landscape:
    """The landscape that ships under `name`, in `dimension` dimensions where it has a choice.

    Raises `UsageError` for a name that does not exist and a dimension that it cannot have.
    """
    make = _maker(name)
    if dimension is None:
        return make()
    if not is_whole(dimension):
        raise UsageError("error.count", name="dimension", value=quoted(dimension))
    if not any_dimension(name):
        landscape = make()
        if dimension == landscape.dimension:
            return landscape
        values = {"name": name, "dimension": landscape.dimension, "value": dimension}
        raise UsageError("error.landscape.dimension", **values)
    return make(dimension=dimension)


def any_dimension(name: str) -> bool:
    """Whether the landscape that ships under `name` leaves its number of dimensions open."""
    return "dimension" in inspect.signature(_maker(name)).parameters


def _maker(name: str) -> Callable[..., Landscape]:
    return registry.find("kind.landscape", name, registry.LANDSCAPES).load()


def check_dimension(value: object, least: int = 2, most: int = 10_000) -> None:
    """Refuse a number of dimensions that is not whole, or out of range."""
    if not (is_whole(value) and least <= value <= most):
        raise UsageError("error.dimension", least=least, most=most, value=quoted(value))


def check_positive(name: str, value: object) -> None:
    """Refuse anything but a finite number above 0."""
    if not (is_number(value) and finite([value]) and value > 0):
        raise UsageError("error.positive", name=name, value=quoted(value))


def finite(values: object) -> TypeGuard[Sequence[float]]:
    """Whether `values` is a list, a tuple or an array [n] of finite real numbers."""
    values = values.tolist() if hasattr(values, "tolist") else values
    return _listed(values) and all(is_number(value) and abs(value) <= sys.float_info.max for value in values)


def _listed(values: object) -> TypeGuard[Sequence[object]]:
    return isinstance(values, Sequence) and not isinstance(values, str)


def _ascends(pair: object) -> bool:
    return finite(pair) and len(pair) == 2 and pair[0] < pair[1]
