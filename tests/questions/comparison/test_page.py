"""The report: its numbers against the frame of cells, its HTML as a parser and as a browser see it.

One small study is trained once; studies in which everything diverges or nobody arrives are made from its
cells by hand. A planted page without escaping, and one that asks the network, must be caught.
"""

import dataclasses
import html
import json
import math
import re
from html.parser import HTMLParser
from string import Formatter

import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai import initializers, words
from kobai.basics.hyperparameters import hyperparameters
from kobai.candidates.grid import Candidate, candidates
from kobai.optimizers.base import Optimizer
from kobai.questions.comparison import page as report
from kobai.questions.comparison import sentences
from kobai.questions.comparison.figures import colours, figures
from kobai.report import document, panels
from kobai.study.answer import answer
from kobai.study.protocol import run
from kobai.study.store import SCHEMA
from kobai.study.study import CONFIRMATION, TUNING, Study

HOSTILE = """</script><script>alert(1)</script><img src="https://evil.example/x.png" onerror='x'>"""
COMMAND = "kobai compare 'my task.py' --output \"a & b\" # <c>"
NAMES = ["curves", "learning_rates", "map", "reached", "tuning"]
STEPS, EVERY = 40, 5


class Silent:
    def phase(self, name, total): ...

    def advance(self, cells): ...


def points(name="points", **changes):
    """Two classes of points around (±1, ±1), a network 2-8-2."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 120)
    x = (random.normal(size=(120, 2)) * 0.5 + 2 * y[:, None] - 1).astype(np.float32)

    def logits(parameters, x):
        return jnp.maximum(x @ parameters["first"], 0) @ parameters["second"]

    def loss(parameters, batch):
        return optax.softmax_cross_entropy_with_integer_labels(logits(parameters, batch[0]), batch[1]).mean()

    def accuracy(parameters, data):
        return jnp.mean(jnp.argmax(logits(parameters, data[0]), axis=1) == data[1])

    parts = {"train": (x[:60], y[:60]), "validation": (x[60:90], y[60:90]), "test": (x[90:], y[90:])}
    parameters = {"first": np.zeros((2, 8), np.float32), "second": np.zeros((8, 2), np.float32)}
    values = {
        "metric": accuracy,
        "maximize": True,
        "target": (0.95, 0.9, 0.98),
        "batch_size": 10,
        **parts,
        **changes,
    }
    roles = {"first": "weight", "second": "weight"}
    return kobai.Task(name=name, parameters=parameters, loss=loss, roles=roles, **values)


def studied(task, tried, seeds=4, tuning_seeds=2, initial=("he", "xavier")):
    return run(
        Study(
            task=task,
            candidates=tried,
            initializers=[initializers.parse(name) for name in initial],
            steps=STEPS,
            evaluate_every=EVERY,
            seeds=seeds,
            tuning_seeds=tuning_seeds,
        ),
        Silent(),
    )


@hyperparameters
class Heavy(Optimizer):
    """A rule of the user's own, without a learning rate."""

    momentum: float = 0.5
    memories = ("v",)

    def rule(self, g, t, v):
        v = self.momentum * v - 0.1 * g
        return v, (v,)


@pytest.fixture(scope="module")
def outcome():
    return studied(points(), candidates([kobai.SGD([0.1, 1.0, 1e30]), kobai.Adam([0.01, 0.1])]))


@pytest.fixture(scope="module")
def lonely():
    """One optimizer without a learning rate, one seed, a loss to make small, nothing to test on."""
    task = points(metric=None, maximize=False, test=None, target=None)
    return studied(task, [Candidate("<lambda>", (Heavy(),))], seeds=1, tuning_seeds=1, initial=("he",))


@pytest.fixture(scope="module")
def hostile():
    """Every name that a user gives is an attack."""
    link = "<a href='https://evil.example'>b</a>"
    attackers = [Candidate(HOSTILE, (kobai.SGD(0.1), kobai.SGD(1.0))), Candidate(link, (kobai.Adam(0.1),))]
    return studied(points(HOSTILE, metric_name=HOSTILE), attackers, seeds=2, tuning_seeds=1)


def diverged(outcome, *names):
    """The same study, had every run of these optimizers diverged in its first step."""
    cells = outcome.cells.to_dicts()
    for cell in cells:
        if cell["optimizer"] in names:
            for curve in ("training_loss", "validation_loss", "validation_metric"):
                cell[curve] = [cell[curve][0], *[math.nan] * (len(cell[curve]) - 1)]
            cell["validation_metric"][0] = 0.5
            cell |= {"diverged_at": 1, "test_loss": None, "test_metric": None}
    return dataclasses.replace(outcome, cells=pl.DataFrame(cells, schema=SCHEMA))


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
    return [trace for trace in traces(figure, optimizer) if trace.fill is None]


