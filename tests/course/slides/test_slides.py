"""``kobai course slides``: what stands on which slide, formulas, code, figures; decks in a real browser."""

import hashlib
import html
import re
from importlib.resources import files

import pytest

from kobai import words
from kobai.cli import course as course_cli
from kobai.course.slides import arrange, deck, markup
from kobai.course.slides.outputs import outputs_of
from kobai.course.source import LANGUAGES, Lesson, lessons_of, load, read

SOURCE = """# %% [markdown] tags=["ja", "slide"]
# # 3-1 題(5分)
#
# - 一つ
# - 二つ

# %% [markdown] tags=["en", "slide"]
# # 3-1 A title (5 min)
#
# - one
# - two

# %%
import plotly.graph_objects as go
x = 3

# %% [markdown] tags=["ja", "slide"]
# ## 1. 節

# %% [markdown] tags=["en", "slide"]
# ## 1. A section

# %% [markdown] tags=["ja", "slide"]
# ### 1.1 小節
#
# 本文
#
# $$\\boldsymbol v \\leftarrow \\alpha\\boldsymbol v$$

# %% [markdown] tags=["en", "slide"]
# ### 1.1 A part
#
# Some text with $\\sqrt{h}$.
#
# $$\\boldsymbol v \\leftarrow \\alpha\\boldsymbol v$$

# %% tags=["exercise", "slide"] name="adam"
def adam():
    ### BEGIN SOLUTION
    return 42
    ### END SOLUTION

# %% tags=["check"] name="adam"
print("a check")

# %% tags=["slide"]
print(x + adam())
go.Figure(go.Scatter(y=[1, 2]))

# %% tags=["slide", "code"]
shown = 5

# %%
print("left out")
"""
LESSON = Lesson("3_1_title", tuple(read(SOURCE)))
FIGURE = {
    "output_type": "display_data",
    "data": {arrange.PLOTLY: {"data": [], "layout": {}}, "text/plain": ["Figure"]},
}


def text_of(slide):
    return html.unescape(re.sub("<[^>]+>", "", "".join(block.html for block in slide.blocks)))


def deck_of(lesson=LESSON, language="en", outputs=None):
    return arrange.deck_of(lesson, language, outputs or {})


# What stands where


def test_headings_make_slides_and_one_with_nothing_below_stands_above_the_next():
    slides = deck_of().slides
    assert [(slide.heading, slide.level, slide.section) for slide in slides[:2]] == [
        ("3-1 A title (5 min)", 1, ""),
        ("1.1 A part", 2, "1. A section"),
    ]
    assert deck_of().title == "3-1 A title (5 min)"


def test_a_language_has_its_own_text_and_no_other():
    everything = "".join(text_of(slide) for slide in deck_of(language="ja").slides)
    assert "一つ" in everything
    assert "one" not in everything


def test_an_exercise_shows_its_beginning_a_check_nothing_and_a_tag_its_code():
    everything = "".join(text_of(slide) for slide in deck_of().slides)
    assert "raise NotImplementedError" in everything
    assert "42" not in everything
    assert "a check" not in everything
    assert "import plotly" not in everything
    assert "shown = 5" in everything
    assert "left out" not in everything


def test_what_a_cell_shows_is_on_a_slide_and_a_figure_has_one_of_its_own():
    printed = {"output_type": "stream", "name": "stdout", "text": "a < b\n" * 40}
    many = deck_of(outputs={"3_1-05": [printed, FIGURE]})
    assert list(many.figures) == ["figure-1"]
    [of_figure] = [slide for slide in many.slides if "data-figure" in "".join(b.html for b in slide.blocks)]
    assert "a < b" not in text_of(of_figure)
    [of_text] = [slide for slide in many.slides if "a < b" in text_of(slide)]
    assert text_of(of_text).count("a < b") == arrange.MOST_TEXT - 1
    assert "…" in text_of(of_text)


def test_what_came_out_appears_after_the_question():
    printed = {"output_type": "stream", "name": "stdout", "text": "came out"}
    blocks = [block.html for slide in deck_of(outputs={"3_1-05": [printed]}).slides for block in slide.blocks]
    [block] = [block for block in blocks if "came out" in block]
    assert block.startswith('<div class="fragment">')


