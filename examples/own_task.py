"""A task of your own in plain JAX, two spirals to tell apart: kobai compare examples/own_task.py"""

import jax
import jax.numpy as jnp
import numpy as np

import kobai

random = np.random.default_rng(0)
y = random.integers(2, size=1000)  # which spiral
t = random.uniform(1, 11, size=1000)  # how far along it
x = np.stack([t * np.cos(t + np.pi * y), t * np.sin(t + np.pi * y)], axis=1).astype(np.float32) / 5
shapes = {"w1": (2, 32), "b1": 32, "w2": (32, 32), "b2": 32, "w3": (32, 1)}
parameters = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def logit(p, x):
    return (jnp.tanh(jnp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]) @ p["w3"])[:, 0]


def loss(p, batch):
    return jnp.mean(jax.nn.softplus(jnp.where(batch[1] == 1, -1, 1) * logit(p, batch[0])))


def accuracy(p, data):
    return jnp.mean((logit(p, data[0]) > 0) == data[1])


train, validation, test = (x[:500], y[:500]), (x[500:750], y[500:750]), (x[750:], y[750:])
task = kobai.Task(name="spirals", parameters=parameters, loss=loss, train=train, validation=validation, test=test,
                  metric=accuracy, maximize=True, target=0.95, batch_size=64)  # fmt: skip
