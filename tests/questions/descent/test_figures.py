"""The figures are the paths."""

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from descended import SHOWN, rows
from kobai.questions.descent.figures import drawn_steps, figures
from kobai.questions.descent.table import labels


def test_the_figures_are_the_paths(bowl):
    drawn = bowl.figures
    assert set(drawn) == {"paths", "descent"}
    names = labels(bowl.outcome)
    assert len(set(names)) == len(bowl.outcome.rows) == len(SHOWN) + 2
    assert "momentum η 0.1 α 0.5" in names
    for row, name in zip(bowl.outcome.rows, names, strict=True):
        line, head = (trace for trace in drawn["paths"].data if trace.meta == name)
        np.testing.assert_allclose(np.transpose([line.x, line.y]), row.path.points, rtol=1e-5, atol=1e-300)
        assert (head.x[0], head.y[0]) == (line.x[-1], line.y[-1])
        assert line.line.color == head.marker.color
    contours = drawn["paths"].data[0]
    i, j = 30, 70
    x, y = contours.x[j], contours.y[i]
    assert contours.customdata[i][j] == pytest.approx(x**2 / 20 + y**2, rel=1e-4)
    by_evaluations = [t for t in drawn["descent"].data if t.xaxis == "x2" and t.meta == "bfgs"]
    assert by_evaluations[0].x == tuple(rows(bowl, "bfgs")[0].path.spent)


def test_long_paths_are_thinned_and_keep_both_ends():
    steps = drawn_steps(500_000)
    assert len(steps) <= 1200
    assert steps[:600].tolist() == list(range(600))
    assert steps[-1] == 500_000
    assert drawn_steps(7).tolist() == list(range(8))


def test_what_is_very_far_away_is_drawn_nearer_in_its_direction(visit):
    """A browser stumbles over coordinates of 1e40, and a path that diverges has many."""
    found = kobai.descend("saddle", ["sgd", "bfgs"], learning_rates=[0.5])
    assert np.abs(found.outcome.rows[1].path.points).max() > 1e90
    for figure in found.figures.values():
        for trace in figure.data[1:]:
            for values in (trace.x, trace.y):
                assert all(value is None or abs(value) < 1e5 for value in values)
    line = next(trace for trace in found.figures["paths"].data[1:] if trace.mode == "lines+markers")
    assert abs(line.y[-1]) > 1e3 * abs(line.x[-1])  # away along y, as the path goes
    assert visit(found.html()).wrong == []


def test_a_function_without_a_box_shows_where_the_paths_are():
    found = kobai.descend(
        lambda x: jnp.sum(x**2), ["sgd"], start=(300, 400), learning_rates=[0.1, 5.0], steps=50
    )
    layout = figures(found.outcome)["paths"].layout
    assert layout.xaxis.range[0] < 0 < 300 < layout.xaxis.range[1] < 400
    assert layout.yaxis.range[1] < 500  # the path that diverges does not count
