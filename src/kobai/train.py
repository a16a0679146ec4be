"""One training run as a pure function of its rule, its hyperparameters, its start and its draws.

`Program` compiles, for one task and one list of optimizers, a single program that runs a chunk of cells::

    block(clock, cells, data) -> (cells, curves)

Everything random is made outside and passed in; a block of steps can end anywhere and the next one goes on
from the cells it returned. Early end, long runs, interruption and any number of `--steps` without another
compilation all follow from that shape. Inside, the parameters are one flat vector θ, so that a rule's formula
runs once a step and not once for every array; which rule a cell follows is a `lax.switch` inside a loop over
cells (`lax.map`: under `vmap` every cell would pay for every rule).
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kobai.optimizers.base import Optimizer
from kobai.tasks.task import Task

COMPILER_OPTIONS = {
    # A cell belongs to one thread: splitting its small products over cores only adds waiting.
    "xla_cpu_multi_thread_eigen": False,
    # The fast form drops NaN in max(x, 0), and with it the sign of a diverged run.
    "xla_cpu_enable_fast_min_max": False,
}


class Memory(NamedTuple):
    """The states of all rules in one layout, padded to the largest: θ-shaped arrays, and the rest in rows."""

    slots: tuple[Any, ...]
    floats: Any
    integers: Any


class Cells(NamedTuple):
    """A chunk of cells between two blocks, each array with a leading axis [cells]."""

    rule: Any
    """int32: the position of the cell's rule among the program's."""
    hyperparameters: Any
    """[hyperparameters], padded with zeros."""
    θ: Any
    """[parameters]."""
    memory: Memory
    state: Any
    """The model's state (a pytree), or None."""
    loss_sum: Any
    """The sum of the training losses since the last evaluation."""
    diverged_at: Any
    """int32: the first step whose loss or parameters were not finite; 0: none so far."""
    finished: Any
    """bool: diverged, or at its last evaluation."""


class Draws(NamedTuple):
    """Everything random that a block needs, made outside, [cells, …]."""

    batches: Any
    """int32 [cells, capacity, batch]: the examples of each step."""
    key: Any
    """uint32 [cells, 2]: the seed's random key, folded with the step only where the task asks for one."""


class Clock(NamedTuple):
    """Which steps a block runs: from `start` to `stop` of `total`, evaluating each `every` steps."""

    start: Any
    stop: Any
    total: Any
    every: Any


class Curves(NamedTuple):
    """[cells, capacity + 1] each; NaN after the end. Row k is the k-th evaluation in the block."""

    training_loss: Any
    """Mean over the steps since the evaluation before; NaN at step 0."""
    validation_loss: Any
    validation_metric: Any


