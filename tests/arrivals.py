"""Studies that nobody trains: when each of their runs arrives is said."""

from types import SimpleNamespace

import numpy as np

import kobai
from kobai import initializers as initial_values
from kobai.candidates.grid import candidates
from kobai.engine.run import Run, evaluated_at
from kobai.study import protocol, runner
from kobai.study.answer import answer
from kobai.study.study import Study

STEPS = 100


SGD, ADAM = kobai.SGD(0.1), kobai.Adam(0.1)


class Quiet:
    """Progress that nobody sees."""

    def phase(self, name, total): ...

    def advance(self, cells): ...

    def tell(self, sentence): ...


def task_of(**changes):
    x, y = np.ones((8, 2), np.float32), np.ones(8, np.float32)
    values = {
        "name": "blobs",
        "parameters": {"w": np.zeros((2, 1), np.float32)},
        "loss": lambda p, b: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2,
        "train": (x, y),
        "validation": (x, y),
        "test": (x, y),
        "batch_size": 4,
        "metric": lambda p, data: (p["w"] * 0).mean(),
        "metric_name": "score",
        "maximize": True,
        "target": 0.9,
    }
    return kobai.Task(**(values | changes))


def study_of(monkeypatch, metric, optimizers=(SGD, ADAM), task=None, **options):
    """The answer of a study whose cells have the curve ``metric(cell, marks)``; None: a run that diverges."""

    class Engine:
        chunk = 64
        pace = SimpleNamespace()

        def __init__(self, task, settings, *, steps, evaluate_every, threads=None, strategies=(), **_):
            self.marks = evaluated_at(steps, evaluate_every)

        def memory(self, optimizer):
            return 0

        threads = 1

        def compile(self): ...

        def chunks(self, cells):
            return [[i] for i in range(len(cells))]

        def train(self, cells, leave):  # noqa: ARG002
            return [self._run(cell) for cell in cells]

        def _run(self, cell):
            curve = metric(cell, self.marks)
            if curve is None:
                lost = np.where(self.marks > 20, np.nan, 0.1)
                return Run(lost, lost, lost, 21, None, None, seconds=0.5)
            curve = np.asarray(curve, float)
            # Each seed has a loss of its own, as it has where batches or initial values are random.
            loss = np.full(len(self.marks), 1 + cell.seed / 1e4)
            return Run(loss, loss, curve, None, 0.1, float(curve[-1]), seconds=0.5)

    monkeypatch.setattr(runner, "Sweep", Engine)
    values = {
        "task": task or task_of(),
        "candidates": candidates(list(optimizers)),
        "initializers": [initial_values.he()],
        "steps": STEPS,
        "evaluate_every": 10,
    }
    return protocol.run(Study(**(values | options)), Quiet())


def answered(*arguments, **options):
    return answer(study_of(*arguments, **options))


def arriving(step):
    """A metric that is 1 from a step on, which may depend on the cell."""
    return lambda cell, marks: marks >= (step(cell) if callable(step) else step)


def is_adam(cell):
    return isinstance(cell.optimizer, kobai.Adam)


TWELVE = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "lion"]


def twelve(monkeypatch):
    """Rules and minimizers, one of them at the end of its grid, one that never arrives."""
    order = {name: 20 + 5 * i for i, name in enumerate(TWELVE)}

    def curve(cell, marks):
        name = type(cell.optimizer).__name__.lower()
        if name == "lion":
            return marks < 0
        return marks >= order.get(name, 60) + 7 * (cell.seed % 4)

    names = ("xavier", "normal:0.01")
    initial = [initial_values.parse(name) for name in names]
    return answered(monkeypatch, curve, optimizers=TWELVE, initializers=initial, evaluate_every=1)
