"""What can be had without looking at the inputs: the best of all constant answers.

Where every input is the same, whatever a network does is one constant answer: its parameters are moved
downhill on such data from where all are 0, which is in the biases of the last layer alone. A training cannot
spoil that, as it can spoil its control, whose rate and initial values are those of the sick one.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.questions.diagnosis.instruments import Instruments
from kobai.tasks.task import Task

MOVES = 60
"""Most moves downhill; a mean is found in two, the shares of classes in about ten."""
SUFFICIENT = 1e-4
"""Of what its slope promises a move must get at least this part (Armijo 1966)."""
SHORTEST = 1e-12
"""A move that is shorter still is none."""


class Constant(NamedTuple):
    """Loss and metric of the best constant answer, on validation data; NaN: what inputs are is not known."""

    loss: float = np.nan
    metric: float = np.nan


def constant(instruments: Instruments, task: Task) -> Constant:
    """The answer that is best on the training examples that are looked at, judged by validation data."""
    if not (isinstance(task.train, tuple) and len(task.train) == 2):
        return Constant()
    θ = _lowest(instruments, task, _alike(instruments.examples(task.train)))
    validation = jax.tree.map(jnp.asarray, task.validation)
    loss, metric = np.asarray(instruments.compiled("held_out", θ, _state(task), _alike(validation)), float)
    return Constant(float(loss), float(metric)) if np.isfinite([loss, metric]).all() else Constant()


def _alike(data: tuple[PyTree, PyTree]) -> tuple[PyTree, PyTree]:
    """The data with all inputs 0."""
    x, y = data
    return jax.tree.map(jnp.zeros_like, x), y


def _state(task: Task) -> Any:
    return jax.tree.map(jnp.asarray, task.state)


def _lowest(instruments: Instruments, task: Task, examples: PyTree) -> np.ndarray:
    """θ at the lowest loss that is found downhill from 0, by steps of Barzilai and Borwein (1988)."""
    start = np.asarray(instruments.program.θ)

    def slope(θ: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = instruments.compiled("slope", θ.astype(start.dtype), _state(task), examples)
        return float(loss), np.asarray(gradient, float)

    θ, η = np.zeros(start.shape), 1.0
    loss, g = slope(θ)
    for _ in range(MOVES):
        promised = float(g @ g)
        if not (np.isfinite(loss) and np.isfinite(promised) and promised > 0):
            break
        new, (lower, g_new) = θ - η * g, slope(θ - η * g)
        while not lower <= loss - SUFFICIENT * η * promised and η > SHORTEST:
            η /= 4
            new = θ - η * g
            lower, g_new = slope(new)
        if not lower < loss:
            break
        s, y = new - θ, g_new - g
        η = float(s @ s / (s @ y)) if s @ y > 0 else 4 * η
        θ, g, loss = new, g_new, lower
    return θ.astype(start.dtype)
