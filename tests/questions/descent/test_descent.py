"""Paths over landscapes: the lecture's reference numbers, paths against a plain loop and SciPy, the table,
the page in a browser."""

import json
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest
from rich.cells import cell_len
from scipy import optimize

import kobai
from kobai import landscapes, words
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.questions.descent import outcome as read
from kobai.questions.descent import table, terminal
from kobai.questions.descent.figures import drawn_steps, figures
from kobai.questions.descent.grid import RATES, grid
from kobai.questions.descent.table import labels
from kobai.questions.descent.walk import Path, walk
from terminal import says_in_each_language

REFERENCE = {
    "sgd": (43, 43),
    "momentum": (58, 83),
    "nesterov_definition": (25, 57),
    "nesterov": (24, 56),
    "adagrad": (29, 29),
    "rmsprop": (31, None),
    "adam": (63, 82),
}
"""First step below 1e-3 and first from which it stays there, of 1,000."""


@pytest.fixture(scope="module")
def bowl():
    """Every update rule and BFGS over the lecture's bowl, with the rates that it names."""
    return kobai.descend(
        "bowl", [*registry.OPTIMIZERS, "bfgs"], hyperparameters={"momentum.momentum": [0.9, 0.5]}
    )


def rows(descent, name):
    return [row for row in descent.outcome.rows if row.method == name]


# The reference numbers


@pytest.mark.parametrize("name", REFERENCE)
def test_the_lectures_table(bowl, name):
    row = rows(bowl, name)[0]
    assert (row.first, row.stays) == REFERENCE[name]
    assert row.evaluations == row.first
    assert row.status == ("reached" if row.stays else "left")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("language", words.TABLES)
def test_the_table_is_stacked_in_a_narrow_terminal_and_no_number_is_cut(bowl, width, language):
    with words.language(language):
        text = terminal.text(bowl.outcome, width=width)
        cells = table.rows(bowl.outcome)
    start = text.index("\n\n")
    lines = text[start:].splitlines()
    assert max(map(cell_len, lines)) <= width
    for row in cells:
        own = "\n".join(line for line in lines if line.startswith(row[0]))
        assert all(cell in own for cell in (row[1], *row[3:7])), (row, own)


def test_adadelta_takes_3000_steps():
    [row] = kobai.descend("bowl", "adadelta", steps=3000).outcome.rows
    assert (row.first, row.stays) == (1637, 1637)


def test_the_first_steps_are_the_lectures(bowl):
    for name, expected in (("sgd", (-6.335, -1.8)), ("momentum", (-6.93, 1.6)), ("adam", (-6.7, 1.7))):
        np.testing.assert_allclose(rows(bowl, name)[0].path.points[1], expected, rtol=1e-6)
    np.testing.assert_allclose(
        rows(bowl, "nesterov_definition")[0].path.points[2], (-6.79833, 0.992), rtol=1e-5
    )


def test_the_bounds_of_stability():
    found = kobai.descend("bowl", kobai.SGD([0.99, 1.0, 1.01])).table.sort("learning_rate")
    assert found["status"].to_list() == ["reached", "not_reached", "diverged"]
    assert found["value"][1] == pytest.approx(4, rel=1e-9)
    # f ≈ 4 · 1.02^2t passes a million times its start of 6.45 at this step.
    assert found["diverged_at"].to_list() == [None, None, math.ceil(math.log(6.45e6 / 4) / math.log(1.02**2))]
    found = kobai.descend("bowl", kobai.Momentum([1.88, 1.92])).table.sort("learning_rate")
    assert found["status"].to_list()[1] == "diverged"
    assert found["status"][0] != "diverged"


def test_how_long_the_saddle_holds():
    found = kobai.descend("saddle", ["sgd", "momentum", "adam"], steps=300)
    left = {row.method: int(np.argmax(np.abs(row.path.points[:, 1]) >= 1)) for row in found.outcome.rows}
    assert left == {"sgd": 76, "momentum": 36, "adam": 11}
    assert found.table["status"].to_list() == ["reached"] * 3  # to have left is to have arrived