class Rule:
    """One optimizer's place in the program: how its hyperparameters and its state fit the common layout."""

    def __init__(self, optimizer: Optimizer, task: Task, θ: np.ndarray) -> None:
        self.task = task
        leaves, self.tree = jax.tree.flatten(optimizer)
        self.hyperparameters = len(leaves)
        shapes = jax.eval_shape(lambda values, θ: self._init(values, θ), [0.5] * len(leaves), θ)
        self.leaves, self.state_tree = jax.tree.flatten(shapes)
        self.places: list[tuple[str, int, int]] = []
        sizes = {"slots": 0, "floats": 0, "integers": 0}
        for leaf in self.leaves:
            kind = "integers"
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                kind = "slots" if leaf.shape == θ.shape else "floats"
            size = 1 if kind == "slots" else math.prod(leaf.shape)
            self.places.append((kind, sizes[kind], sizes[kind] + size))
            sizes[kind] += size
        self.sizes = sizes
        self.looks_ahead = type(optimizer).lookahead is not Optimizer.lookahead

    def optimizer(self, values: Any) -> Optimizer:
        """The optimizer with its hyperparameters taken from a row of values."""
        return self.tree.unflatten([values[i] for i in range(self.hyperparameters)])

    def _init(self, values: Any, θ: Any) -> Any:
        optimizer = self.optimizer(values)
        return optimizer.init(θ if optimizer.elementwise else self.task.arrays(θ))

    def init(self, values: Any, θ: Any, empty: Memory) -> Memory:
        return self.pack(self._init(values, θ), empty)

    def update(self, values: Any, gradient: Any, memory: Memory, θ: Any) -> tuple[Any, Memory]:
        """The rule on the flat vector; one that looks at shapes gets the arrays themselves."""
        optimizer, state = self.optimizer(values), self.unpack(memory)
        if optimizer.elementwise:
            Δ, state = optimizer.update(gradient, state, θ)
        else:
            Δs, state = optimizer.update(self.task.arrays(gradient), state, self.task.arrays(θ))
            Δ = jnp.concatenate([jnp.ravel(leaf) for leaf in Δs])
        return Δ.astype(θ.dtype), self.pack(state, memory)

    def lookahead(self, values: Any, θ: Any, memory: Memory) -> Any:
        return self.optimizer(values).lookahead(θ, self.unpack(memory))

    def pack(self, state: Any, memory: Memory) -> Memory:
        """`memory` with this rule's state written into its places."""
        slots, rows = list(memory.slots), {"floats": memory.floats, "integers": memory.integers}
        for (kind, start, end), leaf in zip(self.places, self.state_tree.flatten_up_to(state), strict=True):
            if kind == "slots":
                slots[start] = leaf
            else:
                values = jnp.ravel(leaf).astype(rows[kind].dtype)
                rows[kind] = rows[kind].at[start:end].set(values)
        return Memory(tuple(slots), **rows)

    def unpack(self, memory: Memory) -> Any:
        leaves = []
        for (kind, start, end), leaf in zip(self.places, self.leaves, strict=True):
            values = memory.slots[start] if kind == "slots" else getattr(memory, kind)[start:end]
            leaves.append(values.reshape(leaf.shape).astype(leaf.dtype))
        return self.state_tree.unflatten(leaves)


