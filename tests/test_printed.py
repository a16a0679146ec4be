"""What the pages quote of the main command's answer is what README shows, and README shows what is printed.

README's block was printed by the command; on another processor its numbers differ a little, so they are not
computed here again. But every sentence and every head in it is built as today's code builds it, and no page
quotes other numbers.
"""

import re
from pathlib import Path

import pytest
from rich.console import Console

from kobai import words
from kobai.questions.comparison import table
from kobai.report.letters import Stack
from kobai.words import say

ROOT = Path(__file__).parent.parent
READMES = {"en": ROOT / "README.md", "ja": ROOT / "README.ja.md"}
QUOTING = [
    "docs/explanation/statistics.md",
    "docs/how-to/reading-an-answer.md",
    "docs/how-to/reading-an-answer.ja.md",
    "docs/tutorial/first-study.md",
    "docs/tutorial/first-study.ja.md",
]
NUMBER = re.compile(r"[\d.]+\s\[[\d.]+–[\d.]+\]|(?:≤|at\s+most|最大(?:でも)?)\s*(\d+\s?%)")
"""A number with its interval, and an upper bound."""


def block(language):
    """What README shows of `kobai compare digits`."""
    return re.search(r"^```text\n(digits: .*?)^```$", READMES[language].read_text("utf-8"), re.M | re.S)[1]


def numbers(text):
    """Every number with its interval and every bound, however lines are broken."""
    return {re.sub(r"\s", "", found[1] or found[0]) for found in NUMBER.finditer(text)}


def of_the_main_answer(page):
    """The parts of a page that quote the main command: blocks with its headline, and rows of tables."""
    text = (ROOT / page).read_text("utf-8")
    answers = re.findall(r"^```text\n(.*?)^```$", text, re.M | re.S)
    first = block("ja" if page.endswith(".ja.md") else "en").split("\n\n")[1].splitlines()[0]
    return [part for part in answers if first in part and "200" not in part] + re.findall(
        r"^\|(?!.*--wide).*", text, re.M
    )


@pytest.mark.parametrize("page", QUOTING)
def test_a_page_quotes_the_numbers_that_the_command_prints(page):
    shown = numbers(block("en"))
    quoted = {number for part in of_the_main_answer(page) for number in numbers(part)}
    assert quoted
    assert quoted <= shown


def test_the_pages_of_both_languages_show_one_answer():
    assert numbers(block("en")) == numbers(block("ja"))
    assert len(numbers(block("en"))) > 15


def test_numbers_that_no_command_prints_are_caught():
    """As they stood there once: those of an earlier version."""
    assert not numbers("adam, 65 [59–71] steps; at\nmost 21 % more") & numbers(block("en"))
    assert len(numbers("adam, 65 [59–71] steps; at\nmost 21 % more")) == 2


@pytest.mark.parametrize("language", READMES)
def test_the_table_stands_there_as_it_is_printed(language):
    """The cells of the block, put into the table again under today's heads, make the block again."""
    lines = block(language).splitlines()
    first = next(i for i, line in enumerate(lines) if re.match(r"adam +0\.0316", line))
    rows = [re.split(r"(?<![,≤]) +(?![\[%])", line.strip()) for line in lines[first : first + 7]]
    with words.language(language):
        keys = {"steps": "table.first.steps", "cost": "table.cost.steps"}
        heads = [say(keys.get(name, f"table.{name}")) for name in table.COLUMNS]
    rows = [[*row, ""] if len(row) < len(heads) else row for row in rows]  # neither ● nor ×
    left = [table.COLUMNS.index(name) for name in ("optimizer", "initializer")]
    console = Console(width=80, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(Stack(heads, rows, left=left, folding=left[1:]))
    printed = [line.rstrip() for line in capture.get().rstrip("\n").splitlines()]
    assert lines[first - len(printed) + 7 : first + 7] == printed