def test_a_rule_with_its_sign_turned_is_caught():
    """The planted mistake: ascending instead of descending."""

    @kobai.optimizers.hyperparameters
    class Ascent(kobai.Optimizer):
        learning_rate: float = 0.1

        def rule(self, g, t):
            return self.learning_rate * g, ()

    [row] = kobai.descend("bowl", Ascent()).outcome.rows
    assert row.status == "diverged"
    assert row.method == "ascent"


# The paths


def test_a_path_is_that_of_a_plain_loop(bowl):
    """In NumPy, with gradients by hand."""
    for row in bowl.outcome.rows:
        if row.method == "bfgs":
            continue
        x, rule = np.array([-7.0, 2.0]), row.variant
        state = rule.init(x)
        for step in range(1, 200):
            look = rule.lookahead(x, state)
            update, state = rule.update(np.array([look[0] / 10, 2 * look[1]]), state, x)
            x = x + update
            np.testing.assert_allclose(row.path.points[step], x, rtol=1e-7, atol=1e-9)
            assert row.path.values[step] == pytest.approx(x[0] ** 2 / 20 + x[1] ** 2, rel=1e-6, abs=1e-12)


def test_a_path_does_not_depend_on_its_companions(bowl):
    alone = kobai.descend("bowl", kobai.Adam(0.3))
    np.testing.assert_allclose(
        alone.outcome.rows[0].path.values, rows(bowl, "adam")[0].path.values, rtol=1e-9, atol=1e-300
    )


def test_a_minimizer_is_that_of_kobai_minimize(bowl):
    [row] = rows(bowl, "bfgs")
    with jax.enable_x64(True):
        alone = kobai.minimize(landscapes.bowl().objective, jnp.array([-7.0, 2.0]), gtol=1e-8, keep_path=True)
    assert row.path.ended == alone.status == "converged"
    assert row.path.counts == alone.evaluations._asdict()
    np.testing.assert_allclose(row.path.points, alone.history.path, rtol=1e-12, atol=1e-14)
    assert len(row.path.values) == alone.steps + 1
    # What had been spent on arrival: never less than a gradient a step, all of it at the end.
    assert (np.diff(row.path.spent) >= 1).all()
    assert row.path.spent[0] == 1
    assert row.path.spent[-1] == row.path.counts["gradient"]
    assert row.evaluations == row.path.spent[row.first]


def test_double_precision_whatever_the_program_uses(bowl):
    assert not jax.config.jax_enable_x64
    assert {row.path.values.dtype for row in bowl.outcome.rows} == {np.dtype(float)}
    assert min(row.value for row in bowl.outcome.rows) < 1e-60  # far below float32


def test_a_function_and_an_optimizer_of_ones_own():
    def f(x):
        return jnp.sum((x - 1) ** 4) + jnp.sum((x - 1) ** 2)

    found = kobai.descend(
        f, [kobai.from_optax(optax.sgd, learning_rate=[0.1, 0.05]), "lbfgs"], start=[3, 2, 0]
    )
    assert found.outcome.landscape.name == "f"
    assert set(found.table["status"]) == {"reached"}
    for row in found.outcome.rows:
        np.testing.assert_allclose(row.path.points[-1], 1, atol=1e-6)
    assert set(found.figures) == {"descent"}  # three dimensions have no contours
    assert found.command.startswith("kobai.descend(f, methods=[")


def test_many_dimensions_against_scipy():
    made = landscapes.rosenbrock(6)
    found = kobai.descend(made, ["bfgs"])
    [row] = found.outcome.rows
    expected = optimize.minimize(
        optimize.rosen, made.start, jac=optimize.rosen_der, method="BFGS", options={"gtol": 1e-8}
    )
    assert row.status == "reached"
    np.testing.assert_allclose(row.path.points[-1], expected.x, atol=1e-5)


# What is read off a path


def judged(values, level=1.0, ended=None):
    values = np.array(values, float)
    spent = 2 * np.arange(len(values))
    path = Path(values, np.zeros((len(values), 1)), spent, spent[-1] + (ended is not None), ended)
    return read.judge("sgd", kobai.SGD(), path, level)


