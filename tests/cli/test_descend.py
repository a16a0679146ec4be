"""`kobai descend` and `kobai landscapes` on the command line: table, files, languages, mistakes."""

import json
import re
import signal

import polars as pl
import pytest

from kobai import words
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.cli import main
from kobai.questions.descent import ask as descent
from terminal import imports_nothing_heavy, refused_in_one_line, widest

FILES = {"descent.html", "descent.json", "table.parquet", "tried.parquet", "paths.parquet"}
LIGHT = [
    ["landscapes"],
    ["landscapes", "--help"],
    ["descend", "--help"],
    ["descend"],
    ["descend", "--setp", "1"],
]
LIGHT += [["descend", "bowl", "--steps", "many"], ["descend", "bowl", "--json", "nowhere/x.json"]]


def test_help_and_list_import_nothing_heavy(place):
    assert imports_nothing_heavy(LIGHT, place)


@pytest.mark.parametrize("language", words.TABLES)
@pytest.mark.parametrize("arguments", LIGHT[:3], ids=" ".join)
def test_help_and_list_fit_80_columns_and_say_everything(kobai_here, arguments, language):
    ran = kobai_here(*arguments, "--language", language)
    assert (ran.code, ran.err) == (0, "")
    assert widest(ran.out) <= 80
    squeezed = re.sub(r"\s", "", ran.out)
    keys = {
        "landscapes": [f"landscape.{name}" for name in registry.LANDSCAPES],
        "descend": [key for key in words.TABLES["en"] if key.startswith("help.descend.")],
    }
    wanted = keys[arguments[0]] if arguments != ["landscapes", "--help"] else ["help.landscapes"]
    if arguments[0] == "landscapes":
        for key in wanted:
            assert re.sub(r"\s", "", words.TABLES[language][key]) in squeezed, key
    else:
        assert len(wanted) == 8
        right = re.sub(r"\s", "", "".join(line[26:] for line in ran.out.splitlines()))
        assert all(f"--{key.removeprefix('help.descend.')} " in ran.out for key in wanted)
        assert all(f"--{name} " in ran.out for name in ("output", "html", "json", "language"))
        assert len(right) > 300


@pytest.fixture(scope="module")
def ran(tmp_path_factory, kobai_process):
    """The issue's own command, as a user runs it: where, and what it said."""
    folder = tmp_path_factory.mktemp("descend")
    line = "descend bowl --methods sgd,momentum,adam,bfgs --start -7,2 --output out --json copy.json"
    return folder, kobai_process(folder, *line.split())


def test_the_lectures_group_work(ran, everything_in):
    folder, said = ran
    assert (said.code, said.err) == (0, "")
    assert widest(said.out) <= 80
    assert everything_in(folder) == {"copy.json", "out", *(f"out/{name}" for name in FILES)}
    for row in (
        r"sgd +0\.95 +43 +43 ",
        r"momentum +0\.1 α 0\.9 +58 +83 ",
        r"adam +0\.3 .* 63 +82 ",
        r"bfgs +– ",
    ):
        assert re.search(f"^{row}.* arrived$", said.out, re.M), said.out
    assert (
        "descent.html, descent.json, table.parquet, tried.parquet, paths.parquet in out; copy.json"
        in " ".join(said.out.split())
    )


def test_the_files_agree(ran):
    folder, _ = ran
    text = (folder / "copy.json").read_text("utf-8")
    assert (folder / "out" / "descent.json").read_text("utf-8") == text
    found, table = json.loads(text), pl.read_parquet(folder / "out" / "table.parquet")
    assert [row["first"] for row in found["rows"]] == table["first"].to_list()
    page = (folder / "out" / "descent.html").read_text("utf-8")
    assert "<code>kobai descend bowl --methods sgd,momentum,adam,bfgs --start -7,2</code>" in page


def test_a_grid_in_japanese_into_one_file(kobai_here, place, everything_in):
    line = (
        "descend bowl --methods momentum --set momentum.momentum=0.5,0.9 --learning-rates 0.1,2 --sort value"
    )
    ran = kobai_here(*line.split(), "--html", "page.html", "--steps", "300", "--language", "ja")
    assert (ran.code, ran.err) == (0, "")
    assert everything_in(place) == {"page.html"}
    assert widest(ran.out) <= 80
    rows = [line.split() for line in ran.out.splitlines() if line.startswith("momentum")]
    assert [row[1:4] for row in rows] == [
        ["0.1", "α", "0.9"],
        ["0.1", "α", "0.5"],
        ["2", "α", "0.9"],
        ["2", "α", "0.5"],
    ]
    assert re.search(r"\d+で発散$", ran.out, re.M)
    assert '<html lang="ja">' in (place / "page.html").read_text("utf-8")


