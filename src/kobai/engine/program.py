"""One training run as a pure function of its rule, its hyperparameters, its start and its draws.

`Program` is, for one task and one list of optimizers, a single program::

    block(clock, cells, draws, train, validation) -> (cells, rows)

Everything random is made outside and passed in; a block of steps can end anywhere and the next one goes on
from the cells it returned. Early end, long runs, interruption and any number of `--steps` without
another compilation all follow from that shape. Inside, the parameters are one flat vector θ, so that a
rule's formula runs once a step and not once for every array. On a CPU a block trains one cell, and which rule
it follows is a `lax.switch` inside the loop over steps (under `vmap` every cell would pay for every rule); on
a GPU all cells of a chunk step together (`Program.population`).

What is compiled is kept small, since compiling takes longer than training: states begin on the host, the
number of an update is the loop's, and when to evaluate is a list that the host makes.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kobai.engine.rule import Memory, Rule
from kobai.engine.strategy import Parts, Plan, Strategy
from kobai.optimizers.base import Optimizer
from kobai.tasks.task import Task

COMPILER_OPTIONS = {
    # A cell belongs to one thread: splitting its small products over cores only adds waiting.
    "xla_cpu_multi_thread_eigen": False,
    # The fast form drops NaN in max(x, 0), and with it the sign of a diverged run.
    "xla_cpu_enable_fast_min_max": False,
    # θ and the memories stay where they are through the switch over rules instead of being copied each step.
    "xla_cpu_copy_insertion_use_region_analysis": True,
}

LOSS_SUM, LOSS, METRIC, LOST = range(4)
"""The columns of a row: training losses added up over a stretch of steps; loss and metric on the validation
data at its end; whether θ is no longer finite there. Then loss and metric of each average; and, where any
strategy clips, how many gradients were left out so far."""


class Cells(NamedTuple):
    """One cell between two blocks; for a population each array has a leading axis [cells]."""

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
    """int32: the first step whose training loss was not finite, and not left out; 0: none so far."""
    kept: Any = None
    """What is `Kept` for the cell's strategy, or None."""


class Draws(NamedTuple):
    """Everything random or planned that a block needs, made outside; for a population with a leading axis
    [cells]."""

    batches: Any
    """int32 [capacity, batch]: the examples of each step."""
    key: Any
    """uint32 [2]: the seed's random key, folded with the step only where the task asks for one."""
    plan: Any
    """The strategy's `Plan` for each step."""


class Clock(NamedTuple):
    """Which steps a block runs: stretches that end, with an evaluation, at the first `count` of `ends`."""

    start: Any
    ends: Any
    """int32 [capacity + 1]."""
    count: Any
    due: Any = None
    """How many of the ends are evaluations that were asked for, where early stopping looks at them."""


