"""What came of a cell: its curves and its ends, read off the rows that the engine wrote."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Parameters
from kobai.engine.columns import Rows
from kobai.engine.parts import End, Parts
from kobai.engine.strategy import Strategy
from kobai.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Reading:
    """What an average of a run's iterates would have given in the place of its iterate."""

    validation_loss: np.ndarray
    validation_metric: np.ndarray
    test_loss: float | None
    test_metric: float | None
    model: "TrainedNetwork | None" = None
    """The network of the average at the end, where the sweep keeps it and the run did not diverge."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What came of a cell. Curves are [evaluations] float arrays, NaN after a divergence."""

    training_loss: np.ndarray
    validation_loss: np.ndarray
    validation_metric: np.ndarray
    diverged_at: int | None
    """The step whose loss or parameters were first not finite: a result, not an error. Where clipping leaves
    batches out, the first evaluation at which they were not."""
    test_loss: float | None
    test_metric: float | None
    seconds: float
    """The processor time that it took, in seconds of one core."""
    stopped_at: int | None = None
    """The step at which early stopping ended it. From there on, and at the last step of any run that could be
    stopped, the curves are those of the restored weights."""
    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    """What the parts of the strategy counted until its end, by name: see `Part.counts`."""
    averages: tuple[Reading, ...] = ()
    """The readings of the strategy's averages, in their order."""
    model: "TrainedNetwork | None" = None
    """The network at the end, where the sweep keeps it and the run did not diverge."""

    @property
    def skipped(self) -> int:
        """How many batches clipping left out because their loss or gradient was not finite."""
        return self.counts["skipped"]


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """A trained network: what the final numbers of its run are measured with.

    Fields:
      parameters: a pytree like the task's `parameters`, its trained arrays NumPy's.
      state: a pytree like the task's `state`, or None.
      memory: what the rule has remembered until there, by the names that it gives it, each like θ or a
        number; empty where it remembers nothing, and of an average.
    """

    parameters: Parameters
    state: PyTree
    memory: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls, task: Task, θ: np.ndarray, state: PyTree, memory: Mapping[str, np.ndarray] | None = None
    ) -> "TrainedNetwork":
        """The network of a task at θ."""
        parameters = task.with_arrays(np.asarray(array) for array in task.arrays(θ))
        return cls(parameters, state, memory or {})


def evaluated_at(steps: int, every: int) -> np.ndarray:
    """The steps at which a run is evaluated: 0, every, 2·every, …, and the last."""
    return np.unique(np.append(np.arange(0, steps, every), steps)).astype(np.int32)


def run_of(
    strategy: Strategy,
    marks: np.ndarray,
    rows: Rows,
    diverged_at: int,
    test: np.ndarray | None,
    seconds: float,
    parts: Parts | None = None,
    end: End | None = None,
    models: Sequence[TrainedNetwork | None] = (),
) -> Run:
    """What came of one cell.

    Args:
      marks: the steps of its evaluations, [evaluations].
      rows: what they left behind.
      diverged_at: the step of its divergence; 0: none.
      test: loss and metric on the test data, and those of each average; None: there are none.
      parts: those of its program; None for a minimizer, which has no strategy.
      end: where a part ended it; None for a minimizer.
      models: the network at its end and those of its averages, where they are kept.
    """
    averages = len(strategy.averages)
    networks = list(models) or [None] * (1 + averages)
    curves = dataclasses.replace(rows, table=rows.table.copy())
    if diverged_at:
        curves.table[marks >= diverged_at] = np.nan
        test, networks = None, [None] * (1 + averages)
    elif parts is not None and end is not None:
        parts.reread(strategy, curves, marks, end)
    stopped_at = int(end.step) if end is not None and not diverged_at else 0
    # Until then and no longer: how far a cell is computed after its end depends on the others beside it.
    last = np.searchsorted(marks, diverged_at or stopped_at or marks[-1])
    tested = [None] * (2 + 2 * averages) if test is None else [float(value) for value in test]
    return Run(
        training_loss=curves.loss_sum / since(marks).astype(curves.table.dtype),
        validation_loss=curves.loss,
        validation_metric=curves.metric,
        diverged_at=diverged_at or None,
        test_loss=tested[0],
        test_metric=tested[1],
        seconds=seconds,
        stopped_at=stopped_at or None,
        # A divergence may end a cell between two evaluations: what was counted is as of the one before.
        counts=Counter({n: int(np.nanmax(rows.count(n)[: last + 1])) for n in rows.columns.counts}),
        averages=tuple(
            Reading(*curves.average(i), tested[2 + 2 * i], tested[3 + 2 * i], networks[1 + i])
            for i in range(averages)
        ),
        model=networks[0],
    )


def since(marks: np.ndarray) -> np.ndarray:
    """How many steps each evaluation looks back on; NaN for the first, before any step."""
    steps = np.full(len(marks), np.nan)
    steps[1:] = marks[1:] - marks[:-1]
    return steps


def lost_at(steps: np.ndarray, rows: Rows, by_loss: np.ndarray) -> np.ndarray:
    """The step at which each cell diverged, [cells]; 0: none did.

    That is the first whose training loss is not finite (`by_loss`), or the first of the evaluations [cells,
    evaluations] at `steps` in which the validation loss is not, or the parameters are not.
    """
    never = np.iinfo(np.int32).max
    lost = ~np.isfinite(rows.loss) | (rows.lost > 0)
    by_row = np.where(lost, np.maximum(steps, 1), never).min(axis=1, initial=never)
    first = np.minimum(np.where(by_loss > 0, by_loss, never), by_row)
    return np.where(first < never, first, 0)


def first_lost(steps: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """The first step at which the loss is not finite, [1]; 0: none."""
    lost = ~np.isfinite(losses)
    return np.array([max(steps[lost.argmax()], 1) if lost.any() else 0])
