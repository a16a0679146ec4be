"""A study: when a run arrived."""

import numpy as np
import polars as pl

from kobai import initializers as initial_values
from kobai.candidates.grid import candidates
from kobai.study.study import Study
from studies import blob_task


def test_a_metric_that_is_exactly_the_target_meets_it():
    study = Study(
        task=blob_task(), candidates=candidates(["sgd"]), initializers=[initial_values.he()], steps=10
    )
    for target in (0.9, 0.95, 0.1, 1 / 3):
        cells = pl.DataFrame(
            {"validation_metric": [[0.0, np.float32(target)]], "diverged_at": [None]},
            schema={"validation_metric": pl.List(pl.Float32), "diverged_at": pl.Int64},
        )
        assert study.times(cells, target).tolist() == [10]