# The figures, against the frame


def test_the_curves_are_medians_in_bands_of_quartiles(outcome):
    figure = figures(outcome, answer(outcome))["curves"]
    assert len(figure.data) == 2 * 3 * 2  # optimizers, panels, line and band
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
            assert line.line.color == colours(outcome)[name]


def test_every_learning_rate_of_every_pair_is_shown_and_a_crash_is_a_cross(outcome):
    figure = figures(outcome, answer(outcome))["learning_rates"]
    cells = outcome.cells.filter(pl.col("phase") == TUNING)
    crosses = 0
    for panel, candidate in enumerate(outcome.study.candidates, start=1):
        for initializer in ("he", "xavier"):
            own = [t for t in figure.data if t.xaxis == panels.axis("x", panel) and t.name == initializer]
            own = {(t.mode, t.marker.symbol, t.marker.size): t for t in own}
            (line,) = (t for (mode, _, _), t in own.items() if mode == "lines+markers")
            assert line.x == tuple(candidate.learning_rates())
            for rate, shown in zip(line.x, line.y, strict=True):
                finals = cells.filter(
                    pl.col("optimizer") == candidate.name,
                    pl.col("learning_rate") == rate,
                    pl.col("initializer") == initializer,
                )["validation_metric"].list.last()
                if rate == 1e30:
                    assert shown is None
                    assert finals.is_nan().all()
                    assert own["markers", "x-thin-open", 7].x == (1e30,)
                    assert "2" in own["markers", "x-thin-open", 7].hovertext[0]
                    crosses += 1
                else:
                    assert shown == pytest.approx(finals.median())
    assert crosses == 2
    keys = [trace.name for trace in figure.data if trace.x == (None,)]
    assert keys == ["he", "xavier", "chosen", "diverged"]


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
    assert len(figure.data) == 2
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
            trials.append(first.mean())
        (line,) = lines(figure, candidate.name)
        assert line.x == tuple(range(1, len(trials) + 1))
        assert line.y[0] == pytest.approx(np.mean(trials))
        assert line.y[-1] == pytest.approx(min(trials))


def test_colours_are_distinct_and_the_same_everywhere(outcome):
    look = colours(outcome)
    assert len(set(look.values())) == 2
    for name in ("curves", "reached", "tuning"):
        for trace in figures(outcome, answer(outcome))[name].data:
            assert trace.line.color == look[trace.meta] or trace.fill
    assert len(set(panels.PALETTE)) == 8