@pytest.mark.parametrize("lesson", [lesson.name for lesson in lessons_of()])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_slide_of_a_lesson_is_fuller_than_a_screen_and_no_text_is_lost(lesson, language):
    whole = deck_of(load(lesson), language)
    # A table or a single block may be higher: the page makes it a little smaller.
    assert all(slide.lines <= arrange.LINES or len(slide.blocks) == 1 for slide in whole.slides)
    headings = [slide.heading + " " + slide.section for slide in whole.slides]
    shown = "".join([*map(text_of, whole.slides), *(re.sub("<[^>]+>", "", each) for each in headings)])
    shown = re.sub(r"\W", "", shown)
    for cell in load(lesson).cells:
        if cell.kind == "markdown" and cell.is_in(language) and "slide" in cell.tags:
            for word in re.findall(
                r"(?<![\\$\w])[^\W\d_]{3,}", re.sub(r"\$[^$]+\$|<[^>]+>|`[^`]*`", " ", cell.text)
            ):
                assert word in shown
    assert whole.title.startswith(lesson[:4].replace("_", "-").rstrip("-"))


@pytest.mark.parametrize("lesson", [lesson.name for lesson in lessons_of()])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_deck_tells_its_lesson_in_eight_to_twenty_slides(lesson, language):
    """From the title to the summary, with a figure or what a cell prints between them."""
    source = load(lesson)
    shown = [cell for cell in source.cells if "slide" in cell.tags and cell.is_in(language)]
    texts = [cell.text for cell in shown if cell.kind == "markdown"]
    assert texts[0].startswith("# 3-")
    assert (
        texts[-1]
        == [cell.text for cell in source.cells if cell.kind == "markdown" and cell.is_in(language)][-1]
    )
    drawing = [cell for cell in shown if cell.kind == "code" and "exercise" not in cell.tags]
    assert drawing
    assert any("result" in cell.tags for cell in shown)
    # Each figure is as high as a slide; what is printed stands beside a text, or on a slide.
    outputs = {identity: [FIGURE] for identity, cells in source.numbered() if cells[0] in drawing}
    assert 8 <= len(arrange.deck_of(source, language, outputs).slides) <= 20


def test_what_is_on_a_slide_stands_under_its_own_heading():
    for lesson in lessons_of():
        heading_is_shown = False
        for identity, [cell, *_] in lesson.numbered():
            if cell.kind == "markdown" and re.search("^#+ ", cell.text, re.MULTILINE):
                heading_is_shown = "slide" in cell.tags
            assert heading_is_shown or "slide" not in cell.tags, identity


def test_a_text_has_the_same_tags_in_both_languages():
    for lesson in lessons_of():
        for _, cells in lesson.numbered():
            assert len({tuple(tag for tag in cell.tags if tag not in LANGUAGES) for cell in cells}) == 1


# Text, formulas, code


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a\nb\n\nc", ["a\nb", "c"]),
        ("$$\na\n\nb\n$$\nc", ["$$\na\n\nb\n$$\nc"]),
        ("$$a$$\n\nb", ["$$a$$", "b"]),
        ("```\na\n\nb\n```\n\nc", ["```\na\n\nb\n```", "c"]),
        (
            "<details><summary>a</summary>\n\nb\n\n</details>\n\nc",
            ["<details><summary>a</summary>\n\nb\n\n</details>", "c"],
        ),
        ("\n\n", []),
    ],
)
def test_a_text_is_cut_at_blank_lines_but_for_what_is_one_thing(text, blocks):
    assert markup.blocks(text) == blocks


def test_a_formula_is_mathml_with_its_bold_letters():
    shown = markup.as_html(r"$\boldsymbol v$ and" + "\n\n$$x$$")
    assert '<mi class="bold">v</mi>' in shown
    assert 'display="block"' in shown
    assert "$" not in shown


@pytest.mark.parametrize("lesson", lessons_of(), ids=lambda lesson: lesson.number)
def test_every_formula_of_a_lesson_becomes_mathml(lesson):
    for cell in lesson.cells:
        if cell.kind == "markdown":
            shown = markup.as_html(cell.text)
            without_code = re.sub(r"<(code|pre)[ >].*?</\1>", "", shown, flags=re.DOTALL)
            assert "\\" not in without_code
            assert "$" not in without_code


def test_a_formula_may_go_on_in_the_next_line_and_japanese_needs_no_space_there():
    assert "<math" in markup.as_html("$a +\nb$")
    assert "前の行" in markup.as_html("前の\n行")


def test_code_has_colours_and_no_html_of_its_own():
    assert "<b>" not in markup.code("x = '<b>'")
    assert "span style" in markup.code("def f(): return 1")


# The page


def test_reveal_is_what_its_package_brings_with_its_licence():
    folder = files("kobai.course.slides").joinpath("reveal")
    assert "Permission is hereby granted" in folder.joinpath("LICENSE").read_text("utf-8")
    digests = {
        "reveal.js": "aa1bbbf2617b23a623b23612cb3c5bdb63de512e652bf20fcfa832b045d37844",
        "reveal.css": "615ee850cbbb98a0f688b60ed37b21819a3f54c9f3e6f20e33e63693ab74a0c0",
    }
    for name, digest in digests.items():
        assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == digest


