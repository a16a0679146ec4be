"""Data in any form as the three parts of a task, each a pair (x, y).

    (x, y)                        arrays of NumPy, JAX, PyTorch, pandas, polars; one, a tuple, a dictionary
    {"input": x, "labels": y}     arrays by name, of which one is called the labels
    a Dataset, a DataLoader       read once, in order (`loaders`)
    (train, validation, test)     each of these; test may be None
    (train, validation)           two datasets or loaders, without a test
    {"train": …, "validation": …} the parts by name; "test" may be there or not

A pair is cut into parts at random by a seed, with each class in proportion.
"""

import dataclasses
from collections.abc import Mapping
from typing import TypeAlias, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array
from kobai.basics.checks import is_number, is_whole
from kobai.basics.errors import UsageError
from kobai.networks.network import Inputs, Outputs
from kobai.tasks.frameworks import loaders
from kobai.tasks.frameworks.arrays import array_of, arrays_of

Examples: TypeAlias = loaders.Examples
"""x and y."""

Data: TypeAlias = object
"""A pair (x, y), a dataset, a loader, or three of them: their libraries have no type in common."""


VALIDATION = ("validation", "valid", "val")
"""What a dictionary of parts calls the second."""


@dataclasses.dataclass(frozen=True)
class Parts:
    """The three parts of some data.

    Fields:
      is_split: whether they were cut at random from one.
    """

    train: Examples
    validation: Examples
    test: Examples | None
    is_split: bool

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many examples each has."""
        train, validation, test = (
            0 if part is None else length(part) for part in (self.train, self.validation, self.test)
        )
        return train, validation, test


def parts(data: Data, validation: float, test: float, seed: int) -> Parts:
    """The parts of `data`, which are given or cut from one pair.

    Args:
      validation, test: how much of a pair they are, each a part of 1.
      seed: of the cut.
    """
    _refuse_items(data, "data")
    several = _several(data)
    if several is None:
        return split(examples(data, "data"), validation, test, seed)
    train, validated, tested = several
    return Parts(
        examples(train, "train"),
        examples(validated, "validation"),
        None if tested is None else examples(tested, "test"),
        is_split=False,
    )


def _several(data: Data) -> tuple[Data, Data, Data | None] | None:
    """The parts for training, validation and the test, where there are parts; the test may be None."""
    if isinstance(data, Mapping):
        validation = next((name for name in VALIDATION if name in data), None)
        is_named = validation is not None and set(data) - {validation, "test"} == {"train"}
        return (data["train"], data[validation], data.get("test")) if is_named else None
    if isinstance(data, tuple | list):
        if len(data) == 3:
            train, validated, tested = data
            return train, validated, tested
        if len(data) == 2 and all(loaders.is_loader(part) for part in data):
            return data[0], data[1], None
    return None


def examples(data: Data, name: str) -> Examples:
    """One part as (x, y), in NumPy's arrays of one length."""
    _refuse_items(data, name)
    if loaders.is_loader(data):
        pair = loaders.read(data, name)
    elif isinstance(data, tuple | list) and len(data) == 2:
        x, y = data
        pair = arrays_of(x, f"x of {name}"), _labels(y, f"y of {name}")
    elif isinstance(data, Mapping):
        pair = loaders.example(data, name)
    else:
        raise UsageError("error.of.data", value=type(data).__name__)
    if any(leaf.dtype.kind in "US" for leaf in jax.tree.leaves(pair[0])):
        raise UsageError("error.of.text", name=name)
    lengths = sorted({len(array) for array in jax.tree.leaves(pair)})
    if len(lengths) != 1 or lengths[0] < 1:
        raise UsageError("error.of.lengths", name=name, lengths=lengths)
    return pair


def _refuse_items(data: Data, name: str) -> None:
    """Refuse a list of pairs, each a single example, with what makes arrays of it."""
    if not isinstance(data, list) or not data:
        return
    if not all(isinstance(item, tuple | list) and len(item) == 2 for item in data):
        return
    y = data[0][1]
    is_single = not hasattr(y, "__len__") or isinstance(y, str) or getattr(y, "ndim", 1) == 0
    if is_single and any(hasattr(item[0], "__len__") for item in data) or len(data) > MOST_PARTS:
        raise UsageError("error.of.items", name=name, count=len(data))


MOST_PARTS = 3
"""A list of more pairs than these holds examples, and not parts."""


def _labels(y: object, name: str) -> Outputs:
    """The labels, of which one column is as good as none; several stay several."""
    if isinstance(y, tuple | Mapping):
        return arrays_of(y, name)
    labels = array_of(y, name)
    is_column = labels.ndim == 2 and labels.shape[1] == 1 and labels.dtype.kind in "biuUS"
    return labels[:, 0] if is_column else labels


def length(part: Examples) -> int:
    """How many examples a part has."""
    return len(jax.tree.leaves(part)[0])


def rows(part: Examples, which: np.ndarray | slice) -> Examples:
    """Some examples of a part."""
    chosen: Examples = jax.tree.map(lambda array: array[which], part)
    return chosen


def split(pair: Examples, validation: float, test: float, seed: int) -> Parts:
    """A pair cut into three at random, each class in proportion where there are several examples of it."""
    for name, value in (("validation", validation), ("test", test)):
        if not is_number(value) or not 0 <= value < 1 or (name == "validation" and value == 0):
            raise UsageError("error.of.fraction", name=name, value=value)
    if validation + test >= 1:
        raise UsageError("error.of.fractions", value=validation + test)
    if not is_whole(seed) or seed < 0:
        raise UsageError("error.seed", value=seed)
    y, examples = pair[1], length(pair)
    order = np.random.default_rng(seed).permutation(examples)
    places = _places(y[order]) if is_classes(y) else np.arange(examples)
    ranked = order[np.argsort(places, kind="stable")]
    n_test, n_validation = round(test * examples), round(validation * examples)
    cut = np.split(ranked, [n_test, n_test + n_validation])
    tested, validated, trained = (rows(pair, np.sort(part)) for part in cut)
    if min(length(validated), length(trained)) < 1 or (test and length(tested) < 1):
        raise UsageError("error.of.few", examples=examples)
    return Parts(trained, validated, tested if test else None, is_split=True)


def _places(y: Array) -> np.ndarray:
    """Where each example stands in its class, between 0 and 1: a part of all is that part of each class."""
    _, classes, counts = np.unique(y, return_inverse=True, return_counts=True)
    by_class = np.argsort(classes, kind="stable")
    ranks = np.empty(len(y))
    ranks[by_class] = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    places: np.ndarray = (ranks + 0.5) / counts[classes]
    return places


def is_classes(y: Outputs) -> TypeGuard[Array]:
    """Whether labels are classes: text, truth values, or whole numbers, one an example."""
    return hasattr(y, "dtype") and y.ndim == 1 and y.dtype.kind in "biuUS"


def inputs(part: Examples, count: int) -> Inputs:
    """x of the first examples, as JAX has it."""

    def canonical(array: Array) -> Array:
        return jnp.asarray(array[:count])

    x: Inputs = jax.tree.map(canonical, part[0])
    return x
