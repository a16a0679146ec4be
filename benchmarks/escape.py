"""Does a mini-batch escape local solutions? On a landscape of many basins, with batches of 1 … all examples.

    python benchmarks/escape.py

One weight w is fitted to y = sin(4x) by sin(wx): the mean squared error has a basin at w = 4 and a row of
others that are worse. 200 starts are trained with every batch size at every learning rate; a start has
escaped if it ends in the basin of w = 4. Every start gets the same number of steps. Then the same with a rate
that falls to 0, since a large constant rate alone leaves good basins too.
"""

import jax.numpy as jnp
import numpy as np

import kobai
from kobai import schedules
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import uniform

EXAMPLES, STARTS, STEPS = 64, 200, 1000
RATES = [float(f"{10**e:.3g}") for e in np.arange(-3, 1.01, 0.5)]


def task(batch_size: int) -> kobai.Task:
    """y = sin(4x) on 64 points; the start is uniform on −10 … 10."""
    x = np.random.default_rng(0).uniform(-5, 5, EXAMPLES).astype(np.float32)
    data = x, np.sin(4 * x)

    def loss(parameters, batch):
        x, y = batch
        return jnp.mean((jnp.sin(parameters["w"][0, 0] * x) - y) ** 2)

    start = {"w": np.zeros((1, 1), np.float32)}
    return kobai.Task(
        parameters=start, loss=loss, train=data, validation=data, batch_size=batch_size, name="sine of wx"
    )


def escaped(batch_size: int, strategy: Strategy) -> list[float]:
    """The fraction of starts that end in the best basin, at each rate."""
    rules = [kobai.SGD(rate) for rate in RATES]
    anywhere = uniform(10 / np.sqrt(3))
    cells = [Cell(rule, anywhere, seed, strategy) for rule in rules for seed in range(STARTS)]
    sweep = Sweep(task(batch_size), rules, steps=STEPS, evaluate_every=STEPS, chunk=64, strategies=[strategy])
    arrived = np.zeros(len(cells), bool)
    for positions, runs in THREADS.run(sweep, cells):
        # At w = 4 the mean error falls below .25; at the bottom of the next best basin, w = 0, it is .51.
        arrived[positions] = [run.validation_loss[-1] < 0.25 for run in runs]
    return arrived.reshape(len(RATES), STARTS).mean(axis=1).tolist()


if __name__ == "__main__":
    for name, strategy in (("constant", Strategy()), ("cosine", Strategy(schedule=schedules.cosine()))):
        print(f"{name}: batch | best | at rate | " + " | ".join(f"{rate:g}" for rate in RATES))
        for batch_size in (1, 2, 4, 8, 16, 32, EXAMPLES):
            found = escaped(batch_size, strategy)
            best = int(np.argmax(found))
            shown = [f"{found[best]:.0%}", f"{RATES[best]:g}", *(f"{part:.0%}" for part in found)]
            print(batch_size, *shown, sep=" | ", flush=True)
