"""The runner on another backend: cells that were written down and read back give the same study."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.candidates.grid import candidates
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.study import protocol
from kobai.study.axes import axes
from kobai.study.runner import Runner
from kobai.study.study import Study

pytestmark = pytest.mark.usefixtures("quick_engine")
X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], np.float32) + 0.1)[:, None]


class Quiet:
    def phase(self, name, total): ...

    def advance(self, cells): ...


def line():
    """A linear fit: it costs nothing, and compiles in no time."""
    return kobai.Task(
        parameters={"w": np.zeros((3, 1), np.float32), "b": np.zeros(1, np.float32)},
        loss=lambda p, batch: jnp.mean((batch[0] @ p["w"] + p["b"] - batch[1]) ** 2),
        train=(X, Y),
        validation=(X[:8], Y[:8]),
        batch_size=4,
        target=0.1,
    )


class Elsewhere:
    """A backend that stands for another process: strict JSON is all that gets there."""

    sent = 0

    def run(self, sweep, cells):
        letters = [json.dumps(cell.spelling(), allow_nan=False) for cell in cells]
        Elsewhere.sent += len(letters)
        yield from THREADS.run(sweep, [Cell.of(json.loads(letter)) for letter in letters])


def test_a_study_on_another_backend_has_the_same_frames():
    study = Study(
        task=line(),
        candidates=candidates([kobai.SGD([0.05, 0.1])]),
        initializers=[initial_values.he(), initial_values.normal(0.3)],
        axes=axes(
            {"clip": ["none", "norm:1"], "schedule": "warm-up:3+cosine", "average": ["none", "polyak:4"]}
        ),
        steps=20,
        evaluate_every=5,
    )
    here, there = Runner(study, Quiet(), None), Runner(study, Quiet(), None, Elsewhere())
    for runner in (here, there):
        runner.run("tuning", study.trials(), [0, 1])
    assert Elsewhere.sent == len(study.trials()) * 2 / 2  # averages cost no training
    ours, theirs = (runner.frame().drop("seconds") for runner in (here, there))
    assert len(ours) == len(study.trials()) * 2
    assert ours.equals(theirs, null_equal=True)


def test_the_protocol_runs_on_the_backend_that_it_is_given():
    """All of its phases: the frames of the whole study, and what it chose."""
    study = Study(
        task=line(),
        candidates=candidates([kobai.SGD([0.05, 0.1])]),
        initializers=[initial_values.he()],
        steps=20,
        evaluate_every=5,
        tuning_seeds=1,
        seeds=2,
    )
    Elsewhere.sent = 0
    ours, theirs = protocol.run(study, Quiet()), protocol.run(study, Quiet(), backend=Elsewhere())
    assert Elsewhere.sent == len(theirs.cells) > 0
    assert ours.cells.drop("seconds").equals(theirs.cells.drop("seconds"), null_equal=True)
    assert ours.recommended.variant == theirs.recommended.variant
