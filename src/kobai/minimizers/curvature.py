"""What a point of small gradient is: a minimum, or a maximum, a saddle, a plain that levels off for ever.

A gradient cannot tell; second derivatives can. A few products with the Hessian are enough to see its largest
and its lowest eigenvalue (Lanczos; Golub and Van Loan 2013, section 10.1); of few variables it is made whole.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Matrix, Scalar, Truth, Vector, Whole
from kobai.minimizers.base import Point, length, max_norm, unit
from kobai.minimizers.gauge import FALLEN, Gauge, sizes

CAUTIONS = ("", "downhill", "flat")
"""What there is to say of an end, by code: nothing, or ``words.say("caution." + name)``."""
NOTHING, DOWNHILL, FLAT = range(3)

PRODUCTS = 10
FAR = 1e-3
"""Where the solution is still farther than this part of x, by the curvature, the gradient is not small."""


def caution(fun: Callable[[Vector], Scalar], point: Point, gauge: Gauge, converged: Truth) -> Whole:
    """The code of what is to be said of an end; it costs up to `PRODUCTS` products H v.

    A point that `converged` has a gradient that was called small. One where no step brought anything any more
    may still have a large one, at a kink, or in noise: of it something is said only where the gradient is
    small beside the curvature, or has fallen far.
    """
    X = sizes(gauge.start, point.x)
    unit_of_x = jnp.where(max_norm(X) > 0, max_norm(X), 1)
    X = jnp.where(X > 0, X, 1) / unit_of_x  # so that products of two of them are numbers
    g, way = X * point.g, (point.x - gauge.start) / (X * unit_of_x)
    if point.x.size <= PRODUCTS:
        H = jax.hessian(fun)(point.x) * X * X[:, None]
        bend = jnp.vdot(way, H @ way)
    else:
        _, product = jax.linearize(jax.grad(fun), point.x)
        H = tridiagonal(lambda v: X * product(X * v), point.x)
        bend = jnp.vdot(way, X * product(X * way))
    λ = jnp.linalg.eigvalsh(H)  # ascending
    largest = jnp.max(jnp.abs(λ))
    ε, tiny = jnp.finfo(λ.dtype).eps, jnp.finfo(λ.dtype).tiny
    lost = largest <= tiny / jnp.sqrt(ε)  # there second derivatives are rounding error
    down = ~lost & (λ[0] < -jnp.sqrt(ε) * largest)
    far = length(g) > FAR * unit_of_x * largest
    # Along the way from the start, which is where a minimum at infinity is sought.
    clear = jnp.maximum(jnp.abs(bend), jnp.sqrt(ε) * largest * jnp.vdot(way, way))
    onward = -jnp.vdot(way, g) > FAR * unit_of_x * clear
    fallen = jnp.sum(jnp.abs(g)) <= FALLEN[str(X.dtype)] * jnp.sum(X * gauge.largest)
    # Without second derivatives there is no telling, but that it is no place where the way began.
    flat = jnp.where(lost, max_norm(way) > 0, far | onward)
    return jnp.select(
        [down & (converged | ~far), flat & (converged | fallen)], [DOWNHILL, FLAT], NOTHING
    ).astype(jnp.int32)


def tridiagonal(
    product: Callable[[Vector], Vector], x: Vector, products: int = PRODUCTS, start: Vector | None = None
) -> Matrix:
    """Lanczos' matrix [k, k] of a symmetric A, `product` v -> A v, for vectors like x [n]; k ≤ n, `products`.

    Every new direction is made orthogonal to all before it, twice, since rounding undoes it otherwise. Where
    the directions have used up all that there is, the rest of the matrix is zero. The first direction is
    `start`; default: one that has a part along every axis.
    """
    n, k = x.size, min(x.size, products)
    first = unit(jnp.cos(jnp.arange(n, dtype=x.dtype) ** 2) if start is None else start)

    def onward(i: Whole, carry: tuple) -> tuple:
        V, α, β = carry
        w = product(V[i])
        a = jnp.vdot(V[i], w)
        rest = w - V.T @ (V @ w)
        rest = rest - V.T @ (V @ rest)
        b = length(rest)
        b = jnp.where(b > jnp.finfo(x.dtype).eps * x.size * length(w), b, 0)
        V = V.at[i + 1].set(jnp.where(b > 0, rest / b, 0), mode="drop")
        return V, α.at[i].set(a), β.at[i].set(b)

    V = jnp.zeros((k, n), x.dtype).at[0].set(first)
    zeros = jnp.zeros(k, x.dtype)
    _, α, β = jax.lax.fori_loop(0, k, onward, (V, zeros, zeros))
    return jnp.diag(α) + jnp.diag(β[:-1], 1) + jnp.diag(β[:-1], -1)