@pytest.mark.parametrize(
    ("values", "ended", "expected"),
    [
        ([5, 3, 0.5, 0.2], None, (2, 2, "reached", None, 4)),
        ([5, 0.5, 2, 0.2], None, (1, 3, "reached", None, 2)),
        ([5, 0.5, 2, 2], None, (1, None, "left", None, 2)),
        ([5, 4, 3, 2], None, (None, None, "not_reached", None, 6)),
        ([0.5, 0.4], None, (0, 0, "reached", None, 0)),
        ([5, 1e9, 1e10], None, (None, None, "diverged", 1, 2)),
        ([5, 1e9, 3, 2], None, (None, None, "not_reached", None, 6)),
        ([5, 4, math.nan, math.nan], None, (None, None, "diverged", 2, 4)),
        ([5, 0.5, math.inf, math.nan], None, (1, None, "diverged", 2, 2)),
        ([5, -1, -1e9, -math.inf, math.nan], None, (1, 1, "reached", None, 2)),
        ([5, -1, -1e9, math.nan], None, (1, 1, "reached", None, 2)),
        ([5, 4, 3], "converged", (None, None, "converged", None, 5)),
        ([5, 4, 0.1], "converged", (2, 2, "reached", None, 4)),
        ([5, 4, 3], "line_search_failed", (None, None, "line_search_failed", None, 5)),
        ([5, 4, 3], "iteration_limit", (None, None, "not_reached", None, 5)),
        ([1.0, 1.0], None, (None, None, "not_reached", None, 2)),
    ],
)
def test_what_is_read_off_a_path(values, ended, expected):
    row = judged(values, ended=ended)
    assert (row.first, row.stays, row.status, row.diverged_at, row.evaluations) == expected


def test_the_best_of_several_rates():
    slow, fast, gone = judged([5, 3, 2, 0.5]), judged([5, 0.5, 0.4, 0.3]), judged([5, 1e9, 1e12, math.nan])
    leaves, never, lower = judged([5, 0.1, 3, 4]), judged([5, 4, 3, 3]), judged([5, 4, 3, 2])
    order = [fast, slow, leaves, lower, never, gone]
    assert read.ordered([gone, never, slow, leaves, lower, fast], None) == order
    assert read.best(order[::-1]) is fast
    # Two that end equally low: the one that was there first.
    sooner, later = judged([5, 2, 2, 2]), judged([5, 4, 3, 2 - 1e-12])
    assert read.best([later, sooner]) is sooner


def test_sorted_by_any_column(bowl):
    for column in read.SCHEMA:
        found = read.frame(read.ordered(bowl.outcome.rows, column))[column]
        known = found.drop_nulls()
        assert known.to_list() == sorted(known.to_list())
        assert found[len(known) :].is_null().all()


# Which settings


def test_the_rate_of_a_rule_is_asked_for_named_or_searched():
    def settings(landscape, **ask):
        [candidate] = grid(landscape, "sgd", **ask)
        return [setting.learning_rate for setting in candidate.variants], candidate.searched

    bowl, other = landscapes.bowl(), landscapes.beale()
    assert settings(bowl) == ([0.95], False)
    assert settings(other) == (list(RATES), True)
    assert settings(bowl, learning_rates=[0.1, 0.2]) == ([0.1, 0.2], False)
    assert settings(other, learning_rates=[0.1]) == ([0.1], False)
    assert settings(other, hyperparameters={"sgd.learning_rate": [0.3]}) == ([0.3], False)
    [candidate] = grid(other, kobai.SGD(0.7))
    assert (candidate.variants, candidate.searched) == ((kobai.SGD(0.7),), False)
    [candidate] = grid(bowl, kobai.Momentum, hyperparameters={"momentum.momentum": [0.5, 0.9]})
    assert candidate.variants == (kobai.Momentum(0.1, 0.5), kobai.Momentum(0.1, 0.9))
    assert [c.name for c in grid(bowl, [kobai.Adam(0.1), "adam", "bfgs", kobai.BFGS()])] == [
        "adam",
        "adam_2",
        "bfgs",
        "bfgs_2",
    ]


