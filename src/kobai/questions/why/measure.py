"""What is measured of a network to say why: gradients by array, their noise, and the curvature.

At the start of one seed with every initial value that was tried, and at the end of the recommended training,
which is made once more (a study keeps no weights). The gradients of a few batches tell most of it; the
largest eigenvalue of the Hessian takes 20 products, each as much as two gradients. All of it together is a
small part of what the study took (`Measured.gradients`), or it is left out.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, ModelState, Scalar, Vector
from kobai.basics.machine import quick_compilation
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import Initializer
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.base import Optimizer
from kobai.questions.curvature import first_batches, training_loss
from kobai.questions.range.bounds import Bound, limits
from kobai.tasks import flat
from kobai.tasks.task import Task

BATCHES = 4
"""Batches whose gradients are looked at."""

MOST = 0.1
"""So much of the gradients of a study may be taken to say why."""


@dataclasses.dataclass(frozen=True)
class Look:
    """The network at one point.

    Fields:
      loss: the mean over the batches.
      gradients: the root mean square of the gradient of each weight array, by its path.
      activations: the standard deviation of what each layer gives, of a dense network; else empty.
      common: what the gradients of the batches have in common, as a part of their mean |g|² (`in_common`): 1
        where all are alike, 0 where each points elsewhere.
      rare: of the entries that have a gradient in some batch, the mean part of the batches in which each has
        none.
    """

    loss: float
    gradients: Mapping[str, float]
    activations: Sequence[float]
    common: float
    rare: float


@dataclasses.dataclass(frozen=True)
class Measured:
    """All that was measured.

    Fields:
      starts: by the name of the initial value.
      end: at the end of the recommended training; None where that was too dear, or diverged.
      bound_at_start, bound_at_end: the limit of theory for the recommended rule; None likewise.
      gradients: how many were computed, each of a batch; a product with the Hessian counts as two.
    """

    starts: Mapping[str, Look]
    end: Look | None
    bound_at_start: Bound | None
    bound_at_end: Bound | None
    gradients: int

    def plain(self) -> dict[str, Any]:
        """As plain values, for a file."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Measured":
        """What `plain` gave."""
        bounds = {
            name: None if values[name] is None else Bound(**values[name])
            for name in ("bound_at_start", "bound_at_end")
        }
        end = None if values["end"] is None else Look(**values["end"])
        starts = {name: Look(**look) for name, look in values["starts"].items()}
        return cls(starts, end, gradients=values["gradients"], **bounds)


def measured(
    task: Task,
    rule: Optimizer,
    initializers: Sequence[Initializer],
    strategy: Strategy,
    *,
    seed: int,
    steps: int,
    most: float,
) -> Measured | None:
    """What there is to measure, at `most` so many gradients; None where that is too few for anything.

    Args:
      rule: the recommended one, with its rate.
      initializers: the recommended one first.
      strategy: of the recommended training. Theory's limit at its end is not told under a schedule, whose
        rate is another there, nor for AdaGrad, which divides by all gradients so far.
      seed: of the starts, and of the training that is made again.
      steps: of that training.
    """
    gradients = BATCHES * len(initializers)
    if gradients > most:
        return None
    batches = first_batches(task, seed, BATCHES)
    look = _looking(task, batches)
    limit, dear = limits(task, rule, batches)
    starts = {each.name: task.start(each, stream(seed, INITIAL)) for each in initializers}
    looks = {name: look(jnp.asarray(θ), task.state) for name, θ in starts.items()}
    begin = end = None
    last: Look | None = None
    if gradients + dear <= most:
        begin, gradients = limit(jnp.asarray(starts[initializers[0].name]), task.state), gradients + dear
    if gradients + steps + BATCHES + dear <= most:
        trained = _trained(task, rule, initializers[0], strategy, seed, steps)
        gradients += steps
        if trained is not None:
            θ, state = trained
            last, gradients = look(θ, state), gradients + BATCHES
            if not isinstance(rule, AdaGrad) and strategy.schedule is None:
                end, gradients = limit(θ, state), gradients + dear
    return Measured(looks, last, begin, end, gradients)


def _looking(task: Task, batches: PyTree) -> Callable[[Vector, ModelState], Look]:
    """What looks at the network at θ; compiled once."""
    first = jax.tree.map(lambda part: part[0], batches)

    @functools.partial(jax.jit, compiler_options=quick_compilation())
    def numbers(θ: Vector, state: ModelState) -> tuple:
        def one(batch: PyTree) -> tuple:
            return jax.value_and_grad(training_loss(task, batch, state))(θ)

        losses, g = jax.lax.map(one, batches)
        parts = flat.split(task.trained(task.parameters), (g**2).mean(0))
        rms = jnp.stack([jnp.sqrt(jnp.mean(part)) for part in parts])
        common = in_common(g)
        none = (g == 0).mean(0)
        rare = jnp.sum(jnp.where(none < 1, none, 0)) / jnp.maximum(jnp.sum(none < 1), 1)
        return losses.mean(), rms, common, rare, _activations(task, θ, first)

    places = [(place.name, weight) for place, (_, weight) in zip(task.places, task.spans, strict=True)]

    def look(θ: Vector, state: ModelState) -> Look:
        loss, rms, common, rare, spreads = jax.tree.map(np.asarray, numbers(θ, state))
        by_array = {name: float(x) for (name, weight), x in zip(places, rms, strict=True) if weight}
        return Look(float(loss), by_array, [float(each) for each in spreads], float(common), float(rare))

    return look


def in_common(g: Matrix) -> Scalar:
    """The mean inner product of two of the rows [several, parameters], as a part of their mean |g|².

    That is the squared length of what they are draws of, without bias: |mean g|² in its place would be 1/n
    for n rows that have nothing in common. 0 where it comes out below.
    """
    n, squares = len(g), jnp.sum(g**2)
    pairs = (jnp.sum(jnp.sum(g, axis=0) ** 2) - squares) / (n - 1)
    return jnp.where(squares > 0, jnp.maximum(pairs, 0) / jnp.where(squares > 0, squares, 1), 0)


def _activations(task: Task, θ: Vector, batch: PyTree) -> list[jax.Array]:
    """The standard deviation of what each layer gives, of a plain dense network of kobai's own."""
    dense = task.dense
    if dense is None or dense.batch_norm != "off":
        return []
    from kobai.networks.mlp import ACTIVATIONS

    a = jax.tree.leaves(batch)[0]
    layers = task.with_arrays(task.arrays(θ))
    spreads = []
    for i, layer in enumerate(layers):
        a = a @ layer["weights"].T + layer["biases"]
        a = ACTIVATIONS[dense.activation](a) if i < len(layers) - 1 else a
        spreads.append(jnp.std(a))
    return spreads


def _trained(
    task: Task, rule: Optimizer, initializer: Initializer, strategy: Strategy, seed: int, steps: int
) -> tuple[Vector, ModelState] | None:
    """(θ, model state) at the end of a training; None where it diverged."""
    strategies = [] if strategy == Strategy() else [strategy]
    sweep = Sweep(task, [rule], steps=steps, evaluate_every=steps, strategies=strategies, keep_model=True)
    [run] = THREADS.runs(sweep, [Cell(rule, initializer, seed, strategy)])
    if run.model is None:
        return None
    return jnp.asarray(task.flatten(run.model.parameters)), run.model.state
