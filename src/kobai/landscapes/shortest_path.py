"""Pure optimisation: the cheapest way from one place to another over hilly ground."""

import numpy as np

from kobai.basics.arrays import Array, Scalar, Vector, namespace
from kobai.basics.checks import check_count
from kobai.landscapes.landscape import Landscape

BEGIN, END = np.array([-2.0, 0.0]), np.array([2.0, 0.0])

HILLS = np.array([[0.0, 0.15, 3.0, 0.5], [1.2, -0.5, 2.0, 0.4], [-1.2, -0.6, 2.0, 0.4]])
"""Each: where (x, y), how much dearer at its top, how wide."""

GEODESIC = 5.5093
"""The cost of the best way with any number of corners, extrapolated from 40 and 80 of them; Dijkstra's search
over a fine grid agrees in the tests."""

# Gauss and Legendre's three points on [0, 1]: exact along a segment for a cost of degree five.
NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])
WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18


def cost(p: Array) -> Array:
    """What a step of length 1 costs at the points p [..., 2]: 1 on the plain, more on a hill. [...]"""
    squares = ((p[..., None, :] - HILLS[:, :2]) ** 2).sum(-1)
    return 1 + (HILLS[:, 2] * namespace(p).exp(-squares / (2 * HILLS[:, 3] ** 2))).sum(-1)


def shortest_path(points: int = 10) -> Landscape:
    """f(x): the cost of the polyline from (−2, 0) to (2, 0) by way of `points` free corners.

    x holds the corners one after the other, n = 2 · points. There are several ways between the hills, each a
    local minimum; the start, a line bent a little, leads to the best.
    """
    check_count("points", points, most=1000)

    def objective(x: Vector) -> Scalar:
        xp = namespace(x)
        corners = xp.concatenate([xp.asarray(BEGIN)[None], x.reshape(points, 2), xp.asarray(END)[None]])
        legs = corners[1:] - corners[:-1]
        lengths = xp.sqrt((legs**2).sum(axis=1))
        costs = cost(corners[:-1, None] + NODES[:, None] * legs[:, None]) @ WEIGHTS
        return (lengths * costs).sum()

    t = np.linspace(0, 1, points + 2)[1:-1, None]
    start = BEGIN + t * (END - BEGIN) + np.concatenate([0 * t, 0.3 * np.sin(np.pi * t)], axis=1)
    return Landscape(
        name="shortest_path",
        objective=objective,
        start=tuple(start.ravel().tolist()),
        least=GEODESIC,
        tolerance=0.05,
        source="a discretised geodesic; compare Dijkstra 1959, Numerische Mathematik 1, 269–271",
    )
