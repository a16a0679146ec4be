"""One training run as a pure function of its rule, its hyperparameters, its start and its draws.

`Program` compiles, for one task and one list of optimizers, a single program that runs a chunk of cells::

    block(clock, cells, draws, data) -> (cells, curves)

Everything random is made outside and passed in; a block of steps can end anywhere and the next one goes on
from the cells it returned. Early end, long runs, interruption and any number of `--steps` without
another compilation all follow from that shape. Inside, the parameters are one flat vector θ, so that a
rule's formula runs once a step and not once for every array. On a CPU which rule a cell follows is a
`lax.switch` inside a loop over cells (`lax.map`: under `vmap` every cell would pay for every rule); on a GPU
all cells step together (`Program.population`).
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
        leaves, tree = jax.tree.flatten(optimizer)
        self.tree: Any = tree
        self.hyperparameters = len(leaves)
        shapes = jax.eval_shape(lambda values, θ: self._init(values, θ), [0.5] * len(leaves), θ)
        self.leaves, state_tree = jax.tree.flatten(shapes)
        self.state_tree: Any = state_tree
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

    def step(self, values: Any, gradient: Any, memory: Memory, θ: Any) -> tuple[Any, Memory]:
        """(θ + Δ, memory): the rule on the flat vector; one that looks at shapes gets the arrays."""
        optimizer, state = self.optimizer(values), self.unpack(memory)
        if optimizer.elementwise:
            Δ, state = optimizer.update(gradient, state, θ)
        else:
            Δs, state = optimizer.update(self.task.arrays(gradient), state, self.task.arrays(θ))
            Δ = jnp.concatenate([jnp.ravel(leaf) for leaf in Δs])
        return θ + Δ.astype(θ.dtype), self.pack(state, memory)

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

    def block(
        self, clock: Clock, cells: Cells, draws: Draws, train: Any, validation: Any
    ) -> tuple[Cells, Curves]:
        """Every cell of the chunk, one after the other, from `clock.start` to `clock.stop`: for a CPU."""

        def one(cell_and_draws: tuple[Cells, Draws]) -> tuple[Cells, Curves]:
            cell, draws = cell_and_draws

            def step(s: Any, cell: Cells) -> Cells:
                loss, state, g = self._gradient(s, clock, self._point(cell), cell, draws, train)
                steps = [rule.step for rule in self.rules]
                θ, memory = lax.switch(cell.rule, steps, cell.hyperparameters, g, cell.memory, cell.θ)
                return _stepped(s, cell, θ, memory, state, loss)

            cell = self._begun(clock, cell)
            return self._run(clock, cell, step, lambda cell: self._measure(cell, validation))

        return lax.map(one, (cells, draws))

    def population(
        self, counts: Sequence[int], clock: Clock, cells: Cells, draws: Draws, train: Any, validation: Any
    ) -> tuple[Cells, Curves]:
        """All cells of the chunk in step, `counts[i]` of them, one after the other, of rule i: for a GPU.

        One batched gradient for the whole population, then each rule on its own slice of it.
        """
        ends = np.cumsum(counts)
        slices = [slice(end - count, end) for count, end in zip(counts, ends, strict=True)]

        def per_rule(method: str, cells: Cells, *more: Any) -> Any:
            """The results of `method` of each rule on its slice of the population, put together."""
            parts = [
                jax.vmap(getattr(rule, method))(*_rows(part, (cells.hyperparameters, *more)))
                for rule, part in zip(self.rules, slices, strict=True)
                if part.start < part.stop
            ]
            return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)

        def step(s: Any, cells: Cells) -> Cells:
            point = per_rule("lookahead", cells, cells.θ, cells.memory) if self.looks_ahead else cells.θ
            loss, state, g = jax.vmap(self._gradient, (None, None, 0, 0, 0, None))(
                s, clock, point, cells, draws, train
            )
            θ, memory = per_rule("step", cells, g, cells.memory, cells.θ)
            stepped = _stepped(s, cells, θ, memory, state, loss)
            return jax.tree.map(lambda new, old: _where(cells.finished, old, new), stepped, cells)

        memory = lax.cond(
            clock.start == 0, lambda: per_rule("init", cells, cells.θ, cells.memory), lambda: cells.memory
        )
        measure = jax.vmap(self._measure, (0, None))
        return self._run(clock, cells._replace(memory=memory), step, lambda cells: measure(cells, validation))

    def _run(self, clock: Clock, cells: Cells, step: Any, measure: Any) -> tuple[Cells, Curves]:
        """Evaluate where one is due, then step to the next evaluation; until the block or the run ends.

        `cells` is one cell without a leading axis, or a population with one.
        """

        def evaluate(now: Any, row: Any, cells: Cells, curves: Curves) -> tuple:
            loss, metric = measure(cells)
            since = jnp.where(now % clock.every == 0, clock.every, now % clock.every)
            training = jnp.where(now == 0, jnp.nan, cells.loss_sum / since)
            values = Curves(training, loss, metric)
            curves = jax.tree.map(
                lambda curve, value: curve.at[..., row].set(jnp.where(cells.finished, jnp.nan, value)),
                curves,
                values,
            )
            lost = ~jnp.isfinite(loss)
            cells = cells._replace(loss_sum=jnp.zeros_like(cells.loss_sum))
            return _diverged(cells, lost, jnp.maximum(now, 1)), curves, row + 1

        def stretch(carry: tuple) -> tuple:
            now, row, cells, curves = carry
            at_end = now == clock.total
            cells, curves, row = lax.cond(
                (now % clock.every == 0) | at_end,
                lambda: evaluate(now, row, cells, curves),
                lambda: (cells, curves, row),
            )
            stop = jnp.minimum(clock.stop, now + clock.every - now % clock.every)
            cells = lax.fori_loop(now, stop, step, cells)
            # Only where an evaluation is due, which does not depend on where blocks happen to end.
            lost = ~jnp.all(jnp.isfinite(cells.θ), axis=-1) & (
                (stop % clock.every == 0) | (stop == clock.total)
            )
            cells = _diverged(cells, lost, stop)
            finished = cells.finished | at_end | (cells.diverged_at > 0)
            return stop, row, cells._replace(finished=finished), curves

        def goes_on(carry: tuple) -> Any:
            now, _, cells, _ = carry
            return ~jnp.all(cells.finished) & ((now < clock.stop) | (now == clock.total))

        nothing = jnp.full((*cells.finished.shape, self.capacity + 1), jnp.nan, self.θ.dtype)
        start = (clock.start, jnp.int32(0), cells, Curves(nothing, nothing, nothing))
        _, _, cells, curves = lax.while_loop(goes_on, stretch, start)
        return cells, curves

    def _begun(self, clock: Clock, cell: Cells) -> Cells:
        """In the first block the memory is only room: the rule fills it."""
        inits = [rule.init for rule in self.rules]
        memory = lax.cond(
            clock.start == 0,
            lambda: lax.switch(cell.rule, inits, cell.hyperparameters, cell.θ, cell.memory),
            lambda: cell.memory,
        )
        return cell._replace(memory=memory)

    def _point(self, cell: Cells) -> Any:
        """Where the gradient is taken."""
        if not self.looks_ahead:
            return cell.θ
        looks = [rule.lookahead for rule in self.rules]
        return lax.switch(cell.rule, looks, cell.hyperparameters, cell.θ, cell.memory)

    def _gradient(self, step: Any, clock: Clock, point: Any, cell: Cells, draws: Draws, train: Any) -> tuple:
        """(loss, model state, gradient) of one cell's batch at `point`."""
        task = self.task
        rows = draws.batches[step - clock.start]
        batch = jax.tree.map(lambda array: array.at[rows].get(mode="promise_in_bounds"), train)
        key = jax.random.fold_in(jax.random.wrap_key_data(draws.key), step) if task.random else None

        def loss_at(point: Any) -> Any:
            return task.training_loss(task.unflatten(point), cell.state, batch, key)

        (loss, state), g = jax.value_and_grad(loss_at, has_aux=True)(point)
        return loss, state, g

    def _measure(self, cell: Cells, data: Any) -> tuple[Any, Any]:
        """(loss, metric) of one cell on a whole part of the data."""
        return self.task.evaluate(self.task.unflatten(cell.θ), cell.state, data)

    def final(self, cells: Cells, data: Any) -> tuple[Any, Any]:
        """(loss, metric) [cells] of every cell on one part of the data."""
        return lax.map(lambda cell: self._measure(cell, data), cells)


def _stepped(step: Any, cell: Cells, θ: Any, memory: Memory, state: Any, loss: Any) -> Cells:
    """The cell after one update."""
    cell = cell._replace(θ=θ, memory=memory, state=state, loss_sum=cell.loss_sum + loss.astype(θ.dtype))
    return _diverged(cell, ~jnp.isfinite(loss), step + 1)


def _diverged(cells: Cells, lost: Any, step: Any) -> Cells:
    """Note `step` as the one of divergence, where there is none yet."""
    return cells._replace(diverged_at=jnp.where((cells.diverged_at == 0) & lost, step, cells.diverged_at))


def _rows(part: slice, arrays: Any) -> Any:
    return jax.tree.map(lambda array: array[part], arrays)


def _where(condition: Any, first: Any, second: Any) -> Any:
    """`jnp.where` with `condition` [cells] against arrays [cells, …]."""
    return jnp.where(condition.reshape(condition.shape + (1,) * (first.ndim - 1)), first, second)