@pytest.mark.parametrize("ground", ["#ffffff", "#14171a"])
def test_every_colour_stands_out_from_light_and_dark(ground):
    def luminance(colour):
        values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    for colour in panels.PALETTE:
        low, high = sorted((luminance(colour), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) > 2.6  # near the 3 that WCAG asks of graphics


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
    assert words.say("report.learning_rates.crosses") in shown
    assert words.say("report.learning_rates.crosses") not in plain
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
    assert all(line.y == (0, 0) for line in drawn["reached"].data)
    assert drawn["reached"].layout.xaxis.range == (0, STEPS)
    assert all(text.startswith(f">{STEPS}") for row in drawn["map"].data[0].text for text in row)
    assert drawn["curves"].layout.yaxis3.range[1] > 1.5  # the target is seen, though out of reach
    assert str(found.notes[0]) in Page(report.page(never, found, COMMAND)).check().text


def test_one_seed_one_optimizer_no_rate_no_test_data(lonely):
    found = answer(lonely)
    assert found.rows[0].test_metric is None
    assert found.rows[0].learning_rate is None
    drawn = figures(lonely, found)
    assert len(drawn["curves"].data) == 2  # the metric is the loss: two panels, and one seed has no band
    assert drawn["learning_rates"].layout.xaxis.title.text == "no learning rate"
    assert drawn["learning_rates"].data[0].x == ("–",)
    assert drawn["tuning"].data[0].mode == "markers"
    assert drawn["curves"].layout.yaxis2.type == "log"
    page = Page(report.page(lonely, found, COMMAND)).check()
    assert "<lambda>" in page.text
    assert not any("interval" in name for name in page.unclosed)


# The page, as a parser sees it


def together(text):
    """The text without its spaces, which say nothing of how a page is divided into elements."""
    return "".join(text.split())


class Page(HTMLParser):
    """Collects what a page has; `check` refuses what no report may have."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self, content):
        super().__init__()
        self.content, self.tags, self.unclosed, self.pieces, self.scripts = content, [], [], [], []
        self.feed(content)
        self.close()
        self.text = " ".join(self.pieces)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.unclosed.append(tag)
        if tag in ("script", "style"):
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.unclosed.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if self.unclosed and self.unclosed[-1] in ("script", "style"):
            self.scripts[-1] += data
        elif data.strip():
            self.pieces.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def figures(self):
        return json.loads(self.scripts[1])

    def check(self):
        """One closed page of known elements that loads nothing from anywhere."""
        assert not self.unclosed
        assert len(self.all("script")) == 3
        assert not self.all("img")
        assert not self.all("iframe")
        for _, attributes in self.tags:
            assert not any(name.startswith("on") for name in attributes)
            for name in ("src", "href", "srcset", "action", "data"):
                assert attributes.get(name, "data:").startswith("data:")
        assert "@import" not in self.scripts[0]
        assert "url(" not in self.scripts[0]
        assert "default-src 'none'" in self.all("meta")[3]["content"]
        assert list(self.figures) == NAMES
        assert len(self.all("figure")) == len(self.all("figcaption")) == 5
        return self


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_is_whole_and_asks_nobody(outcome, language):
    with words.language(language):
        page = Page(report.page(outcome, answer(outcome), COMMAND)).check()
        said = [words.say(f"report.{name}.title") for name in NAMES]
    assert page.all("html") == [{"lang": language}]
    assert all(title in page.pieces for title in said)
    assert page.content.count("Plotly=") + page.content.count("plotly.js v") >= 1
    assert page.content.count("plotly.js v") == 1
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(headings, headings[1:], strict=False))
    assert all("scope" in attributes for attributes in page.all("th"))


def test_the_page_holds_the_answer_the_table_and_what_reproduces_them(outcome):
    from kobai.questions.comparison import sentences, table

    found = answer(outcome)
    page = Page(report.page(outcome, found, COMMAND))
    shown = together(page.text)
    for line in sentences.lines(found):
        choice, join, evidence = line.partition(words.say("answer.join"))
        assert together(choice) in shown
        assert together(evidence) in shown
    for row in table.rows(found, wide=True):
        assert together(" ".join(row)) in shown
    assert COMMAND in page.pieces
    values = (
        kobai.__version__,
        np.__version__,
        "60 for training",
        "1000–1003 (4)",
        "0–1 (2)",
        "0.1, 1, 1e+30",
    )
    assert all(together(value) in shown for value in values)
    assert "accuracy≥0.98" in shown  # a further target


def test_the_figures_of_the_page_are_the_figures(outcome):
    found = answer(outcome)
    page, drawn = Page(report.page(outcome, found, COMMAND)), figures(outcome, found)
    for name, figure in page.figures.items():
        assert len(figure["data"]) == len(drawn[name].data)
        for shown, trace in zip(figure["data"], drawn[name].data, strict=True):
            assert shown["x"] == list(trace.x)
            assert np.array_equal(
                np.array(shown.get("y", []), float), np.array(trace.y, float), equal_nan=True
            )


def test_names_cannot_break_out_of_the_page(hostile):
    page = Page(report.page(hostile, answer(hostile), HOSTILE)).check()
    assert page.pieces.count(HOSTILE) > 2
    attacked = {
        name for _, attributes in page.tags for name, value in attributes.items() if "evil" in str(value)
    }
    assert attacked <= {"data-name", "aria-label"}  # letters there too
    for figure in page.figures.values():
        letters = [trace.get("name", "") for trace in figure["data"]]
        letters += [note["text"] for note in figure["layout"].get("annotations", [])]
        letters += [
            text for axis in ("xaxis", "yaxis") for text in figure["layout"][axis].get("ticktext", [])
        ]
        letters += [trace.get("hovertemplate", "") for trace in figure["data"]]
        assert not any(re.search("<(a|img|script)", text) for text in letters)
    assert Page(report.summary(answer(hostile))).unclosed == []


def test_a_page_that_forgets_to_escape_is_caught(hostile, monkeypatch):
    monkeypatch.setattr(html, "escape", lambda text, quote=True: str(text))
    with pytest.raises(AssertionError):
        Page(report.page(hostile, answer(hostile), HOSTILE)).check()


def test_a_script_that_is_closed_by_its_data_is_caught(hostile, monkeypatch):
    plain = {name: made.to_plotly_json() for name, made in figures(hostile, answer(hostile)).items()}
    monkeypatch.setattr(report, "_data", lambda *_: json.dumps(plain, default=list))
    with pytest.raises(AssertionError):
        Page(report.page(hostile, answer(hostile), HOSTILE)).check()


def test_what_is_filled_in_is_not_filled_again():
    assert (
        document.fill("{{a}} {{b}}", {"a": "{{b}}", "b": "{{say report.answer}}"})
        == "{{b}} {{say report.answer}}"
    )


def test_a_notebook_shows_the_answer_and_the_table(outcome):
    shown = Page(report.summary(answer(outcome)))
    assert shown.unclosed == []
    assert len(shown.all("table")) == 1
    assert not shown.all("script")
    assert "adam" in shown.text


def test_both_languages_fill_in_the_same_values():
    for key in (key for key in words.en.WORDS if key.startswith("report.")):
        fields = [
            {field for _, field, _, _ in Formatter().parse(table[key]) if field}
            for table in words.TABLES.values()
        ]
        assert fields[0] == fields[1], key


# The page in a browser


@pytest.fixture(scope="module")
def desktop(outcome, visit):
    with words.language("ja"):
        content = report.page(outcome, answer(outcome), COMMAND)
    return visit(content, color_scheme="light")


@pytest.fixture(scope="module")
def phone(outcome, visit):
    content = report.page(outcome, answer(outcome), COMMAND)
    return visit(content, viewport={"width": 390, "height": 844}, has_touch=True)


PLOTS = "[...document.querySelectorAll('.js-plotly-plot')]"


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_browser_draws_five_figures_within_the_page(outcome, request, device):
    page = request.getfixturevalue(device)
    width = page.viewport_size["width"]
    assert page.wrong == []
    drawn = page.evaluate(f"{PLOTS}.map(plot => plot._fullData.length)")
    assert drawn == [len(figure.data) for figure in figures(outcome, answer(outcome)).values()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate("Math.max(...[...document.querySelectorAll('.main-svg')].map(s => s.clientWidth))")
        <= width
    )
    # The second panel stands below the first on a phone, beside it on a desk.
    assert (page.evaluate(f"{PLOTS}[0]._fullLayout.yaxis2.domain[1]") < 1) == (device == "phone")


def test_dark_light_and_paper_have_their_own_ground_and_letters(desktop):
    def look():
        ground = "getComputedStyle(document.body).backgroundColor"
        return desktop.evaluate(f"[{ground}, ...{PLOTS}.map(plot => plot._fullLayout.font.color)]")

    light = look()
    desktop.emulate_media(color_scheme="dark")  # while the page is open
    desktop.wait_for_function(f"{PLOTS}.every(plot => plot._fullLayout.font.color !== '{light[1]}')")
    dark = look()
    assert dark[0] != light[0]
    desktop.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert look() == light
    assert desktop.evaluate(f"{PLOTS}.every(plot => plot._fullLayout.width === 680)")  # of a sheet
    desktop.evaluate("dispatchEvent(new Event('afterprint'))")
    assert look() == dark
    assert desktop.evaluate(f"{PLOTS}.every(plot => plot._fullLayout.width > 1000)")
    assert desktop.wrong == []


def test_a_button_hides_an_optimizer_in_every_figure_and_shows_it_again(desktop):
    count = f"{PLOTS}.map(plot => plot._fullData.filter(trace => trace.visible).length)"
    before = desktop.evaluate(count)
    button = desktop.get_by_role("button", name="sgd")
    button.click()
    hidden = desktop.evaluate(count)
    assert [b - h for b, h in zip(before, hidden, strict=True)] == [6, 0, 0, 1, 1]
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert desktop.evaluate(count) == before
    assert desktop.wrong == []


def test_hostile_names_are_letters_in_a_browser_too(hostile, visit):
    page = visit(report.page(hostile, answer(hostile), HOSTILE))
    assert page.wrong == []
    assert page.locator("a, img").count() == 0
    button = page.get_by_role("button", name="</script>")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"


def test_a_page_that_asks_the_network_is_caught(outcome, visit, monkeypatch):
    monkeypatch.setattr(document, "get_plotlyjs", lambda: "")
    content = report.page(outcome, answer(outcome), COMMAND)
    planted = content.replace("<main>", '<main><img src="http://127.0.0.1:9/x.png" alt="">', 1)
    assert any("x.png" in complaint for complaint in visit(planted).wrong)


def test_beyond_eight_the_lines_are_dashed_and_the_dots_are_rings():
    looks = [panels.stroke(i) for i in range(20)]
    assert len({(look["color"], look["dash"]) for look in looks}) == 20
    assert looks[0]["color"] == looks[8]["color"] != looks[1]["color"]
    assert len({panels.swatch(i) for i in range(16)}) == 16