def test_a_text_cannot_end_the_data_of_the_figures():
    name = {"layout": {"title": "</script><script>alert(1)</script>"}}
    page = deck.as_page(
        arrange.Deck("a < b", [arrange.Slide("h", 1, [arrange.Block("x", 1)])], {"f": name}), "en"
    )
    assert "</script><script>alert" not in page
    assert "<title>a &lt; b</title>" in page


def test_a_notebook_is_run_for_what_its_cells_show():
    """In a kernel, with the answers; warnings are not shown."""
    lesson = Lesson(
        "3_1_x", tuple(read(SOURCE.replace("x = 3", "x = 3\nimport sys\nprint(1, file=sys.stderr)")))
    )
    outputs = outputs_of(lesson, "en")
    assert [output["output_type"] for output in outputs["3_1-05"]] == ["stream", "display_data"]
    assert outputs["3_1-05"][0]["text"] == "45\n"
    assert arrange.PLOTLY in outputs["3_1-05"][1]["data"]
    assert outputs["3_1-02"] == []


# In a browser


EACH = """deck.getSlides().map(slide => {
    const at = deck.getIndices(slide);
    deck.slide(at.h, at.v);
    const shown = deck.getCurrentSlide();
    const over = [shown.scrollHeight - shown.clientHeight, shown.scrollWidth - shown.clientWidth];
    return [shown.querySelector('h1, h2').textContent, over];
})"""
"""Of each slide, when it is shown: its heading, and by how much its text is higher and wider than itself."""


def headings_of(page):
    """The heading of each slide; none overflows."""
    shown = page.evaluate(EACH)
    assert [heading for heading, over in shown if max(over) > 1] == []
    assert page.wrong == []
    return [heading for heading, _ in shown]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_any_lesson_overflows_its_slide(visit, language):
    for lesson in lessons_of():
        whole = arrange.deck_of(lesson, language, {})
        page = visit(deck.as_page(whole, language), viewport={"width": 1280, "height": 720})
        assert len(headings_of(page)) == len(whole.slides)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_deck_is_shown_without_network_with_its_figures(visit, language):
    lesson = load("3_1_SGD")
    figure = {"data": [{"y": [1, 2, 3]}], "layout": {"title": {"text": "x"}}}
    output = {"output_type": "display_data", "data": {arrange.PLOTLY: figure}}
    drawing = {
        identity: [output]
        for identity, [cell, *_] in lesson.numbered()
        if cell.kind == "code" and "slide" in cell.tags
    }
    assert len(drawing) >= 2
    whole = arrange.deck_of(lesson, language, drawing)
    page = visit(deck.as_page(whole, language), viewport={"width": 1280, "height": 720})
    assert page.evaluate("document.documentElement.lang") == language
    assert len(set(headings_of(page))) > 8
    assert page.evaluate("document.querySelectorAll('.plot.drawn .main-svg').length") >= len(drawing)


# The command


def test_slides_are_written_in_the_language_asked_for(kobai_here, place, monkeypatch):
    monkeypatch.setattr(deck, "outputs_of", lambda lesson, language: {})
    ran = kobai_here("course", "slides", "decks", "--lessons", "3_3,3_1", "--language", "ja")
    assert (ran.code, ran.err) == (0, "")
    assert {path.name for path in (place / "decks").iterdir()} == {
        "3_1_SGD.html",
        "3_3_initial_value_fixed.html",
    }
    assert "レッスン2個分のスライド" in ran.out
    text = (place / "decks" / "3_1_SGD.html").read_text("utf-8")
    assert '<html lang="ja">' in text
    assert "更新則" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x", "--lessons", "3_99"], "there is no lesson '3_99'"),
        (["x", "--lessons", "3_1,"], "--lessons"),
        (["file"], "file is not a folder"),
        ([], "DIR is missing"),
    ],
)
def test_a_mistake_is_one_line(kobai_here, place, arguments, sentence):
    (place / "file").write_text("")
    ran = kobai_here("course", "slides", *arguments, "--language", "en")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert sentence in ran.err


def test_what_slides_need_is_named_where_it_is_missing(kobai_here, monkeypatch):
    monkeypatch.setattr(
        course_cli.importlib.util, "find_spec", lambda name: None if name == "mistune" else name
    )
    ran = kobai_here("course", "slides", "x")
    assert ran.code == 2
    assert "(mistune)" in ran.err
    assert words.TABLES["en"]["error.course.slides"].partition(":")[2].strip() in ran.err
