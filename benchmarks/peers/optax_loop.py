"""optax as its examples write it: one jitted step, called in a Python loop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import work
from optax_rules import MAKE

given = work.arguments()
parts = {part: (jnp.asarray(x), jnp.asarray(y)) for part, (x, y) in work.data().items()}


def forward(parameters: list, x: jax.Array) -> jax.Array:
    W1, b1, W2, b2 = parameters
    return jax.nn.relu(x @ W1 + b1) @ W2 + b2


def loss(parameters: list, x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(forward(parameters, x), y).mean()


@jax.jit
def accuracy(parameters: list, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean(jnp.argmax(forward(parameters, x), axis=1) == y)


def compiled(rule: str, rate: float) -> tuple:
    """(optimizer, its jitted step): compiled before the time is taken."""
    optimizer = MAKE[rule](rate)

    @jax.jit
    def step(parameters: list, state: optax.OptState, x: jax.Array, y: jax.Array, rows: jax.Array) -> tuple:
        gradient = jax.grad(loss)(parameters, x[rows], y[rows])
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state

    return optimizer, step


def train(optimizer: optax.GradientTransformation, step: jax.stages.Wrapped, seed: int, steps: int) -> float:
    """One training run; its test accuracy."""
    x, y = parts["train"]
    parameters = [jnp.asarray(array) for array in work.start(seed, given.hidden)]
    state = optimizer.init(parameters)
    for rows in work.batches(seed, steps, len(y)):
        parameters, state = step(parameters, state, x, y, rows)
    return float(accuracy(parameters, *parts["test"]))


cells = [(*compiled(rule, rate), seed) for rule, rate, seed in work.share(given.core or 0)]


def run() -> dict[str, float]:
    accuracies = [train(*cell, given.steps) for cell in cells]
    return {"runs": len(accuracies), "accuracy": float(np.median(accuracies))}


for cell in cells:
    train(*cell, 10)
work.serve(run, version=f"optax {optax.__version__}, JAX {jax.__version__}")
