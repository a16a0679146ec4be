"""The figure of what choosing each optimizer costs."""

import math

import kobai
from arrivals import answered, arriving, is_adam, study_of
from kobai import words
from kobai.questions.comparison import costs
from kobai.questions.comparison.figures import figures
from kobai.report.colours import looks
from kobai.study.answer import answer

LOOK = looks(["adam", "sgd", "momentum"])
THREE = [kobai.Adam(0.1), kobai.SGD(0.1), kobai.Momentum(0.1)]


def three(monkeypatch, **options):
    """Adam and momentum take 20 to 50 steps, sgd three times as many."""

    def step(cell):
        slow = isinstance(cell.optimizer, kobai.SGD)
        late = 2 * (cell.seed % 3 - 1) * (not is_adam(cell))
        return (3 if slow else 1) * (20 + 10 * (cell.seed % 4)) + late

    return answered(monkeypatch, arriving(step), optimizers=THREE, steps=500, evaluate_every=1, **options)


def rows(figure):
    """By candidate the end of its line, where it has one, and its dot."""
    lines = {trace.meta: trace.x[1] for trace in figure.data if trace.mode == "lines"}
    dots = {trace.meta: trace for trace in figure.data if trace.mode == "markers"}
    return lines, dots


def test_a_row_is_the_bound_and_what_was_seen(monkeypatch):
    found = three(monkeypatch)
    figure = costs.costs(found, LOOK)
    lines, dots = rows(figure)
    for i, cost in enumerate(found.optimizer.costs):
        assert lines[cost.name] == 1 + cost.high
        dot = dots[cost.name]
        assert (dot.x[0], dot.y[0]) == (1 + cost.estimate, i)
        full = dot.marker.color == LOOK[cost.name].colour
        assert full == cost.member
    assert list(figure.layout.yaxis.ticktext) == [cost.name for cost in found.optimizer.costs]
    assert set(found.optimizer.best_set) == {"adam", "momentum"}
    assert found.optimizer.not_best == ("sgd",)


def test_nothing_more_stands_at_the_left_and_every_end_is_in_sight(monkeypatch):
    found = three(monkeypatch)
    axis = costs.costs(found, LOOK).layout.xaxis
    assert axis.range[0] == 0
    assert axis.range[1] > math.log10(max(1 + cost.high for cost in found.optimizer.costs))
    assert (axis.tickvals[0], axis.ticktext[0]) == (1, "0 %")
    assert [1 + float(text.rstrip(" %")) / 100 for text in axis.ticktext] == list(axis.tickvals)


def test_without_bounds_there_are_dots_alone(monkeypatch):
    found = three(monkeypatch, seeds=3)
    lines, dots = rows(costs.costs(found, LOOK))
    assert not lines
    assert set(dots) == {"adam", "sgd", "momentum"}
    assert costs.captions(found)[1] == "No bounds can be told here."
    with words.language("ja"):
        assert costs.captions(found)[1] == "ここでは上限を言えません。"


def test_where_there_is_nothing_to_choose_there_is_no_figure(monkeypatch, known):
    assert "costs" in figures(known, answer(known))
    alone = study_of(monkeypatch, arriving(30), optimizers=[kobai.SGD(0.1)])
    assert "costs" not in figures(alone, answer(alone))
