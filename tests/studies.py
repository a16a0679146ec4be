"""Studies on a stand-in for the engine, whose cells arrive when a function says so."""

import math
from types import SimpleNamespace

import numpy as np

import kobai
from arrivals import Quiet
from kobai import initializers as initial_values
from kobai.candidates.grid import candidates
from kobai.engine.run import Run, evaluated_at
from kobai.study import protocol, runner
from kobai.study.study import Study


def arrival_engine(arrivals):
    """A stand-in for Sweep whose cells reach accuracy 1 at arrivals(cell), or diverge where it gives None."""

    class Engine:
        chunk, threads = 4, 1
        pace = SimpleNamespace()

        def __init__(self, task, settings, *, steps, evaluate_every, threads=None, strategies=(), **_):
            self.rows = evaluated_at(steps, evaluate_every)
            self.has_test = task.test is not None

        def memory(self, optimizer):
            return len(optimizer.memories)

        def compile(self): ...

        def chunks(self, cells):
            every = range(len(cells))
            return [list(every[i : i + self.chunk]) for i in every[:: self.chunk]]

        def train(self, cells, leave):  # noqa: ARG002
            return [self._run(cell) for cell in cells]

        def _run(self, cell):
            arrival = arrivals(cell)
            if arrival is None:
                lost = np.where(self.rows > 20, np.nan, 0.1)
                return Run(lost, lost, lost, diverged_at=21, test_loss=None, test_metric=None, seconds=0.5)
            metric = (self.rows >= arrival).astype(float)
            return Run(1 - metric, 1 - metric, metric, None, 0.1, float(metric[-1]), seconds=0.5)

    return Engine


def blob_task(batch_size=4, **changes):
    x, y = np.ones((8, 2), np.float32), np.ones(8, np.float32)
    given = {
        "name": "blobs",
        "parameters": {"w": np.zeros((2, 1), np.float32)},
        "loss": lambda p, b: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2,
        "train": (x, y),
        "validation": (x, y),
        "test": (x, y),
        "batch_size": batch_size,
        "maximize": True,
        "metric_name": "accuracy",
        "metric_range": (-math.inf, 1),
        "target": 0.9,
    }
    return kobai.Task(**(given | changes))


def outcome_of(monkeypatch, arrivals, *, optimizers, task=None, initializers=("he",), **options):
    monkeypatch.setattr(runner, "Sweep", arrival_engine(arrivals))
    given = {
        "task": task or blob_task(),
        "candidates": candidates(optimizers),
        "initializers": [initial_values.parse(name) for name in initializers],
        "steps": 100,
    }
    return protocol.run(Study(**(given | options)), Quiet())


def by_rate(cell):
    """sgd is best at 0.1 and adam at 0.01; adam arrives in half the steps; noise by seed."""
    best, base = (0.1, 40) if isinstance(cell.optimizer, kobai.SGD) else (0.01, 20)
    far = abs(math.log10(cell.optimizer.learning_rate / best))
    noise = cell.seed % 3
    slow = {"he": 0, "xavier": 8, "normal:0.01": 16}.get(cell.initializer.name, 1000)
    return base + 30 * far + noise + slow


GRIDS = (kobai.SGD(learning_rate=[0.01, 0.1, 1.0]), kobai.Adam(learning_rate=[0.001, 0.01, 0.1]))


def known(monkeypatch):
    """The outcome of a study of two optimizers and three initial values."""
    names = ("he", "xavier", "normal:0.01")
    return outcome_of(monkeypatch, by_rate, optimizers=GRIDS, initializers=names, evaluate_every=1)
