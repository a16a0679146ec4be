"""The figures of a comparison, against its frame."""

import dataclasses
import math

import numpy as np
import polars as pl
import pytest
import scipy.optimize

from compared import COMMAND, EVERY, NAMES, STEPS, Page, points, studied
from kobai import words
from kobai.basics.hyperparameters import hyperparameters
from kobai.candidates.grid import Candidate
from kobai.optimizers.base import Optimizer
from kobai.questions.comparison import page as report
from kobai.questions.comparison import sentences
from kobai.questions.comparison.curves import looks_of
from kobai.questions.comparison.figures import figures
from kobai.report import panels
from kobai.study.answer import answer
from kobai.study.criterion import CRITERIA, FINAL, longest, of_seconds
from kobai.study.frame import SCHEMA
from kobai.study.protocol import ranked as ranked_by
from kobai.study.study import CONFIRMATION, TUNING


@hyperparameters
class Heavy(Optimizer):
    """A rule of the user's own, without a learning rate."""

    momentum: float = 0.5
    memories = ("v",)

    def rule(self, g, t, v):
        v = self.momentum * v - 0.1 * g
        return v, (v,)


@pytest.fixture(scope="module")
def lonely():
    """One optimizer without a learning rate, one seed, a loss to make small, nothing to test on."""
    task = points(metric=None, maximize=False, test=None, target=None)
    return studied(task, [Candidate("<lambda>", (Heavy(),))], seeds=1, tuning_seeds=1, initial=("he",))


def diverged(outcome, *names):
    """The same study, had every run of these optimizers diverged in its first step."""
    cells = outcome.cells.to_dicts()
    for cell in cells:
        if cell["optimizer"] in names:
            for curve in ("training_loss", "validation_loss", "validation_metric"):
                cell[curve] = [cell[curve][0], *[math.nan] * (len(cell[curve]) - 1)]
            cell["validation_metric"][0] = 0.5
            cell |= {"diverged_at": 1, "test_loss": None, "test_metric": None}
    return outcome.with_cells(pl.DataFrame(cells, schema=SCHEMA))


def curves_of(cells, trial, column, phase=CONFIRMATION):
    """[runs, evaluations] of a trial, read from the frame without kobai's help."""
    rate = getattr(trial.variant, "learning_rate", None)
    own = cells.filter(
        pl.col("phase") == phase,
        pl.col("optimizer") == trial.candidate.name,
        pl.col("learning_rate").eq_missing(rate),
        pl.col("initializer") == trial.initializer.name,
    )
    return np.array(own[column].to_list(), float)


def traces(figure, optimizer):
    return [trace for trace in figure.data if trace.meta == optimizer]


def lines(figure, optimizer):
    return [trace for trace in traces(figure, optimizer) if trace.fill is None and "text" not in trace.mode]


def runs(figure, optimizer):
    """The traces of the single runs."""
    return [trace for trace in figure.data if trace.meta == ("runs", optimizer)]


# The figures, against the frame


def test_the_curves_are_medians_in_bands_of_quartiles(outcome):
    figure, look = figures(outcome, answer(outcome))["curves"], looks_of(answer(outcome))
    assert len(figure.data) == 2 * 3 * 3 + 2  # optimizers, panels, line, band and runs; two names
    for name, trial in outcome.winners.items():
        for column, line in zip(
            ("training_loss", "validation_loss", "validation_metric"), lines(figure, name), strict=True
        ):
            found = curves_of(outcome.cells, trial, column)
            start = int(column == "training_loss")  # there is no training loss before the first step
            assert line.x == tuple(range(0, STEPS + 1, EVERY))
            np.testing.assert_allclose(line.y[start:], np.median(found, axis=0)[start:], rtol=1e-6)
            (band,) = (t for t in traces(figure, name) if t.fill and t.xaxis == line.xaxis)
            low, high = np.percentile(found[:, start:], (25, 75), axis=0)
            np.testing.assert_allclose(band.y, [*low, *high[::-1]], rtol=1e-6)
            assert line.line.color == look[name].colour
            (single,) = (t for t in runs(figure, name) if t.xaxis == line.xaxis)
            ends = [place for place, y in enumerate(single.x) if y is None]
            assert (len(ends), single.visible) == (4, False)
            whole = np.array([y for x, y in zip(single.x, single.y, strict=True) if x is not None], float)
            np.testing.assert_allclose(whole.reshape(4, -1), found, rtol=1e-6)


