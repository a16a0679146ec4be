"""In a large network, are local minima nearly as good as the best? 50 starts of networks of 2 … 512 nodes.

    python benchmarks/minima.py

A curve (the task "sine") is fitted with one hidden layer, all examples in every batch, so that a start and
nothing else decides where a training ends. For each width: the training loss at the end over 50 starts, at
the rate with the smallest median.
"""

import dataclasses

import numpy as np

import kobai
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import xavier

STARTS, STEPS = 50, 2000
RATES = (0.003, 0.01, 0.03)


def losses(width: int) -> np.ndarray:
    """[rates, starts]: the training loss at the end; infinite where it diverged."""
    task = kobai.tasks.sine(hidden=width)
    task = dataclasses.replace(task, validation=task.train, test=None, batch_size=len(task.train[0]))
    rules = [kobai.Adam(rate) for rate in RATES]
    cells = [Cell(rule, xavier(), seed) for rule in rules for seed in range(STARTS)]
    found = np.full(len(cells), np.inf)
    for positions, runs in Sweep(task, rules, steps=STEPS, evaluate_every=STEPS).run(cells):
        found[positions] = [run.validation_loss[-1] for run in runs]
    return found.reshape(len(RATES), STARTS)


if __name__ == "__main__":
    print("width | rate | best | median | worst | worst ÷ best")
    for width in (2, 4, 8, 16, 32, 64, 128, 256, 512):
        found = losses(width)
        i = int(np.argmin(np.median(found, axis=1)))
        best, median, worst = np.quantile(found[i], (0, 0.5, 1))
        print(
            width, RATES[i], f"{best:.4f}", f"{median:.4f}", f"{worst:.4f}", f"{worst / best:.2f}", sep=" | "
        )
