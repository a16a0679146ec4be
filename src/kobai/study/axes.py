"""Axes of a comparison: what is varied beside the optimizer, its hyperparameters and the initial values.

An axis has a name and values. A single value is simply used; several are tried with everything else, and the
answer says what each does, paired by seed. A value acts in one of two places::

    the strategy  clip, average, schedule, …            numbers of a cell: one program for all values
    the task      activation, batch_norm, batch_size,   another network or shape: a program for each
                  accumulate, parametrization           combination of their values

`KINDS` is the table of them.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import jax

from kobai.basics.checks import MOST, is_number, is_whole, listed
from kobai.basics.errors import UsageError, quoted, unknown
from kobai.basics.notation import is_text
from kobai.engine.parts import PARTS, Field, fields_of
from kobai.engine.strategy import Strategy
from kobai.schedules import Schedule
from kobai.stabilizers.averaging import Averaging
from kobai.stabilizers.clipping import Clip
from kobai.stabilizers.early_stopping import EarlyStopping
from kobai.stabilizers.masking import Mask
from kobai.stabilizers.regularization import Penalty, WeightDecay
from kobai.tasks.parametrization import growths
from kobai.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class AxisValue:
    """One value of an axis: what tables call it, and what it is."""

    axis: str
    name: str
    part: object = dataclasses.field(repr=False)

    @property
    def of_task(self) -> bool:
        """Whether it makes another task, rather than another strategy."""
        return self.axis in OF_TASK


@dataclasses.dataclass(frozen=True)
class Axis:
    """What is varied, and its values."""

    name: str
    values: tuple[AxisValue, ...]


def axes(arguments: Mapping[str, object]) -> tuple[Axis, ...]:
    """The axes of a comparison from what the user gave for each: a value or several; None: left out."""
    return tuple(_axis(name, values) for name, values in arguments.items() if values is not None)


def _axis(name: str, argument: object) -> Axis:
    items = listed(argument)
    if not items:
        raise UsageError("error.empty", name=name)
    values: dict[str, AxisValue] = {}
    for item in items:
        value = AxisValue(name, *KINDS[name](item))
        if not is_text(value.name):
            raise UsageError("error.axis.name", axis=name, value=quoted(value.name))
        if values.setdefault(value.name, value).part != value.part and name not in WORDS:
            raise UsageError("error.axis.same", axis=name, name=value.name)
    return Axis(name, tuple(values.values()))


# What a user writes -> (its name, the part).

Reading: TypeAlias = tuple[str, object]
Reader: TypeAlias = Callable[[object], Reading]


class StrategyPart(Protocol):
    """A part of a strategy, which tables call by its name."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=StrategyPart)


def _named(axis: str, read: Callable[[object], StrategyPart | None], kind: type) -> Reader:
    """A part that has a name, from its spelling or itself; None and "none" are its absence."""

    def value(item: object) -> Reading:
        if not (item is None or isinstance(item, str | kind)):
            raise UsageError("error.axis.type", axis=axis, value=quoted(item), kind=kind.__name__)
        part = read("none" if item is None else item)
        return ("none" if part is None else str(part.name), part)

    return value


def _strength(axis: str, make: Callable[[float], N], kind: type[N]) -> Reader:
    """A penalty or decay, from its number or itself; None is 0."""

    def value(item: object) -> Reading:
        if isinstance(item, kind):
            return (item.name, item)
        number = 0 if item is None else item
        if isinstance(item, str):
            with contextlib.suppress(ValueError):
                number = float(item)
        if not is_number(number):
            raise UsageError("error.numbers", name=axis, value=quoted(item))
        part = make(float(number))
        return (part.name, part)

    return value


def _sampling(item: object) -> Reading:
    if not isinstance(item, str) or item not in ("without", "with"):
        raise unknown("kind.sampling", item, ("without", "with"))
    return (item, item)


def _word(item: object) -> Reading:
    """What the task's own function understands, or refuses."""
    return ({True: "on", False: "off"}[item] if isinstance(item, bool) else str(item), item)


def _place(item: object) -> Reading:
    """Where batch normalization stands: "on" is "before", and so is True; the part stays as it is written."""
    name, part = _word(item)
    return ("before" if name == "on" else name, part)


def _batch_size(item: object) -> Reading:
    """A number of examples; "full": all of them."""
    if isinstance(item, str) and item.strip().isdigit():
        item = int(item)
    if not (isinstance(item, str) and item == "full") and not (is_whole(item) and 1 <= item <= MOST):
        raise UsageError("error.batch_size", value=quoted(item))
    return (str(item), item)


def _accumulated(item: object) -> Reading:
    """A number of batches."""
    if isinstance(item, str) and item.strip().isdigit():
        item = int(item)
    if not is_whole(item) or not 1 <= item <= MOST:
        raise UsageError("error.accumulate", value=quoted(item))
    return (str(item), item)


