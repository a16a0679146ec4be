"""What a point of small gradient is: a minimum, or a maximum, a saddle, a plain that levels off for ever.

A gradient cannot tell; second derivatives can. A few products with the Hessian are enough to see its largest
and its lowest eigenvalue (Lanczos; Golub and Van Loan 2013, section 10.1); of few variables it is made whole.
"""

from typing import Any

import jax
import jax.numpy as jnp

from kobai.minimizers.base import Point, length, unit
from kobai.minimizers.gauge import Gauge, sizes

CAUTIONS = ("", "downhill", "flat")
"""What there is to say of a point that converged, by code: nothing, or ``words.say("caution." + name)``."""
NOTHING, DOWNHILL, FLAT = range(3)

PRODUCTS = 10
FAR = 1e-3
"""Where the solution is still farther than this part of x, by the curvature, the gradient is not small."""
STANDING = 1e-4
"""Where there is no curvature left, and the last step went farther than this part of x, f levels off."""


def caution(fun: Any, point: Point, gauge: Gauge) -> Any:
    """The code of what is to be said of a point that converged; it costs up to `PRODUCTS` products H v."""
    X = sizes(gauge.start, point.x)
    X = jnp.where(X > 0, X, 1)
    if point.x.size <= PRODUCTS:
        H = jax.hessian(fun)(point.x) * X * X[:, None]
    else:
        _, product = jax.linearize(jax.grad(fun), point.x)
        H = tridiagonal(lambda v: X * product(X * v), point.x)
    λ = jnp.linalg.eigvalsh(H)  # ascending
    largest = jnp.max(jnp.abs(λ))
    ε, tiny = jnp.finfo(λ.dtype).eps, jnp.finfo(λ.dtype).tiny
    far = length(X * point.g) > FAR * largest
    standing = ~(jnp.isfinite(gauge.moved) & (gauge.moved > STANDING))
    flat = jnp.where(largest <= tiny / ε, ~standing, far)
    return jnp.select([λ[0] < -jnp.sqrt(ε) * largest, flat], [DOWNHILL, FLAT], NOTHING).astype(jnp.int32)


def tridiagonal(product: Any, x: Any) -> Any:
    """Lanczos' matrix [k, k] of a symmetric A, `product` v -> A v, for vectors like x [n]; k ≤ n, `PRODUCTS`.

    Every new direction is made orthogonal to all before it, twice, since rounding undoes it otherwise. Where
    the directions have used up all that there is, the rest of the matrix is zero.
    """
    n, k = x.size, min(x.size, PRODUCTS)
    first = unit(jnp.cos(jnp.arange(n, dtype=x.dtype) ** 2))  # has a part along every direction

    def onward(i: Any, carry: Any) -> Any:
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
