"""A linear fit, which costs nothing and compiles in no time."""

import jax.numpy as jnp
import numpy as np

import kobai

X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], np.float32) + 0.1)[:, None]


def line(test=None, **changes):
    """The task of the fit: 24 examples, 4 a batch."""

    def loss(p, batch):
        return jnp.mean((batch[0] @ p["w"] + p["b"] - batch[1]) ** 2)

    fields = {
        "parameters": {"w": np.zeros((3, 1), np.float32), "b": np.zeros(1, np.float32)},
        "loss": loss,
        "train": (X, Y),
        "validation": (X[:8], Y[:8]),
        "batch_size": 4,
        "target": 0.1,
    }
    return kobai.Task(**{**fields, "test": test, **changes})
