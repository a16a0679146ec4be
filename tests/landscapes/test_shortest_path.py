"""The shortest path against Dijkstra's."""

import math

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from kobai import landscapes
from kobai.landscapes.shortest_path import BEGIN, END, cost
from minima import best_of


def grid_search(spacing, reach=5):
    """The cheapest way from BEGIN to END over a grid, each knot joined to those up to `reach` away."""
    x, y = np.arange(-2, 2 + spacing / 2, spacing), np.arange(-1.2, 1.6 + spacing / 2, spacing)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    index = np.arange(len(x) * len(y)).reshape(len(x), len(y))
    rows, columns, costs = [], [], []
    for i in range(reach + 1):
        for j in range(-reach, reach + 1):
            if math.gcd(i, j) != 1 or (i == 0 and j < 0):
                continue
            first = (slice(0, len(x) - i), slice(max(0, -j), len(y) - max(0, j)))
            second = (slice(i, len(x)), slice(max(0, j), len(y) - max(0, -j)))
            a, b = points[first], points[second]
            along = np.mean([cost(a + t * (b - a)) for t in (1 / 6, 1 / 2, 5 / 6)], axis=0)
            rows.append(index[first].ravel())
            columns.append(index[second].ravel())
            costs.append((along * np.linalg.norm(b - a, axis=-1)).ravel())
    size = index.size
    graph = coo_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size)
    ).tocsr()
    begin, end = (
        index[tuple(np.argmin(np.abs(axis - p)) for axis, p in zip((x, y), point, strict=True))]
        for point in (BEGIN, END)
    )
    return dijkstra(graph, directed=False, indices=begin)[end]


def test_the_shortest_path_is_that_of_dijkstra():
    made = landscapes.shortest_path()
    found = best_of(made)
    searched = grid_search(0.04)
    assert made.least < found.fun < made.level()
    assert made.least < searched < made.least * 1.005  # a path over the grid is a path
    straight = np.linspace(BEGIN, END, 12)[1:-1].ravel()
    assert float(made(straight)) > 1.5 * made.least
    finer = landscapes.shortest_path(20)
    assert made.least < best_of(finer).fun < found.fun
