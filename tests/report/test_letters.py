"""Paragraphs in a terminal: Japanese is wrapped by columns, English as rich does it."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from kobai.report.letters import Paragraph, Stack
from kobai.report.line_ends import FIRST, LAST, ends, pieces

ANSWER = (
    "最適化手法: adam(目標まで 58 [44–72] ステップ)。次より少ないステップで到達します: "
    "sgd (1.31× [1.18–1.45])、"
    "momentum (12.4× [10.1–13.3])。これらのシードでは区別できません: rmsprop (0.93× [0.85–1.12])、"
    "nesterov_definition (1.01× [0.88–1.19])。"
)
ENGLISH = (
    "Optimizer: adam, 58 [44–72] steps to the target. Fewer steps than sgd (1.31× [1.18–1.45]), momentum."
)


def lines_of(text, width, **options):
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(text, **options)
    return capture.get().splitlines()


def test_japanese_fills_80_columns_and_an_interval_stays_whole():
    assert lines_of(Paragraph(ANSWER), 80) == [
        "最適化手法: adam(目標まで 58 [44–72] ステップ)。次より少ないステップで到達しま",
        "す: sgd (1.31× [1.18–1.45])、momentum (12.4× [10.1–13.3])。これらのシードでは区",
        "別できません: rmsprop (0.93× [0.85–1.12])、nesterov_definition",
        "(1.01× [0.88–1.19])。",
    ]


@pytest.mark.parametrize("width", range(24, 101))
def test_nothing_is_lost_nor_stands_where_it_must_not(width):
    lines = lines_of(Paragraph(ANSWER), width)
    assert "".join(lines).replace(" ", "") == ANSWER.replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)
    assert all(line[0] not in FIRST and line[-1] not in LAST for line in lines)
    assert all(line.count("[") == line.count("]") for line in lines)
    assert all(not line.startswith("[") for line in lines)
    # A line is left only where the next piece does not fit.
    for start, line in zip([0, *ends(ANSWER, width)], lines[:-1], strict=False):
        rest = ANSWER[start + len(line) :].lstrip()
        assert cell_len(line) + cell_len(pieces(rest)[0].rstrip()) + 1 > width


def test_what_rich_alone_would_do_is_caught():
    """Lines that end after half of their columns."""
    assert max(map(cell_len, lines_of(Text(ANSWER), 44)[:-1])) <= 44
    assert len(lines_of(Text(ANSWER), 44)) > len(lines_of(Paragraph(ANSWER), 44))


@pytest.mark.parametrize("width", [30, 80])
def test_english_is_as_before(width):
    assert lines_of(Paragraph(ENGLISH), width) == lines_of(Text(ENGLISH), width)


def test_a_word_longer_than_the_line_is_folded():
    assert lines_of(Paragraph("課題 " + "x" * 50), 20) == ["課題", "x" * 20, "x" * 20, "x" * 10]


def test_a_line_begins_anew_after_a_line_break():
    """Else the columns of what stood before it would count, and the next line would end too soon."""
    assert lines_of(Paragraph("課題の上で比べます。次のように書きます:\n\nkobai compare digits"), 44) == [
        "課題の上で比べます。次のように書きます:",
        "",
        "kobai compare digits",
    ]


def test_a_path_to_be_copied_is_not_wrapped():
    assert lines_of(Paragraph(ANSWER), 80, soft_wrap=True) == [ANSWER]


def test_styles_stay_with_their_words():
    console = Console(width=20, color_system="standard", force_terminal=True)
    paragraph = Paragraph(Text.assemble(("最適化手法はこれです", "bold"), "。次のものではありません"))
    segments = [segment for segment in console.render(paragraph) if segment.text.strip()]
    bold = [segment.text for segment in segments if segment.style == Style(bold=True)]
    assert "".join(bold) == "最適化手法はこれです"


# Tables


HEADS = ["name", "first\nthere", "accuracy", "what it is called"]
ROWS = [["adam", "58 [44–72]", "96.7%", "a long name"], ["sgd", "1234", "≥ 97.25%", "short"]]


def test_a_table_that_fits_is_one():
    assert lines_of(Stack(HEADS, ROWS, left=[0, 3]), 80) == [
        "          first                           ",
        "name      there accuracy what it is called",
        "adam 58 [44–72]    96.7% a long name      ",
        "sgd        1234 ≥ 97.25% short            ",
    ]


def test_one_that_does_not_is_stacked_under_its_first_column():
    lines = [line.rstrip() for line in lines_of(Stack(HEADS, ROWS, left=[0, 3]), 30)]
    assert lines == [
        "          first",
        "name      there accuracy",
        "adam 58 [44–72]    96.7%",
        "sgd        1234 ≥ 97.25%",
        "",
        "name what it is called",
        "adam a long name",
        "sgd  short",
    ]


def test_a_column_that_may_fold_does_so_before_another_goes_below():
    table = Stack([*HEADS[:3], "what"], ROWS, left=[0, 3], folding=[3])
    lines = [line.rstrip() for line in lines_of(table, 35)]
    assert lines[1:] == [
        "name      there accuracy what",
        "adam 58 [44–72]    96.7% a long",
        "                         name",
        "sgd        1234 ≥ 97.25% short",
    ]
    assert lines_of(table, 34).count("") == 1  # ten letters are its least


@pytest.mark.parametrize("width", range(6, 60))
def test_no_digit_is_ever_lost(width):
    lines = lines_of(Stack(HEADS, ROWS, left=[0]), width)
    assert max(map(cell_len, lines)) <= width
    if width < 17:  # then cells are broken as well, digit by digit
        digits = "".join(re.findall(r"\d", "".join(lines)))
        assert sorted(digits) == sorted(re.findall(r"\d", "".join(map("".join, ROWS))))
    else:
        assert all(any(cell in line for line in lines) for row in ROWS for cell in row[1:3])


def test_what_rich_alone_would_cut_is_caught():
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for head in HEADS:
        grid.add_column(head, no_wrap=True, overflow="fold")
    for row in ROWS:
        grid.add_row(*row)
    assert not any("97.25%" in line for line in lines_of(grid, 30))


def test_styles_stay_where_a_sign_is_written_in_ascii():
    text = Text.assemble(("λ", "bold"), " and ", ("≥ 2", "dim"))
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict"), width=40)
    [line] = Paragraph(text).__rich_console__(console, console.options)
    assert line.plain == "lambda and >= 2"
    spans = {line.plain[span.start : span.end] for span in line.spans if span.style == "bold"}
    assert spans == {"lambda"}
    dim = "".join(line.plain[span.start : span.end] for span in line.spans if span.style == "dim")
    assert dim == ">= 2"
