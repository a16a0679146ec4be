"""What Newton's methods share: how a trial of the quadratic model is judged, and the model's exact step.

m(s) = f + gᵀs + ½ sᵀHs is trusted for ‖s‖ ≤ Δ. The s of its lowest value there always goes down, whatever the
signs of H (Conn, Gould and Toint 2000, chapters 6 and 7).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Matrix, Number, Scalar, Truth, Vector
from kobai.minimizers.base import Point, choose, length, max_norm, stride, unit

ENOUGH, POOR, GOOD = 1e-4, 0.25, 0.75
"""Of the decrease that the model promises: at least so much is accepted; less than so much, and the radius
shrinks; more, and it grows."""
SHRINK, HALF, GROW, LEAP = 0.1, 0.5, 3.0, 10.0
"""The next radius, in lengths of the step: after a poor trial between the first two, after a good one that
reached the boundary the third; where f is a plane or bends down, and the model itself but for rounding, at
least the fourth, and more the farther it already goes: if it falls without end, that is soon to be seen."""


class Model(NamedTuple):
    """A step and what the model promises for it: slope gᵀs < 0 and curvature sᵀHs."""

    step: Vector
    slope: Scalar
    curvature: Scalar
    inside: Truth
    """Whether the radius had no part in it: the minimum of the model itself."""

    def decrease(self) -> Scalar:
        """m(0) − m(s), which is positive."""
        return -(self.slope + self.curvature / 2)


class StepVerdict(NamedTuple):
    """What is to be made of a trial."""

    accepted: Truth
    radius: Scalar
    """The next one."""
    hopeless: Truth
    """Whether no shorter step could be told from this one: what the model promises is lost in rounding, or
    the step has no finite length to shorten."""


def judged(point: Point, trial: Point, model: Model, radius: Scalar) -> StepVerdict:
    """Compare what was found with what the model promised."""
    size = length(model.step)
    promise, fall, finite = model.decrease(), point.f - trial.f, trial.finite()
    ε = jnp.finfo(point.f.dtype).eps
    rounding = ε * jnp.abs(point.f)
    # Near the lowest value only the gradients say something: the values are equal but for rounding.
    level = (promise <= rounding / ε ** (1 / 3)) & (jnp.abs(fall) <= rounding / ε ** (1 / 3))
    closer = level & (max_norm(trial.g) <= max_norm(point.g) / 2)
    ratio = jnp.select([~finite, closer, promise <= 10 * rounding], [-jnp.inf, 1, -jnp.inf], fall / promise)
    # Where the parabola through both values and the slope is lowest, as a part of the step.
    part = model.slope / (2 * (fall + model.slope))
    part = jnp.where(finite, jnp.where(part > 0, part, HALF), SHRINK)
    shorter = jnp.clip(part, SHRINK, HALF) * size
    known = jnp.where(jnp.isfinite(radius), radius, GROW * size)
    falls = (model.curvature <= 0) & (jnp.abs(ratio - 1) <= jnp.sqrt(ε))
    leap = jnp.maximum(LEAP, size / stride(point))
    grown = jnp.minimum(jnp.where(falls, leap, GROW) * size, jnp.finfo(size.dtype).max / 4)
    longer = jnp.where(model.inside, known, jnp.maximum(jnp.where(jnp.isfinite(radius), radius, 0), grown))
    radius = jnp.select([ratio < POOR, ratio > GOOD], [shorter, longer], known)
    accepted = ratio >= ENOUGH
    still = jnp.all(trial.x == point.x)
    lost = (finite & (still | (promise <= rounding))) | ~jnp.isfinite(radius)
    return StepVerdict(accepted, radius, ~accepted & lost)


def endless(trial: Point) -> Truth:
    """Whether f has fallen below the lowest number."""
    return trial.f == -jnp.inf


def factor(H: Matrix) -> Matrix:
    """The Cholesky factor of H [n, n], all NaN unless it is positive definite beyond rounding."""
    L = jnp.linalg.cholesky(H)
    ε = H.shape[0] * jnp.finfo(H.dtype).eps
    return jnp.where(jnp.all(jnp.diag(L) ** 2 > ε * jnp.abs(jnp.diag(H))), L, jnp.nan)


def newton_step(L: Matrix, g: Vector) -> Vector:
    """−H⁻¹g from the Cholesky factor L of H: more exact than eigenvalues where variables differ in scale."""
    return -jax.scipy.linalg.cho_solve((L, True), g)


def exact_step(H: Matrix, L: Matrix, g: Vector, radius: Scalar, far: Number = 1.0) -> Model:
    """The s of the lowest m(s) within ‖s‖ ≤ radius.

    An infinite radius becomes one that is natural to H, or `far` where H is zero.
    """
    newton = newton_step(L, g)
    slope = jnp.vdot(g, newton)
    size = length(newton)
    definite = (slope < 0) & jnp.isfinite(size)

    def shortened() -> Model:
        p = damped_step(H, L, newton, g, radius)
        return Model(p, jnp.vdot(g, p), jnp.vdot(p, H @ p), jnp.bool_(False))

    def bounded() -> Model:
        λ, Q = jnp.linalg.eigh(H)
        γ = Q.T @ g
        finite = jnp.where(jnp.isfinite(radius), radius, natural_radius(λ, γ, far))
        p, λ, inside = shifted_step(λ, γ, finite)
        # A plane but for rounding, along which any shift of H would be too small for a number.
        plane = jnp.max(jnp.abs(λ)) * finite <= jnp.finfo(λ.dtype).eps * length(γ)
        p, inside = choose(plane, (-finite * unit(γ), jnp.bool_(False)), (p, inside))
        return Model(Q @ p, jnp.vdot(γ, p), jnp.vdot(p, λ * p), inside)

    which = jnp.where(definite, jnp.where(size <= radius, 0, 1), 2)
    whole = Model(newton, slope, -slope, jnp.bool_(True))
    return jax.lax.switch(which, [lambda: whole, shortened, bounded])


def damped_step(H: Matrix, L: Matrix, newton: Vector, g: Vector, radius: Scalar) -> Vector:
    """The step of a positive definite H whose Newton step is too long: p = −(H + μI)⁻¹g with ‖p‖ = radius.

    μ rises from 0 by Newton steps on ‖p(μ)‖⁻¹ = radius⁻¹, which never go too far (Moré and Sorensen 1983).
    Each takes a Cholesky factor, and no eigenvalue: where the variables differ much in scale, the rounding of
    the largest eigenvalue hides the smallest, and the step along its eigenvector would be lost.
    """

    def long(carry: tuple) -> Truth:
        _, _, p, count = carry
        return (length(p) > (1 + 1e-3) * radius) & (count < 60)

    def shorter(carry: tuple) -> tuple:
        μ, L, p, count = carry
        size = length(p)
        w = jax.scipy.linalg.solve_triangular(L, p / size, lower=True)
        μ = μ + (size / radius - 1) / jnp.vdot(w, w)
        L = jnp.linalg.cholesky(H + μ * jnp.eye(g.size, dtype=g.dtype))
        return μ, L, newton_step(L, g), count + 1

    return jax.lax.while_loop(long, shorter, (jnp.zeros_like(radius), L, newton, jnp.int32(0)))[2]


def natural_radius(λ: Vector, γ: Vector, far: Number) -> Scalar:
    """The length of the step that takes every eigenvalue λ of H for positive; `far` if all are zero."""
    largest = jnp.max(jnp.abs(λ))
    size = length(γ / jnp.maximum(jnp.abs(λ), 1e-8 * largest))
    return jnp.where(jnp.isfinite(size), size, far)


def shifted_step(λ: Vector, γ: Vector, radius: Scalar) -> tuple[Vector, Vector, Truth]:
    """The step p in the eigenvectors of H: p = −γ / (λ + μ) with the μ ≥ max(0, −λ₁) that gives ‖p‖ = radius.

    λ [n] ascends, γ = Qᵀg. Where even the smallest μ gives less, p goes on along the first eigenvector to the
    boundary (the hard case), or is the minimum itself if H is only singular (then "inside"). With p come the
    eigenvalues as they were counted: the model that p is the lowest of has these.
    """
    n, dtype = λ.size, λ.dtype
    ε = n * jnp.finfo(dtype).eps
    tiny = ε * jnp.maximum(jnp.max(jnp.abs(λ)), jnp.finfo(dtype).tiny)
    # Eigenvalues that rounding hides count as 0: along their vectors the model is a plane, and if it slopes
    # beyond rounding, the step goes to the boundary. The shift that stops it there may be smaller than they.
    hidden = jnp.abs(λ) <= tiny
    size = length(γ)
    slope = length(jnp.where(hidden & (jnp.abs(γ) > ε * size), γ, 0))
    slopes = (λ[0] >= -tiny) & (slope > 0)
    λ = jnp.where(hidden & slopes, 0, λ)
    least = jnp.maximum(0, -λ[0]) + jnp.where(slopes, jnp.minimum(tiny, slope / radius / 2), tiny)

    def at(μ: Scalar) -> Vector:
        return jnp.where(γ == 0, 0, -γ / (λ + μ))

    def narrower(carry: tuple) -> tuple:
        """A Newton step on ‖p(μ)‖⁻¹ = radius⁻¹ (Moré and Sorensen 1983), kept within what is known."""
        μ, low, high, count = carry
        p = at(μ)
        size = length(p)
        low, high = jnp.where(size > radius, μ, low), jnp.where(size > radius, high, μ)
        onward = μ + (size / radius - 1) / jnp.sum((p / size) ** 2 / (λ + μ))
        middle = jnp.sqrt(low) * jnp.sqrt(high)
        return jnp.where((onward > low) & (onward < high), onward, middle), low, high, count + 1

    def wide(carry: tuple) -> Truth:
        μ, low, high, count = carry
        return (jnp.abs(length(at(μ)) - radius) > 1e-3 * radius) & (count < 60)

    p = at(least)
    short = length(p) <= radius
    # ‖γ‖ / (λₙ + μ) ≤ ‖p(μ)‖ ≤ ‖γ‖ / (λ₁ + μ)
    high = jnp.where(short, least, least + size / radius)
    low = jnp.where(short, least, jnp.maximum(least, size / radius - λ[-1]))
    μ, _, _, _ = jax.lax.while_loop(
        lambda carry: ~short & wide(carry), narrower, (low, low, high, jnp.int32(0))
    )
    inside = short & (λ[0] >= -tiny)
    # Onward along the first eigenvector, downhill: ‖p + t e₁‖ = radius.
    t = radius * jnp.sqrt(jnp.maximum(1 - (length(p[1:]) / radius) ** 2, 0))
    onward = jnp.asarray(p).at[0].set(jnp.where(γ[0] > 0, -t, t))
    return jnp.where(short, jnp.where(inside, p, onward), at(μ)), λ, inside
