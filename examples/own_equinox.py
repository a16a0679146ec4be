"""A task of your own in Equinox, the digits by convolution: kobai compare examples/own_equinox.py"""

import equinox as eqx
import jax
import jax.numpy as jnp

import kobai

digits = kobai.tasks.digits()  # for its data: tuples (x, y) of images [n, 64] and labels [n]
data = {"train": digits.train, "validation": digits.validation, "test": digits.test}
key1, key2 = jax.random.split(jax.random.key(0))
image, flat = eqx.nn.Lambda(lambda x: x.reshape(1, 8, 8)), eqx.nn.Lambda(jnp.ravel)
convolution = eqx.nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1, key=key1)
relu, linear = eqx.nn.Lambda(jax.nn.relu), eqx.nn.Linear(128, 10, key=key2)
model = eqx.nn.Sequential([image, convolution, relu, flat, linear])


def loss(model, batch):
    log_p = jax.nn.log_softmax(jax.vmap(model)(batch[0]))
    return -jnp.mean(jnp.take_along_axis(log_p, batch[1][:, None], axis=1))


def error(model, data):
    return jnp.mean(jnp.argmax(jax.vmap(model)(data[0]), axis=1) != data[1])


task = kobai.Task(
    name="convolution", parameters=model, loss=loss, metric=error, target=0.06, layout="out_in", **data
)
