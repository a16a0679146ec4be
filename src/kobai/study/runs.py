"""The runs of the engine that a study asks for: as few as give all of its trials, with every seed."""

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Sequence

from kobai.engine.cell import Cell
from kobai.stabilizers.averaging import Averaging
from kobai.study.axes import strategy
from kobai.study.study import Trial


@dataclasses.dataclass(frozen=True, slots=True)
class SharedRun:
    """One run of the engine: a seed, and the trials that it answers. They differ in their average alone."""

    trials: tuple[Trial, ...]
    seed: int
    names: tuple[str, ...] = ()
    """What each trial is with this seed."""


def cell_of(trial: Trial, seed: int, averages: Sequence[Averaging] | None = None) -> Cell:
    """The cell of a trial; with its own average alone, if no others are said."""
    if averages is None:
        own = trial.parts.get("average")
        averages = [own] if isinstance(own, Averaging) else []
    return Cell(trial.variant, trial.initializer, seed, strategy(trial.parts, averages))


def together(trials: Sequence[Trial]) -> list[list[int]]:
    """The positions of the trials that one training answers: those that differ in their average alone."""
    groups: dict[tuple, list[int]] = {}
    for i, trial in enumerate(trials):
        key = tuple(name for column, name in trial.named.items() if column != "average")
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def missing(
    trials: Sequence[Trial], cells: Sequence[Sequence[str]], seeds: Sequence[int], there: Collection[str]
) -> Iterator[SharedRun]:
    """As few runs as give every trial with every seed, but for those that are all there.

    They come seed by seed, so that an early end leaves pairs.

    Args:
      cells: [trials][seeds]: what each trial is with each seed.
      there: those of them that are.
    """
    absent = set(itertools.chain(*cells)).difference(there)
    if not absent:
        return
    groups = [(tuple(trials[i] for i in group), [cells[i] for i in group]) for group in together(trials)]
    for i, seed in enumerate(seeds):
        for tried, own in groups:
            names = tuple(each[i] for each in own)
            if not absent.isdisjoint(names):
                yield SharedRun(tried, seed, names)


def count_missing(
    trials: Sequence[Trial], cells: Sequence[Sequence[str]], seeds: Sequence[int], there: Collection[str]
) -> int:
    """How many runs `missing` gives."""
    if there and not set(itertools.chain(*cells)).isdisjoint(there):
        return sum(1 for _ in missing(trials, cells, seeds, there))
    return len(together(trials)) * len(seeds)
