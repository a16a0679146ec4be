"""How small a gradient is beside the function itself: the criterion of convergence where none is given.

A bound on ‖g‖ has the unit of f over that of x: it calls 1e-10·f solved at the start, and 1e10·f never. What
has no unit is how far the solution still is, relative to x, as the last step tells. That step, s, changed the
gradient by y; so g is gone after a step of about |g|/|y| times as much. With each variable measured by its
size X, the larger of |x| and of the way that it has come since the start,

    left = |g|ᵀX / |y|ᵀX · |s|ᵀ|y| / Xᵀ|y|

which stays the same when f becomes c·f + b, and when each variable is measured in a unit of its own. A long
step tells only where f is as good as a quadratic along it: down an exponential the gradient falls by decades
and is still not small beside what it changes by at the end.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from kobai.minimizers.base import Point, choose, max_norm

ENOUGH = {"float64": 1e-9, "float32": 1e-6}
"""So much of x may be left to go, by dtype."""
SHORT = 1e-3
"""A step is short if it goes no farther than this part of x."""
ALIKE = 0.1
"""f is as good as a quadratic along a step if it fell as the mean of both slopes says, to this part."""


class Gauge(NamedTuple):
    """What the last accepted step says; infinite before the first."""

    start: Any
    """x at the start [n]."""
    moved: Any
    """How far that step went, relative to x."""
    left: Any
    """How far the solution still is, relative to x."""


def begin(point: Point) -> Gauge:
    """Before the first step nothing is known."""
    unknown = jnp.full_like(point.f, jnp.inf)
    return Gauge(point.x, unknown, unknown)


def advance(gauge: Gauge, before: Point, after: Point, moved: Any) -> Gauge:
    """The gauge after one more trial; it `moved` if the trial was accepted."""
    X = sizes(gauge.start, after.x)
    s, y, g = jnp.abs(after.x - before.x), jnp.abs(after.g - before.g), jnp.abs(after.g)
    most = max_norm(y)
    y, g = y / most, g / most  # so that products with them are numbers whatever the size of f
    way = jnp.vdot(s, y) / jnp.vdot(X, y)
    left = way * jnp.vdot(g, X) / jnp.vdot(y, X)
    fall = jnp.vdot(before.g / 2 + after.g / 2, before.x - after.x)
    alike = jnp.abs(before.f - after.f - fall) <= ALIKE * jnp.abs(fall)
    left = jnp.where((way <= SHORT) | alike, left, jnp.inf)
    return choose(moved, Gauge(gauge.start, way, left), gauge)


def sizes(start: Any, x: Any) -> Any:
    """The size X of each variable [n]: the larger of |x| and of the way from the start."""
    return jnp.maximum(jnp.abs(x), jnp.abs(x - start))