def test_options_of_a_minimizer_are_axes_too():
    [candidate] = grid(landscapes.bowl(), "lbfgs", hyperparameters={"lbfgs.curvature": [0.5, 0.9]})
    assert [setting.curvature for setting in candidate.variants] == [0.5, 0.9]
    with pytest.raises(UsageError, match="lbfgs.curvatur"):
        grid(landscapes.bowl(), "lbfgs", hyperparameters={"lbfgs.curvatur": [0.5]})


def test_names_are_alternatives_and_short_in_the_table():
    found = kobai.descend(
        "bowl",
        ["conjugate_gradient", "coordinate_descent", "newton_cg"],
        hyperparameters={
            "conjugate_gradient.formula": ["fr", "PR+"],
            "coordinate_descent.order": "random",
            "newton_cg.most": [3, None],
        },
    )
    shown = repr(found)
    for row in ("formula FR", "formula PR\\+", "order random", "most 3", "most –"):
        assert re.search(f"– {row} ", shown), shown
    assert {"conjugate_gradient formula FR", "newton_cg most 3", "coordinate_descent"} < set(
        labels(found.outcome)
    )
    formulas = [json.loads(row)["formula"] for row in found.table["hyperparameters"] if "formula" in row]
    assert set(formulas) == {"fletcher_reeves", "polak_ribiere"}
    rows = json.loads(found.to_json())["rows"]
    assert {row["hyperparameters"].get("most", 0) for row in rows} == {0, 3, None}
    assert "hyperparameters={'conjugate_gradient.formula': ['fr', 'PR+']" in found.command


def test_each_value_asked_for_has_its_row_with_its_own_best_rate():
    found = kobai.descend("beale", "momentum", hyperparameters={"momentum.momentum": [0.5, 0.9]}, steps=200)
    alone = [
        kobai.descend("beale", kobai.Momentum(list(RATES), α), steps=200).outcome.rows for α in (0.5, 0.9)
    ]
    best = {row.variant for rows in alone for row in [read.best(rows)]}
    assert {row.variant for row in found.outcome.rows} == best
    assert len(found.tried) == 2 * len(RATES)


@pytest.fixture(scope="module")
def searched():
    return kobai.descend("beale", ["sgd", "bfgs"], steps=300)


def test_a_searched_rate_is_the_best_of_those_tried(searched):
    assert len(searched.tried) == len(RATES)
    [row] = rows(searched, "sgd")
    stays = searched.tried["stays"].drop_nulls()
    assert len(stays) < len(RATES)  # not every rate arrives
    assert row.stays == stays.min()
    assert "best of 21 from 0.0001 to 10" in repr(searched)


# Where minimizers stop


def test_a_fall_without_end_is_an_arrival_and_its_cost_is_told():
    """A line search on the saddle goes down for ever: its last accepted iterate lies at −4e-12."""
    found = kobai.descend("saddle", ["bfgs", "lbfgs", "conjugate_gradient"])
    for row in found.outcome.rows:
        assert row.path.ended == "unbounded"
        assert (row.status, row.first, row.stays) == ("reached", 2, 2)
        assert row.value < -1e100
        assert row.evaluations == row.path.total == row.path.counts["gradient"] > 50
        assert len(row.path.values) == len(row.path.points) == len(row.path.spent) == 3


def test_what_was_spent_for_nothing_counts_where_it_never_arrives():
    [row] = kobai.descend("noisy", "bfgs", start=(-7, 2)).outcome.rows
    assert row.status == row.path.ended == "small_step"
    assert row.evaluations == row.path.counts["gradient"] == row.path.total


def test_at_a_saddle_no_minimum_is_claimed():
    shown = repr(kobai.descend("saddle", "bfgs", start=(0, 0)))
    assert re.search("^bfgs .* gradient zero$", shown, re.M)
    assert "No least value of this landscape is known; arrived means f < −1" in " ".join(shown.split())
    shown = repr(kobai.descend("rastrigin", "bfgs"))
    assert re.search("^bfgs .* gradient zero$", shown, re.M)
    assert "another minimum, a saddle, or a --tolerance too small" in " ".join(shown.split())


