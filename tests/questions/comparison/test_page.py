"""The page of a comparison, as a parser and a browser see it."""

import csv
import html
import itertools
import json
import re
from string import Formatter

import numpy as np
import pytest

import kobai
from compared import COMMAND, EVERY, NAMES, STEPS, Page, points, studied, wait_until
from kobai import words
from kobai.candidates.grid import Candidate
from kobai.questions.comparison import page as report
from kobai.questions.comparison.figures import figures
from kobai.report import colours, document
from kobai.study.answer import answer

HOSTILE = """</script><script>alert(1)</script><img src="https://evil.example/x.png" onerror='x'>"""


@pytest.fixture(scope="module")
def hostile():
    """Every name that a user gives is an attack."""
    link = "<a href='https://evil.example'>b</a>"
    attackers = [Candidate(HOSTILE, (kobai.SGD(0.1), kobai.SGD(1.0))), Candidate(link, (kobai.Adam(0.1),))]
    return studied(points(HOSTILE, metric_name=HOSTILE), attackers, seeds=2, tuning_seeds=1)


# The page, as a parser sees it


def together(text):
    """The text without its spaces, which say nothing of how a page is divided into elements."""
    return "".join(text.split())


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


@pytest.mark.parametrize("language", words.TABLES)
def test_only_a_percentage_is_held_together_at_the_end_of_a_line(known, language):
    """A Japanese sentence has no spaces: it must not become one line that is wider than the page."""
    with words.language(language):
        content = report.summary(answer(known))
    held = re.findall('<span class="whole">(.*?)</span>', content)
    assert held
    assert all(re.fullmatch(r"[\d.,]+ ?%", each) for each in held), held


def test_names_cannot_break_out_of_the_page(hostile):
    page = Page(report.page(hostile, answer(hostile), HOSTILE)).check()
    assert page.pieces.count(HOSTILE) > 2
    attacked = {
        name for _, attributes in page.tags for name, value in attributes.items() if "evil" in str(value)
    }
    assert attacked <= {"data-name", "data-runs", "aria-label"}  # letters there too
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


def plot(name):
    return f"document.querySelector('[data-figure={name}]')"


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
    assert (page.evaluate(f"{plot('curves')}._fullLayout.yaxis2.domain[1]") < 1) == (device == "phone")


def test_dark_light_and_paper_have_their_own_ground_and_letters(desktop):
    def look():
        ground = "getComputedStyle(document.body).backgroundColor"
        return desktop.evaluate(f"[{ground}, ...{PLOTS}.map(plot => plot._fullLayout.font.color)]")

    light = look()
    desktop.emulate_media(color_scheme="dark")  # while the page is open
    wait_until(desktop, f"{PLOTS}.every(plot => plot._fullLayout.font.color !== '{light[1]}')")
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
    button = desktop.locator(".chips").get_by_role("button", name="sgd")
    button.click()
    hidden = desktop.evaluate(count)
    assert [b - h for b, h in zip(before, hidden, strict=True)] == [1, 7, 0, 0, 2, 1]
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert desktop.evaluate(count) == before
    assert desktop.wrong == []


def test_single_runs_are_one_click_away(desktop):
    shown = f"{plot('curves')}._fullData.filter(trace => trace.visible === true && Array.isArray(trace.meta))"
    count = f"{shown}.map(trace => [trace.meta[1], trace.x.filter(x => x === null).length])"
    assert desktop.evaluate(count) == []
    button = desktop.locator("[data-runs=adam]")
    button.click()
    assert desktop.evaluate(count) == [["adam", 4]] * 3  # four fresh seeds, three panels
    button.click()
    assert desktop.evaluate(count) == []
    assert desktop.wrong == []