def test_every_option_reaches_the_descent(kobai_here, monkeypatch):
    asked = {}

    def record(landscape, **options):
        asked.update(options, landscape=landscape)
        raise UsageError("error.start.missing")

    monkeypatch.setattr(descent, "descend", record)
    line = """descend rosenbrock --methods sgd,adam --start 1,2,3 --learning-rates 1e-3,0.01
        --set adam.decay_1=0.5,0.9 --set cg.formula=fr,hs --steps 40 --tolerance 0.5 --dimension 3
        --sort first --output out"""
    assert kobai_here(*line.split()).code == 2
    assert asked == {
        "landscape": "rosenbrock",
        "methods": ["sgd", "adam"],
        "start": [1.0, 2.0, 3.0],
        "learning_rates": [0.001, 0.01],
        "hyperparameters": {"adam.decay_1": [0.5, 0.9], "cg.formula": ["fr", "hs"]},
        "steps": 40,
        "tolerance": 0.5,
        "dimension": 3,
        "sort": "first",
        "command": "kobai " + " ".join(line.split()).replace(" --output out", ""),
    }


MISTAKES = [
    (["descend"], "LANDSCAPE is missing", "kobai descend --help"),
    (["descent"], "command 'descent'", "did you mean 'descend'?"),
    (["landscape"], "command 'landscape'", "did you mean 'landscapes'?"),
    (["landscapes", "bowl"], "kobai landscapes", "'bowl'"),
    (["descend", "bowl", "--html", "same", "--json", "same"], "same file same", "--html and --json"),
    (
        ["descend", "bowl", "--methods", "bfgs", "--learning-rates", "0.1"],
        "none of bfgs",
        "leave the learning",
    ),
    (["descend", "bowel"], "landscape 'bowel'", "did you mean 'bowl'?"),
    (["descend", "bowl", "--methods", "sgd,amad"], "method 'amad'", "'adam'"),
    (["descend", "bowl", "--methods", "sgd,,adam"], "--methods", "commas", "'sgd,,adam'"),
    (["descend", "bowl", "--start", "1"], "2 dimensions", "start has 1"),
    (["descend", "bowl", "--start", "1,x"], "--start", "numbers", "'x'"),
    (["descend", "bowl", "--start", "1,nan"], "start", "finite", "nan"),
    (["descend", "bowl", "--start", "1e200,1"], "not defined at the start", "inf"),
    (["descend", "bowl", "--start", "1,,2"], "--start", "commas", "'1,,2'"),
    (["descend", "bowl", "--steps", "0"], "steps", "at least 1", "0"),
    (["descend", "bowl", "--tolerance", "nan"], "tolerance", "finite", "nan"),
    (["descend", "bowl", "--tolerance", "low"], "--tolerance must be a number", "'low'"),
    (["descend", "bowl", "--dimension", "3"], "bowl", "2 dimensions", "3"),
    (["descend", "rosenbrock", "--dimension", "1"], "dimension", "from 2", "1"),
    (["descend", "rosenbrock", "--dimension", "9999"], "paths of 1000 steps", "9999 dimensions", "fewer"),
    (["descend", "bowl", "--learning-rates", "inf"], "learning_rate", "finite", "inf"),
    (["descend", "bowl", "--set", "momentum.momentum=1.5"], "Momentum: momentum", "[0, 1)", "1.5"),
    (["descend", "bowl", "--set", "adam.decya_1=0.5"], "hyperparameter 'adam.decya_1'", "'adam.decay_1'"),
    (["descend", "bowl", "--set", "adam.decay_1=high"], "adam.decay_1", "numbers", "high"),
    (
        ["descend", "bowl", "--methods", "conjugate_gradient", "--set", "conjugate_gradient.formula=fx"],
        "conjugate_gradient.formula must be one of polak_ribiere (PR+), fletcher_reeves (FR), hest",
        "got 'fx'",
    ),
    (["descend", "bowl", "--methods", "newton_cg", "--set", "newton_cg.most=0"], "most", "at least 1", "0"),
    (["descend", "bowl", "--sort", "frist"], "column 'frist'", "'first'"),
    (["descend", "bowl", "--output", "full"], "full is not empty", "--output"),
    (["descend", "bowl", "--output", "file"], "file is a file", "folder"),
    (["descend", "bowl", "--output", ""], "--output is empty"),
    (["descend", "bowl", "--html", "full"], "--html full", "name a file"),
    (["descend", "bowl", "--html", "nowhere/page.html"], "--html nowhere/page.html", "a folder that exists"),
    (["descend", "bowl", "--json", "full"], "--json full", "name a file"),
]


@pytest.mark.parametrize(("arguments", "parts"), [(m[0], m[1:]) for m in MISTAKES], ids=lambda m: " ".join(m))
def test_a_mistake_is_one_line_and_leaves_nothing(kobai_here, place, everything_in, arguments, parts):
    (place / "full").mkdir()
    (place / "full" / "thesis.txt").write_text("years of work")
    (place / "file").write_text("")
    before = everything_in(place)
    assert refused_in_one_line(kobai_here, arguments, parts)
    assert everything_in(place) == before


def test_ctrl_c_says_so_and_leaves_nothing(kobai_here, place, everything_in, monkeypatch):
    left = []

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(descent, "walk", interrupted)
    monkeypatch.setattr(main.os, "_exit", left.append)
    before = signal.getsignal(signal.SIGINT)
    ran = kobai_here("descend", "bowl", "--output", "out", "--html", "page.html")
    signal.signal(signal.SIGINT, before)
    assert left == [130]
    assert (ran.out, ran.err) == ("", "\nkobai: interrupted; nothing was kept\n")
    assert everything_in(place) == set()