def test_every_learning_rate_of_every_pair_is_shown_and_a_crash_is_a_cross(outcome):
    figure = figures(outcome, answer(outcome))["learning_rates"]
    cells = outcome.cells.filter(pl.col("phase") == TUNING)
    crosses = 0
    assert figure.layout.yaxis.title.text == "steps to the target"  # by which tuning chose
    for panel, candidate in enumerate(outcome.study.candidates, start=1):
        for initializer in ("he", "xavier"):
            own = [t for t in figure.data if t.xaxis == panels.axis("x", panel) and t.name == initializer]
            own = {(t.mode, t.marker.symbol, t.marker.size): t for t in own}
            (line,) = (t for (mode, _, _), t in own.items() if mode == "lines+markers")
            assert line.x == tuple(candidate.learning_rates())
            for rate, shown in zip(line.x, line.y, strict=True):
                own_cells = cells.filter(
                    pl.col("optimizer") == candidate.name,
                    pl.col("learning_rate") == rate,
                    pl.col("initializer") == initializer,
                )
                met = np.array(own_cells["validation_metric"].to_list()) >= outcome.target
                steps = np.where(met.any(axis=1), met.argmax(axis=1) * EVERY, STEPS)
                assert shown == pytest.approx(np.exp(np.log(np.maximum(steps, 1)).mean()))
                cross = own["markers", "x-thin-open", 7]
                lost = int((~met.any(axis=1)).sum())
                assert (rate in cross.x) == (lost > 0)
                if rate == 1e30:
                    assert cross.hovertext[cross.x.index(rate)] == "2 of 2 runs never arrived or diverged"
                    crosses += 1
    assert crosses == 2
    keys = [trace.name for trace in figure.data if trace.x == (None,)]
    assert keys == ["he", "xavier", "chosen", "never arrived"]


def test_where_no_run_of_the_tuning_arrived_its_final_metric_is_shown(outcome):
    never = dataclasses.replace(outcome, target=1.5)
    figure = figures(never, answer(never))["learning_rates"]
    assert figure.layout.yaxis.title.text == "final accuracy"
    cells = outcome.cells.filter(pl.col("phase") == TUNING, pl.col("optimizer") == "adam")
    line = next(t for t in figure.data if t.xaxis == "x2" and t.mode == "lines+markers" and t.name == "he")
    for rate, shown in zip(line.x, line.y, strict=True):
        finals = cells.filter(pl.col("learning_rate") == rate, pl.col("initializer") == "he")
        assert shown == pytest.approx(finals["validation_metric"].list.last().mean())
    assert [trace.name for trace in figure.data if trace.x == (None,)][-1] == "diverged"


@pytest.mark.parametrize("by", CRITERIA)
def test_the_best_point_of_each_optimizer_is_what_tuning_chose(outcome, by):
    """The points are the means by which tuning ranks: of arithmetic means, or of steps where seconds decide,
    another point may be the best."""
    [ranking] = ranked_by(outcome.study, outcome.in_phase(TUNING), outcome.target, by)
    winners = {}
    for trial in ranking.trials:
        winners.setdefault(trial.candidate.name, trial)
    judged = dataclasses.replace(outcome, by=by, winners=winners)
    figure = figures(judged, answer(judged))["learning_rates"]
    best = max if by == FINAL else min
    for panel, candidate in enumerate(outcome.study.candidates, start=1):
        of_panel = [t for t in figure.data if t.xaxis == panels.axis("x", panel)]
        points = [
            (y, x, line.name)
            for line in of_panel
            if line.mode == "lines+markers"
            for x, y in zip(line.x, line.y, strict=True)
            if y is not None
        ]
        height = best(y for y, _, _ in points)
        winner = winners[candidate.name]
        chosen = winner.variant.learning_rate, winner.initializer.name
        assert chosen in [(x, name) for y, x, name in points if y == pytest.approx(height)]
        (ring,) = (t for t in of_panel if t.marker.symbol == "circle-open")
        assert (ring.x, ring.y) == ((chosen[0],), (pytest.approx(height),))