def test_the_axis_of_the_curves_turns_into_epochs_and_seconds(outcome, desktop):
    figure = figures(outcome, answer(outcome))["curves"]
    steps, epochs, seconds = figure.layout.meta["along"]
    look = f"{plot('curves')}._fullLayout.xaxis3"

    def press(word):
        desktop.locator(".units").first.get_by_role("button", name=word).click()
        own = "trace.meta === 'adam' && trace.mode === 'lines' && !trace.fill"
        lines = f"{plot('curves')}.data.filter(trace => {own})"
        return desktop.evaluate(f"[{look}.title.text, {look}.range[1], {lines}[0].x]")

    title, end, x = press("エポック")
    assert (title, end) == ("学習（エポック）", pytest.approx(STEPS / 6))
    assert x == pytest.approx(np.arange(0, STEPS + 1, EVERY) / 6)
    title, end, x = press("秒")
    assert title == "CPU時間（秒）"
    knots = {name: [np.array(each) for each in table] for name, table in seconds["knots"].items()}
    assert end == pytest.approx(max(times[-1] for _, times in knots.values()))
    assert x == pytest.approx(np.interp(np.arange(0, STEPS + 1, EVERY), *knots["adam"]))
    title, end, x = press("ステップ")
    assert (title, end, x) == ("学習（ステップ）", STEPS, list(range(0, STEPS + 1, EVERY)))
    assert desktop.wrong == []


@pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG"), ("svg", b"<svg")])
def test_each_figure_can_be_saved(desktop, kind, begin):
    boxes = desktop.locator("figure")
    assert boxes.locator(f"[data-format={kind}]").count() == boxes.count()
    with desktop.expect_download() as saved:
        boxes.filter(has=desktop.locator("[data-figure=reached]")).locator(f"[data-format={kind}]").click()
    assert saved.value.suggested_filename == f"kobai-reached.{kind}"
    with open(saved.value.path(), "rb") as file:
        assert file.read(4) == begin
    desktop.wrong[:] = [each for each in desktop.wrong if not each.startswith(("blob:", "data:"))]
    assert desktop.wrong == []


def test_a_table_is_sorted_by_its_heads_and_copied(outcome, visit):
    page = visit(report.page(outcome, answer(outcome), COMMAND))
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    box = page.locator(".scroll").first
    steps = box.get_by_role("button", name="steps to")

    def column(i):
        return box.locator("tbody tr").evaluate_all(
            f"rows => rows.map(row => row.cells[{i}].innerText.trim())"
        )

    def cost(text):
        return float(text.removeprefix(">").split(" ")[0])

    before = column(0)
    for order, reverse in (("ascending", False), ("descending", True)):
        steps.click()
        costs = [cost(text) for text in column(4)]
        assert costs == sorted(costs, reverse=reverse)
        assert box.locator("th[aria-sort]").get_attribute("aria-sort") == order
    box.get_by_role("button", name="optimizer").click()
    assert column(0) == sorted(before)
    page.locator("[data-copy=csv]").first.click()
    written = list(csv.reader(page.evaluate("copied").splitlines()))
    assert [row[0] for row in written] == ["optimizer", *sorted(before)]
    assert [row[4] for row in written[1:]] == column(4)
    page.locator("[data-copy=markdown]").first.click()
    lines = page.evaluate("copied").splitlines()
    assert [line.split(" | ")[0] for line in lines] == [
        "| optimizer",
        "| :--",
        *(f"| {n}" for n in sorted(before)),
    ]
    assert {line.count("|") for line in lines} == {len(written[0]) + 1}
    assert page.wrong == []


def test_on_a_phone_the_column_that_decides_is_in_view_beside_the_names(phone):
    places = phone.evaluate(
        "[...document.querySelector('.scroll').querySelectorAll('th:first-child, th.deciding')]"
        ".map(cell => cell.getBoundingClientRect()).map(({left, right}) => [left, right])"
    )
    heads = [places[0], places[1]]
    assert all(0 <= left < right <= 390 for left, right in places)
    assert heads[0][1] <= heads[1][0] + 1