# The answer


def test_printed_it_is_the_table(bowl):
    for language in words.TABLES:
        with words.language(language):
            shown = repr(kobai.descend("bowl", "sgd", learning_rates=[0.95, 1.01]))
        lines = shown.splitlines()
        assert lines[-2].split()[:5] == ["sgd", "0.95", "43", "43", "4.86e-87"]
        assert "361" in lines[-1]
    assert "diverged at 361" in repr(kobai.descend("bowl", "sgd", learning_rates=[1.01]))
    assert re.search(r"momentum +0.1 α 0.5 ", repr(bowl))
    assert max(map(len, repr(bowl).splitlines())) <= 80


def test_the_frames_and_the_json_agree(bowl):
    table = bowl.table
    assert dict(table.schema) == read.SCHEMA
    assert len(table) == len(registry.OPTIMIZERS) + 2
    found = json.loads(bowl.to_json())
    assert [row["method"] for row in found["rows"]] == table["method"].to_list()
    assert [row["first"] for row in found["rows"]] == table["first"].to_list()
    assert found["rows"][0]["hyperparameters"] == json.loads(table["hyperparameters"][0])
    assert (found["start"], found["level"], found["steps"]) == ([-7.0, 2.0], 1e-3, 1000)
    ended = {row["method"]: row["ended"] for row in found["rows"]}
    assert ended["bfgs"] == "converged"
    paths = bowl.paths
    for i, row in enumerate(bowl.outcome.rows):
        own = paths.filter(pl.col("row") == i)
        assert own["f"].to_list() == row.path.values.tolist()
        np.testing.assert_array_equal(own["x"].to_list(), row.path.points)


def test_what_is_not_finite_is_null_in_json():
    found = kobai.descend("rosenbrock", "sgd", learning_rates=[10.0], steps=20)
    [row] = json.loads(found.to_json(), parse_constant=pytest.fail)["rows"]
    assert (row["value"], row["status"]) == (None, "diverged")
    assert "∞" in repr(found)
    assert len(found.figures) == 2


def test_saving_writes_four_files(bowl, tmp_path):
    bowl.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "descent.html",
        "descent.json",
        "table.parquet",
        "paths.parquet",
    }
    assert pl.read_parquet(tmp_path / "table.parquet").equals(bowl.table)
    shown = bowl._repr_html_()
    assert shown.count("<tr>") == 1 + len(bowl.table)
    assert "<script" not in shown


# The figures


def test_the_figures_are_the_paths(bowl):
    drawn = bowl.figures
    assert set(drawn) == {"paths", "descent"}
    names = labels(bowl.outcome)
    assert len(set(names)) == len(bowl.outcome.rows) == len(registry.OPTIMIZERS) + 2
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


# The page


def test_the_page_asks_nobody_and_escapes_names():
    attack = "</script><img src=x>"
    made = kobai.Landscape(attack, lambda x: jnp.sum(x**2), start=(1.0, 2.0), least=0.0)
    content = kobai.descend(made, "sgd", learning_rates=[0.1], steps=20, command=attack).html()
    assert attack not in content
    assert "&lt;/script&gt;&lt;img src=x&gt;" in content
    assert "default-src 'none'" in content
    assert content.count("<script") == 3
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", content.split("plotly.js v")[0])


PLOT = "document.querySelector('[data-figure=paths]')"


@pytest.fixture(scope="module")
def opened(bowl, visit):
    page = visit(bowl.html(), viewport={"width": 390, "height": 844}, has_touch=True)
    yield page
    assert page.wrong == []


