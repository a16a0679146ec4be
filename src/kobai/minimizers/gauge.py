"""How small a gradient is beside the function itself: the criterion of convergence where none is given.

A bound on ‖g‖ has the unit of f over that of x: it calls 1e-10·f solved at the start, and 1e10·f never. What
has no unit is how far the solution still is, relative to x, as the last step tells. That step, s, changed the
gradient by y; so g is gone after a step of about |g|/|y| times as much. With variables of the sizes X,

    left = |g|ᵀX / |y|ᵀX · |s|ᵀ|y| / Xᵀ|y|

which stays the same when f becomes c·f + b, and when each variable is measured in a unit of its own.

X is |x|; or, since a solution may lie at 0, the larger of |x| and of the way from the start, once the gradient
has fallen far below its largest. A variable that begins at 0 has no size yet: its entry of the gradient must
have fallen as far, or the last step must have taken away more of it than is left. A long step tells only where
f is as good as a quadratic along it: down an exponential the gradient falls by decades, and is still not small.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from kobai.minimizers.base import Point, choose, max_norm

ENOUGH = {"float64": 1e-9, "float32": 1e-6}
"""So much of x may be left to go, by dtype."""
FALLEN = {"float64": 1e-6, "float32": 1e-3}
"""The gradient has fallen far when it is this part of the largest of each entry so far, by dtype."""
SHORT = 1e-3
"""A step is short if it goes no farther than this part of x."""
ALIKE = 0.1
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
    most = max_norm(y)
    y, g_y = y / most, g / most  # so that products with them are numbers whatever the size of f

    def way_and_left(X: Any) -> tuple[Any, Any]:
        way = jnp.vdot(s, y) / jnp.vdot(X, y)
        return way, way * jnp.vdot(g_y, X) / jnp.vdot(y, X)

    X = sizes(gauge.start, after.x)
    way, left = way_and_left(X)
    _, left_of_x = way_and_left(jnp.abs(after.x))
    scale = max_norm(largest)
    fallen = jnp.vdot(g / scale, X) <= FALLEN[str(g.dtype)] * jnp.vdot(largest / scale, X)
    left = jnp.where(fallen & ~(left > left_of_x), left, left_of_x)

    fall = jnp.vdot(before.g / 2 + after.g / 2, before.x - after.x)
    alike = jnp.abs(before.f - after.f - fall) <= ALIKE * jnp.abs(fall)
    known = (gauge.start != 0) | (g <= FALLEN[str(g.dtype)] * largest) | (g_y <= y)
    left = jnp.where(((way <= SHORT) | alike) & jnp.all(known), left, jnp.inf)
    return choose(moved, Gauge(gauge.start, largest, way, left), gauge)


def sizes(start: Any, x: Any) -> Any:
    """The size X of each variable [n]: the larger of |x| and of the way from the start."""
    return jnp.maximum(jnp.abs(x), jnp.abs(x - start))
