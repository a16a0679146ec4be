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
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar, Truth, Vector, Whole
from kobai.engine import convolutions
from kobai.engine.blocks import CellState, Clock, Counts, Data, Draws, Memories, Traced, joined
from kobai.engine.columns import stacked
from kobai.engine.draws import mini_batch, noise_key
from kobai.engine.parts import Parts
from kobai.engine.rule import Rule, Storage
from kobai.engine.strategy import Strategy
from kobai.optimizers.base import Optimizer
from kobai.tasks.task import Task

COMPILER_OPTIONS = {
    # A cell belongs to one thread: splitting its small products over cores only adds waiting.
    "xla_cpu_multi_thread_eigen": False,
    # The fast form drops NaN in max(x, 0), and with it the sign of a diverged run.
    "xla_cpu_enable_fast_min_max": False,
}


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
        self.task, self.capacity, self.parts = task, capacity, Parts(strategies, task.spans)
        self.columns = self.parts.columns
        self.examples = len(jax.tree.leaves(task.train)[0])
        self.θ = task.flatten(task.parameters)
        self.optimizers = optimizers
        self.rules = [Rule(optimizer, self.θ, task.spans, task.arrays, task.tree) for optimizer in optimizers]
        self.position = {rule.tree: i for i, rule in enumerate(self.rules)}
        self.width = max((rule.hyperparameters for rule in self.rules), default=0)
        self.sizes = {
            kind: max((rule.sizes[kind] for rule in self.rules), default=0) for kind in Storage._fields
        }
        self.looks_ahead = any(rule.looks_ahead for rule in self.rules)
        self.evaluates_elsewhere = any(rule.evaluates_elsewhere for rule in self.rules)
        if any(strategy.weight_decay is not None for strategy in strategies):
            for rule in self.rules:
                rule.refuse_unknown_rate()

    def position_of(self, optimizer: PyTree) -> int:
        """The position of the optimizer's rule among those of the program."""
        return self.position[jax.tree.structure(optimizer)]

    def start(self, optimizer: PyTree, θ: np.ndarray, strategy: Strategy | None = None) -> CellState:
        """One cell before its first step, on the host."""
        leaves = jax.tree.leaves(optimizer)
        position, θ = self.position_of(optimizer), θ.astype(self.θ.dtype)
        values = np.zeros(self.width, θ.dtype)
        values[: len(leaves)] = leaves
        room = Storage(
            slots=tuple(np.zeros_like(θ) for _ in range(self.sizes["slots"])),
            floats=np.zeros(self.sizes["floats"], θ.dtype),
            integers=np.zeros(self.sizes["integers"], np.int32),
        )
        state = jax.tree.map(np.asarray, self.task.state)
        return CellState(
            rule=np.int32(position),
            hyperparameters=values,
            θ=θ,
            memory=self.rules[position].init(values, θ, room),
            state=state,
            loss_sum=np.zeros((), θ.dtype),
            diverged_at=np.int32(0),
            parts=self.parts.start(strategy or Strategy(), θ, state),
        )

    def draws(self, seed: int, strategy: Strategy, start: int, stop: int, steps: int) -> Draws:
        """What is random or planned at the steps from `start` to `stop` of `steps`, on the host."""
        rows = np.zeros((self.capacity, self.task.batch_size), np.int32)
        if stop > start:
            size, replacement = self.task.batch_size, strategy.replacement
            rows[: stop - start] = mini_batch(seed, start, stop, size, self.examples, replacement)
        plan = self.parts.plan(strategy, start, stop, steps, self.capacity, self.θ.dtype)
        return Draws(rows, noise_key(seed), plan)

    def clock(self, start: int, ends: np.ndarray | Sequence[int], due: int = 0) -> Clock:
        """The clock of a block, on the host; `due` of the ends are evaluations that were asked for."""
        room = np.zeros(self.capacity + 1, np.int32)
        room[: len(ends)] = ends
        return Clock(np.int32(start), room, np.int32(len(ends)), np.int32(due) if self.parts.watch else None)

    def block(
        self, clock: Clock, cell: CellState, draws: Draws, train: PyTree, validation: PyTree
    ) -> tuple[CellState, jax.Array]:
        """One cell through the stretches of `clock`: for a CPU. The rows are [capacity + 1, columns]."""

        def step(s: Whole, cell: CellState) -> CellState:
            point = self._point(s, cell)
            loss, state, g = self._gradient(s, clock, point, cell, draws, train)
            plan = jax.tree.map(lambda steps: steps[s - clock.start], draws.plan)
            g, memories, state, left_out = self._guarded(cell, loss, state, g, point)
            steps = [functools.partial(self.parts.step, rule) for rule in self.rules]
            operands = self.parts.operands(memories, plan)
            θ, storage = lax.switch(
                cell.rule, steps, s, cell.hyperparameters, g, cell.memory, cell.θ, *operands
            )
            memories = self.parts.stepped(memories, plan, θ)
            return _stepped(s, cell, θ, storage, state, loss, memories, left_out)

        def evaluation(s: Whole, cell: CellState) -> Vector:
            points = [rule.evaluation for rule in self.rules]
            return lax.switch(cell.rule, points, s, cell.hyperparameters, cell.θ, cell.memory)

        return self._run(
            clock, cell, step, evaluation, lambda cell: self._measure(cell, validation), self.parts.evaluated
        )

    def population(
        self,
        counts: Sequence[int],
        clock: Clock,
        cells: CellState,
        draws: Draws,
        train: PyTree,
        validation: PyTree,
    ) -> tuple[CellState, jax.Array]:
        """All cells of the chunk in step, `counts[i]` of them, one after the other, of rule i: for a GPU.

        One batched gradient for the whole population, then each rule on its own slice of it. The rows are
        [cells, capacity + 1, columns].
        """
        ends = np.cumsum(counts)
        slices = [slice(end - count, end) for count, end in zip(counts, ends, strict=True)]

        def per_rule(method: Callable, s: Whole, cells: CellState, *more: PyTree) -> PyTree:
            """The results of ``method(rule, s, hyperparameters, …)`` of each rule on its slice, together."""
            results = [
                jax.vmap(functools.partial(method, rule), (None, *[0] * (1 + len(more))))(
                    s, *_rows(part, (cells.hyperparameters, *more))
                )
                for rule, part in zip(self.rules, slices, strict=True)
                if part.start < part.stop
            ]
            return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *results)

        def step(s: Whole, cells: CellState) -> CellState:
            point = cells.θ
            if self.looks_ahead:
                point = per_rule(Rule.lookahead, s, cells, cells.θ, cells.memory)
            loss, state, g = jax.vmap(self._gradient, (None, None, 0, 0, 0, None))(
                s, clock, point, cells, draws, train
            )
            plan = jax.tree.map(lambda steps: steps[:, s - clock.start], draws.plan)
            g, memories, state, left_out = jax.vmap(self._guarded)(cells, loss, state, g, point)
            operands = self.parts.operands(memories, plan)
            θ, storage = per_rule(self.parts.step, s, cells, g, cells.memory, cells.θ, *operands)
            memories = jax.vmap(self.parts.stepped)(memories, plan, θ)
            return _stepped(s, cells, θ, storage, state, loss, memories, left_out)

        def evaluation(s: Whole, cells: CellState) -> Vector:
            return per_rule(Rule.evaluation, s, cells, cells.θ, cells.memory)

        measure = jax.vmap(self._measure, (0, None))
        evaluated = jax.vmap(self.parts.evaluated, (0, 0, 0, 0, None, None))
        return self._run(clock, cells, step, evaluation, lambda cells: measure(cells, validation), evaluated)

    def settled(self, cells: CellState, s: Whole, together: bool) -> CellState:
        """The cells at the points where they are evaluated, on the host; no rule moves them any more."""
        if not self.evaluates_elsewhere:
            return cells
        every = jax.tree.map(
            jnp.asarray, cells if together else jax.tree.map(lambda array: array[None], cells)
        )
        points = []
        for i, position in enumerate(every.rule):
            cell = jax.tree.map(lambda array, i=i: array[i], every)
            settled = position >= len(self.rules)
            rule = self.rules[min(int(position), len(self.rules) - 1)]
            point = rule.evaluation(s, cell.hyperparameters, cell.θ, cell.memory)
            points.append(np.asarray(cell.θ if settled else point))
        θ = np.stack(points) if together else points[0]
        return cells._replace(θ=θ, rule=np.full_like(cells.rule, len(self.rules)))

    def final(self, cells: CellState, data: PyTree) -> jax.Array:
        """The loss and the metric on one part of the data, and of each average: [2 + …] or [cells, 2 + …]."""
        measure = jax.vmap(self._measure, (0, None)) if cells.θ.ndim > 1 else self._measure
        return stacked(measure(cells, data), self.θ.dtype)

    def _run(
        self,
        clock: Clock,
        cells: CellState,
        step: Callable[[Whole, CellState], CellState],
        evaluation: Callable[[Whole, CellState], Vector],
        measure: Callable[[CellState], Sequence[Array]],
        evaluated: Callable[..., Memories],
    ) -> tuple[CellState, jax.Array]:
        """Step to the end of each stretch and evaluate there; until the block ends, or every cell is lost.

        `cells` is one cell without a leading axis, or a population with one.
        """

        def stretch(carry: tuple) -> tuple:
            i, now, cells, rows = carry
            end = clock.ends[i]
            cells = lax.fori_loop(now, end, step, cells)
            # A product with 0 is NaN where θ is not finite.
            not_finite = ~jnp.isfinite(jnp.sum(cells.θ * 0, axis=-1))
            snapshot = cells
            if self.evaluates_elsewhere:
                settled = jnp.expand_dims(cells.rule >= len(self.rules), -1)
                snapshot = cells._replace(θ=jnp.where(settled, cells.θ, evaluation(end, cells)))
            evaluations, counts = measure(snapshot), self.parts.counted(cells.parts)
            row = self.columns.row(cells.loss_sum, evaluations, not_finite, counts, rows.dtype)
            rows = rows.at[..., i, :].set(row, mode="promise_in_bounds")
            memories = cells.parts
            if self.parts.watch:
                memories = evaluated(memories, evaluations[0], snapshot.θ, cells.state, end, i < clock.due)
            cells = cells._replace(loss_sum=jnp.zeros_like(cells.loss_sum), parts=memories)
            return i + 1, end, cells, rows

        def goes_on(carry: tuple) -> Truth:
            i, _, cells, _ = carry
            within, running, over = i < clock.stretches, cells.diverged_at == 0, self.parts.over(cells.parts)
            return within & jnp.any(running if over is None else running & ~over)

        rows = jnp.full(
            (*cells.diverged_at.shape, self.capacity + 1, self.columns.number), jnp.nan, self.θ.dtype
        )
        start = (jnp.int32(0), clock.start, cells, rows)
        _, _, cells, rows = lax.while_loop(goes_on, stretch, start)
        return cells, rows

    def _point(self, s: Whole, cell: CellState) -> Vector:
        """Where the gradient is taken."""
        if not self.looks_ahead:
            return cell.θ
        looks = [rule.lookahead for rule in self.rules]
        return lax.switch(cell.rule, looks, s, cell.hyperparameters, cell.θ, cell.memory)

    def _gradient(
        self, s: Whole, clock: Clock, point: Vector, cell: CellState, draws: Draws, train: PyTree
    ) -> tuple[Scalar, PyTree, Vector]:
        """(loss, model state, gradient) of one cell's batch at `point`."""
        task = self.task
        rows = draws.batches[s - clock.start]
        batch = jax.tree.map(lambda array: array.at[rows].get(mode="promise_in_bounds"), train)
        key = jax.random.fold_in(jax.random.wrap_key_data(jnp.asarray(draws.key)), s) if task.random else None

        def loss_at(point: Vector) -> tuple[Scalar, PyTree]:
            return task.training_loss(task.unflatten(point), cell.state, batch, key)

        (loss, state), g = jax.value_and_grad(loss_at, has_aux=True)(point)
        return loss, state, g

    def _guarded(
        self, cell: CellState, loss: Scalar, state: PyTree, g: Vector, point: Vector
    ) -> tuple[Vector, Memories, PyTree, Truth | None]:
        """(gradient for the rule, memories, model state, whether the batch was left out) of one cell.

        A batch that is left out leaves no trace in the model's state. Where none can be: None.
        """
        g, memories, left_out = self.parts.gradient(cell.parts, g, point, loss)
        if left_out is not None:
            state = jax.tree.map(functools.partial(jnp.where, left_out), cell.state, state)
        return g, memories, state, left_out

    def _measure(self, cell: CellState, data: PyTree) -> tuple[Array, ...]:
        """(loss, metric) of one cell on a whole part of the data, and then those of each average."""

        def at(θ: Vector) -> tuple[Scalar, Scalar]:
            return self.task.evaluate(self.task.unflatten(θ), cell.state, data)

        points = self.parts.points(cell.parts)
        if not points:
            return at(cell.θ)
        losses, metrics = lax.map(at, jnp.concatenate([cell.θ[None], *points]))
        return tuple(value[i] for i in range(len(losses)) for value in (losses, metrics))


