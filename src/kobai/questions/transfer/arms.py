"""What is trained for a transfer: the arms, a learning rate for each of them, their runs, paired by seed."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array
from kobai.basics.registry import PROTOCOLS
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep
from kobai.engine.training import Watch
from kobai.initializers import Initializer
from kobai.optimizers.adam import Adam
from kobai.optimizers.base import Optimizer
from kobai.questions.transfer.rows import AGAINST, LONGER, SCRATCH, Arm, ProtocolRow, interval
from kobai.questions.transfer.weights import ArrayRates, ReusedValues
from kobai.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Budget:
    """What the arms of a transfer depend on.

    Fields:
      steps: on the target.
      source_steps: on the source.
      slow: the factor of the features' learning rate in a transfer; 0 freezes them.
      head_fits: whether the head of the source has the shape of the target's; one that does not is new.
    """

    steps: int
    source_steps: int
    slow: float = 0.0
    head_fits: bool = True


def pretraining(budget: Budget) -> Arm:
    """All weights start from the source, which is paid for: compared with as many steps from scratch."""
    return Arm(True, budget.head_fits, 1.0, budget.steps, budget.source_steps, AGAINST["pretraining"])


def fine_tuning(budget: Budget) -> Arm:
    """All weights start from a source that is there already."""
    return Arm(True, budget.head_fits, 1.0, budget.steps, 0, AGAINST["fine-tuning"])


def transfer(budget: Budget) -> Arm:
    """The features of a source that is there already are frozen or slowed, under a new head."""
    return Arm(True, False, budget.slow, budget.steps, 0, AGAINST["transfer"])


def arms(protocols: Sequence[str], budget: Budget) -> dict[str, Arm]:
    """The arms of these protocols, and of the trainings from scratch that they are compared with."""
    every = {
        SCRATCH: Arm(False, False, 1.0, budget.steps, 0, None),
        LONGER: Arm(False, False, 1.0, budget.steps + budget.source_steps, 0, None),
        **{name: entry.load()(budget) for name, entry in PROTOCOLS.items()},
    }
    names = {every[name].against for name in protocols} | set(protocols)
    return {name: arm for name, arm in every.items() if name in names}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What all amounts have in common."""

    target: Task
    heads: Sequence[bool]
    fresh: Initializer
    sources: Mapping[int, Sequence[Array]]
    """The trained arrays of the source, by seed."""
    arms: Mapping[str, Arm]
    rule: Optimizer = Adam()
    advance: Callable[[int], None] = lambda runs: None  # noqa: ARG005
    """Is told how many runs have ended."""
    watch: Watch | None = None
    """Is told of each block."""

    def rows(
        self, amount: int, rates: Sequence[float], tuning: Sequence[int], confirmation: Sequence[int]
    ) -> list[ProtocolRow]:
        """Every protocol with the first `amount` examples: tuned on some seeds, compared on others."""
        task = dataclasses.replace(self.target, train=_first(self.target.train, amount))
        trials = self.run(task, dict.fromkeys(self.arms, rates), tuning)
        best = {name: best_rate(trials[name], task.maximize) for name in self.arms}
        runs = self.run(task, {name: [rate] for name, rate in best.items()}, confirmation)

        def confirmed(name: str) -> tuple[Arm, float, list[Run]]:
            return self.arms[name], best[name], runs[name][best[name]]

        return [
            ProtocolRow.of(
                name,
                amount,
                task,
                confirmed(name),
                confirmed(arm.against),
                tuning_of_baseline=trials[arm.against][best[arm.against]],
            )
            for name, arm in self.arms.items()
            if arm.against
        ]

    def run(
        self, task: Task, rates: Mapping[str, Sequence[float]], seeds: Sequence[int]
    ) -> dict[str, dict[float, list[Run]]]:
        """The runs of every arm with each of its rates, by arm and rate, one for each seed."""
        runs: dict[str, dict[float, list[Run]]] = {}
        for steps in {arm.steps for arm in self.arms.values()}:
            cases = [
                (name, rate, seed)
                for name, arm in self.arms.items()
                if arm.steps == steps
                for rate in rates[name]
                for seed in seeds
            ]
            cells = [self._cell(self.arms[name], rate, seed) for name, rate, seed in cases]
            for (name, rate, _), run in zip(
                cases, runs_of(task, cells, steps, self.advance, self.watch), strict=True
            ):
                runs.setdefault(name, {}).setdefault(rate, []).append(run)
        return runs

    def _cell(self, arm: Arm, rate: float, seed: int) -> Cell:
        arrays = [
            array if (arm.head_kept if head else arm.features_kept) else None
            for array, head in zip(self.sources[seed], self.heads, strict=True)
        ]
        factors = tuple(1.0 if head else arm.slow for head in self.heads)
        start: Any = ReusedValues("reused", self.fresh, arrays)
        return Cell(ArrayRates(with_rate(self.rule, rate), factors), start, seed)


def with_rate(rule: Optimizer, rate: float) -> Optimizer:
    """The rule with another learning rate."""
    return dataclasses.replace(rule, learning_rate=rate)  # type: ignore[call-arg]


def runs_of(
    task: Task,
    cells: Sequence[Cell],
    steps: int,
    advance: Callable[[int], None],
    watch: Watch | None = None,
) -> list[Run]:
    """The run of each cell; all have one rule."""
    sweep = Sweep(task, [cells[0].optimizer], steps=steps, evaluate_every=interval(steps))
    sweep.pace.watch = watch
    return THREADS.runs(sweep, cells, advance)


def best_rate(trials: Mapping[float, Sequence[Run]], maximize: bool) -> float:
    """The rate with the best final validation metric, on average; one that diverges is the last choice."""

    def score(rate: float) -> float:
        final = np.mean([run.validation_metric[-1] for run in trials[rate]])
        return -math.inf if np.isnan(final) else final if maximize else -final

    return max(trials, key=score)


def _first(data: PyTree, amount: int) -> PyTree:
    """The first `amount` examples, again and again: equal shapes for every amount are one program."""
    return jax.tree.map(lambda array: array[np.resize(np.arange(amount), len(array))], data)
