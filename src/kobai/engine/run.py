"""What came of a cell: its curves and its ends, read off the rows that the engine wrote."""

import dataclasses

import numpy as np

from kobai.engine.program import LOSS, LOSS_SUM, LOST, METRIC
from kobai.engine.strategy import Strategy, Told
from kobai.stabilizers.clipping import Clip


@dataclasses.dataclass(frozen=True)
class Reading:
    """What an average of a run's iterates would have given in the place of its iterate."""

    validation_loss: np.ndarray
    validation_metric: np.ndarray
    test_loss: float | None
    test_metric: float | None


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
    """Of one core."""
    stopped_at: int | None = None
    """The step at which early stopping ended it. From there on, and at the last step of any run that could be
    stopped, the curves are those of the restored weights."""
    skipped: int = 0
    """Batches that clipping left out because their loss or gradient was not finite."""
    averages: tuple[Reading, ...] = ()
    """Of the strategy's averages, in their order."""


def evaluated_at(steps: int, every: int) -> np.ndarray:
    """The steps at which a run is evaluated: 0, every, 2·every, …, and the last."""
    return np.unique(np.append(np.arange(0, steps, every), steps)).astype(np.int32)


def collected(
    strategy: Strategy,
    marks: np.ndarray,
    table: np.ndarray,
    diverged_at: int,
    tested: np.ndarray | None,
    seconds: float,
    told: Told | None = None,
) -> Run:
    """What came of one cell.

    Args:
      marks: the steps of its evaluations, [evaluations].
      table: its rows, [evaluations, columns].
      diverged_at: the step of its divergence; 0: none.
      tested: loss and metric on the test data, and of each average; None: there are none.
      told: what early stopping did; None for a minimizer, which has no strategy.
    """
    curves = table.copy()
    if diverged_at:
        curves[marks >= diverged_at] = np.nan
    elif strategy.early_stopping is not None and told is not None:
        _restore(curves, marks, told)
    stopped_at = told.stopped_at if told is not None and not diverged_at else 0
    number = float if tested is not None and not diverged_at else lambda _: None
    tested = np.full(table.shape[1], np.nan) if tested is None else tested
    return Run(
        training_loss=curves[:, LOSS_SUM] / since(marks).astype(table.dtype),
        validation_loss=curves[:, LOSS],
        validation_metric=curves[:, METRIC],
        diverged_at=diverged_at or None,
        test_loss=number(tested[0]),
        test_metric=number(tested[1]),
        seconds=seconds,
        stopped_at=stopped_at or None,
        skipped=_skipped(strategy, marks, table, diverged_at or stopped_at or marks[-1]),
        averages=tuple(
            Reading(curves[:, i], curves[:, i + 1], number(tested[i - 2]), number(tested[i - 1]))
            for i in range(LOST + 1, LOST + 1 + 2 * len(strategy.averages), 2)
        ),
    )


def _skipped(strategy: Strategy, marks: np.ndarray, table: np.ndarray, end: int) -> int:
    """How many gradients were left out until the evaluation at or after step `end`.

    Until then and no longer: how far a cell is computed after its end depends on the others beside it.
    """
    return 0 if strategy.clip == Clip() else int(table[np.searchsorted(marks, end), -1])


def _restore(curves: np.ndarray, marks: np.ndarray, told: Told) -> None:
    """After an early stop, and at the last step: the restored weights, and the averages of the stop."""
    last = int(np.searchsorted(marks, told.stopped_at or marks[-1]))
    if told.stopped_at:
        curves[last + 1 :] = curves[last]
        curves[last + 1 :, LOSS_SUM] = np.nan
    best = curves[: last + 1][curves[: last + 1, LOSS] == told.best]
    curves[last:, [LOSS, METRIC]] = best[0, [LOSS, METRIC]]


def since(marks: np.ndarray) -> np.ndarray:
    """How many steps each evaluation looks back on; NaN for the first, before any step."""
    return np.append(np.nan, np.diff(marks))


def lost_at(steps: np.ndarray, rows: np.ndarray, by_loss: np.ndarray) -> np.ndarray:
    """The step at which each cell diverged, [cells]; 0: none did.

    That is the first whose training loss is not finite (`by_loss`), or the first of the evaluations [cells,
    evaluations, columns] at `steps` in which the validation loss is not, or the parameters are not.
    """
    never = np.iinfo(np.int32).max
    lost = ~np.isfinite(rows[:, :, LOSS]) | (rows[:, :, LOST] > 0)
    by_row = np.where(lost, np.maximum(steps, 1), never).min(axis=1, initial=never)
    first = np.minimum(np.where(by_loss > 0, by_loss, never), by_row)
    return np.where(first < never, first, 0)


def first_lost(steps: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """The first step at which the loss is not finite, [1]; 0: none."""
    lost = ~np.isfinite(losses)
    return np.array([max(steps[lost.argmax()], 1) if lost.any() else 0])