TICKS = """plot => [...plot.querySelectorAll('.xaxislayer-above, .xaxislayer-below')].flatMap(layer =>
    [...layer.querySelectorAll('text')].map(text => text.getBoundingClientRect())
    .map(({left, right, top}) => [left, right, top]))"""


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_no_two_numbers_of_an_axis_touch(request, device):
    page = request.getfixturevalue(device)
    drawn = f"{PLOTS}.map(plot => [plot.dataset.figure, ({TICKS})(plot)])"
    for i, ticks in page.evaluate(drawn):
        if i == "map":  # whose names are turned where there is little room
            continue
        for one, other in itertools.combinations(ticks, 2):
            if abs(one[2] - other[2]) < 8:
                assert one[1] <= other[0] or other[1] <= one[0], (i, one, other)


def test_of_many_optimizers_the_chosen_have_colours_and_others_are_grey(visit):
    rules = [Candidate(f"rule {i}", (kobai.SGD(0.02 * (i + 1)),)) for i in range(10)]
    many = studied(points(), rules, seeds=2, tuning_seeds=1, initial=("he",))
    found = answer(many)
    page = visit(report.page(many, found, COMMAND))
    first, last = found.rows[0].optimizer, found.rows[-1].optimizer
    look = figures(many, found)["reached"]
    ink = {trace.meta: trace.line.color for trace in look.data if trace.mode == "lines"}
    drawn = f"{plot('reached')}.data.filter(trace => trace.mode === 'lines')"

    def colour(name):
        return page.evaluate(f"{drawn}.find(trace => trace.meta === '{name}').line.color")

    assert len({ink[row.optimizer] for row in found.rows[:8]}) == 8
    assert colour(first) == ink[first]
    assert colour(last) not in colours.PALETTE
    page.locator(f".chips [data-name='{last}']").click()
    assert colour(last) == ink[last]
    page.locator(f".chips [data-name='{first}']").click()
    assert colour(first) not in colours.PALETTE
    assert page.wrong == []


def test_on_paper_dots_legend_and_headings_are_there_and_nothing_overlaps(outcome, visit):
    page = visit(report.page(outcome, answer(outcome), COMMAND), viewport={"width": 680, "height": 900})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    dots = page.locator(".chips i")
    assert (
        dots.evaluate_all("dots => dots.map(dot => getComputedStyle(dot).printColorAdjust)") == ["exact"] * 2
    )
    for selector in (".chips button", "main h2", "figure h3", "figcaption", ".plot"):
        assert all(each.is_visible() for each in page.locator(selector).all())
    assert not any(each.is_visible() for each in page.locator(".tools").all())
    names = f"{PLOTS}.map(plot => plot.data.filter(trace => trace.mode === 'markers+text').length)"
    assert sum(page.evaluate(names)) == 4  # at the ends of the curves, and of how many have arrived
    boxes = page.evaluate(
        "[...document.querySelectorAll('figure > *:not(.tools), h2')].map(box => box.getBoundingClientRect())"
        ".map(({top, bottom}) => [top, bottom])"
    )
    for (_, bottom), (top, _) in itertools.pairwise(boxes):
        assert top >= bottom - 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert page.pdf()[:5] == b"%PDF-"


def test_the_text_is_read_before_the_figures_are_drawn(outcome):
    """Plotly is no script of the page until all of it stands there: it would hold up the text."""
    page = Page(report.page(outcome, answer(outcome), COMMAND))
    kinds = [script.get("type") for script in page.all("script")]
    assert kinds == ["application/json", "text/plain", None]
    assert "plotly.js v" in page.scripts[2]
    assert len(page.content.encode()) < 6e6


def test_hostile_names_are_letters_in_a_browser_too(hostile, visit):
    page = visit(report.page(hostile, answer(hostile), HOSTILE))
    assert page.wrong == []
    assert page.locator("a, img").count() == 0
    button = page.locator(".chips").get_by_role("button", name="</script>")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"


def test_a_page_that_asks_the_network_is_caught(outcome, visit, monkeypatch):
    monkeypatch.setattr(document, "get_plotlyjs", lambda: "")
    content = report.page(outcome, answer(outcome), COMMAND)
    planted = content.replace("<main>", '<main><img src="http://127.0.0.1:9/x.png" alt="">', 1)
    assert any("x.png" in complaint for complaint in visit(planted, drawn=False).wrong)