def test_a_browser_plays_the_paths_and_stops(opened):
    shown = opened.locator("#shown")
    assert shown.inner_text() == "step 1000"
    opened.locator("#step").fill("3")
    assert shown.inner_text() == "step 3"
    lengths = f"[...new Set({PLOT}.data.filter(t => t.mode === 'lines+markers').map(t => t.x.length))]"
    assert opened.evaluate(lengths) == [4]
    # Pressed, seen to move, and pressed again inside the page, so that no delay of ours comes between.
    play_and_stop = """async () => {
        const [button, slider] = ["play", "step"].map((id) => document.getElementById(id));
        const said = [button.textContent];
        button.click();
        said.push(button.textContent);
        while (slider.value === "3") await new Promise((later) => setTimeout(later, 10));
        if (slider.value !== slider.max) button.click();
        return [...said, button.textContent, Number(slider.value)];
    }"""
    before, during, after, frame = opened.evaluate(play_and_stop)
    assert (before, during, after) == ("▶ play", "❚❚ pause", "▶ play")
    assert frame > 3
    assert shown.inner_text() == f"step {frame}"
    ends = f"{PLOT}.data.flatMap((t, i) => t.mode === 'lines+markers' ? [[t, {PLOT}.data[i + 1]]] : [])"
    assert opened.evaluate(f"{ends}.every(([t, head]) => t.x.at(-1) === head.x[0] && t.meta === head.meta)")


def test_the_table_is_sorted_by_a_press(bowl, opened):
    column = "[...document.querySelectorAll('tbody tr')].map(row => row.children[3].textContent)"
    head = opened.locator("thead button").nth(3)
    head.click()
    up = opened.evaluate(column)
    firsts = sorted(row.first for row in bowl.outcome.rows if row.first is not None)
    assert up == [*map(str, firsts), "–"]
    head.click()
    assert opened.evaluate(column) == [*map(str, firsts[::-1]), "–"]
    assert opened.locator("thead th").nth(3).get_attribute("aria-sort") == "descending"


def test_the_page_fits_a_phone_and_a_button_hides_a_path(opened):
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    # The whole table is in view: rate and hyperparameters stand under the name of the method.
    assert opened.evaluate("document.querySelector('.scroll').scrollWidth") <= 390 - 2 * 16
    row = opened.locator("tbody tr", has_text="adamw").inner_text()
    assert re.search("^adamw\\s+η .* ρ₁ 0.9 ρ₂ 0.999\\s", row)
    visible = f"{PLOT}._fullData.filter(trace => trace.visible).length"
    before = opened.evaluate(visible)
    opened.locator(".chips button", has_text="sgd").click()
    assert opened.evaluate(visible) == before - 2


# Mistakes


