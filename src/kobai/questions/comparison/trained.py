"""The networks of the recommended training: a study keeps curves and no weights, so they are trained again.

A cell gives the same numbers whenever it is trained, bit for bit: that its curve is the study's is checked.
"""

import numpy as np

from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.engine.backends import THREADS
from kobai.engine.run import Reading, Run, TrainedNetwork
from kobai.stabilizers.averaging import Averaging
from kobai.study.outcome import Outcome
from kobai.study.runner import sweep_of
from kobai.study.runs import cell_of
from kobai.study.study import CONFIRMATION


def network(outcome: Outcome, seed: int | None) -> TrainedNetwork:
    """The network at the end of the recommended training.

    Args:
      seed: one of those of the confirmation; None: the first.

    Raises:
      UsageError: for another seed, a training that diverged, and one that is not the study's any more.
    """
    study, trial = outcome.study, outcome.recommended
    seeds = study.confirmation_seeds
    seed = seeds[0] if seed is None else seed
    if seed not in seeds:
        raise UsageError("error.model.seed", value=repr(seed), first=seeds[0], last=seeds[-1])
    sweep = sweep_of(study, study.variants[trial.task], keep_model=True)
    cell = cell_of(trial, seed, study.averages)
    with interruption.checked():
        [run] = THREADS.runs(sweep, [cell])
    average = trial.parts.get("average")
    reading: Run | Reading = run
    if isinstance(average, Averaging):
        reading = run.averages[study.averages.index(average)]
    if reading.model is None:
        raise UsageError("error.model.diverged", seed=seed, step=run.diverged_at)
    # Cells that step together on a device are rounded by how many they are.
    if not sweep.population:
        _check(outcome, seed, reading)
    return reading.model


def _check(outcome: Outcome, seed: int, reading: Run | Reading) -> None:
    """Refuse a training that is another one than that of the study: its data were changed since."""
    cells = outcome.cells_of(outcome.recommended, CONFIRMATION)
    row = cells.row(cells["seed"].to_list().index(seed), named=True)
    for column in ("validation_loss", "validation_metric"):
        curve = np.asarray(getattr(reading, column), np.float32)
        if not np.array_equal(np.asarray(row[column], np.float32), curve, equal_nan=True):
            raise UsageError("error.model.other", seed=seed, value=curve[-1], expected=row[column][-1])


def model(outcome: Outcome, seed: int | None) -> object:
    """The trained network as its framework has it; where there is none its parameters, and its state."""
    trained, task = network(outcome, seed), outcome.study.variants[outcome.recommended.task]
    if task.model is not None:
        return task.model(trained.parameters, trained.state)
    return trained.parameters if trained.state is None else (trained.parameters, trained.state)
