"""Two small tasks, of which the same is asked."""

import jax.numpy as jnp
import numpy as np

import kobai

X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], np.float32) + 0.1)[:, None]
ASK = {"initializers": "he", "learning_rates": [0.05, 0.1], "steps": 20, "tuning_seeds": 1, "seeds": 6}
ASK |= {"progress": False, "optimizers": ["sgd", "momentum"], "evaluate_every": 1}


def line(scale=1.0, name="line"):
    return kobai.Task(
        name=name,
        parameters={"w": np.zeros((3, 1), np.float32), "b": np.zeros(1, np.float32)},
        loss=lambda p, batch: jnp.mean((batch[0] @ p["w"] + p["b"] - batch[1]) ** 2),
        train=(X * scale, Y),
        validation=(X[:8] * scale, Y[:8]),
        test=(X[8:16] * scale, Y[8:16]),
        batch_size=4,
        target=0.1,
    )
