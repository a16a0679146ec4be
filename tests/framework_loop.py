"""Ten steps of training of a framework's model, as kobai makes them; and where a framework may be absent."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai.tasks.check import check_start, check_task

os.environ.setdefault("KERAS_BACKEND", "jax")

STEPS, BATCH = 10, 12
RULES = {
    "momentum": (kobai.Momentum(learning_rate=0.05, momentum=0.9), optax.sgd(0.05, 0.9), 1e-4),
    "adam": (kobai.Adam(learning_rate=0.01, epsilon=1e-12), optax.adam(0.01, eps=1e-12), 1e-3),
}
"""kobai's rule, optax's, and the relative tolerance in single precision. Adam's ε is so small that its place
does not matter: Keras adds it before the correction of the bias."""

CASES = [(name, rule) for name in ("mlp", "cnn", "gru", "transformer") for rule in RULES]
"""The models and rules of ten steps."""

NOISE = 1e-6
"""A gradient that never exceeds this in ten steps is zero but for rounding; Adam makes whole steps of it."""

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.standard_normal((60, 8, 8, 1)).astype(np.float32)
VECTORS = RANDOM.standard_normal((60, 5)).astype(np.float32)
SEQUENCES = RANDOM.standard_normal((60, 6, 4)).astype(np.float32)
WORDS = RANDOM.integers(20, size=(60, 6))
Y = np.arange(60) % 3


def framework(name):
    """A module of a framework; where it is absent its tests are skipped."""
    return pytest.importorskip(name)


def task_of(model, x):
    """The task of a model, which passes its checks."""
    task = kobai.Task.of(model, ((x, Y), (x, Y), None), batch_size=BATCH)
    check_task(task)
    check_start(task, task.parameters)
    return task


def batches():
    """The rows of each step."""
    generator = np.random.default_rng(1)
    return [generator.permutation(60)[:BATCH] for _ in range(STEPS)]


def key(step):
    return jax.random.key(step)


def ours(task, rule):
    """(trained arrays by leaf, state, which leaves had a gradient) after ten steps of a task and a rule."""
    trained = task.trained(task.parameters)
    memory, state = rule.init(trained), task.state

    def loss(trained, state, batch, key):
        return task.training_loss(task.with_arrays(trained), state, batch, key)

    gradient = jax.jit(jax.grad(loss, has_aux=True))
    largest = jax.tree.map(jnp.zeros_like, trained)
    for step, rows in enumerate(batches()):
        batch = jax.tree.map(lambda array, rows=rows: array[rows], task.train)
        g, state = gradient(trained, state, batch, key(step))
        update, memory = rule.update(g, memory, trained)
        trained = jax.tree.map(jnp.add, trained, update)
        largest = jax.tree.map(lambda most, g: jnp.maximum(most, jnp.abs(g)), largest, g)
    return trained, state, [bool(most.max() > NOISE) for most in jax.tree.leaves(largest)]


def assert_alike(mine, theirs, tolerance, learned=None):
    """Equal arrays, up to a tolerance relative to the largest entry of each. Of a leaf without a gradient,
    one at most, nothing is asked but its shape."""
    mine, theirs = jax.tree.leaves(mine), jax.tree.leaves(theirs)
    learned = [True] * len(mine) if learned is None else learned
    assert len(mine) == len(theirs) == len(learned) > 0
    assert learned.count(False) <= 1  # the bias of an attention's key, to which softmax is blind
    for a, b, compared in zip(mine, theirs, learned, strict=True):
        assert np.shape(a) == np.shape(b)
        if compared:
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1e-2, np.abs(b).max()))


def cross_entropy(logits, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def roles(task):
    """(kind, fans) of every leaf, by name."""
    from kobai.basics.leaf import leaves

    every = zip(leaves(task.parameters), task.every_role, strict=True)
    return {leaf.name: (role.kind, role.fans) for leaf, role in every}


def assert_draws(task):
    """In training the key decides, and nothing in inference."""
    losses = [
        float(task.training_loss(task.parameters, task.state, task.train, jax.random.key(seed))[0])
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1] != losses[2]
    first, again = (task.evaluate(task.parameters, task.state, task.train)[0] for _ in range(2))
    assert first == again


def compared(model, x, **settings):
    """A tiny comparison, from end to end."""
    small = {"optimizers": "adam", "learning_rates": [0.01], "tuning_seeds": 1, "seeds": 2, "steps": 10}
    return kobai.compare(model, (x, Y), quick=True, progress=False, target=0.1, **small, **settings)
