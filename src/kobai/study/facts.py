"""What a report tells of a task: plain values, so that it is told again where the task is no longer there."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kobai.basics.arrays import Data
from kobai.basics.leaf import Leaf, Role
from kobai.networks.network import Convolutional, Dense, Recurrent
from kobai.tasks.parametrization import Growth
from kobai.tasks.provenance import Provenance
from kobai.words import Note, Term, said

CLASSES, NUMBERS = "classes", "numbers"
"""What the labels of a task are: whole numbers, or numbers."""


@dataclasses.dataclass(frozen=True)
class Examples:
    """What the data of a task are: arrays x and y of equal length."""

    inputs: tuple[int, ...]
    """The shape of one x."""
    outputs: int
    """How many classes there are, or how many numbers y has for each x."""
    labels: str
    """What y is: "classes" or "numbers"."""
    is_column: bool = True
    """Whether y has a second axis, where it is numbers."""
    positions: tuple[int, ...] = ()
    """How many y there are for each x along each further axis, where they are classes."""
    whole: int = 0
    """One more than the largest x, where these are whole numbers, such as tokens; 0: they are none."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Examples":
        """What JSON holds of it, whose lists are tuples."""
        shapes = {name: tuple(content[name]) for name in ("inputs", "positions") if name in content}
        return cls(**{**content, **shapes})


@dataclasses.dataclass(frozen=True)
class Facts:
    """A task as its reports tell of it. The fields that `Task` has too mean the same there."""

    name: str
    metric_label: str
    measures_loss: bool
    """Whether the metric is the validation loss itself."""
    maximize: bool
    targets: tuple[float, ...]
    batch_size: int
    random: bool
    has_state: bool
    """Whether the network carries a state beside its parameters: running statistics."""
    provenance: Provenance
    """Where data and network come from, if the data are arrays x and y."""
    parameters: int
    """How many numbers are trained."""
    sizes: Mapping[str, int | None]
    """The examples of each part of the data, by name; None: there is no such part."""
    examples: Examples | None
    dense: Dense | None
    convolutional: Convolutional | None
    baselines: Mapping[str, float] | None
    preparation: Sequence[Note | str]
    cautions: Sequence[Note]
    meaning: Callable[[float], Note | None] | None
    recurrent: Recurrent | None = None
    accumulate: int = 1
    growth: Mapping[str, Growth] = dataclasses.field(default_factory=dict)
    """How each array that is trained has grown from a base width, by its name in tree order (μP)."""

    def written(self, metrics: Sequence[float] = ()) -> dict[str, object]:
        """As plain values; of `meaning` what it says of these metrics."""
        content = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        meanings = [[value, self.meaning(value)] for value in metrics] if self.meaning else None
        content |= {
            name: _plain(content[name])
            for name in ("examples", "dense", "convolutional", "recurrent", "provenance")
        }
        content["growth"] = {name: _plain(each) for name, each in self.growth.items()}
        content["meaning"] = meanings
        return {name: _written(value) for name, value in content.items()}

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Facts":
        """What `written` has written."""
        values = {name: _read(value) for name, value in content.items()}
        values["targets"] = tuple(values["targets"])
        if values["examples"] is not None:
            values["examples"] = Examples.read(values["examples"])
        if values["dense"] is not None:
            values["dense"] = Dense(**{**values["dense"], "widths": tuple(values["dense"]["widths"])})
        if values["convolutional"] is not None:
            values["convolutional"] = Convolutional.read(values["convolutional"])
        if values.get("recurrent") is not None:
            values["recurrent"] = Recurrent(**values["recurrent"])
        values["provenance"] = Provenance(**values["provenance"])
        values["growth"] = {name: Growth.read(each) for name, each in values.get("growth", {}).items()}
        if values["meaning"] is not None:
            values["meaning"] = dict(values["meaning"]).get
        return cls(**values)


def _plain(value: Any) -> object:
    return None if value is None else dataclasses.asdict(value)


def _written(value: object) -> object:
    """A value as JSON has it, with the sentences in it."""
    if isinstance(value, Note):
        return {"note": value.key, "values": {name: _written(each) for name, each in value.values.items()}}
    if isinstance(value, Term):
        return {"term": [value.kind, value.name]}
    if isinstance(value, said):
        return {"said": value.key}
    if isinstance(value, Mapping):
        return {name: _written(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [_written(each) for each in value]}
    if isinstance(value, list):
        return [_written(each) for each in value]
    if hasattr(value, "tolist"):  # a number of NumPy's
        return value.tolist()
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"note", "values"}:
        return Note(value["note"], _read(value["values"]))
    if set(value) == {"term"}:
        return Term(*value["term"])
    if set(value) == {"said"}:
        return said(value["said"])
    if set(value) == {"tuple"}:
        return tuple(_read(each) for each in value["tuple"])
    return {name: _read(each) for name, each in value.items()}


def growth_of(trained: Sequence[Leaf], roles: Sequence[Role], growth: Sequence[Growth]) -> dict[str, Growth]:
    """How each array that is `trained` has grown, by its name; `roles` and `growth` are of all arrays."""
    of_trained = (each for each, role in zip(growth, roles, strict=False) if role.is_trained)
    return {leaf.name: each for leaf, each in zip(trained, of_trained, strict=False)}


def examples_of(data: Data, *, by_position: bool = False) -> Examples | None:
    """What the data are, where they are two arrays, the second with a number or class for each example.

    `by_position`: with classes for several positions of each example, too.
    """
    if not are_arrays(data):
        return None
    x, y = map(np.asarray, data)
    whole = int(x.max()) + 1 if x.dtype.kind in "iu" and x.size else 0
    if y.dtype.kind in "iu" and (y.ndim == 1 or by_position):
        return Examples(x.shape[1:], int(y.max()) + 1, CLASSES, positions=y.shape[1:], whole=whole)
    if (y.dtype.kind == "f" and y.ndim <= 2) or (y.ndim == 2 and y.shape[1] == 1):
        outputs = int(np.prod(y.shape[1:]))
        return Examples(x.shape[1:], outputs, NUMBERS, is_column=y.ndim == 2, whole=whole)
    return None


def are_arrays(data: Data) -> bool:
    """Whether the data are two arrays x and y."""
    if not (isinstance(data, tuple) and len(data) == 2):
        return False
    return all(hasattr(array, "shape") and np.ndim(array) >= 1 for array in data)
