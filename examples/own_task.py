"""A task of your own in plain JAX, two spirals to tell apart: kobai compare examples/own_task.py"""

import jax.numpy as jnp
import numpy as np

import kobai

random = np.random.default_rng(0)
y = random.integers(2, size=1000)  # which spiral
t = random.uniform(1, 11, size=1000)  # how far along it
x = np.stack([t * np.cos(t + np.pi * y), t * np.sin(t + np.pi * y)], axis=1).astype(np.float32) / 5
data = {"train": (x[:500], y[:500]), "validation": (x[500:750], y[500:750]), "test": (x[750:], y[750:])}
zeros = [np.zeros(shape, np.float32) for shape in [(2, 32), 32, (32, 32), 32, (32, 1)]]


def logit(parameters, x):
    w1, b1, w2, b2, w3 = parameters
    return (jnp.tanh(jnp.tanh(x @ w1 + b1) @ w2 + b2) @ w3)[:, 0]


def loss(parameters, batch):
    return jnp.mean(jnp.logaddexp(0, jnp.where(batch[1], -1, 1) * logit(parameters, batch[0])))


def accuracy(parameters, data):
    return jnp.mean((logit(parameters, data[0]) > 0) == data[1])


task = kobai.Task(parameters=zeros, loss=loss, metric=accuracy, maximize=True, target=0.95, **data)
