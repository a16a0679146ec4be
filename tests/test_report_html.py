"""The report: its numbers against the frame of cells, its HTML as a parser and as a browser see it.

One small study is trained once; studies in which everything diverges or nobody arrives are made from its cells
by hand. A planted page without escaping, and one that asks the network, must be caught.
"""

import dataclasses
import html
import json
import re
import shutil
from html.parser import HTMLParser
from string import Formatter

import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai import initializers, words
from kobai.report import html as report
from kobai.report import panels
from kobai.report.figures import colours, figures
from kobai.study.answer import answer
from kobai.study.grid import candidates
from kobai.study.protocol import CONFIRMATION, TUNING, Study, run

HOSTILE = """</script><script>alert(1)</script><img src="https://evil.example/x.png" onerror='x'>"""
COMMAND = "kobai compare 'my task.py' --output \"a & b\" # <c>"
NAMES = ["curves", "learning_rates", "map", "reached", "tuning"]
STEPS, EVERY = 40, 5


class Silent:
    def phase(self, name, total): ...

    def advance(self, cells): ...


def points(name="points", **changes):
    """Two classes of points around (±1, ±1), a network 2-8-2."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 120)
    x = (random.normal(size=(120, 2)) * 0.8 + 2 * y[:, None] - 1).astype(np.float32)

    def logits(parameters, x):
        return jnp.tanh(x @ parameters["first"]) @ parameters["second"]

    def loss(parameters, batch):
        return optax.softmax_cross_entropy_with_integer_labels(logits(parameters, batch[0]), batch[1]).mean()

    def accuracy(parameters, data):
        return jnp.mean(jnp.argmax(logits(parameters, data[0]), axis=1) == data[1])

    parts = {"train": (x[:60], y[:60]), "validation": (x[60:90], y[60:90]), "test": (x[90:], y[90:])}
    parameters = {"first": np.zeros((2, 8), np.float32), "second": np.zeros((8, 2), np.float32)}
    values = {"metric": accuracy, "maximize": True, "target": (0.9, 0.8, 0.95), "batch_size": 10, **parts, **changes}
    return kobai.Task(name=name, parameters=parameters, loss=loss, **values)


def studied(task, optimizers, seeds=4, tuning_seeds=2, initial=("he", "xavier")):
    return run(
        Study(
            task=task,
            candidates=candidates(optimizers),
            initializers=[initializers.parse(name) for name in initial],
            steps=STEPS,
            evaluate_every=EVERY,
            seeds=seeds,
            tuning_seeds=tuning_seeds,
        ),
        Silent(),
    )


@pytest.fixture(scope="session")
def outcome():
    return studied(points(), [kobai.SGD([0.1, 1.0, 1e30]), kobai.Adam([0.01, 0.1])])


@pytest.fixture(scope="session")
def lonely():
    """One optimizer without a learning rate, one seed, nothing to test on, a loss to make small; and the
    optimizer is called <lambda>."""
    momentum = kobai.from_optax(lambda decay: optax.chain(optax.trace(decay), optax.scale(-0.1)), decay=0.5)
    task = points(metric=None, maximize=False, test=None, target=None)
    return studied(task, [momentum], seeds=1, tuning_seeds=1, initial=("he",))


@pytest.fixture(scope="session")
def hostile():
    """Every name that a user gives is an attack."""
    return studied(
        points(HOSTILE, metric_name=HOSTILE),
        [_named(kobai.SGD([0.1, 1.0]), HOSTILE), _named(kobai.Adam(0.1), "<a href='https://evil.example'>b</a>")],
        seeds=2,
        tuning_seeds=1,
    )


def _named(optimizer, name):
    """The optimizer under another name, through optax's."""

    def factory(learning_rate):
        return dataclasses.replace(optimizer, learning_rate=learning_rate).as_optax()

    factory.__name__ = name
    return kobai.from_optax(factory, learning_rate=optimizer.learning_rate)


def diverged(outcome, *names):
    """The same study, had every run of these optimizers diverged at the first step."""
    struck = pl.col("optimizer").is_in(names)
    curves = ["training_loss", "validation_loss", "validation_metric"]
    nothing = pl.lit([float("nan")]).list.eval(pl.element())
    lost = [
        pl.when(struck)
        .then(
            pl.concat_list(
                pl.col(name).list.head(1), *[nothing.cast(pl.List(pl.Float32))] * (STEPS // EVERY)
            )
        )
        .otherwise(pl.col(name))
        .alias(name)
        for name in curves
    ]
    tests = [pl.when(struck).then(None).otherwise(pl.col(name)).alias(name) for name in ("test_loss", "test_metric")]
    at = pl.when(struck).then(1).otherwise(pl.col("diverged_at")).alias("diverged_at")
    return dataclasses.replace(outcome, cells=outcome.cells.with_columns(*lost, *tests, at))


def test_x(outcome, lonely, hostile):
    import time
    t=time.time(); a=answer(outcome); print(a.table())
    d=diverged(outcome,"sgd"); print(answer(d).rows)
    print(answer(lonely).rows, answer(hostile).rows[0])
