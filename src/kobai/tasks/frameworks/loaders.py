"""Datasets and loaders as arrays: read once, in order, and held in memory.

A `Dataset` of PyTorch is read item by item, its `DataLoader` likewise, so that no shuffling remains; whatever
else can be iterated gives its batches. What says that it is too large is refused at once, so is what differs
when it is read twice. What says no length has `MOST_SECONDS` to end, unless `itertools.islice` bounds it.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.errors import UsageError
from kobai.basics.leaf import lineage
from kobai.basics.notices import notice
from kobai.basics.own_code import told
from kobai.networks.network import Inputs, Outputs
from kobai.tasks.frameworks.arrays import array_of, arrays_of

Examples = tuple[Inputs, Outputs]
"""x and y."""

MOST_BYTES = 2**32
"""The most that is held in memory of one part of the data."""

MOST_SECONDS = 30
"""The most that is waited for the end of something that says no length: most likely it never ends."""

PATIENCE = 3
"""Seconds of reading after which a person is told."""

AT_ONCE = 256
"""Items that are put together into one batch."""

READ_TWICE = 16
"""Items that are read twice. Where each differs with a chance of a half, all are alike one time in 65,536."""

LABELS = ("labels", "label", "target", "targets", "y")
"""What a dictionary calls its labels."""


class Items(Protocol):
    """A dataset whose items have numbers."""

    def __getitem__(self, number: int, /) -> object: ...
    def __len__(self) -> int: ...


def is_loader(data: object) -> bool:
    """Whether `data` is a dataset or a loader, or any iterator of batches."""
    kinds = lineage(data)
    torch = any(name.startswith("torch.utils.data.") for name in kinds)
    return torch or kinds[0].startswith("datasets.") or isinstance(data, Iterator)


def read(data: Any, name: str) -> Examples:
    """All examples of a dataset or a loader, in order."""
    kinds = lineage(data)
    collate: Callable[[Sequence[object]], object] | None = None
    if "torch.utils.data.dataloader.DataLoader" in kinds and hasattr(data.dataset, "__len__"):
        collate, data = data.collate_fn, _sampled(data)
    has_items = not isinstance(data, Iterator) and hasattr(data, "__getitem__") and hasattr(data, "__len__")
    if "torch.utils.data.dataset.IterableDataset" in kinds:
        batches: Iterable[object] = _batched(data, name)
    elif has_items:
        batches = _items(data, collate or _collation(data, name), name)
    else:
        batches = data
    length = _length(data, name) if has_items else None
    with told(every=True):
        parts = _read(batches, name, length, is_bounded=has_items or _is_bounded(data))
        if has_items and collate is not None and not _have_one_shape(parts):  # each padded to its longest
            parts = [example(collate([data[i] for i in range(len(data))]), name)]
    if not _have_one_shape(parts):
        raise UsageError("error.of.ragged", name=name)
    joined: PyTree = jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
    return joined


def _sampled(loader: Any) -> Any:
    """The dataset of a loader, or the part of it that its sampler is confined to."""
    if "torch.utils.data.sampler.SubsetRandomSampler" not in lineage(loader.sampler):
        return loader.dataset
    from torch.utils.data import Subset

    return Subset(loader.dataset, sorted(map(int, loader.sampler.indices)))


def _length(data: Items, name: str) -> int:
    """How many items a dataset says that it has. Raises `UsageError` where that is no finite number."""
    try:
        return len(data)
    except (TypeError, ValueError, OverflowError, NotImplementedError) as problem:
        raise UsageError("error.of.length", name=name, problem=problem) from problem


def _is_bounded(batches: Iterable[object]) -> bool:
    """Whether an iterable says how long it is, or is cut to a length."""
    if isinstance(batches, itertools.islice):
        return True
    try:
        return len(batches) >= 0  # type: ignore[arg-type]
    except Exception:  # a loader of a stream has a length only where the stream says one
        return False


def _items(data: Items, collate: Callable[[Sequence[object]], object], name: str) -> Iterator[object]:
    """The items of a dataset in batches, in order."""
    first = range(min(READ_TWICE, len(data)))
    length = len(data)
    once, again = (jax.tree.leaves(example(collate([data[i] for i in first]), name)) for _ in range(2))
    if not all(np.array_equal(a, b) for a, b in zip(once, again, strict=True)):
        raise UsageError("error.of.augmented", name=name)
    size = sum(leaf.nbytes for leaf in once) / max(len(first), 1) * length
    if size > MOST_BYTES:
        values = {"examples": length, "size": f"{size / 2**30:.3g}", "most": f"{MOST_BYTES / 2**30:g}"}
        raise UsageError("error.of.large", name=name, **values)
    for start in range(0, length, AT_ONCE):
        yield collate([data[i] for i in range(start, min(start + AT_ONCE, length))])


def _batched(stream: Iterable[object], name: str) -> Iterator[object]:
    """The items of a dataset without numbers in batches."""
    collate, items = _collation(stream, name), iter(stream)
    while several := list(itertools.islice(items, AT_ONCE)):
        yield collate(several)


def _collation(data: object, name: str) -> Callable[[Sequence[object]], object]:
    """How the items of a dataset become a batch. Raises `UsageError` for items of several shapes."""
    is_of_torch = any(kind.startswith("torch.") for kind in lineage(data))

    def collate(items: Sequence[object]) -> object:
        with told("error.of.collate", every=True, name=name):
            if is_of_torch:
                from torch.utils.data import default_collate

                return default_collate(items)
            return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *items)

    return collate


def _have_one_shape(parts: Sequence[Examples]) -> bool:
    """Whether the examples of all batches have one shape; padded batch by batch they have not."""
    return len({tuple(leaf.shape[1:] for leaf in jax.tree.leaves(part)) for part in parts}) == 1


def _read(batches: Iterable[object], name: str, length: int | None, *, is_bounded: bool) -> list[Examples]:
    """All batches, while they fit; of what is not bounded as many as come in `MOST_SECONDS`."""
    parts: list[Examples] = []
    examples = size = 0
    began, is_told = time.monotonic(), False
    for batch in batches:
        parts.append(example(batch, name))
        leaves = jax.tree.leaves(parts[-1])
        examples += len(leaves[0])
        size += sum(leaf.nbytes for leaf in leaves)
        seconds = time.monotonic() - began
        if seconds > PATIENCE and not is_told:
            values = {"name": name, "examples": examples, "rate": f"{examples / seconds:.3g}"}
            kind = "" if length else ".bounded" if is_bounded else ".endless"
            notice(f"notice.reading{kind}", **values, length=length, seconds=MOST_SECONDS)
            is_told = True
        if size > MOST_BYTES or (seconds > MOST_SECONDS and not is_bounded):
            values = {"examples": examples, "seconds": f"{seconds:.0f}", "size": f"{size / 2**30:.1f}"}
            raise UsageError("error.of.endless", name=name, **values)
    if not parts:
        raise UsageError("error.of.empty", name=name)
    return parts


def example(batch: object, name: str) -> Examples:
    """(x, y) of a batch: the last of several is y, of a dictionary that which is called so."""
    if isinstance(batch, Mapping):
        label = next((key for key in LABELS if key in batch), None)
        if label is not None:
            x = {key: value for key, value in batch.items() if key != label}
            return arrays_of(x, name), array_of(batch[label], f"{name}[{label!r}]")
    elif isinstance(batch, tuple | list) and len(batch) == 2:
        return arrays_of(_several(batch[0]), name), arrays_of(_several(batch[1]), name)
    elif isinstance(batch, tuple | list) and len(batch) > 2:
        *inputs, y = batch
        return arrays_of(tuple(inputs), name), array_of(y, name)
    raise UsageError("error.of.batch", name=name, value=type(batch).__name__)


def _several(value: object) -> object:
    """A list of tensors, as torch collates several arrays, as a tuple; a list of numbers is one array."""
    if isinstance(value, list) and value and hasattr(value[0], "shape"):
        return tuple(value)
    return value