def _parametrization(item: object) -> Reading:
    """The base width of "mup:64"; None for "standard"."""
    name, _, number = str("standard" if item is None else item).strip().lower().partition(":")
    if name == "standard" and not number:
        return ("standard", None)
    if name != "mup" or not number.isdigit() or not 1 <= int(number) <= MOST:
        raise UsageError("error.parametrization", value=quoted(item))
    return (f"mup:{int(number)}", int(number))


def reader(axis: str, field: Field) -> Reader:
    """How the values of a part's axis are read."""
    return (_strength if field.numeric else _named)(axis, field.read, field.kind)


# What a call may hold for each axis: a value, or several.

Activations = str | Iterable[str] | None
Norms = str | bool | Iterable[str | bool] | None
BatchSizes = int | str | Iterable[int | str] | None
Parametrizations = str | Iterable[str | None] | None
Accumulations = int | Iterable[int] | None
Samplings = str | Iterable[str] | None
Clips = str | Clip | Iterable[str | Clip | None] | None
Penalties = float | Penalty | Iterable[float | Penalty | None] | None
Decays = float | WeightDecay | Iterable[float | WeightDecay | None] | None
Schedules = str | Schedule | Iterable[str | Schedule | None] | None
Averagings = str | Averaging | Iterable[str | Averaging | None] | None
Masks = str | Mask | Iterable[str | Mask | None] | None
Stoppings = str | EarlyStopping | Iterable[str | EarlyStopping | None] | None

OF_PARTS = {field.axis or name: field for name, field in fields_of(PARTS).items()}
"""The axes that the parts of the engine bring with them."""

MUP = "parametrization"

KINDS: dict[str, Reader] = {
    "activation": _word,
    "batch_norm": _place,
    "batch_size": _batch_size,
    "accumulate": _accumulated,
    MUP: _parametrization,
    "sampling": _sampling,
    **{axis: reader(axis, field) for axis, field in OF_PARTS.items()},
}
"""Every axis: its name, and how a value is read. Words call it ``say("axis." + name)``."""

WORDS = ("activation", "batch_norm")
"""The axes whose values are one where they have one name, however they are written: False and "off"."""

OF_TASK = ("activation", "batch_norm", "batch_size", "accumulate", MUP)
"""The axes whose values make other tasks."""


# Values -> what is run.


def tasks(make: Callable[..., Task], axes: Sequence[Axis]) -> dict[tuple[str, ...], Task]:
    """The task of each combination of values, by their names on the axes of the task, in order.

    `make` takes the values of `activation` and `batch_norm` by name, where there are such axes.
    """
    of_task = [axis for axis in axes if axis.name in OF_TASK]
    tasks = {}
    for values in itertools.product(*(axis.values for axis in of_task)):
        options = {axis.name: value.part for axis, value in zip(of_task, values, strict=True)}
        task = made(make, options)
        tasks[tuple(value.name for value in values)] = task
    return tasks


def made(make: Callable[..., Task], options: Mapping[str, Any]) -> Task:
    """The task of these values, by the names of the axes that make tasks."""
    own = {name: value for name, value in options.items() if name not in ("batch_size", "accumulate", MUP)}
    batch_size, accumulate, base = (options.get(name) for name in ("batch_size", "accumulate", MUP))
    task = make(**own)
    if base is not None:
        task = grown_from(make(**{**own, "hidden": _hidden(task, base)}), task)
    if batch_size is not None:
        task = full_batch(task) if batch_size == "full" else dataclasses.replace(task, batch_size=batch_size)
    return task if accumulate is None else dataclasses.replace(task, accumulate=accumulate)


def _hidden(task: Task, base: int) -> int | list[int]:
    """The option `hidden` of a task that has the base width in every layer."""
    layers = 1 if task.dense is None else len(task.dense.widths) - 2
    return base if layers == 1 else [base] * layers


def grown_from(base: Task, task: Task) -> Task:
    """The task whose initial values and learning rates go with its width from that of `base`: μP."""
    then, now = (jax.tree.leaves(each.parameters) for each in (base, task))
    if len(now) != len(then):
        raise UsageError("error.mup.base", task=task.name, now=len(now), base=len(then))
    return dataclasses.replace(task, growth=growths(task.every_role, now, base.every_role, then))


def full_batch(task: Task) -> Task:
    """The task with all examples in every batch."""
    return dataclasses.replace(task, batch_size=len(jax.tree.leaves(task.train)[0]))


def strategy(parts: Mapping[str, object], averages: Sequence[Averaging] = ()) -> Strategy:
    """The strategy of a cell from the parts of its values, by axis."""
    # Averages are not among them: one training gives them all.
    fields: dict[str, Any] = {
        name: part for name, part in parts.items() if name in OF_PARTS and name != "average"
    }
    replacement = parts.get("sampling") == "with"
    return Strategy(**fields, averages=tuple(averages), replacement=replacement)
