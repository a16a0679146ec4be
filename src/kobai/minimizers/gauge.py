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
still not small; across a kink it turns round, and is no smaller than it was.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from kobai.minimizers.base import Point, choose, max_norm

ENOUGH = {"float64": 1e-9, "float32": 1e-6}
"""So much of x may be left to go, by dtype."""
FALLEN = {"float64": 1e-6, "float32": 1e-3}
"""The gradient has fallen far when it is this part of the largest of each entry so far, by dtype."""
ALIKE = 0.3
"""f is as good as a quadratic along a step if it fell as the mean of both slopes says, to this part."""


class Gauge(NamedTuple):
    """What the last accepted step says; infinite before the first."""

    start: Any
    """x at the start [n]."""
    largest: Any
    """The largest that each entry of the gradient has been [n]."""
    moved: Any
    """How far that step went, relative to x."""
    left: Any
    """How far the solution still is, relative to x."""


def begin(point: Point) -> Gauge:
    """Before the first step nothing is known."""
    unknown = jnp.full_like(point.f, jnp.inf)
    return Gauge(point.x, jnp.abs(point.g), unknown, unknown)


def advance(gauge: Gauge, before: Point, after: Point, moved: Any) -> Gauge:
    """The gauge after one more trial; it `moved` if the trial was accepted."""
    s, y, g = jnp.abs(after.x - before.x), jnp.abs(after.g - before.g), jnp.abs(after.g)
    largest = jnp.maximum(gauge.largest, g)
    part = FALLEN[str(g.dtype)]
    unit_of_g = max_norm(y)  # so that products with y are numbers whatever the size of f
    y, g_y = y / unit_of_g, g / unit_of_g

    def way_and_left(X: Any) -> tuple[Any, Any]:
        change = jnp.sum(X * y)
        way = jnp.sum(s * y) / change
        return way, way * (jnp.sum(X * g_y) / change)

    X = sizes(gauge.start, after.x)
    way, left = way_and_left(X)
    _, left_of_x = way_and_left(jnp.abs(after.x))
    now, once = jnp.sum(X * g_y), jnp.sum(X * (largest / unit_of_g))
    left = jnp.where((now <= part * once) & ~(left > left_of_x), left, left_of_x)

    known = (gauge.start != 0) | (g <= part * largest) | (g_y <= y)
    fell = before.f - after.f
    expected = jnp.sum((before.g / 2 + after.g / 2) * (before.x - after.x))
    rounding = 10 * jnp.finfo(g.dtype).eps * jnp.abs(after.f)
    alike = jnp.abs(fell - expected) <= ALIKE * jnp.abs(expected) + rounding
    lower = (now <= once / 2) | (jnp.sum(g * s) <= rounding)
    left = jnp.where(alike & lower & jnp.all(known), left, jnp.inf)
    return choose(moved, Gauge(gauge.start, largest, way, left), gauge)


def sizes(start: Any, x: Any) -> Any:
    """The size X of each variable [n]: the larger of |x| and of the way from the start."""
    return jnp.maximum(jnp.abs(x), jnp.abs(x - start))
