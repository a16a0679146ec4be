"""Newton's method without the matrix: truncated conjugate gradients in a trust region (Steihaug 1983)."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Number, Scalar, Truth, Vector, Whole
from kobai.basics.checks import check_count
from kobai.minimizers.base import (
    RUNNING,
    SMALL_STEP,
    UNBOUNDED,
    Minimizer,
    Objective,
    State,
    better,
    choose,
    length,
    started,
    stride,
)
from kobai.minimizers.trust_region import Model, endless, judged


class TrustedStep(NamedTuple):
    """The step last tried and how far the model is trusted."""

    model: Model
    due: Truth
    """Whether a new step has to be found: the iterate is new."""
    radius: Scalar
    first_norm: Scalar
    """‖g‖ at the start, against which the inner tolerance is measured."""


@dataclasses.dataclass(frozen=True)
class NewtonCG(Minimizer):
    """Solve H d = −g by conjugate gradients, from products H v alone: Newton for very many variables.

    The inner iteration ends at the first of

    - the residual is small:  ‖H d + g‖ ≤ min(½, √(‖g‖ / ‖g₀‖)) ‖g‖,  with g₀ the gradient at the start
    - a direction p of negative curvature, pᵀH p ≤ 0, or one that leaves the trust region: on to its boundary
    - `most` products

    (Nocedal and Wright 2006, algorithm 7.2). Every d goes downhill. After a poor trial the step is shortened
    along itself, which costs no product.

    Args:
      most: products in one inner iteration; None for twice the number of variables, and 20 more.
    """

    most: int | None = None

    def __post_init__(self) -> None:
        if self.most is not None:
            check_count("NewtonCG: most", self.most)

    def begin(self, objective: Objective, x: Vector) -> State:
        point = objective.at(x)
        nothing = Model(jnp.zeros_like(x), jnp.zeros_like(point.f), jnp.zeros_like(point.f), jnp.bool_(False))
        far = jnp.full_like(point.f, jnp.inf)
        return started(point, TrustedStep(nothing, jnp.bool_(True), far, length(point.g)))

    def advance(self, objective: Objective, state: State) -> State:
        point, (model, due, radius, first_norm) = state.point, state.memory
        most = 2 * point.x.size + 20 if self.most is None else self.most

        def anew() -> tuple[Model, Whole]:
            product = lambda v: objective.hessian_vector(point.x, v)  # noqa: E731
            norm = length(point.g)
            ε = jnp.finfo(norm.dtype).eps
            tolerance = jnp.clip(jnp.sqrt(norm / first_norm), ε, 0.5) * norm
            return truncated_step(product, point.g, radius, tolerance, most, stride(point))

        def shortened() -> tuple[Model, Whole]:
            part = radius / length(model.step)
            return Model(
                part * model.step, part * model.slope, part**2 * model.curvature, jnp.bool_(False)
            ), jnp.int32(0)

        model, products = jax.lax.cond(due, anew, shortened)
        trial = objective.at(point.x + model.step)
        accepted, radius, hopeless = judged(point, trial, model, radius)
        status = jnp.select([endless(trial), hopeless], [UNBOUNDED, SMALL_STEP], RUNNING)
        return State(
            point=choose(accepted, trial, point),
            best=better(state.best, trial),
            steps=state.steps + accepted,
            evaluations=state.evaluations.plus(value=1, gradient=1, hessian_vector=products),
            status=status.astype(jnp.int32),
            memory=TrustedStep(model, accepted, radius, first_norm),
        )


class Inner(NamedTuple):
    """Conjugate gradients on the model: the step d, H d, the residual r = (Hd + g) / ‖g‖, the direction p."""

    d: Vector
    Hd: Vector
    r: Vector
    p: Vector
    products: Whole
    inside: Truth
    ended: Truth


def truncated_step(
    product: Callable[[Vector], Vector],
    g: Vector,
    radius: Scalar,
    tolerance: Scalar,
    most: int,
    far: Number = 1.0,
) -> tuple[Model, Whole]:
    """(The step within ‖d‖ ≤ radius, how many products it took).

    An infinite radius has no boundary to go on to. There the first direction, −g, is followed as far as if
    its curvature were positive (`natural`), or `far` where it has none; a later one is not followed at all.

    Residuals and directions are in units of ‖g‖, so that products of two of them are numbers whatever the
    size of f; d is in the unit of x.
    """
    size = length(g)
    size = jnp.where(size > 0, size, 1)
    tolerance = tolerance / size

    def narrower(inner: Inner) -> Inner:
        d, Hd, r, p, products, _, _ = inner
        Hp = product(p)
        curvature, rr = jnp.vdot(p, Hp), jnp.vdot(r, r)
        α = size * (rr / curvature)
        bent = ~(curvature > 0)  # also where it is no number
        leaves = bent | ~(length(d + α * p) < radius)
        free = jnp.where(products == 0, natural(p, Hp, curvature, size, far), 0)
        τ = jnp.where(jnp.isfinite(radius), to_boundary(d, p, radius), free)
        step = jnp.where(leaves, τ, α)
        Hs = step * jnp.where(jnp.all(jnp.isfinite(Hp)), Hp, 0)
        d, Hd, r_new = d + step * p, Hd + Hs, r + Hs / size
        onward = -r_new + jnp.vdot(r_new, r_new) / rr * p
        return Inner(
            d, Hd, r_new, onward, products + 1, ~leaves, leaves | (jnp.linalg.norm(r_new) <= tolerance)
        )

    zero, one = jnp.zeros_like(g), g / size
    start = Inner(zero, zero, one, -one, jnp.int32(0), jnp.bool_(True), jnp.bool_(False))
    end = jax.lax.while_loop(lambda inner: ~inner.ended & (inner.products < most), narrower, start)
    return Model(end.d, jnp.vdot(g, end.d), jnp.vdot(end.d, end.Hd), end.inside), end.products


def natural(p: Vector, Hp: Vector, curvature: Scalar, times: Number = 1.0, far: Number = 1.0) -> Scalar:
    """The τ to follow p for where nothing bounds it: ‖p‖² / |pᵀHp|, ‖p‖ / ‖Hp‖ if that is lost in rounding.

    And so many `times` that. Where H p is zero, or no number, the step τ p has the length `far`.
    """
    size, bend = length(p), length(Hp)
    clear = jnp.abs(curvature) > jnp.finfo(p.dtype).eps * size * bend
    τ = times * jnp.where(clear, size**2 / jnp.abs(curvature), size / bend)
    return jnp.where(jnp.isfinite(τ * size), τ, far / size)


def to_boundary(d: Vector, p: Vector, radius: Scalar) -> Scalar:
    """The τ ≥ 0 with ‖d + τ p‖ = radius, for ‖d‖ ≤ radius."""
    scale = radius / length(p)  # so that no square overflows
    d, p = d / radius, p / length(p)
    a, b, c = jnp.vdot(p, p), jnp.vdot(d, p), jnp.maximum(1 - jnp.vdot(d, d), 0)
    return scale * c / (b + jnp.sqrt(b * b + a * c))
