"""What tests of judgements share: runs with a known truth."""

import math

import numpy as np
import polars as pl

SETS = 2000
ALLOWED = 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / SETS)
"""Of so many sets that many may reject at a level of 5 %: one test in two hundred is above it by chance."""


def table(means, seeds=10, spread=0.01, shared=0.01, metric="val_loss", start=1):
    """Arms whose runs vary by `shared` with their seed, and by `spread` alone."""
    rows = []
    for i, (arm, mean) in enumerate(means.items()):
        own = np.random.default_rng([start, i])
        for seed in range(seeds):
            of_seed = np.random.default_rng([start, 99, seed]).normal()
            rows.append((arm, seed, mean + shared * of_seed + spread * own.normal()))
    return pl.DataFrame(rows, schema=["method", "seed", metric], orient="row")


def curves(constants, seeds=8, steps=2000, every=100):
    """Losses 3 + e^(−t/τ), whose τ differs by arm and a little by seed."""
    rows = []
    for i, (arm, constant) in enumerate(constants.items()):
        rng = np.random.default_rng(i)
        for seed in range(seeds):
            tau = constant * np.exp(0.1 * rng.normal())
            rows += [(arm, seed, step, 3 + np.exp(-step / tau)) for step in range(0, steps + 1, every)]
    return pl.DataFrame(rows, schema=["method", "seed", "step", "val_loss"], orient="row")
