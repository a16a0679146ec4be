"""Studies of axes on a stand-in for the engine."""

import dataclasses
import math
from collections import Counter
from types import SimpleNamespace

import kobai
from arrivals import Quiet
from kobai import initializers as initial_values
from kobai.candidates.grid import candidates
from kobai.engine.identity import digest
from kobai.engine.run import Reading, Run, evaluated_at
from kobai.study import axes as axes_module
from kobai.study import protocol, runner
from kobai.study.axes import axes
from kobai.study.study import Study
from studies import blob_task

STEPS = 100


class Identity:
    """A stand-in for what tells one cell from another."""

    def __init__(self, task):
        self.task = task

    def of(self, cell):
        averages = [average.name for average in cell.strategy.averages]
        schedule = getattr(cell.strategy.schedule, "name", None)
        return digest(repr([self.task.batch_size, cell, averages, schedule]))

    def of_seeds(self, cell, seeds):
        return [self.of(dataclasses.replace(cell, seed=seed)) for seed in seeds]

    def of_task(self):
        return {"name": self.task.name, "data": "", "program": ""}


class Engine:
    """A stand-in for Sweep: a cell reaches 1 at `arrival(task, cell)`, an average at `average(…)`."""

    chunk, threads = 4, 1
    pace = SimpleNamespace()
    arrival = staticmethod(lambda task, cell: 10)
    average = staticmethod(lambda task, cell, averaging: 10)
    ends = staticmethod(lambda task, cell: {})
    made = []
    cells = []

    def __init__(self, task, settings, *, steps, evaluate_every, threads=None, strategies=(), **_):
        self.task, self.rows, self.strategies = task, evaluated_at(steps, evaluate_every), strategies
        Engine.made.append(self)

    def memory(self, optimizer):
        return 0

    @property
    def identity(self):
        return Identity(self.task)

    def compile(self): ...

    def chunks(self, cells):
        Engine.cells += [(self.task, cell) for cell in cells]
        every = range(len(cells))
        return [list(every[i : i + self.chunk]) for i in every[:: self.chunk]]

    def train(self, cells, leave):  # noqa: ARG002
        return [self._run(cell) for cell in cells]

    def _run(self, cell):
        def curve(arrival):
            return (self.rows >= arrival).astype(float)

        metric = curve(Engine.arrival(self.task, cell))
        averages = [curve(Engine.average(self.task, cell, each)) for each in cell.strategy.averages]
        stops = cell.strategy.early_stopping is not None
        run = Run(
            1 - metric, 1 - metric, metric, None, 0.1, float(metric[-1]), seconds=0.5,
            stopped_at=STEPS // 4 if stops else None, counts=Counter(skipped=3),
            averages=tuple(Reading(1 - curve, curve, 0.1, float(curve[-1])) for curve in averages),
        )  # fmt: skip
        return dataclasses.replace(run, **Engine.ends(self.task, cell))


def installed(monkeypatch):
    """The stand-in, in the place of the engine."""
    monkeypatch.setattr(runner, "Sweep", Engine)
    for name in ("arrival", "average", "ends"):
        monkeypatch.setattr(Engine, name, getattr(Engine, name))
    Engine.made, Engine.cells = [], []
    return Engine


def study_of(given, *, rates=(0.1,), make=lambda **values: blob_task(), **options):
    varied = axes(given)
    tasks = axes_module.tasks(make, varied)
    defaults = {
        "candidates": candidates([kobai.SGD(learning_rate=list(rates))]),
        "initializers": [initial_values.he()],
        "steps": STEPS,
        "evaluate_every": 1,
        "tuning_seeds": 2,
        "seeds": 8,
    }
    return Study(task=next(iter(tasks.values())), tasks=tasks, axes=varied, **(defaults | options))


def run(study, folder=None):
    return protocol.run(study, Quiet(), folder)


def by_clip(task, cell):
    """Without clipping 0.1 is best, in 40 steps; with it 1.0, in 20; noise by seed, the same for both."""
    clipped = cell.strategy.clip.norm < math.inf
    best, base = (1.0, 20) if clipped else (0.1, 40)
    return base + 30 * abs(math.log10(cell.optimizer.learning_rate / best)) + cell.seed % 3


# The effect of an axis.


def ending(task, cell):
    """The test metric of a run: with clipping .02 better, and by seed; two of the seeds diverge, one each."""
    clipped = cell.strategy.clip.norm < math.inf
    if cell.seed == (1001 if clipped else 1002):
        return {"diverged_at": 50, "test_metric": None, "test_loss": None}
    luck = 0.01 * (cell.seed % 5) + (0.003 * (cell.seed % 2) if clipped else 0)
    return {"test_metric": 0.9 + 0.02 * clipped + luck}
