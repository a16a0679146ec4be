"""A study as plain values: what the folder keeps of it, so that its answer can be told without its task.

Methods, initial values and parts are kept by their spellings (`kobai.engine.spelling`). What is a user's own
has none: of that its name and numbers are kept, and an object that bears them stands in its place.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kobai import initializers
from kobai.basics.errors import UsageError
from kobai.candidates.grid import Candidate
from kobai.candidates.named import Method
from kobai.candidates.values import as_json, hyperparameters_of, rate_is_factor
from kobai.engine.spelling import read_method, read_strategy, spell_initializer, spell_method, spell_strategy
from kobai.initializers import Initializer
from kobai.optimizers.from_optax import FromOptax
from kobai.schedules import Schedule
from kobai.stabilizers.averaging import Averaging
from kobai.study.allowance import Allowance
from kobai.study.axes import OF_PARTS, Axis, AxisValue, strategy
from kobai.study.facts import Facts
from kobai.study.study import Study, facts_of

NUMBERS = ("steps", "in_epochs", "evaluate_every", "seeds", "tuning_seeds", "by", "within", "every")
"""The fields of a study that are plain."""

UNREADABLE = (UsageError, ImportError, AttributeError, LookupError, TypeError, ValueError)
"""What reading may raise where the spelling is of another version, or a library is missing."""


@dataclasses.dataclass(frozen=True)
class OwnMethod(FromOptax):
    """A method of the user's own, by its name and numbers; it trains nothing."""

    of_factor: bool = False

    @property
    def rate_is_factor(self) -> bool:  # type: ignore[override]
        """As the method said."""
        return self.of_factor


@dataclasses.dataclass(frozen=True)
class OwnPart:
    """A part of a strategy of the user's own, by its name."""

    name: str


def written(study: Study, metrics: Sequence[float] = ()) -> dict[str, Any]:
    """All that a report tells of a study, as JSON has it; of some test metrics what they mean, too."""
    told = study.told or {names: facts_of(task) for names, task in study.variants.items()}
    return {
        "candidates": [
            {"name": each.name, "variants": [_method(variant) for variant in each.variants]}
            for each in study.candidates
        ],
        "initializers": [_initializer(each) for each in study.initializers],
        "axes": [
            {"name": axis.name, "values": [_value(value) for value in axis.values]} for axis in study.axes
        ],
        **{name: getattr(study, name) for name in NUMBERS},
        "budget": study.allowance and study.allowance.seconds,
        "tasks": [{"values": list(names), "facts": facts.written(metrics)} for names, facts in told.items()],
    }


def read(content: Mapping[str, Any]) -> Study:
    """The study that was written so; it can be told and not trained."""
    return Study(
        task=None,
        candidates=[
            Candidate(each["name"], tuple(map(_read_method, each["variants"])))
            for each in content["candidates"]
        ],
        initializers=[_read_initializer(each) for each in content["initializers"]],
        axes=tuple(
            Axis(axis["name"], tuple(_read_value(axis["name"], value) for value in axis["values"]))
            for axis in content["axes"]
        ),
        allowance=Allowance(content["budget"]) if content.get("budget") else None,
        told={tuple(each["values"]): Facts.read(each["facts"]) for each in content["tasks"]},
        **{name: content[name] for name in NUMBERS if name in content},
    )


def _tried(make: Callable[[], Any]) -> Any:
    """What is made, or None where it cannot be."""
    try:
        return make()
    except UNREADABLE:
        return None


def _method(method: Method) -> dict[str, Any]:
    return {
        "spelling": _tried(lambda: spell_method(method)),
        "name": getattr(method, "name", type(method).__name__),
        "hyperparameters": hyperparameters_of(method),
        "rate_is_factor": rate_is_factor(method),
    }


def _read_method(content: Mapping[str, Any]) -> Method:
    if content["spelling"] is not None:
        method = _tried(lambda: read_method(content["spelling"]))
        if method is not None and as_json(hyperparameters_of(method)) == as_json(content["hyperparameters"]):
            return method
    return OwnMethod(_absent, content["hyperparameters"], (), of_factor=content["rate_is_factor"])


def _initializer(initializer: Initializer) -> dict[str, Any]:
    return {"name": initializer.name, "own": _tried(lambda: spell_initializer(initializer)) is None}


def _read_initializer(content: Mapping[str, Any]) -> Initializer:
    if content["own"]:
        return Initializer(content["name"], _absent, _absent)
    return initializers.parse(content["name"])


def _value(value: AxisValue) -> dict[str, Any]:
    """A value of an axis: how the strategy that has it is spelled; of the task, what was written."""
    if value.axis not in OF_PARTS:
        plain = isinstance(value.part, str | int | float | bool | type(None))
        return {"name": value.name, "part": value.part if plain else value.name}
    averages = [value.part] if isinstance(value.part, Averaging) else []
    spelled = _tried(lambda: spell_strategy(strategy({value.axis: value.part}, averages)))
    return {"name": value.name, "none": value.part is None, "strategy": spelled}


def _read_value(axis: str, content: Mapping[str, Any]) -> AxisValue:
    if axis not in OF_PARTS:
        return AxisValue(axis, content["name"], content["part"])
    return AxisValue(axis, content["name"], None if content["none"] else _read_part(axis, content))


def _read_part(axis: str, content: Mapping[str, Any]) -> object:
    if content["strategy"] is not None:
        whole = _tried(lambda: read_strategy(content["strategy"]))
        if whole is not None:
            return next(iter(whole.averages), None) if axis == "average" else getattr(whole, axis)
    own = {"average": lambda name: Averaging(name, _absent), "schedule": lambda name: Schedule(name, _absent)}
    return own.get(axis, OwnPart)(content["name"])


def _absent(*_: object) -> Any:
    """Whatever was a function of the user's own."""
    raise UsageError("error.study.told")
