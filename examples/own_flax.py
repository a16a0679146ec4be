"""A network of your own in Flax NNX, three rings in the plane: kobai compare examples/own_flax.py"""

import jax
import numpy as np
from flax import nnx

random = np.random.default_rng(0)
x = random.uniform(-1, 1, (900, 2)).astype(np.float32)
y = np.digitize(np.hypot(*x.T), [0.5, 0.8])  # which ring each point is in: 0, 1 or 2
data = (x, y)  # cut at random for training, validation and the test


class Rings(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(2, 16, rngs=rngs)
        self.last = nnx.Linear(16, 3, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.last(nnx.relu(self.first(x)))


model, target = Rings, 0.9  # the class makes the model, so that each seed has values of Flax's own
