"""Pairs of tasks, of which the first may help with the second: the built-in ones for `kobai.transfer`.

They differ in what the source has to do with the target.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from kobai.basics.errors import UsageError
from kobai.networks import mlp
from kobai.networks.network import widths
from kobai.tasks.digits import parts
from kobai.tasks.of_network import classification
from kobai.tasks.task import Task

Data = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A source, whose weights are to be reused, and a target of the same network.

    Fields:
      source, target: tasks whose parameters are the same tree; arrays outside the head have equal shapes.
      head: the first part of the path of every array of the head ("2", "output"), which is made new in a
        transfer. Default: the last layer of a list, the entry "output" of a dict. It may have other shapes in
        the target (other classes); then every protocol makes it new.
    """

    source: Task
    target: Task
    head: str | None = None

    def heads(self) -> list[bool]:
        """Whether each trained array belongs to the head. Raises `UsageError` where the two do not fit."""
        leaves = [_trained(task) for task in (self.source, self.target)]
        for task in (self.source, self.target):
            if task.state is not None or task.random:
                raise UsageError("error.transfer.state", task=task.name)
        if [path for path, _ in leaves[0]] != [path for path, _ in leaves[1]]:
            raise UsageError("error.transfer.trees", source=self.source.name, target=self.target.name)
        head = self.head or ("output" if isinstance(self.target.parameters, dict) else leaves[1][-1][0][0])
        flags = [path[0] == head for path, _ in leaves[1]]
        if not any(flags) or all(flags):
            paths = ", ".join(dict.fromkeys(path[0] for path, _ in leaves[1]))
            raise UsageError("error.transfer.head", value=head, known=paths)
        for flag, (path, source), (_, target) in zip(flags, *leaves, strict=True):
            if not flag and source != target:
                raise UsageError("error.transfer.shapes", path=".".join(path), source=source, target=target)
        return flags

    def keeps_head(self) -> bool:
        """Whether the head of the source fits the target: whether its arrays have equal shapes."""
        return [shape for _, shape in _trained(self.source)] == [shape for _, shape in _trained(self.target)]


def _trained(task: Task) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """(path, shape) of every trained array."""
    return [(place.path, place.shape) for place in task.places]


def halves(hidden: int | Sequence[int] = (100, 50)) -> Pair:
    """The digits 0 … 4, then 5 … 9: other classes, made of the same strokes."""
    first = _of_classes(parts(), range(5))
    second = _of_classes(parts(), range(5, 10))
    return Pair(_task("digits 0–4", first, 5, hidden), _task("digits 5–9", second, 5, hidden))


def moved(hidden: int | Sequence[int] = (100, 50)) -> Pair:
    """The digits as they are, then shifted and rotated ones: the same classes, a harder task."""
    random = np.random.RandomState(47)
    harder = {name: (_moved(x, random), y) for name, (x, y) in parts().items()}
    return Pair(_task("digits", parts(), 10, hidden), _task("moved digits", harder, 10, hidden))


def unrelated(hidden: int | Sequence[int] = (100, 50)) -> Pair:
    """Noise with labels drawn at random, then the digits: nothing of the source can be of use."""
    random = np.random.RandomState(53)
    noise = {
        name: (
            random.uniform(size=x.shape).astype(np.float32),
            random.randint(0, 10, len(y)).astype(np.int32),
        )
        for name, (x, y) in parts().items()
    }
    return Pair(_task("noise", noise, 10, hidden), _task("digits", parts(), 10, hidden))


def _task(name: str, data: Data, classes: int, hidden: int | Sequence[int]) -> Task:
    network = mlp.network((64, *widths(hidden), classes), "relu")
    return classification(network, name=name, classes=classes, batch_size=32, **data)


def _of_classes(data: Data, classes: range) -> Data:
    """The examples of these classes, counted from 0."""
    parts: dict[str, Any] = {}
    for name, (x, y) in data.items():
        among = np.isin(y, list(classes))
        parts[name] = x[among], y[among] - classes.start
    return parts


def _moved(images: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Each image [64] turned by up to 30° and shifted by up to one pixel each way, interpolated linearly."""
    from scipy.ndimage import affine_transform

    moved = []
    for image in images:
        angle = random.uniform(-np.pi / 6, np.pi / 6)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([3.5, 3.5])
        offset = middle - turn @ middle + random.uniform(-1, 1, 2)
        moved.append(affine_transform(image.reshape(8, 8), turn, offset, order=1).ravel())
    return np.array(moved, np.float32)