def test_where_seconds_decide_they_are_shown(outcome):
    judged = dataclasses.replace(outcome, by="seconds")
    figure = figures(judged, answer(judged))["learning_rates"]
    assert figure.layout.yaxis.title.text == "processor time to the target (s)"
    times = outcome.times(tuned(outcome))
    x = of_seconds(tuned(outcome), times, STEPS, longest(tuned(outcome))).x
    shown = [y for t in figure.data if t.mode == "lines+markers" and t.x != (None,) for y in t.y if y]
    assert min(shown) >= np.exp(x.min())
    assert max(shown) <= np.exp(x.max()) * (1 + 1e-9)


def tuned(outcome):
    return outcome.cells.filter(pl.col("phase") == TUNING)


def test_the_choice_of_tuning_has_a_ring(outcome):
    figure = figures(outcome, answer(outcome))["learning_rates"]
    rings = [t for t in figure.data if t.marker.symbol == "circle-open" and t.x != (None,)]
    chosen = [(outcome.winners[c.name].variant.learning_rate,) for c in outcome.study.candidates]
    assert [ring.x for ring in rings] == chosen


def test_the_map_holds_every_pair_and_the_demonstration(outcome):
    found = answer(outcome)
    figure = figures(outcome, found)["map"]
    (field,) = figure.data
    rows, columns = figure.layout.yaxis.ticktext, figure.layout.xaxis.ticktext
    assert rows == tuple(row.optimizer for row in found.rows)
    assert set(columns) == {"he", "xavier", "constant:0.5<br><i>demonstration</i>"}
    assert columns[-1].startswith("constant")
    for pair in found.pairs:
        (column,) = (i for i, name in enumerate(columns) if name.startswith(pair.initializer))
        row, runs = rows.index(pair.optimizer), 1 if pair.demonstration else 2
        assert 10 ** field.z[row][column] == pytest.approx(pair.steps)
        reached = round(pair.reach_rate * runs)
        steps = f"<b>{pair.steps:.0f}</b>" if reached else f">{STEPS}"
        assert field.text[row][column] == f"{steps}<br>{reached}/{runs}"
    assert len(found.pairs) == 6


