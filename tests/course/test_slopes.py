"""What a gradient foretells of the loss: all of a smooth one, of stairs nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai.course.patient import trained
from kobai.course.slopes import explained
from kobai.optimizers.sgd import SGD
from kobai.questions.diagnosis.examine import instruments_for
from kobai.tasks.task import Task


def of(loss):
    """What the gradient of a loss of five numbers foretells, at a random point."""
    data = (np.zeros((16, 1), np.float32), np.zeros((16, 1), np.float32))
    task = Task(
        name="five numbers",
        parameters={"weights": np.zeros((5, 1), np.float32)},
        loss=lambda p, batch: loss(p["weights"]) + 0 * batch[0].sum(),
        train=data,
        validation=data,
        batch_size=8,
    )
    setting = trained(task, SGD(0.1), "normal:1", 20)
    return explained(instruments_for([setting]), setting)


@jax.custom_vjp
def crooked(w):
    """Its gradient is said to be three times what it is."""
    return jnp.sum(w)


crooked.defvjp(lambda w: (jnp.sum(w), w), lambda w, g: (3 * g * jnp.ones_like(w),))

LOSSES = {
    "linear": (lambda w: jnp.sum(w), 1),
    "smooth": (lambda w: jnp.sum(jnp.exp(w)), 1),
    "stairs": (lambda w: jnp.sum(jnp.floor(400 * w)) / 400, 0),
    "three times too long": (crooked, 1 - 2**2),
    "stairs on a slope": (lambda w: jnp.sum(w) + jnp.sum(jnp.floor(400 * w)) / 400, 3 / 4),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_part_that_the_gradient_foretells(name):
    loss, part = LOSSES[name]
    assert of(loss) == pytest.approx(part, abs=0.05)


def test_where_nothing_differs_nothing_is_said():
    assert np.isnan(of(lambda w: 0 * jnp.sum(w)))