def _stepped(
    s: Whole,
    cell: CellState,
    θ: Vector,
    storage: Storage,
    state: PyTree,
    loss: Scalar,
    memories: Memories,
    left_out: Truth | None,
) -> CellState:
    """The cell after one update; its step of divergence where the loss is the first that is not finite.

    The loss of a batch that was left out is no divergence: then the evaluations tell.
    """
    diverges = ~jnp.isfinite(loss) & (cell.diverged_at == 0)
    if left_out is not None:
        diverges &= ~left_out
    return cell._replace(
        θ=θ,
        memory=storage,
        state=state,
        loss_sum=cell.loss_sum + loss.astype(θ.dtype),
        diverged_at=jnp.where(diverges, s + 1, cell.diverged_at),
        parts=memories,
    )


def lowered(program: Program, data: Data, counts: Counts = None) -> Traced:
    """A program traced for a population of such counts, with arguments of the shapes that it will have."""
    together, size = counts is not None, 1 if counts is None else sum(counts)
    cells = joined([program.start(program.optimizers[0], program.θ)] * size, together)
    draws = joined([program.draws(0, Strategy(), 0, 0, 0)] * size, together)
    block = program.block if counts is None else functools.partial(program.population, counts)
    traced = convolutions.lowered(block, program.clock(0, []), cells, draws, *data[:2])
    return traced, None if data.alike else convolutions.lowered(program.final, cells, data.test)


def _rows(part: slice, arrays: PyTree) -> PyTree:
    return jax.tree.map(lambda array: array[part], arrays)