class Program:
    """All cells of a task under some optimizers, as one compiled program.

    Args:
      task: what is trained.
      optimizers: one for each kind of rule; which hyperparameters they hold does not matter.
      capacity: the most steps in a block.
    """

    def __init__(self, task: Task, optimizers: Sequence[Optimizer], *, capacity: int) -> None:
        self.task, self.capacity = task, capacity
        self.θ = task.flatten(task.parameters)
        self.rules = [Rule(optimizer, task, self.θ) for optimizer in optimizers]
        self.position = {rule.tree: i for i, rule in enumerate(self.rules)}
        self.width = max(rule.hyperparameters for rule in self.rules)
        self.sizes = {kind: max(rule.sizes[kind] for rule in self.rules) for kind in self.rules[0].sizes}
        self.looks_ahead = any(rule.looks_ahead for rule in self.rules)

    def start(self, optimizer: Optimizer, θ: np.ndarray) -> Cells:
        """One cell before its first step, on the host, without the leading axis.

        Its memory is only room: the first block fills it.
        """
        leaves, tree = jax.tree.flatten(optimizer)
        values = np.zeros(self.width, self.θ.dtype)
        values[: len(leaves)] = leaves
        return Cells(
            rule=np.int32(self.position[tree]),
            hyperparameters=values,
            θ=θ.astype(self.θ.dtype),
            memory=Memory(
                slots=tuple(np.zeros_like(self.θ) for _ in range(self.sizes["slots"])),
                floats=np.zeros(self.sizes["floats"], self.θ.dtype),
                integers=np.zeros(self.sizes["integers"], np.int32),
            ),
            state=jax.tree.map(np.asarray, self.task.state),
            loss_sum=np.zeros((), self.θ.dtype),
            diverged_at=np.int32(0),
            finished=np.bool_(False),
        )

    def block(self, clock: Clock, cells: Cells, draws: Draws, train: Any, validation: Any) -> tuple[Cells, Curves]:
        """Every cell of the chunk, one after the other, from `clock.start` to `clock.stop`."""
        return lax.map(lambda cell: self._cell(clock, *cell, train, validation), (cells, draws))

    def _cell(self, clock: Clock, cell: Cells, draws: Draws, train: Any, validation: Any) -> tuple[Cells, Curves]:
        """Evaluate where one is due, then step to the next evaluation; until the block or the run ends."""

        def stretch(carry: tuple) -> tuple:
            step, row, cell, curves = carry
            at_end = step == clock.total
            cell, curves, row = lax.cond(
                (step % clock.every == 0) | at_end,
                lambda: self._evaluate(clock, step, row, cell, curves, validation),
                lambda: (cell, curves, row),
            )
            stop = jnp.minimum(clock.stop, step + clock.every - step % clock.every)
            cell = lax.fori_loop(
                step, stop, lambda s, cell: self._step(s, clock, cell, draws, train), cell
            )
            finite = jnp.all(jnp.isfinite(cell.θ))
            diverged_at = jnp.where((cell.diverged_at == 0) & ~finite, stop, cell.diverged_at)
            finished = cell.finished | at_end | (diverged_at > 0)
            return stop, row, cell._replace(diverged_at=diverged_at, finished=finished), curves

        def goes_on(carry: tuple) -> Any:
            step, _, cell, _ = carry
            return ~cell.finished & ((step < clock.stop) | (step == clock.total))

        inits = [rule.init for rule in self.rules]
        memory = lax.cond(
            clock.start == 0,
            lambda: lax.switch(cell.rule, inits, cell.hyperparameters, cell.θ, cell.memory),
            lambda: cell.memory,
        )
        cell = cell._replace(memory=memory)
        nothing = jnp.full(self.capacity + 1, jnp.nan, self.θ.dtype)
        start = (clock.start, jnp.int32(0), cell, Curves(nothing, nothing, nothing))
        _, _, cell, curves = lax.while_loop(goes_on, stretch, start)
        return cell, curves

    def _step(self, step: Any, clock: Clock, cell: Cells, draws: Draws, train: Any) -> Cells:
        """One update: the batch, its gradient at the look-ahead point, the rule."""
        task, values, θ, memory = self.task, cell.hyperparameters, cell.θ, cell.memory
        rows = draws.batches[step - clock.start]
        batch = jax.tree.map(lambda array: array.at[rows].get(mode="promise_in_bounds"), train)
        key = jax.random.fold_in(jax.random.wrap_key_data(draws.key), step) if task.random else None
        point = θ
        if self.looks_ahead:
            point = lax.switch(cell.rule, [rule.lookahead for rule in self.rules], values, θ, memory)

        def loss_of(point: Any) -> Any:
            return task.training_loss(task.unflatten(point), cell.state, batch, key)

        (loss, state), g = jax.value_and_grad(loss_of, has_aux=True)(point)
        Δ, memory = lax.switch(cell.rule, [rule.update for rule in self.rules], values, g, memory, θ)
        return cell._replace(
            θ=θ + Δ,
            memory=memory,
            state=state,
            loss_sum=cell.loss_sum + loss.astype(θ.dtype),
            diverged_at=jnp.where((cell.diverged_at == 0) & ~jnp.isfinite(loss), step + 1, cell.diverged_at),
        )

    def _evaluate(self, clock: Clock, step: Any, row: Any, cell: Cells, curves: Curves, validation: Any) -> tuple:
        """Write one row of the curves."""
        loss, metric = self.task.evaluate(self.task.unflatten(cell.θ), cell.state, validation)
        since = jnp.where(step % clock.every == 0, clock.every, step % clock.every)
        mean = jnp.where(step == 0, jnp.nan, cell.loss_sum / since)
        curves = Curves(
            curves.training_loss.at[row].set(mean),
            curves.validation_loss.at[row].set(loss),
            curves.validation_metric.at[row].set(metric),
        )
        diverged_at = jnp.where((cell.diverged_at == 0) & ~jnp.isfinite(loss), jnp.maximum(step, 1), cell.diverged_at)
        return cell._replace(loss_sum=jnp.zeros_like(cell.loss_sum), diverged_at=diverged_at), curves, row + 1

    def final(self, θ: Any, state: Any, data: Any) -> tuple[Any, Any]:
        """(loss, metric) [cells] of every cell on one part of the data."""
        return lax.map(lambda cell: self.task.evaluate(self.task.unflatten(cell[0]), cell[1], data), (θ, state))
