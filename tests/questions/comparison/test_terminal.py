"""The table of a comparison in terminals of every width."""

import dataclasses
import io
import re

import pytest
from rich.cells import cell_len

from arrivals import TWELVE, answered, arriving, is_adam, twelve
from kobai import words
from kobai.basics import signs
from kobai.basics.console import Console
from kobai.questions.comparison import table, terminal
from kobai.study.statistics import Estimate
from terminal import squeezed

TWELVE += ["conjugate_gradient", "bfgs", "lbfgs"]


def two(monkeypatch):
    return answered(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 4) + 20 * (not is_adam(cell))))


@pytest.mark.parametrize("language", words.TABLES)
@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("study", [two, twelve])
def test_a_table_is_stacked_and_never_cut(monkeypatch, study, width, language):
    found = study(monkeypatch)
    with words.language(language):
        text = terminal.text(found, wide=True, width=width)
        rows, heads = table.rows(found, wide=True), table.headers(found, wide=True)
    assert max(map(cell_len, text.splitlines())) <= width
    lines = text.splitlines()
    for row in rows:
        name = row[0].split(" ")[0].split("_")[0]
        own = "\n".join(line for line in lines if line.startswith(name))
        for cell in row[1:]:
            assert cell in own, (cell, own)
    for head in heads:
        assert all(part in text for part in head.split("\n"))


def test_the_usual_table_is_one_at_80_columns(monkeypatch):
    found = two(monkeypatch)
    assert len(re.findall("^adam  ", terminal.text(found, width=80), re.M)) == 1
    assert len(re.findall("^adam  ", terminal.text(found, width=60), re.M)) == 2


@pytest.mark.parametrize("language", words.TABLES)
def test_four_figures_and_the_edge_of_a_grid_leave_it_one_table(monkeypatch, language):
    """As `kobai compare sine` has it: three figures of steps, a test error of .0205, a rate marked ▸."""
    found = two(monkeypatch)
    numbers = {
        "learning_rate": 0.0316,
        "edge": "high",
        "steps": Estimate(150.0, 130.0, 170.0),
        "test_metric": 0.0205,
        "cost": 1.714,
    }
    adam, sgd = found.rows
    rows = adam, dataclasses.replace(sgd, optimizer="nesterov", initializer="xavier", **numbers)
    with words.language(language):
        text = terminal.text(dataclasses.replace(found, rows=rows), width=80)
    assert re.search(r"^nesterov .*0\.0316▸ xavier .*0\.0205 +≤ 172 ?% +×$", text, re.M)


@pytest.mark.parametrize(("language", "encoding"), [("en", "ascii"), ("en", "cp932"), ("ja", "cp932")])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_an_older_terminal_shows_the_same_table(monkeypatch, width, language, encoding):
    """>= for ≥, < for ◂, digits for the bars of a curve: no sign is lost, no line goes beyond the edge."""
    found = twelve(monkeypatch)
    written = io.BytesIO()
    with words.language(language), io.TextIOWrapper(written, encoding, errors=signs.ERRORS) as stream:
        console = Console(file=stream, width=width, color_system=None, highlight=False)
        console.print(terminal.view(found, wide=True))
        stream.flush()
        shown = written.getvalue().decode(encoding)
        rows = [[signs.written(cell, encoding) for cell in row] for row in table.rows(found, wide=True)]
    lines = shown.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "?" not in shown
    for row in rows:
        own = " ".join(line for line in lines if line.startswith(row[0].split(" ")[0].split("_")[0]))
        assert all(cell in own for cell in row[1:]), (row, own)


def test_the_command_line_writes_what_its_terminal_can_show(kobai_process, tmp_path):
    """Without the handler ◂, λ and − are question marks."""
    plain, whole = (kobai_process(tmp_path, "methods", PYTHONIOENCODING=name) for name in ("ascii", "utf-8"))
    assert (plain.code, plain.err) == (0, "")
    assert not whole.out.isascii()
    assert "?" not in plain.out
    assert squeezed(plain.out) == squeezed(whole.out.encode("ascii", signs.ERRORS).decode())