class Program:
    """All cells of a task under some optimizers, as one program.

    Args:
      task: what is trained.
      optimizers: one for each kind of rule; which hyperparameters they hold does not matter.
      capacity: the most steps in a block.
      strategies: of the cells; which numbers they hold does not matter, only which parts they have.
    """

    def __init__(
        self,
        task: Task,
        optimizers: Sequence[Optimizer],
        *,
        capacity: int,
        strategies: Sequence[Strategy] = (),
    ) -> None:
        self.task, self.capacity, self.parts = task, capacity, Parts(strategies, task)
        self.θ = task.flatten(task.parameters)
        self.rules = [Rule(optimizer, task, self.θ) for optimizer in optimizers]
        self.position = {rule.tree: i for i, rule in enumerate(self.rules)}
        self.width = max((rule.hyperparameters for rule in self.rules), default=0)
        self.sizes = {
            kind: max((rule.sizes[kind] for rule in self.rules), default=0) for kind in Memory._fields
        }
        self.looks_ahead = any(rule.looks_ahead for rule in self.rules)

    def start(self, optimizer: Any, θ: np.ndarray, strategy: Strategy | None = None) -> Cells:
        """One cell before its first step, on the host."""
        leaves, tree = jax.tree.flatten(optimizer)
        position, θ = self.position[tree], θ.astype(self.θ.dtype)
        values = np.zeros(self.width, θ.dtype)
        values[: len(leaves)] = leaves
        room = Memory(
            slots=tuple(np.zeros_like(θ) for _ in range(self.sizes["slots"])),
            floats=np.zeros(self.sizes["floats"], θ.dtype),
            integers=np.zeros(self.sizes["integers"], np.int32),
        )
        state = jax.tree.map(np.asarray, self.task.state)
        return Cells(
            rule=np.int32(position),
            hyperparameters=values,
            θ=θ,
            memory=self.rules[position].init(values, θ, room),
            state=state,
            loss_sum=np.zeros((), θ.dtype),
            diverged_at=np.int32(0),
            kept=self.parts.start(strategy or Strategy(), θ, state),
        )

    def plan(self, strategy: Strategy, start: int, stop: int, steps: int) -> Plan:
        """What a strategy does at the steps of a block, on the host."""
        return self.parts.plan(strategy, start, stop, steps, self.capacity, self.θ.dtype)

    def clock(self, start: int, ends: np.ndarray | Sequence[int], due: int = 0) -> Clock:
        """The clock of a block, on the host; `due` of the ends are evaluations that were asked for."""
        room = np.zeros(self.capacity + 1, np.int32)
        room[: len(ends)] = ends
        return Clock(
            np.int32(start), room, np.int32(len(ends)), np.int32(due) if self.parts.stopping else None
        )

    def block(
        self, clock: Clock, cell: Cells, draws: Draws, train: Any, validation: Any
    ) -> tuple[Cells, Any]:
        """One cell through the stretches of `clock`: for a CPU. The rows are [capacity + 1, 4]."""

        def step(s: Any, cell: Cells) -> Cells:
            point = self._point(s, cell)
            loss, state, g = self._gradient(s, clock, point, cell, draws, train)
            plan = self.parts.at(draws.plan, s, clock.start)
            g, kept, state, left_out = self._guarded(cell, loss, state, g, point)
            steps = [rule.step for rule in self.rules]
            more = self.parts.beside(kept, plan)
            θ, memory = lax.switch(cell.rule, steps, s, cell.hyperparameters, g, cell.memory, cell.θ, *more)
            kept = self.parts.averaged(kept, θ, plan)
            return _stepped(s, cell, θ, memory, state, loss, kept, left_out)

        return self._run(
            clock, cell, step, lambda cell: self._measure(cell, validation), self.parts.evaluated
        )

    def population(
        self, counts: Sequence[int], clock: Clock, cells: Cells, draws: Draws, train: Any, validation: Any
    ) -> tuple[Cells, Any]:
        """All cells of the chunk in step, `counts[i]` of them, one after the other, of rule i: for a GPU.

        One batched gradient for the whole population, then each rule on its own slice of it. The rows are
        [cells, capacity + 1, 4].
        """
        ends = np.cumsum(counts)
        slices = [slice(end - count, end) for count, end in zip(counts, ends, strict=True)]

        def per_rule(method: str, s: Any, cells: Cells, *more: Any) -> Any:
            """The results of `method` of each rule on its slice of the population, put together."""
            parts = [
                jax.vmap(getattr(rule, method), (None, *[0] * (1 + len(more))))(
                    s, *_rows(part, (cells.hyperparameters, *more))
                )
                for rule, part in zip(self.rules, slices, strict=True)
                if part.start < part.stop
            ]
            return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)

        def step(s: Any, cells: Cells) -> Cells:
            point = per_rule("lookahead", s, cells, cells.θ, cells.memory) if self.looks_ahead else cells.θ
            loss, state, g = jax.vmap(self._gradient, (None, None, 0, 0, 0, None))(
                s, clock, point, cells, draws, train
            )
            plan = self.parts.at(draws.plan, s, clock.start)
            g, kept, state, left_out = jax.vmap(self._guarded)(cells, loss, state, g, point)
            more = self.parts.beside(kept, plan)
            θ, memory = per_rule("step", s, cells, g, cells.memory, cells.θ, *more)
            kept = jax.vmap(self.parts.averaged)(kept, θ, plan)
            return _stepped(s, cells, θ, memory, state, loss, kept, left_out)

        measure = jax.vmap(self._measure, (0, None))
        evaluated = jax.vmap(self.parts.evaluated, (0, 0, 0, 0, None, None))
        return self._run(clock, cells, step, lambda cells: measure(cells, validation), evaluated)

    def final(self, cells: Cells, data: Any) -> Any:
        """The loss and the metric on one part of the data, and of each average: [2 + …] or [cells, 2 + …]."""
        measure = jax.vmap(self._measure, (0, None)) if cells.θ.ndim > 1 else self._measure
        return stacked(measure(cells, data), self.θ.dtype)

    def _run(self, clock: Clock, cells: Cells, step: Any, measure: Any, evaluated: Any) -> tuple[Cells, Any]:
        """Step to the end of each stretch and evaluate there; until the block ends, or every cell is lost.

        `cells` is one cell without a leading axis, or a population with one.
        """

        def stretch(carry: tuple) -> tuple:
            i, now, cells, rows = carry
            end = clock.ends[i]
            cells = lax.fori_loop(now, end, step, cells)
            # A product with 0 is NaN where θ is not finite.
            lost = ~jnp.isfinite(jnp.sum(cells.θ * 0, axis=-1))
            loss, metric, *of_averages = measure(cells)
            counts = self.parts.counts(cells.kept)
            row = stacked((cells.loss_sum, loss, metric, lost, *of_averages, *counts), rows.dtype)
            rows = rows.at[..., i, :].set(row, mode="promise_in_bounds")
            kept = cells.kept
            if self.parts.stopping:
                kept = evaluated(kept, loss, cells.θ, cells.state, end, i < clock.due)
            cells = cells._replace(loss_sum=jnp.zeros_like(cells.loss_sum), kept=kept)
            return i + 1, end, cells, rows

        def goes_on(carry: tuple) -> Any:
            i, _, cells, _ = carry
            return (i < clock.count) & jnp.any(self.parts.goes_on(cells.kept, cells.diverged_at == 0))

        rows = jnp.full((*cells.diverged_at.shape, self.capacity + 1, self.columns), jnp.nan, self.θ.dtype)
        start = (jnp.int32(0), clock.start, cells, rows)
        _, _, cells, rows = lax.while_loop(goes_on, stretch, start)
        return cells, rows

    @property
    def columns(self) -> int:
        """Of a row."""
        return 4 + 2 * self.parts.averages + self.parts.clip

    def _point(self, s: Any, cell: Cells) -> Any:
        """Where the gradient is taken."""
        if not self.looks_ahead:
            return cell.θ
        looks = [rule.lookahead for rule in self.rules]
        return lax.switch(cell.rule, looks, s, cell.hyperparameters, cell.θ, cell.memory)

    def _gradient(self, s: Any, clock: Clock, point: Any, cell: Cells, draws: Draws, train: Any) -> tuple:
        """(loss, model state, gradient) of one cell's batch at `point`."""
        task = self.task
        rows = draws.batches[s - clock.start]
        batch = jax.tree.map(lambda array: array.at[rows].get(mode="promise_in_bounds"), train)
        key = jax.random.fold_in(jax.random.wrap_key_data(draws.key), s) if task.random else None

        def loss_at(point: Any) -> Any:
            return task.training_loss(task.unflatten(point), cell.state, batch, key)

        (loss, state), g = jax.value_and_grad(loss_at, has_aux=True)(point)
        return loss, state, g

    def _guarded(self, cell: Cells, loss: Any, state: Any, g: Any, point: Any) -> tuple:
        """(gradient for the rule, what is kept, model state, whether the batch was left out) of one cell.

        A batch that clipping leaves out leaves no trace in the model's state. Where nobody clips: None.
        """
        g, kept, left_out = self.parts.gradient(cell.kept, g, point, loss)
        if left_out is not None:
            state = jax.tree.map(functools.partial(jnp.where, left_out), cell.state, state)
        return g, kept, state, left_out

    def _measure(self, cell: Cells, data: Any) -> tuple:
        """(loss, metric) of one cell on a whole part of the data, and then those of each average."""

        def at(θ: Any) -> tuple[Any, Any]:
            return self.task.evaluate(self.task.unflatten(θ), cell.state, data)

        if not self.parts.averages:
            return at(cell.θ)
        losses, metrics = lax.map(at, jnp.concatenate([cell.θ[None], cell.kept.means]))
        return tuple(value[i] for i in range(1 + self.parts.averages) for value in (losses, metrics))


def _stepped(
    s: Any, cell: Cells, θ: Any, memory: Memory, state: Any, loss: Any, kept: Any, left_out: Any
) -> Cells:
    """The cell after one update; its step of divergence where the loss is the first that is not finite.

    The loss of a batch that was left out is no divergence: then the evaluations tell.
    """
    lost = ~jnp.isfinite(loss) & (cell.diverged_at == 0)
    if left_out is not None:
        lost &= ~left_out
    return cell._replace(
        θ=θ,
        memory=memory,
        state=state,
        loss_sum=cell.loss_sum + loss.astype(θ.dtype),
        diverged_at=jnp.where(lost, s + 1, cell.diverged_at),
        kept=kept,
    )


def _rows(part: slice, arrays: Any) -> Any:
    return jax.tree.map(lambda array: array[part], arrays)


def stacked(values: Sequence[Any], dtype: Any) -> Any:
    """Numbers, or arrays of equal shape, in one array with a last axis for them."""
    return jnp.stack([value.astype(dtype) for value in values], axis=-1)
