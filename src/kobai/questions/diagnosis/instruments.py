"""A training with instruments: the engine's own steps, and what is measured beside them.

Three programs, compiled once for a task's shapes and some kinds of rules: whatever rates, initial values,
strategies, seeds and data follow are arguments::

    stretch(from, to, cell, draws, train)        steps of `Program`, and a row of numbers for each
    look(θ, state, examples, validation)         what is seen of the network at one point
    curvature(θ, state, examples, scale)         the ends of the Hessian's spectrum there

The steps are those of `kobai.engine`, called and not written anew; so a training with instruments ends where
one without them does.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.stages import Compiled
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar, Vector, Whole
from kobai.basics.machine import full_precision
from kobai.engine import convolutions
from kobai.engine.blocks import CellState, Draws
from kobai.engine.executables import compiler_options
from kobai.engine.program import Program
from kobai.engine.strategy import Strategy
from kobai.optimizers.base import Optimizer
from kobai.questions import curvature
from kobai.questions.diagnosis.sites import RELU, SIGMOID, STATE, TANH, Observed, Site, observed, with_units
from kobai.tasks.task import Task

CAPACITY = 512
"""Steps in a segment of draws, as in a sweep."""
EXAMPLES = 256
"""Training examples that are looked at: for losses and gradients; half of them for what units do."""
CHUNKS = 8
"""Parts of them whose gradients are compared: their spread is the noise of a gradient."""
PRODUCTS = 16
"""Products with the Hessian in a measurement of its spectrum."""
ALIKE = 1e-3
"""Two units are alike whose weights differ by less than this part of them."""
BEYOND = {TANH: 0.95, SIGMOID: 0.9}
"""Where a unit counts as saturated, as in `kobai.probe`: tanh beyond ±0.95, sigmoid within 0.05 of 0 or 1,
which is beyond ±0.9 on the way from −1 to 1."""

FIRST = 4
"""Columns of a step's row before those of the arrays: loss before, loss after, and the gradient's length
before clipping and as the rule got it."""


class Instruments:
    """The instruments for one task and some kinds of rules and strategies.

    Args:
      task: what is trained. Data of the same shapes may stand in the place of its own.
      optimizers: one of each kind that will be trained.
      strategies: those that any training will have.
    """

    def __init__(
        self, task: Task, optimizers: Sequence[Optimizer], strategies: Sequence[Strategy] = ()
    ) -> None:
        self.task = task
        capacity = max(1, min(CAPACITY, 2**20 // task.examples_a_step))
        self.program = Program(task, optimizers, capacity=capacity, strategies=strategies)
        self.sizes = [size for size, _ in task.spans]
        places = np.random.RandomState(0).permutation(self.program.examples)  # noqa: NPY002 - for ever the same
        count = min(EXAMPLES, len(places) - len(places) % CHUNKS)
        self.places = np.resize(places, max(count, CHUNKS))
        roles = [role for role in task.every_role if role.is_trained]
        self.outputs = [(0 if role.layout == "out_in" else -1) if role.is_weight else None for role in roles]

    def examples(self, data: PyTree) -> PyTree:
        """The training examples that are looked at."""
        return jax.tree.map(lambda array: jnp.asarray(np.asarray(array)[self.places]), data)

    @functools.cached_property
    def sites(self) -> list[Site]:
        """Where units are: those among the program's sites that have a row for each example."""
        return [self._observed.sites[i] for i in self._kept]

    @functools.cached_property
    def _traced(self) -> tuple[Observed, list[Any]]:
        return self._seen_at(self._units(self.examples(self.task.train)))

    @property
    def _observed(self) -> Observed:
        return self._traced[0]

    @property
    def _shapes(self) -> list[Any]:
        return self._traced[1]

    def _seen_at(self, examples: PyTree) -> tuple[Observed, list[Any]]:
        """The loss at so many examples with its sites, and the shapes of what is there."""
        arguments = (self.program.θ, self.task.state, examples)
        seen = observed(self._loss, *arguments)
        return seen, list(jax.eval_shape(functools.partial(seen.run, None), *arguments)[1])

    @functools.cached_property
    def _kept(self) -> list[int]:
        return with_units(self._observed.sites, self._shapes, len(self._units(self.places)))

    @staticmethod
    def _units(examples: PyTree) -> PyTree:
        """Those at which units are looked at."""
        return jax.tree.map(lambda array: array[: max(len(array) // 2, 1)], examples)

    def _loss(self, θ: Vector, state: PyTree, examples: PyTree) -> Scalar:
        """The training loss, always with the same random key."""
        return curvature.training_loss(self.task, examples, state)(θ)

    # The steps

    def stretch(
        self, start: Whole, stop: Whole, cell: CellState, draws: Draws, train: PyTree
    ) -> tuple[CellState, jax.Array, jax.Array]:
        """(the cell, a row for each step, the sum of θ over them) after the steps from `start` to `stop`."""
        program = self.program

        def step(s: Whole, carry: tuple) -> tuple:
            cell, rows, total = carry
            after, loss, of_batch, given = program.step(program.rules, s, cell, draws, train)
            batch, key = program.batch(s, lax.rem(s, jnp.int32(program.capacity)), draws, train)
            again, _ = self.task.training_loss(self.task.unflatten(after.θ), cell.state, batch, key)
            point = program._point(program.rules, s, cell)  # noqa: SLF001
            unclipped = self._penalized(cell, of_batch, point, loss)
            row = [loss, again, jnp.linalg.norm(unclipped), jnp.linalg.norm(given)]
            row += [
                *self._lengths(of_batch),
                *self._lengths(after.θ - cell.θ),
                *self._lengths(cell.θ),
            ]
            rows = rows.at[s - start].set(jnp.stack([number.astype(rows.dtype) for number in row]))
            return after, rows, total + after.θ

        rows = jnp.full((program.capacity, FIRST + 3 * len(self.sizes)), jnp.nan, cell.θ.dtype)
        return lax.fori_loop(start, stop, step, (cell, rows, jnp.zeros_like(cell.θ)))

    # The looks

    def look(self, s: Whole, cell: CellState, examples: PyTree, validation: PyTree) -> dict[str, Any]:
        """What is seen of the network after s steps."""
        program = self.program
        elsewhere = program.evaluates_elsewhere
        θ = program._evaluation(program.rules, s, cell) if elsewhere else jnp.asarray(cell.θ)  # noqa: SLF001
        state, parameters = cell.state, self.task.unflatten(θ)
        train = self.task.evaluate(parameters, state, examples)
        held_out = self.task.evaluate(parameters, state, validation)
        chunks = jax.tree.map(lambda array: array.reshape(CHUNKS, -1, *array.shape[1:]), examples)
        each = lax.map(lambda chunk: jax.grad(self._loss)(θ, state, chunk), chunks)
        mean, loss = jnp.mean(each, axis=0), self._loss(θ, state, examples)
        per_chunk = len(self.places) // CHUNKS
        return {
            "train": jnp.stack(train),
            "validation": jnp.stack(held_out),
            "in_training": loss,
            "gradient": jnp.stack(self._lengths(mean)),
            # Of the mean of n examples the variance is Σ/n: their sum over all directions, for one example.
            "noise": per_chunk * jnp.sum(jnp.var(each, axis=0, ddof=1)),
            "signal": jnp.sum(self._penalized(cell, mean, θ, loss) ** 2),
            "alike": jnp.stack(self._alike(θ)),
            "units": self._at_sites(θ, state, self._units(examples)),
        }

    def _penalized(self, cell: CellState, g: Vector, θ: Vector, loss: Scalar) -> Vector:
        """A gradient of the loss with that of the penalties: what is clipped, and then given to the rule."""
        return self.program.parts.again(cell.parts, g, θ, loss, clipped=False)

    def _lengths(self, vector: Vector) -> list[Scalar]:
        """The length of a vector like θ, array by array."""
        return [jnp.linalg.norm(part) for part in jnp.split(vector, np.cumsum(self.sizes)[:-1])]

    def _alike(self, θ: Vector) -> list[Array]:
        """Of each trained array the share of units whose weights are those of another; NaN: no weights."""
        shares: list[Array] = []
        for array, axis in zip(self.task.arrays(θ), self.outputs, strict=True):
            if axis is None or array.ndim < 2 or array.shape[axis] < 2:
                shares.append(jnp.full((), jnp.nan))
                continue
            rows = jnp.moveaxis(array, axis, 0).reshape(array.shape[axis], -1).astype(jnp.float32)

            def others(row: Vector, rows: Array = rows) -> Whole:
                return jnp.sum(jnp.linalg.norm(rows - row, axis=1) <= ALIKE * jnp.linalg.norm(row))

            shares.append(jnp.mean(lax.map(others, rows) > 1))
        return shares

    def _at_sites(self, θ: Vector, state: PyTree, examples: PyTree) -> list[dict[str, jax.Array]]:
        """What is seen at each site: its units' values, and how much of the gradient gets there."""
        shifts = [jnp.zeros(shape.shape, shape.dtype) for shape in self._shapes]

        def loss(shifts: list[jax.Array]) -> tuple[Scalar, list[jax.Array]]:
            return self._observed.run(shifts, θ, state, examples)

        by_shifts, values = jax.grad(loss, has_aux=True)(shifts)
        return [_seen(self._observed.sites[i], values[i], by_shifts[i], self._axes[i]) for i in self._kept]

    @functools.cached_property
    def _axes(self) -> list[int]:
        """Along which axis units lie at each site: not along the one that another example makes longer."""
        examples = self._units(self.examples(self.task.train))
        more = self._seen_at(jax.tree.map(lambda array: jnp.concatenate([array, array[:1]]), examples))[1]
        return [
            -2 if shape.shape[-1] != longer.shape[-1] else self._axis(shape.shape)
            for shape, longer in zip(self._shapes, more, strict=True)
        ]

    def _axis(self, shape: tuple[int, ...]) -> int:
        """Along which axis units lie that come after examples: the last, or that of the channels."""
        outputs = {
            array.shape[axis]
            for array, axis in zip(self.task.arrays(self.program.θ), self.outputs, strict=True)
            if axis is not None and array.ndim >= 2
        }
        return 1 if len(shape) == 4 and shape[-1] not in outputs and shape[1] in outputs else -1

    # The curvature

    def curvature(
        self, θ: Vector, state: PyTree, examples: PyTree, scale: Vector, penalty: Vector
    ) -> jax.Array:
        """[lowest, largest] eigenvalue of diag(scale) H diag(scale), of the training loss.

        `penalty`: λ₂ for each parameter, of ½λ₂θ² in the loss; L1 does not curve.
        """
        units = self._units(examples)

        def loss(θ: Vector) -> Scalar:
            return self._loss(θ, state, units) + jnp.vdot(penalty, θ**2) / 2

        return jnp.stack(curvature.extreme_eigenvalues(loss, θ, PRODUCTS, scale=scale))

    def losses(self, points: Array, state: PyTree, examples: PyTree) -> jax.Array:
        """The loss at each of some points [points, parameters]."""
        return lax.map(lambda θ: self.task.evaluate(self.task.unflatten(θ), state, examples)[0], points)

    def held_out(self, θ: Vector, state: PyTree, data: PyTree) -> jax.Array:
        """[loss, metric] on data."""
        return jnp.stack(self.task.evaluate(self.task.unflatten(θ), state, data))

    def slope(self, θ: Vector, state: PyTree, examples: PyTree) -> tuple[Scalar, Vector]:
        """(loss, its gradient) in inference mode."""
        return jax.value_and_grad(lambda θ: self.held_out(θ, state, examples)[0])(θ)

    # Compiled

    def compiled(self, name: str, *arguments: PyTree) -> Any:
        """What the instrument `name` gives for these arguments."""
        if name not in self._programs:
            with full_precision():
                lowered = convolutions.lowered(getattr(self, name), *arguments)
            self._programs[name] = lowered.compile(compiler_options())
        return self._programs[name](*arguments)

    @functools.cached_property
    def _programs(self) -> dict[str, Compiled]:
        return {}


def _seen(site: Site, value: jax.Array, gradient: jax.Array, axis: int) -> dict[str, jax.Array]:
    """Of one site: mean, spread, shares of dead and saturated units, and the gradient that gets there."""
    rows = jnp.moveaxis(value, axis, -1).reshape(-1, value.shape[axis]).astype(jnp.float32)
    largest = jnp.max(jnp.abs(rows), axis=0)
    dead = largest == 0 if site.kind == RELU else jnp.max(rows, 0) == jnp.min(rows, 0)
    beyond = rows if site.kind == TANH else 2 * rows - 1
    bound = BEYOND.get(site.kind, jnp.inf)
    axes = tuple(range(1, gradient.ndim)) if site.time else None
    reach = jnp.sqrt(jnp.sum(gradient.astype(jnp.float32) ** 2, axis=axes))
    return {
        "mean": jnp.mean(rows),
        "spread": jnp.mean(jnp.std(rows, axis=0)),
        "dead": jnp.mean(dead),
        "saturated": jnp.zeros(()) if site.kind in (RELU, STATE) else jnp.mean(jnp.abs(beyond) > bound),
        "reach": reach[::-1] if site.backward else reach,
    }
