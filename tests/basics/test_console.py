"""The terminal: names that it must not obey, and a width that is none."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from kobai.basics.console import Console, harmless

NAME = "\x1b[31mred\x1b]0;title\x07\x9b2J\x7f"


def test_what_a_terminal_would_obey_is_left_out():
    assert harmless(NAME) == "[31mred]0;title2J"
    assert harmless("最適化\té\nλ") == "最適化\té\nλ"


@pytest.mark.parametrize("kind", [str, Text, "table"])
def test_nothing_printed_holds_a_command_to_the_terminal_but_richs_own(kind):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", markup=False, highlight=False)
    if kind == "table":
        table = Table(NAME, title=NAME)
        table.add_row(NAME)
        console.print(table)
    else:
        console.print(kind(NAME), style="bold")
        assert "\x1b[1m" in out.getvalue()  # bold is still bold
    assert "red" in out.getvalue()
    for command in ("\x1b[31m", "\x1b]0", "\x07", "\x9b", "\x7f"):
        assert command not in out.getvalue()


@pytest.mark.parametrize(("columns", "width"), [("0", 80), ("-5", 80), ("1", 40), ("39", 40), ("41", 41)])
def test_a_terminal_without_columns_has_eighty_and_a_narrow_one_forty(columns, width, monkeypatch):
    """In five columns `kobai tasks` printed an ellipsis for each task."""
    monkeypatch.setenv("COLUMNS", columns)
    assert Console(file=io.StringIO()).width == width
