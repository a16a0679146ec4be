"""The numbers of docs/reference/tasks.md: python benchmarks/tasks.py NAME, where NAME is one of

batch-norm   digits, four hidden layers of tanh, 16 scales of initial values, with and without normalization
overfitting  mnist1d with a dense network, trained long, with and without normalization: training against test
clipping     the adding problem with momentum, with and without a clipped gradient
recurrent    adding and copy against the length of the sequence: Elman, GRU and LSTM
mnist1d      test accuracies after long training on all 4,000 training examples, as in the paper
"""

import dataclasses
import sys
from collections.abc import Sequence

import jax
import numpy as np

import kobai
from kobai.basics.machine import use_compilation_cache
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.run import Run
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import parse

PLAIN = Strategy()


def runs(
    task: kobai.Task,
    settings: Sequence[tuple],
    seeds: int,
    steps: int,
    every: int,
    strategy: Strategy = PLAIN,
) -> list[tuple[str, list[Run]]]:
    """(name, one run for each seed) for each (name, optimizer, initializer), all with this strategy."""
    rules = [optimizer for _, optimizer, _ in settings]
    sweep = Sweep(task, rules, steps=steps, evaluate_every=every, chunk=1, strategies=[strategy])
    cells = [
        Cell(optimizer, parse(initializer), seed, strategy)
        for _, optimizer, initializer in settings
        for seed in range(seeds)
    ]
    found: dict[int, Run] = {}
    for positions, finished in THREADS.run(sweep, cells):
        found |= zip(positions, finished, strict=True)
    return [
        (name, [found[i * seeds + seed] for seed in range(seeds)]) for i, (name, _, _) in enumerate(settings)
    ]


def batch_norm() -> None:
    scales = [f"normal:{scale:.2g}" for scale in 10 ** np.linspace(-3, 1, 16)]
    table = {}
    for place in ("off", "before", "after"):
        task = kobai.tasks.digits(hidden=[50] * 4, activation="tanh", batch_norm=place)
        rule = kobai.SGD(learning_rate=0.1)
        for scale, found in runs(task, [(scale, rule, scale) for scale in scales], 3, 300, 20):
            final = np.median([run.validation_metric[-1] for run in found])
            table.setdefault(scale, []).append(f"{final:.2f}")
    print("validation accuracy after 300 steps, median of 3 seeds: off, before, after")
    for scale, row in table.items():
        print(f"{scale:14} {'  '.join(row)}")


def overfitting() -> None:
    print("mnist1d, dense, adam 0.003, 3,000 steps, 5 seeds, medians: training loss, test loss, accuracy")
    for place in ("off", "before", "after"):
        task = kobai.tasks.mnist1d(model="mlp", batch_norm=place)
        [(_, found)] = runs(task, [(place, kobai.Adam(learning_rate=0.003), "he")], 5, 3000, 250)
        ends = [(run.training_loss[-1], run.test_loss, run.test_metric) for run in found]
        print(f"{place:8} {'  '.join(f'{value:.3f}' for value in np.median(ends, axis=0))}", flush=True)


def clipping() -> None:
    task = kobai.tasks.adding()
    settings = [(str(rate), kobai.Momentum(learning_rate=rate), "xavier") for rate in (0.0316, 0.1, 0.316)]
    print("adding, momentum, 500 steps, 10 seeds: diverged, reached 0.03, median steps until then")
    for bound, strategy in (("none", PLAIN), ("norm 1", Strategy(clip=kobai.clip_norm(1.0)))):
        for rate, found in runs(task, settings, 10, 500, 10, strategy):
            curves = np.array([run.validation_metric for run in found])
            arrives = curves <= task.targets[0]
            steps = np.where(arrives.any(axis=1), 10 * arrives.argmax(axis=1), np.inf)
            diverged = [run.diverged_at is not None for run in found]
            steps[diverged] = np.inf
            print(f"{rate:6} {bound:6} {sum(diverged):2}  {np.isfinite(steps).sum():2}  {np.median(steps)}")


def recurrent() -> None:
    print("adam 0.01, clipped to norm 1, 500 steps, 3 seeds, medians of the test metric at length 10, 20, 40")
    kinds = [("elman", "orthogonal"), ("elman", "xavier"), ("gru", "orthogonal"), ("lstm", "orthogonal")]
    clip = Strategy(clip=kobai.clip_norm(1.0))
    for name in ("adding", "copy"):
        for cell, initializer in kinds:
            shown = []
            for length in (10, 20, 40):
                task = getattr(kobai.tasks, name)(length=length, cell=cell)
                rule = kobai.Adam(learning_rate=0.01)
                [(_, found)] = runs(task, [(cell, rule, initializer)], 3, 500, 100, clip)
                shown.append(f"{np.median([run.test_metric for run in found]):.4f}")
            print(f"{name:7} {cell:6} {initializer:11} {'  '.join(shown)}", flush=True)


def mnist1d() -> None:
    every = [("logistic", "he"), ("mlp", "he"), ("cnn", "he"), ("cnn", "own"), ("gru", "xavier")]
    for model, initializer in every:
        task = kobai.tasks.mnist1d(model=model)
        everything = jax.tree.map(lambda *parts: np.concatenate(parts), task.train, task.validation)
        task = dataclasses.replace(task, train=everything, validation=task.test)
        rule = kobai.Adam(learning_rate=0.01)
        [(_, found)] = runs(task, [(model, rule, initializer)], 2, 6000, 1000)
        print(model, initializer, [round(run.test_metric, 3) for run in found], flush=True)


if __name__ == "__main__":
    use_compilation_cache()
    parts = {
        "batch-norm": batch_norm,
        "overfitting": overfitting,
        "clipping": clipping,
        "recurrent": recurrent,
        "mnist1d": mnist1d,
    }
    parts[sys.argv[1]]()
