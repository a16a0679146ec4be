"""How small a gradient is beside the function itself: the criterion of convergence where none is given.

A bound on ‖g‖ has the unit of f over that of x: it calls 1e-10·f solved at the start, and 1e10·f never. What
has no unit is how far the solution still is, relative to x, as the last step tells. That step, s, changed the
gradient by y; so g is gone after a step of about |g|/|y| times as much. With variables of the sizes X,

    left = |g|ᵀX / |y|ᵀX · |s|ᵀ|y| / Xᵀ|y|

which stays the same when f becomes c·f + b, and when each variable is measured in a unit of its own.

X is |x|; or, since a solution may lie at 0, the larger of |x| and of the way from the start, once the
gradient has fallen far below its largest. A variable that begins at 0 has no size yet: its entry of the
gradient must have fallen as far, or the last step must have taken away more of it than is left. A step tells
only where f is as good as a quadratic along it: down an exponential the gradient falls by decades, and is
still not small; across a kink it turns round, and is no smaller than it was. Where rounding hides what f did,
a step tells only if the gradient has fallen far: at a kink steps shrink to nothing, and the gradient stays.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Scalar, Truth, Vector
from kobai.minimizers.base import Point, reciprocal, scaled, sums

ENOUGH = {"float64": 1e-9, "float32": 1e-6}
"""So much of x may be left to go, by dtype."""
FALLEN = {"float64": 1e-6, "float32": 1e-3}
"""The gradient has fallen far when it is this part of the largest of each entry so far, by dtype."""
ALIKE = 0.3
"""f is as good as a quadratic along a step if it fell as the mean of both slopes says, to this part."""


class Gauge(NamedTuple):
    """What the last accepted step says; infinite before the first."""

    start: Vector
    """x at the start [n]."""
    largest: Vector
    """The largest that each entry of the gradient has been [n]."""
    left: Scalar
    """How far the solution still is, relative to x."""


def begin(point: Point) -> Gauge:
    """Before the first step nothing is known."""
    unknown = jnp.full_like(point.f, jnp.inf)
    return Gauge(point.x, jnp.abs(point.g), unknown)


def advance(gauge: Gauge, before: Point, after: Point, moved: Truth) -> Gauge:
    """The gauge after one more trial; it `moved` if the trial was accepted, else nothing is learnt."""
    return jax.lax.cond(moved, lambda: _measured(gauge, before, after), lambda: gauge)


def _measured(gauge: Gauge, before: Point, after: Point) -> Gauge:
    """What the step from `before` to `after` says."""
    x, g = jnp.abs(after.x), jnp.abs(after.g)
    s = jnp.abs(after.x - before.x)
    X, largest = sizes(gauge.start, after.x), jnp.maximum(gauge.largest, g)
    part = FALLEN[str(g.dtype)]
    mean, rounding = before.g / 2 + after.g / 2, 10 * jnp.finfo(g.dtype).eps * jnp.abs(after.f)
    y, size = scaled(jnp.abs(after.g - before.g))  # products with it are numbers, whatever the size of f
    g_y, most = g * reciprocal(size), largest * reciprocal(size)
    unknown = (gauge.start == 0) & (g > part * largest) & (g_y > y)

    sy, Xy, Xg, xy, xg, once, expected, gs, unknowns = sums(
        s * y, X * y, X * g_y, x * y, x * g_y, X * most, mean * (before.x - after.x), g * s, unknown
    )
    left, left_of_x = sy / Xy * (Xg / Xy), sy / xy * (xg / xy)
    fallen = Xg <= part * once
    left = jnp.where(fallen & ~(left > left_of_x), left, left_of_x)
    alike = jnp.abs(before.f - after.f - expected) <= ALIKE * jnp.abs(expected) + rounding
    seen = fallen | (jnp.abs(expected) > rounding)
    lower = (Xg <= once / 2) | (gs <= rounding)
    return Gauge(gauge.start, largest, jnp.where(alike & seen & lower & (unknowns == 0), left, jnp.inf))


def sizes(start: Vector, x: Vector) -> Vector:
    """The size X of each variable [n]: the larger of |x| and of the way from the start."""
    return jnp.maximum(jnp.abs(x), jnp.abs(x - start))
