"""The rules of the sweep, as optax makes them from a learning rate."""

import optax

MAKE = {
    "sgd": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, momentum=0.9),
    "nesterov": lambda rate: optax.sgd(rate, momentum=0.9, nesterov=True),
    "adagrad": lambda rate: optax.adagrad(rate, initial_accumulator_value=0.0, eps=1e-10),
    "adadelta": lambda rate: optax.adadelta(rate, rho=0.95, eps=1e-6),
    "rmsprop": lambda rate: optax.rmsprop(rate, decay=0.9),
    "adam": optax.adam,
}
