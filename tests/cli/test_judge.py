"""`kobai judge` on the command line: exit codes, files, help, mistakes."""

import json
import re

import pytest

from judged import table
from kobai import words
from kobai.basics.errors import UsageError
from kobai.questions.judgement import ask
from terminal import imports_nothing_heavy, refused_in_one_line, squeezed, widest

LIGHT = [["judge", "--help"], ["judge"], ["judge", "x.csv", "--minimize", "--maximize"]]


@pytest.fixture
def runs(place):
    table({"main": 0.31, "new": 0.29, "same": 0.31}).write_csv(place / "runs.csv")
    return "runs.csv"


def test_help_and_mistakes_import_nothing_heavy(place):
    assert imports_nothing_heavy(LIGHT, place)


@pytest.mark.parametrize("language", words.TABLES)
def test_help_says_every_option(kobai_here, language):
    out = kobai_here("judge", "--help", "--language", language).out
    assert widest(out) <= 80
    column = len(re.search(r"^  --help +", out, re.MULTILINE)[0])
    said = squeezed("".join(line[column:] for line in out.splitlines()))
    keys = [key for key in words.TABLES[language] if key.startswith("help.judge.")]
    assert len(keys) == 17
    for key in keys:
        assert (
            squeezed(words.TABLES[language][key]) in squeezed(out)
            or squeezed(words.TABLES[language][key]) in said
        )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("", 0),  # one of them is better
        ("--arm new", 0),
        ("--arm same", 3),
        ("--arm same --margin 0.03", 1),
        ("--baseline new", 1),
        ("--arm new --maximize", 1),
    ],
)
def test_exit_codes(kobai_here, runs, arguments, code):
    ran = kobai_here("judge", runs, *arguments.split())
    assert (ran.code, ran.err) == (code, "")
    assert widest(ran.out) <= 80


def test_nothing_is_written_unless_asked(kobai_here, runs, place):
    assert kobai_here("judge", runs).code == 0
    assert kobai_here("judge", runs, "--watch").code == 3  # of two arms, 8 seeds are too few for a first look
    assert [path.name for path in place.iterdir()] == [runs]


def test_files(kobai_here, runs, place):
    ran = kobai_here("judge", runs, "--output", "out", "--json", "verdict.json", "--html", "page.html")
    assert ran.code == 0
    assert {path.name for path in (place / "out").iterdir()} == {
        "judgement.html",
        "judgement.json",
        "table.parquet",
    }
    content = json.loads((place / "verdict.json").read_text("utf-8"))
    assert content["exit_code"] == 0
    assert f"<code>kobai judge {runs}</code>" in (place / "page.html").read_text("utf-8")


def test_a_verdict_that_stood_there_is_looked_at_first(kobai_here, place):
    table({"main": 0.3, "new": 0.3}, seeds=7).write_csv(place / "runs.csv")
    kobai_here("judge", "runs.csv", "--json", "verdict.json")
    table({"main": 0.3, "new": 0.3}, seeds=9).write_csv(place / "runs.csv")
    assert "14 of these 18 runs" in " ".join(
        kobai_here("judge", "runs.csv", "--json", "verdict.json").out.split()
    )
    (place / "verdict.json").write_text("[]", "utf-8")
    assert "stood here before" not in kobai_here("judge", "runs.csv", "--json", "verdict.json").out


def test_every_option_reaches_the_question(kobai_here, monkeypatch):
    asked = {}

    def record(source, **arguments):
        asked.update(arguments, source=source)
        raise UsageError("error.judge.both")

    monkeypatch.setattr(ask, "judge", record)
    line = """judge a.csv b.csv --metric m --group g --seed s --step t --baseline a --arm b --maximize
        --by best --margin 1 --sigma 2 --unpaired --watch"""
    assert kobai_here(*line.split()).code == 2
    assert asked == {
        "source": ["a.csv", "b.csv"],
        "metric": "m",
        "group": "g",
        "seed": "s",
        "step": "t",
        "baseline": "a",
        "arm": "b",
        "maximize": True,
        "by": "best",
        "margin": "1",
        "sigma": "2",
        "unpaired": True,
        "watch": True,
        "earlier": {},
        "command": "kobai " + " ".join(line.split()),
    }


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["SOURCE", "kobai judge --help"]),
        (["none.csv"], ["none.csv", "does not exist"]),
        (["runs.csv", "--minimize", "--maximize"], ["--minimize", "--maximize"]),
        (["runs.csv", "--by", "last"], ["steps:TARGET"]),
        (["runs.csv", "--margin", "x"], ["margin", "x"]),
    ],
)
def test_mistakes_are_one_line(kobai_here, runs, arguments, parts):
    assert refused_in_one_line(kobai_here, ["judge", *arguments], parts)
