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
import itertools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar, Truth, Vector, Whole
from kobai.basics.machine import full_precision
from kobai.engine import convolutions
from kobai.engine.accumulation import accumulation
from kobai.engine.blocks import CellState, Clock, Data, Draws, Memories, Plans, Size, Traced, like
from kobai.engine.columns import stacked
from kobai.engine.parts import Parts
from kobai.engine.rule import Rule, Storage
from kobai.engine.start import start
from kobai.engine.strategy import Strategy
from kobai.optimizers.base import GRADIENT, Optimizer
from kobai.tasks.task import Task


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
        told = task.arrays, task.tree, lambda: task.flags, task.rates if task.growth else None
        rules = [Rule(optimizer, self.θ, task.spans, *told) for optimizer in optimizers]
        # Those that stay alone come last: the rest are a family of their own.
        self.rules = sorted(rules, key=lambda rule: rule.alone)
        self.optimizers = [optimizers[rules.index(rule)] for rule in self.rules]
        self.position = {rule.tree: i for i, rule in enumerate(self.rules)}
        self.sizes = {
            kind: max((rule.sizes[kind] for rule in self.rules), default=0) for kind in Storage._fields
        } | {"width": max((rule.hyperparameters for rule in self.rules), default=0)}
        self.looks_ahead = any(rule.looks_ahead for rule in self.rules)
        self.evaluates_elsewhere = any(rule.evaluates_elsewhere for rule in self.rules)
        for part, rule in itertools.product(self.parts.parts, self.rules):
            part.refuse(rule)

    def position_of(self, optimizer: PyTree) -> int:
        """The position of the optimizer's rule among those of the program."""
        return self.position[jax.tree.structure(optimizer)]

    @functools.cached_property
    def families(self) -> list[list[Rule]]:
        """The rules that cells in step may follow together.

        Formulas that work entry by entry cost next to nothing beside the memory that a step reads, so every
        cell has all of them computed and takes its own: one program for any mixture. Others stay alone.
        """
        together = sum(not rule.alone for rule in self.rules)
        first = [self.rules[:together]] if together else []
        return first + [[rule] for rule in self.rules[together:]]

    def family_of(self, optimizer: PyTree) -> int:
        """The family of the optimizer's rule."""
        position = self.position_of(optimizer)
        return max(0, position - len(self.families[0]) + 1)

    def start(
        self,
        optimizers: Sequence[Optimizer],
        points: Sequence[np.ndarray],
        strategies: Sequence[Strategy],
        *,
        together: bool,
    ) -> CellState:
        """One cell at its initial θ, or a population, before the first step."""
        state = jax.tree.map(np.asarray, self.task.state)
        kept = [self.parts.start(*each, state) for each in zip(strategies, points, strict=True)]
        θ = np.stack(points)
        cells = start(self.rules, self.sizes, optimizers, θ, state, kept, on_device=together)
        return cells if together else jax.tree.map(lambda array: array[0], cells)

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
            return self.step(self.rules, s, cell, draws, train)[0]

        def evaluation(s: Whole, cell: CellState) -> Vector:
            return self._evaluation(self.rules, s, cell)

        return self._run(
            clock, cell, step, evaluation, lambda cell: self._measure(cell, validation), self.parts.evaluated
        )

    def population(
        self,
        family: int,
        clock: Clock,
        cells: CellState,
        draws: Draws,
        train: PyTree,
        validation: PyTree,
    ) -> tuple[CellState, jax.Array]:
        """All cells of a chunk in step, whose rules are of one family: for a GPU.

        Every line of a step is one for all of them: what chooses a cell's rule becomes a selection among the
        formulas of the family. The rows are [cells, capacity + 1, columns].
        """
        rules = self.families[family]

        def step(s: Whole, cells: CellState) -> CellState:
            # Of the draws, batches and keys are the seeds' own, for all of them.
            def one(cell: CellState, stream: Whole, plan: Plans) -> CellState:
                return self.step(rules, s, cell, draws._replace(stream=stream, plan=plan), train)[0]

            return jax.vmap(one)(cells, draws.stream, draws.plan)

        def evaluation(s: Whole, cells: CellState) -> Vector:
            return jax.vmap(functools.partial(self._evaluation, rules), (None, 0))(s, cells)

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

    def step(
        self, rules: Sequence[Rule], s: Whole, cell: CellState, draws: Draws, train: PyTree
    ) -> tuple[CellState, Scalar, Vector, Vector]:
        """(the cell after step number s, from 0; its batch's loss and gradient, what the rule got)."""
        point = self._point(rules, s, cell)
        place = lax.rem(s, jnp.int32(self.capacity))
        loss, state, of_batch = self._gradient(s, place, point, cell, draws, train)
        plan = jax.tree.map(lambda steps: steps[place], draws.plan)
        g, memories, state, left_out = self._guarded(cell, loss, state, of_batch, point)
        asking = functools.partial(self._gradient_at, s, place, cell, draws, train)
        steps = [functools.partial(self.parts.step, rule, asking=asking) for rule in rules]
        operands = self.parts.operands(memories, plan)
        θ, storage = self._switch(
            rules, cell, steps, s, cell.hyperparameters, g, cell.memory, cell.θ, *operands
        )
        memories = self.parts.stepped(memories, plan, θ)
        return cell.stepped(s, θ, storage, state, loss, memories, left_out), loss, of_batch, g

    def _point(self, rules: Sequence[Rule], s: Whole, cell: CellState) -> Vector:
        """Where the gradient is taken."""
        if not self.looks_ahead:
            return cell.θ
        looks = [rule.lookahead for rule in rules]
        return self._switch(rules, cell, looks, s, cell.hyperparameters, cell.θ, cell.memory)

    def _evaluation(self, rules: Sequence[Rule], s: Whole, cell: CellState) -> Vector:
        """Where the network is evaluated after s updates."""
        points = [rule.evaluation for rule in rules]
        return self._switch(rules, cell, points, s, cell.hyperparameters, cell.θ, cell.memory)

    def _switch(
        self, rules: Sequence[Rule], cell: CellState, branches: Sequence[Callable], *operands: PyTree
    ) -> PyTree:
        """What the branch of the cell's rule gives."""
        first = self.rules.index(rules[0])
        return lax.switch(cell.rule - first if first else cell.rule, branches, *operands)

    def _gradient(
        self, s: Whole, place: Whole, point: Vector, cell: CellState, draws: Draws, train: PyTree
    ) -> tuple[Scalar, PyTree, Vector]:
        """(loss, model state, gradient) at `point`, of one cell's batch in this place of the segment."""
        batch, key = self.batch(s, place, draws, train)
        k, of_step = self.task.accumulate, self._of_batch
        of_step = of_step if k == 1 else functools.partial(accumulation, k, of_step)
        loss, state, g = of_step(point, cell.state, batch, key)
        # A GPU would put it together once for θ and once for each memory.
        return loss, state, g if jax.default_backend() == "cpu" else lax.optimization_barrier(g)

    def _of_batch(
        self, point: Vector, state: PyTree, batch: PyTree, key: jax.Array | None
    ) -> tuple[Scalar, PyTree, Vector]:
        """(loss, model state, gradient) of some examples."""
        task = self.task

        def loss_at(arrays: list[jax.Array]) -> tuple[Scalar, PyTree]:
            return task.training_loss(task.with_arrays(arrays), state, batch, key)

        # By the arrays, and put together: derived by θ, each would be padded to its length, and all added.
        (loss, state), by_arrays = jax.value_and_grad(loss_at, has_aux=True)(task.arrays(point))
        return loss, state, jnp.concatenate([jnp.ravel(array).astype(point.dtype) for array in by_arrays])

    def _gradient_at(
        self, s: Whole, place: Whole, cell: CellState, draws: Draws, train: PyTree, rule: Rule, θ: Vector
    ) -> Vector:
        """The gradient of the step's batch at θ, for a rule that asks for more than one."""
        loss, _, g = self._gradient(s, place, θ, cell, draws, train)
        return self.parts.again(cell.parts, g, θ, loss, clipped=rule.asks == GRADIENT)

    def batch(self, s: Whole, place: Whole, draws: Draws, train: PyTree) -> tuple[PyTree, jax.Array | None]:
        """(the examples, the random key or None) of step number s, in this place of the segment."""
        rows = draws.batches[draws.stream, place]
        batch = jax.tree.map(lambda array: array.at[rows].get(mode="promise_in_bounds"), train)
        if not self.task.random:
            return batch, None
        return batch, jax.random.fold_in(jax.random.wrap_key_data(jnp.asarray(draws.keys)[draws.stream]), s)

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


def lowered(program: Program, data: Data, size: Size | None = None) -> Traced:
    """(block, final) of a program, for one cell or for a population of such a size."""
    block, final = functions(program, data, size)
    with full_precision():
        return convolutions.lowered(*block), None if final is None else convolutions.lowered(*final)


def functions(program: Program, data: Data, size: Size | None = None) -> tuple[tuple, tuple | None]:
    """(block, final) before they are traced, each with its arguments behind it, as shapes or as data."""
    cell = program.start(program.optimizers[:1], [program.θ], [Strategy()], together=False)
    plan = program.parts.plan(Strategy(), 0, 0, 0, program.capacity, program.θ.dtype)
    cells, stream, plan = (like(tree, size and size.cells) for tree in (cell, np.int32(0), plan))
    streams = size.streams if size else 1
    batches = like(np.zeros((program.capacity, program.task.examples_a_step), np.int32), streams)
    draws = Draws(batches, like(np.zeros(2, np.uint32), streams), stream, plan)
    block = functools.partial(program.population, size.family) if size else program.block
    final = None if data.alike else (program.final, cells, data.test)
    return (block, program.clock(0, []), cells, draws, *data[:2]), final
