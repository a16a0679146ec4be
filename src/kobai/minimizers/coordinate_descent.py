"""Coordinate descent, one coordinate or block at a time (Wright 2015)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Integers, Matrix, Truth, Vector, Whole
from kobai.basics.checks import check_count, check_name, check_seed
from kobai.minimizers.base import (
    RUNNING,
    SMALL_STEP,
    UNBOUNDED,
    Minimizer,
    Objective,
    Point,
    State,
    better,
    choose,
    started,
    stride,
)
from kobai.minimizers.trust_region import endless, exact_step, factor, judged

ORDERS = ("cyclic", "random")


class Sweep(NamedTuple):
    """Where the sweep is, and what is known of the block whose turn it is."""

    order: Integers
    """The blocks of this sweep in turn [blocks]."""
    turn: Whole
    """How many blocks have had their turn since the start."""
    hessian: Matrix
    """The second derivatives within the block [block, block]."""
    due: Truth
    """Whether they have to be made: the block's turn has just come."""
    radii: Vector
    """How far each block's model is trusted [blocks]."""
    idle: Whole
    """How many blocks in a row could not go down."""


@dataclasses.dataclass(frozen=True)
class CoordinateDescent(Minimizer):
    """Minimize along one coordinate, or within one block, and hold the others: then the next.

    d_B = −(H_BB)⁻¹ g_B      for the block B whose turn it is, within a trust region of its own

    H_BB are the second derivatives within the block, so that one sweep over a separable quadratic ends at its
    minimum. A poor trial is shortened before the next block has its turn. What is counted as a step is that
    of one block.

    Args:
      order: "cyclic", or "random": every sweep goes through all blocks in an order of its own.
      block: how many neighbouring coordinates move together.
      seed: of the random orders, a whole number from 0 to 2³² − 1.
    """

    order: str = dataclasses.field(default="cyclic", metadata={"choices": {name: name for name in ORDERS}})
    block: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_name("kind.order", self.order, ORDERS)
        check_count("CoordinateDescent: block", self.block)
        check_seed("CoordinateDescent: seed", self.seed)

    def begin(self, objective: Objective, x: Vector) -> State:
        width = min(self.block, x.size)
        blocks = -(-x.size // width)
        zero = jnp.int32(0)
        memory = Sweep(
            order=self.sweep(zero, blocks),
            turn=zero,
            hessian=jnp.zeros((width, width), x.dtype),
            due=jnp.bool_(True),
            radii=jnp.full(blocks, jnp.inf, x.dtype),
            idle=zero,
        )
        return started(objective.at(x), memory)

    def sweep(self, number: Whole, blocks: int) -> Integers:
        """The order of the blocks in a sweep."""
        if self.order == "cyclic":
            return jnp.arange(blocks)
        return jax.random.permutation(jax.random.fold_in(jax.random.key(self.seed), number), blocks)

    def advance(self, objective: Objective, state: State) -> State:
        point, (order, turn, H, due, radii, idle) = state.point, state.memory
        blocks, width = order.size, H.shape[0]
        now = order[turn % blocks]
        # The last block begins with the coordinates before it where n is no multiple of the width.
        B = jnp.minimum(now * width, point.x.size - width) + jnp.arange(width)
        H = jax.lax.cond(due, lambda: within(objective, point.x, B), lambda: H)
        here = restricted(point, B)
        model = exact_step(H, factor(H), here.g, radii[now], stride(here))
        trial = objective.at(jnp.asarray(point.x).at[B].add(model.step))
        accepted, radius, hopeless = judged(here, restricted(trial, B), model, radii[now])

        done = accepted | hopeless
        turn = turn + done
        idle = jnp.where(accepted, 0, idle + hopeless)
        order = jax.lax.cond(
            done & (turn % blocks == 0), lambda: self.sweep(turn // blocks, blocks), lambda: order
        )
        # So many turns in a row hold a whole sweep, wherever they begin: every block is among them.
        stuck = idle >= 2 * blocks - 1
        status = jnp.select([endless(trial), stuck], [UNBOUNDED, SMALL_STEP], RUNNING)
        return State(
            point=choose(accepted, trial, point),
            best=better(state.best, trial),
            steps=state.steps + accepted,
            evaluations=state.evaluations.plus(
                value=1, gradient=1, hessian_vector=jnp.where(due, width, 0).astype(jnp.int32)
            ),
            status=status.astype(jnp.int32),
            # A block that could not go down this time says nothing about its next turn.
            memory=Sweep(order, turn, H, done, radii.at[now].set(jnp.where(hopeless, jnp.inf, radius)), idle),
        )


def within(objective: Objective, x: Vector, B: Integers) -> Matrix:
    """The second derivatives within the block B, from one Hessian-vector product for each coordinate."""
    units = jnp.zeros((B.size, x.size), x.dtype).at[jnp.arange(B.size), B].set(1)
    H = jax.vmap(lambda unit: objective.hessian_vector(x, unit)[B])(units)
    return jnp.where(jnp.all(jnp.isfinite(H)), (H + H.T) / 2, 0)


def restricted(point: Point, B: Integers) -> Point:
    """The point as the block sees it; no number where it is none in any coordinate."""
    return Point(point.x[B], jnp.where(point.finite(), point.f, jnp.nan), point.g[B])