@pytest.mark.parametrize(
    ("ask", "parts"),
    [
        ({"landscape": "bowel"}, ("landscape 'bowel'", "did you mean 'bowl'")),
        ({"landscape": 3}, ("a landscape must be", "3")),
        ({"methods": "amad"}, ("method 'amad'", "'adam'")),
        ({"methods": []}, ("methods is empty",)),
        ({"methods": [3]}, ("a method must be", "3")),
        ({"methods": "lbgfs"}, ("method 'lbgfs'", "'lbfgs'")),
        ({"start": (1, 2, 3)}, ("bowl", "2 dimensions", "start has 3")),
        ({"start": (1, math.nan)}, ("start", "finite", "nan")),
        ({"start": "here"}, ("start", "finite numbers", "'here'")),
        ({"start": ()}, ("start", "finite numbers", "()")),
        ({"start": (1e200, 0)}, ("not defined at the start (1e+200, 0.0)", "f there is inf")),
        ({"dimension": 3}, ("bowl", "2 dimensions", "3")),
        ({"steps": 0}, ("steps", "at least 1", "0")),
        ({"steps": 2_000_000}, ("steps", "at most 1000000", "2000000")),
        ({"steps": 1_000_000, "learning_rates": [1, 2, 3, 4]}, ("paths of 1000000 steps", "fewer")),
        ({"tolerance": math.inf}, ("tolerance", "finite", "inf")),
        ({"tolerance": 0}, ("above 0", "least value of bowl, 0", "got 0")),
        ({"landscape": "rosenbrock", "start": (1,)}, ("dimension", "from 2", "1")),
        ({"landscape": "rosenbrock", "start": (1, 2, 3), "dimension": 2}, ("2 dimensions", "start has 3")),
        ({"tolerance": True}, ("tolerance", "finite number", "True")),
        ({"start": (True, 2)}, ("start", "finite numbers", "(True, 2)")),
        ({"start": (10**400, 1)}, ("start", "finite numbers")),
        ({"start": [1, [2, 3]]}, ("start", "finite numbers", "[1, [2, 3]]")),
        ({"steps": True}, ("steps", "whole number", "True")),
        ({"learning_rates": [True]}, ("learning_rates", "numbers", "True")),
        ({"hyperparameters": {"momentum.momentum": [False]}}, ("momentum.momentum", "numbers", "False")),
        ({"learning_rates": [-1]}, ("learning_rate", "at least 0", "-1.0")),
        ({"learning_rates": []}, ("learning_rates is empty",)),
        ({"hyperparameters": {"adam.decya_1": [0.5]}}, ("hyperparameter 'adam.decya_1'", "'adam.decay_1'")),
        ({"hyperparameters": {"adm.decay_1": [0.5]}}, ("candidate 'adm'", "'adam'")),
        ({"hyperparameters": ["momentum.momentum"]}, ("hyperparameters", "mapping", "['momentum.momentum']")),
        ({"hyperparameters": {3: [0.5]}}, ("hyperparameters", "mapping", "{3: [0.5]}")),
        ({"sort": "frist"}, ("column 'frist'", "'first'")),
        ({"language": "fr"}, ("language 'fr'",)),
        ({"landscape": lambda x: x @ x}, ("needs a start",)),
        ({"landscape": lambda x: x, "start": (1, 2)}, ("one number", "(2,)")),
        ({"landscape": lambda x: jnp.log(x).sum(), "start": (-1, 2)}, ("not defined", "f there is nan")),
        (
            {"landscape": lambda x: jnp.sqrt(x).sum(), "start": (0, 2)},
            ("not defined", "gradient there is inf"),
        ),
        ({"landscape": lambda x: math.sin(x[0]), "start": (1, 2)}, ("cannot be computed", "TypeError")),
        ({"landscape": lambda x: x[5.0], "start": (1, 2), "dimension": 2}, ("dimension", "2")),
    ],
)
def test_mistakes_name_the_thing_the_rule_and_the_value(ask, parts):
    with pytest.raises(UsageError) as caught:
        kobai.descend(**{"landscape": "bowl", **ask})
    assert says_in_each_language(caught.value, parts)


def test_the_start_says_how_many_dimensions_where_they_are_open():
    assert kobai.descend("rosenbrock", "newton", start=(1, 2, 3, 4)).outcome.landscape.dimension == 4


def test_one_dimension_is_said_as_one():
    found = kobai.descend(lambda x: x[0] ** 2, "newton", start=(1,))
    assert "1 dimension, start (1)" in str(found)


def test_a_start_may_be_an_array():
    found = kobai.descend("bowl", "sgd", start=np.array([1, 2]), learning_rates=np.array([0.5]), steps=5)
    assert (
        found.command == "kobai.descend('bowl', methods='sgd', start=[1, 2], learning_rates=[0.5], steps=5)"
    )


def test_a_walk_without_any_rule():
    [path] = walk(landscapes.bowl().objective, [kobai.BFGS()], np.array([1.0, 1.0]), 5)
    assert path.ended in ("converged", "iteration_limit")


def test_many_long_paths_are_a_page_that_opens(tmp_path):
    """Of 3,000 rates the best rows are shown, with a word about the rest; the files hold all."""
    rates = [float(rate) for rate in np.geomspace(1e-4, 0.5, 3000)]
    result = kobai.descend("bowl", "momentum", learning_rates=rates, steps=1000)
    text = repr(result)
    assert len(text.splitlines()) < 80
    assert "only the first 40 of 3000 rows" in " ".join(text.split())
    assert len(result.html().encode()) < 8e6
    assert "only the first 40 of 3000 rows" in result.html()
    assert len(result.table) == 3000
    assert len(drawn_steps(100_000, paths=40)) < 610
    assert drawn_steps(100_000, paths=40)[-1] == 100_000
