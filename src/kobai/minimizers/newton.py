"""Newton's method with the exact Hessian, within a trust region (Conn, Gould and Toint 2000)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Matrix, Scalar, Truth, Vector
from kobai.basics.checks import check_count, is_number
from kobai.basics.errors import UsageError, quoted
from kobai.minimizers.base import (
    RUNNING,
    SMALL_STEP,
    UNBOUNDED,
    Minimizer,
    Objective,
    State,
    better,
    choose,
    started,
    stride,
)
from kobai.minimizers.trust_region import endless, exact_step, factor, judged, newton_step


class TrustedHessian(NamedTuple):
    """The Hessian in use and how far it is trusted."""

    hessian: Matrix
    """∇²f at the current iterate, or at an earlier one."""
    due: Truth
    """Whether it has to be made anew before the next trial."""
    own: Truth
    """Whether it is that of the current iterate."""
    radius: Scalar


@dataclasses.dataclass(frozen=True)
class Newton(Minimizer):
    """Go to the minimum of the quadratic model, as far as it is trusted: very few steps, n² numbers.

    H d = −g                        where H is positive definite and ‖d‖ ≤ Δ
    (H + μI) d = −g,  ‖d‖ = Δ       else, with the least μ that leaves no negative eigenvalue

    The first Δ has no bound, so that a convex quadratic takes one step. Where H has a negative eigenvalue the
    step goes down that way too: a saddle repels. H costs as much as n gradients, so it is kept for another
    step where a full one has brought Newton's decrement gᵀH⁻¹g to `keep`² of what it was (Shamanskii 1967).

    Args:
      keep: in [0, 1); 0 makes the Hessian anew at every iterate.
      largest: more variables than this are refused, since H is a matrix: `kobai.NewtonCG` has none.
    """

    keep: float = 0.1
    largest: int = 2000

    def __post_init__(self) -> None:
        if not (is_number(self.keep) and 0 <= self.keep < 1):
            raise UsageError("error.newton.keep", value=quoted(self.keep))
        check_count("Newton: largest", self.largest)

    def begin(self, objective: Objective, x: Vector) -> State:
        if x.size > self.largest:
            raise UsageError("error.newton.largest", size=x.size, largest=self.largest)
        far = jnp.full((), jnp.inf, x.dtype)
        zeros = jnp.zeros((x.size, x.size), x.dtype)
        return started(objective.at(x), TrustedHessian(zeros, jnp.bool_(True), jnp.bool_(True), far))

    def advance(self, objective: Objective, state: State) -> State:
        point, (H, due, own, radius) = state.point, state.memory
        H = jax.lax.cond(due, lambda: symmetric(objective.hessian(point.x)), lambda: H)
        own = own | due
        L = factor(H)
        model = exact_step(H, L, point.g, radius, stride(point))
        trial = objective.at(point.x + model.step)
        accepted, new_radius, hopeless = judged(point, trial, model, radius)

        d = newton_step(L, trial.g)
        close = model.inside & (-jnp.vdot(trial.g, d) <= -(self.keep**2) * model.slope)
        # A poor trial with a Hessian from elsewhere only says that it is time for a new one.
        radius = jnp.where(accepted | own, new_radius, radius)
        status = jnp.select([endless(trial), hopeless & own], [UNBOUNDED, SMALL_STEP], RUNNING)
        return State(
            point=choose(accepted, trial, point),
            best=better(state.best, trial),
            steps=state.steps + accepted,
            evaluations=state.evaluations.plus(value=1, gradient=1, hessian=due.astype(jnp.int32)),
            status=status.astype(jnp.int32),
            memory=TrustedHessian(H, jnp.where(accepted, ~close, ~own), own & ~accepted, radius),
        )


def symmetric(H: Matrix) -> Matrix:
    """H without the unevenness of rounding; zero where it has entries that are no numbers."""
    return jnp.where(jnp.all(jnp.isfinite(H)), (H + H.T) / 2, 0)
