"""What is seen of a network at one point: gradients by array and entry, units, noise."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, ModelState, Scalar, Vector
from kobai.basics.machine import quick_compilation
from kobai.engine.strategy import Strategy
from kobai.questions.curvature import first_of, penalty, training_loss
from kobai.questions.diagnosis.sites import observed, titles, with_units
from kobai.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Look:
    """The network at one point.

    Fields:
      loss: the mean over the batches.
      gradients: the root mean square of the gradient of each weight array, by its path.
      spreads: of each of these arrays how far the gradients of its entries lie apart: the root mean square
        that a tenth of them is above, over that which a tenth is below; of those that have a gradient at all.
      activations: the standard deviation of what comes out of each layer of units, by its name.
      common: what the gradients of the batches have in common, as a part of their mean |g|² (`in_common`): 1
        where all are alike, 0 where each points elsewhere; None where all are 0, or no finite numbers.
      rare: the part of the batches in which an entry has no gradient, penalties left aside: the mean over all
        entries that have one in any of them. What never has one does not move, under whatever rule.
    """

    loss: float
    gradients: Mapping[str, float]
    spreads: Mapping[str, float]
    activations: Mapping[str, float]
    common: float | None
    rare: float


def is_finite(look: Look) -> bool:
    """Whether all gradients and what comes out of all units are finite numbers."""
    return all(map(math.isfinite, (*look.gradients.values(), *look.activations.values())))


def times(one: float, other: float) -> float:
    """The one over the other, of sizes that may be 0."""
    least = float(np.finfo(np.float32).tiny)
    return max(one, least) / max(other, least)


def looking(
    task: Task, batches: PyTree, strategy: Strategy
) -> Callable[[Vector, ModelState], tuple[Look, np.ndarray]]:
    """What looks at the network at θ, and gives the mean square of its gradients, too; compiled once."""
    first = first_of(batches)

    def loss(θ: Vector, state: ModelState, batch: PyTree) -> Scalar:
        return training_loss(task, batch, state)(θ)

    start = task.flatten(task.parameters)
    units = observed(loss, start, task.state, first)
    shapes = jax.eval_shape(functools.partial(units.run, None), start, task.state, first)[1]
    kept = with_units(units.sites, shapes, task.batch_size)

    @functools.partial(jax.jit, compiler_options=quick_compilation())
    def numbers(θ: Vector, state: ModelState) -> tuple:
        losses, g = jax.lax.map(lambda batch: jax.value_and_grad(loss)(θ, state, batch), batches)
        absent = (g == 0).mean(0)
        live = absent < 1
        rare = jnp.where(live, absent, 0).sum() / jnp.maximum(live.sum(), 1)
        cost, pull = jax.value_and_grad(penalty(task, strategy))(θ)
        g += pull
        _, values = units.run(None, θ, state, first)
        return losses.mean() + cost, (g**2).mean(0), in_common(g), rare, [jnp.std(values[i]) for i in kept]

    places = [place.name for place in task.places]
    names = titles([units.sites[i] for i in kept])

    def look(θ: Vector, state: ModelState) -> tuple[Look, np.ndarray]:
        loss, v, common, rare, spreads = jax.tree.map(np.asarray, numbers(θ, state))
        parts = np.split(v, np.cumsum([size for size, _ in task.spans])[:-1])
        of_weights = {
            name: np.sqrt(part.astype(float))
            for name, part, (_, is_weight) in zip(places, parts, task.spans, strict=True)
            if is_weight
        }
        seen = Look(
            loss=float(loss),
            gradients={name: float(np.sqrt(np.mean(rms**2))) for name, rms in of_weights.items()},
            spreads={name: _spread(rms) for name, rms in of_weights.items()},
            activations={name: float(spread) for name, spread in zip(names, spreads, strict=True)},
            common=float(common) if v.any() and np.isfinite(common) else None,
            rare=float(rare),
        )
        return seen, v

    return look


def _spread(sizes: np.ndarray) -> float:
    """What a tenth is above over what a tenth is below, of those above 0; 1 where there are none."""
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    low, high = np.quantile(sizes, [0.1, 0.9]) if len(sizes) else (1, 1)
    return float(high / low)


def in_common(g: Matrix) -> Scalar:
    """The mean inner product of two of the rows [several, parameters], as a part of their mean |g|².

    That is the squared length of what they are draws of, without bias: |mean g|² in its place would be 1/n
    for n rows that have nothing in common. 0 where it comes out below, and where all rows are 0.
    """
    n, squares = len(g), jnp.sum(g**2)
    pairs = (jnp.sum(jnp.sum(g, axis=0) ** 2) - squares) / (n - 1)
    return jnp.where(squares > 0, jnp.maximum(pairs, 0) / jnp.where(squares > 0, squares, 1), 0)