def test_the_fraction_reached_is_that_of_the_fresh_runs(outcome):
    figure = figures(outcome, answer(outcome))["reached"]
    assert [trace.mode for trace in figure.data] == ["lines", "lines", "markers+text", "markers+text"]
    for name, trial in outcome.winners.items():
        (line,) = lines(figure, name)
        met = curves_of(outcome.cells, trial, "validation_metric") >= outcome.target
        for step, fraction in zip(line.x, line.y, strict=True):
            by_then = met[:, : int(step) // EVERY + 1].any(axis=1)
            if step:  # the line begins at (0, 0)
                assert fraction == pytest.approx(by_then.mean())
        assert (line.x[0], line.y[0], line.x[-1]) == (0, 0, STEPS)
        assert line.line.shape == "hv"


def test_the_best_of_k_trials_goes_from_the_mean_to_the_best(outcome):
    figure = figures(outcome, answer(outcome))["tuning"]
    tuning = outcome.cells.filter(pl.col("phase") == TUNING)
    for candidate in outcome.study.candidates:
        trials = []
        for _, cells in tuning.filter(pl.col("optimizer") == candidate.name).group_by(
            "learning_rate", "initializer"
        ):
            met = np.array(cells["validation_metric"].to_list()) >= outcome.target
            first = np.where(met.any(axis=1), met.argmax(axis=1) * EVERY, STEPS)
            trials.append(np.exp(np.log(np.maximum(first, 1)).mean()))
        (line,) = lines(figure, candidate.name)
        assert line.x == tuple(range(1, len(trials) + 1))
        assert line.y[0] == pytest.approx(np.mean(trials))
        assert line.y[-1] == pytest.approx(min(trials))


def test_colours_are_distinct_and_the_same_everywhere(outcome):
    look = looks_of(answer(outcome))
    assert len({each.colour for each in look.values()}) == 2
    for name in ("curves", "reached", "tuning"):
        for trace in figures(outcome, answer(outcome))[name].data:
            owner = trace.meta if isinstance(trace.meta, str) else trace.meta[1]
            drawn = trace.marker.color if "text" in trace.mode else trace.line.color
            assert drawn == look[owner].colour or trace.fill


def test_panels_stand_side_by_side_or_below_one_another_without_touching():
    wide, narrow = (
        panels.figure(["a"] * 7, [{}] * 7, [{}] * 7, columns=(4, 2)).layout.meta[page]
        for page in ("wide", "narrow")
    )
    for places, columns in ((wide, 4), (narrow, 2)):
        boxes = [(*places[f"xaxis{i}.domain"], *places[f"yaxis{i}.domain"]) for i in ("", *range(2, 8))]
        assert len({box[0] for box in boxes}) == columns
        for i, (left, right, low, high) in enumerate(boxes):
            assert 0 <= left < right <= 1
            assert 0 <= low < high <= 1
            for other in boxes[:i]:
                assert left >= other[1] or right <= other[0] or high <= other[2] or low >= other[3]
    assert narrow["height"] > wide["height"]


def test_names_stand_as_near_to_their_lines_as_they_can_be_read():
    assert panels.apart([0.5, 3.0, 1.0], 0.5, 0, 4).tolist() == [0.5, 3.0, 1.0]  # room enough
    assert panels.apart([2.0, 2.0, 2.0], 1, 0, 4).tolist() == [1.0, 2.0, 3.0]  # around their place, in order
    assert panels.apart([4.0, 3.9, 0.0], 1, 0, 4).tolist() == [4.0, 3.0, 0.0]  # not beyond the top
    for heights in np.random.default_rng(0).uniform(0, 10, (20, 7)):
        places = panels.apart(heights, 1.2, 0, 10)
        assert (np.diff(np.sort(places)) > 1.2 - 1e-9).all()
        assert places.min() > -1e-9
        assert places.max() < 10 + 1e-9
        assert (np.argsort(places) == np.argsort(heights)).all()
    # Of all places in this order, those nearest to the heights by squares.
    for heights in np.random.default_rng(1).uniform(0, 10, (20, 9)):
        taken_off = 1.2 * np.arange(9)
        nearest = scipy.optimize.isotonic_regression(np.sort(heights) - taken_off).x + taken_off
        np.testing.assert_allclose(np.sort(panels.apart(heights, 1.2, -100, 100)), nearest, atol=1e-9)


def test_each_line_has_its_name_at_its_end(outcome):
    drawn = figures(outcome, answer(outcome))
    for name, panel in (("curves", "3"), ("reached", "")):
        labels = {trace.meta: trace for trace in drawn[name].data if "text" in trace.mode}
        up = drawn[name].layout[f"yaxis{panel}"]
        assert set(labels) == {"sgd", "adam"}
        assert {label.x for label in labels.values()} == {(drawn[name].layout.xaxis.range[1],)}
        heights = sorted(label.y[0] for label in labels.values())
        assert up.range[0] <= heights[0] < heights[1] <= up.range[1]
        assert heights[1] - heights[0] > 11 / 280 * (up.range[1] - up.range[0])  # the height of a letter


def test_steps_become_epochs_and_seconds(outcome):
    steps, epochs, seconds = figures(outcome, answer(outcome))["curves"].layout.meta["along"]
    assert [way["unit"] for way in (steps, epochs, seconds)] == ["steps", "epochs", "seconds"]
    assert [way["title"] for way in (steps, epochs)] == ["training (steps)", "training (epochs)"]
    assert steps["scale"] == 1
    assert epochs["scale"] == pytest.approx(10 / 60)  # 10 examples a step, 60 in all
    for name, trial in outcome.winners.items():
        own = outcome.cells_of(trial, CONFIRMATION)
        marks, times = seconds["knots"][name]
        assert (marks[0], marks[-1], times[0]) == (0, STEPS, 0)
        assert times[-1] == pytest.approx(own["seconds"].median(), rel=1e-3)


def test_an_exploding_run_does_not_press_the_others_into_a_line():
    axis = panels.value_axis([0.5, 0.1, 1e30], 2.0, maximize=False)
    assert axis["type"] == "log"
    low, high = axis["range"]
    assert low < -1 < high < 1
    assert panels.within([0.1, 2.0, 1e30, np.nan], axis).tolist() == [True, True, False, False]
    rising = panels.value_axis([0.9, -50.0], 0.1, maximize=True)
    assert rising["type"] == "linear"
    assert panels.within([0.9, 0.1, -50.0], rising).tolist() == [True, True, False]


def test_numbers_on_a_logarithmic_axis_are_whole():
    """0.02, and not 2: plotly's own labels between the powers of ten leave the power out."""
    near, far = (panels.value_axis([end, 0.5], 2.0, maximize=False) for end in (0.03, 1e-6))
    assert (near["dtick"], near["tickformat"]) == ("D2", "~g")
    assert (far["dtick"], "tickformat" in far) == (1, False)


def test_built_in_metrics_are_named_in_the_language_in_use(outcome):
    with words.language("ja"):
        assert [words.metric(name) for name in ("accuracy", "squared error", "mine")] == [
            "正解率",
            "二乗誤差",
            "mine",
        ]
        assert "正解率 ≥" in sentences.headline(answer(outcome))
        titles = [note.text for note in figures(outcome, answer(outcome))["curves"].layout.annotations]
        assert any("正解率" in title for title in titles)
        assert "正解率" in report.page(outcome, answer(outcome), COMMAND)
    assert "accuracy ≥" in sentences.headline(answer(outcome))
    assert answer(outcome).metric == "accuracy"  # in files


# Studies in which something is missing


def test_an_optimizer_that_always_diverges_is_shown_as_such(outcome):
    lost = diverged(outcome, "sgd")
    drawn = figures(lost, answer(lost))
    for line in lines(drawn["curves"], "sgd"):
        assert all(y is None for y in line.y[1:])
    assert all(y is not None for line in lines(drawn["curves"], "adam") for y in line.y[1:])
    assert set(lines(drawn["reached"], "sgd")[0].y) == {0}
    assert set(lines(drawn["tuning"], "sgd")[0].y) == {STEPS}
    crosses = [t for t in drawn["learning_rates"].data if t.marker.symbol == "x-thin-open" and t.xaxis == "x"]
    assert [cross.x for cross in crosses if cross.x != (None,)] == [(0.1, 1.0, 1e30)] * 2


def test_everything_may_diverge(outcome):
    lost = diverged(outcome, "sgd", "adam")
    assert set(figures(lost, answer(lost))) == set(NAMES)
    Page(report.page(lost, answer(lost), COMMAND)).check()


def test_the_captions_speak_of_what_is_shown(outcome, lonely):
    shown, plain = (Page(report.page(o, answer(o), COMMAND)).text for o in (outcome, lonely))
    assert words.say("report.learning_rates.crosses.target") in shown
    assert words.say("report.learning_rates.crosses.target") not in plain
    assert words.say("report.curves.caption.one") in plain
    assert words.say("report.curves.caption", seeds=4) in shown
    assert words.say("report.map.demonstration", names="constant:0.5") in shown
    pairs = [dataclasses.replace(pair, demonstration=False) for pair in answer(outcome).pairs]
    tried = Page(report.page(outcome, dataclasses.replace(answer(outcome), pairs=tuple(pairs)), COMMAND)).text
    assert words.say("report.map.demonstration", names="constant:0.5") not in tried
    assert words.say("report.map.constant", names="constant:0.5") in tried


def test_nobody_may_arrive(outcome):
    never = dataclasses.replace(outcome, target=1.5)
    found = answer(never)
    drawn = figures(never, found)
    assert all(line.y == (0, 0) for name in ("sgd", "adam") for line in lines(drawn["reached"], name))
    assert drawn["reached"].layout.xaxis.range == (0, STEPS)
    assert all(text.startswith(f">{STEPS}") for row in drawn["map"].data[0].text for text in row)
    assert drawn["curves"].layout.yaxis3.range[1] > 1.5  # the target is seen, though out of reach
    assert str(found.notes[0]) in Page(report.page(never, found, COMMAND)).check().text


def test_one_seed_one_optimizer_no_rate_no_test_data(lonely):
    found = answer(lonely)
    assert found.rows[0].test_metric is None
    assert found.rows[0].learning_rate is None
    drawn = figures(lonely, found)
    # The metric is the loss: two panels. One seed has no band and no single runs; the line has a name.
    assert [trace.mode for trace in drawn["curves"].data] == ["lines", "lines", "markers+text"]
    assert drawn["learning_rates"].layout.xaxis.title.text == "no learning rate"
    assert drawn["learning_rates"].data[0].x == ("–",)
    assert drawn["tuning"].data[0].mode == "markers"
    assert drawn["curves"].layout.yaxis2.type == "log"
    page = Page(report.page(lonely, found, COMMAND)).check(NAMES[1:])  # nothing to choose: no costs
    assert "<lambda>" in page.text
    assert not any("interval" in name for name in page.unclosed)
