"""Programs that `kobai code` writes for a task, executed; and kobai's own steps on the same batches."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

import kobai
from kobai.questions.comparison.code.write import programmed
from kobai.questions.comparison.provenance import provenance
from kobai.study.facts import are_arrays, examples_of
from kobai.study.recommendation import Recommendation
from kobai.tasks.load import load
from kobai.tasks.provenance import Provenance

TEN = 10
RULE = {"name": "momentum", "fields": {"learning_rate": 0.02, "momentum": 0.8}}


def recommended(place, **changes):
    """(the task, a recommendation for it), as a comparison makes them, without its trainings."""
    task = load(place)
    task = dataclasses.replace(task, provenance=provenance(place, {}, {}, task.provenance))
    values = {
        "task": task.name,
        "optimizer": RULE,
        "initializer": "xavier",
        "strategy": {},
        "own": {},
        "steps": TEN,
        "evaluate_every": 5,
        "batch_size": 16,
        "examples": examples_of(task.train, by_position=task.recurrent is not None),
        "dense": task.dense,
        "convolutional": task.convolutional,
        "recurrent": task.recurrent,
        "provenance": task.provenance if are_arrays(task.train) else Provenance(),
        "has_state": task.state is not None,
        "is_random": task.random,
    }
    return task, Recommendation(**(values | changes))


def run(said, library, arrays=lambda names: None):
    """(names, batches, what `arrays` reads at the start) of a program as it is."""
    names = {"__name__": "program", "print": lambda *_: None}
    start, batches = None, []
    for section in programmed(said, library).sections:
        if section.name == "batches":
            exec(section.text, names)
            batches = list(itertools.islice(names["batches"](), TEN))
            names["batches"] = functools.partial(iter, batches)
            continue
        exec(compile(section.text, section.name, "exec"), names)
        if section.name == "initial":
            start = arrays(names)
    return names, batches, start


def reference(task, trained, batches):
    """(trained arrays, state) after the steps of kobai's rule on these batches."""
    rule = kobai.Momentum(**RULE["fields"])
    memory, state = rule.init(trained), task.state

    def loss(trained, state, batch, key):
        return task.training_loss(task.with_arrays(trained), state, batch, key)

    gradient = jax.jit(jax.grad(loss, has_aux=True))
    for step, rows in enumerate(batches):
        batch = jax.tree.map(lambda array, rows=rows: array[rows], task.train)
        g, state = gradient(trained, state, batch, jax.random.key(step))
        update, memory = rule.update(g, memory)
        trained = jax.tree.map(jnp.add, trained, update)
    return trained, state


def alike(mine, theirs, tolerance=2e-4):
    mine, theirs = jax.tree.leaves(mine), jax.tree.leaves(theirs)
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1e-2, np.abs(b).max()))
