"""The runs of the engine that a study asks for: as few as give all of its trials, with every seed."""

import dataclasses
from collections.abc import Container, Iterator, Sequence

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
    trials: Sequence[Trial], cells: Sequence[Sequence[str]], seeds: Sequence[int], there: Container[str]
) -> Iterator[SharedRun]:
    """As few runs as give every trial with every seed, but for those that are all there.

    They come seed by seed, so that an early end leaves pairs.

    Args:
      cells: [trials][seeds]: what each trial is with each seed.
      there: those of them that are.
    """
    groups = [(tuple(trials[i] for i in group), [cells[i] for i in group]) for group in together(trials)]
    for i, seed in enumerate(seeds):
        for tried, own in groups:
            names = tuple(each[i] for each in own)
            if not all(name in there for name in names):
                yield SharedRun(tried, seed, names)
