"""`kobai transfer` on the command line: table, files, languages, mistakes; what `kobai methods` lists."""

import json
import re

import polars as pl
import pytest

from kobai import words
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.cli import main
from kobai.questions.transfer import ask as protocols
from terminal import imports_nothing_heavy, refused_in_one_line, squeezed, widest

FILES = {"transfer.html", "transfer.json", "table.parquet"}
LIGHT = [
    ["transfer", "--list"],
    ["transfer", "--help"],
    ["methods"],
    ["transfer"],
    ["transfer", "halfs"],
    ["transfer", "digits"],
    ["transfer", "moved", "--seeds", "many"],
    ["transfer", "moved", "--json", "nowhere/x.json"],
]
SMALL = "--amounts 20 --seeds 2 --tuning-seeds 1 --steps 10 --source-steps 10 --learning-rates 0.01"


def test_help_lists_and_mistakes_import_nothing_heavy(place):
    light = [arguments for arguments in LIGHT if arguments != ["methods"]]
    assert imports_nothing_heavy(light, place)


@pytest.mark.parametrize("language", words.TABLES)
@pytest.mark.parametrize("arguments", LIGHT[:3], ids=" ".join)
def test_help_and_lists_fit_80_columns(kobai_here, arguments, language):
    ran = kobai_here(*arguments, "--language", language)
    assert (ran.code, ran.err) == (0, "")
    assert widest(ran.out) <= 80


@pytest.mark.parametrize("language", words.TABLES)
def test_help_says_every_option(kobai_here, language):
    out = kobai_here("transfer", "--help", "--language", language).out
    column = len(re.search(r"^  --help +", out, re.MULTILINE)[0])
    said = squeezed("".join(line[column:] for line in out.splitlines()))
    keys = [key for key in words.TABLES[language] if key.startswith("help.transfer.")]
    options = [key for key in keys if key.rpartition(".")[2] not in ("source", "target", "own")]
    assert len(options) == 12
    assert all(f"--{name} " in out for name in ("output", "html", "json", "language"))
    for key in options:
        assert f"--{key.removeprefix('help.transfer.')} " in out
        assert squeezed(words.TABLES[language][key]) in said, key


@pytest.mark.parametrize("language", words.TABLES)
def test_the_list_of_pairs(kobai_here, language):
    out = squeezed(kobai_here("transfer", "--list", "--language", language).out)
    keys = [f"pair.{name}" for name in registry.PAIRS] + [f"protocol.{name}" for name in protocols.PROTOCOLS]
    for key in [*keys, "help.transfer.own"]:
        assert squeezed(words.TABLES[language][key]) in out, key


# What the list of methods has to say


def parts():
    """(key, name) of everything in the list that is no rule, minimizer, initializer or schedule."""
    for kind in ("batch", "cell", "protocol", "principle", "measurement", "stabilizer"):
        yield from ((entry.key, name) for name, entry in registry.METHODS[kind].items())


@pytest.mark.parametrize("language", words.TABLES)
def test_methods_lists_every_part_with_its_use_and_its_source(kobai_here, language):
    out = kobai_here("methods", "--language", language).out
    without_spaces = squeezed(out)
    for key, name in parts():
        assert re.search(rf"^  {name} ", out, re.MULTILINE), name
        assert squeezed(words.TABLES[language][key]) in without_spaces, key
        # How it is used: an option, a command or a Python name in brackets.
        assert re.search(r"[(（](--|kobai|adding:).*[)）]", words.TABLES[language][key]), key
    assert all(squeezed(use) in without_spaces for use in registry.USES.values())
    sources = [
        entry.source for table in registry.METHODS.values() for entry in table.values() if entry.source
    ]
    assert len(sources) > 40
    assert all(squeezed(source) in without_spaces for source in sources)


# A whole transfer


@pytest.fixture(scope="module")
def ran(tmp_path_factory, kobai_process):
    """As a user runs it: where, and what it said."""
    folder = tmp_path_factory.mktemp("transfer")
    line = f"transfer moved --protocol fine-tuning,transfer --optimizer momentum {SMALL} --output out"
    return folder, kobai_process(folder, *line.split(), "--json", "copy.json")


def test_table_and_files(ran, everything_in):
    folder, said = ran
    assert (said.code, said.err) == (0, "")
    assert widest(said.out) <= 80
    lines = said.out.splitlines()
    assert lines[:2] == [
        "digits → moved digits: does it help to reuse weights?",
        "accuracy; momentum, 10 steps after 10 on the source; 2 fresh seeds",
    ]
    assert re.search(r"^fine tuning +20 +0\.\d{3} +0\.\d{3} ", said.out, re.MULTILINE)
    assert everything_in(folder) == {"copy.json", "out", *(f"out/{name}" for name in FILES)}
    text = (folder / "copy.json").read_text("utf-8")
    assert (folder / "out" / "transfer.json").read_text("utf-8") == text
    found, table = json.loads(text), pl.read_parquet(folder / "out" / "table.parquet")
    assert found["optimizer"] == "momentum"
    assert [row["p"] for row in found["rows"]] == table["p"].to_list()
    page = (folder / "out" / "transfer.html").read_text("utf-8")
    assert (
        f"<code>kobai transfer moved --protocol fine-tuning,transfer --optimizer momentum {SMALL}</code>"
        in page
    )


def test_two_tasks_in_japanese_into_one_file(kobai_here, place, everything_in):
    tasks = ["adding:length=3,hidden=4", "adding:length=5,hidden=4"]
    ask = [*SMALL.split(), "--protocol", "pretraining", "--html", "page.html", "--language", "ja"]
    ran = kobai_here("transfer", *tasks, *ask)
    assert (ran.code, ran.err) == (0, "")
    assert everything_in(place) == {"page.html"}
    assert ran.out.startswith(" → ".join(tasks))
    assert "事前学習" in ran.out
    assert widest(ran.out) <= 80
    page = (place / "page.html").read_text("utf-8")
    assert '<html lang="ja">' in page
    assert "データの量による違い" in page


def test_the_page_is_drawn_and_asks_nobody(ran, visit):
    page = visit((ran[0] / "out" / "transfer.html").read_text("utf-8"))
    page.wait_for_selector(".plot .main-svg")
    assert page.locator(".chips button").count() == 3
    page.locator(".chips button").first.click()
    shown = page.evaluate("document.querySelector('.plot').data.map((trace) => trace.visible)")
    assert shown[:2] == [False, False]
    assert page.wrong == []


def test_every_option_reaches_the_transfer(kobai_here, monkeypatch):
    asked = {}

    def record(pair, **options):
        asked.update(options, pair=pair)
        raise UsageError("error.transfer.slow", value=3)

    monkeypatch.setattr(protocols, "transfer", record)
    line = """transfer halves --protocol transfer,pretraining --amounts 20,50 --optimizer sgd
        --learning-rates 1e-3,0.01 --source-learning-rate 0.5 --initializer xavier --steps 40
        --source-steps 60 --slow 0.25 --seeds 3 --tuning-seeds 1 --json x.json"""
    assert kobai_here(*line.split()).code == 2
    assert asked == {
        "pair": "halves",
        "protocol": ["transfer", "pretraining"],
        "amounts": [20, 50],
        "optimizer": "sgd",
        "learning_rates": [0.001, 0.01],
        "source_learning_rate": 0.5,
        "initializer": "xavier",
        "steps": 40,
        "source_steps": 60,
        "slow": 0.25,
        "seeds": 3,
        "tuning_seeds": 1,
        "command": "kobai " + " ".join(line.split()).replace(" --json x.json", ""),
    }


MISTAKES = [
    ([], "SOURCE is missing", "kobai transfer --help"),
    (["halfs"], "pair of tasks 'halfs'", "did you mean 'halves'?"),
    (["digits"], "'digits' is neither a pair", "halves, moved, unrelated", "a second task"),
    (["moved", "digits"], "moved is a pair", "leave digits out"),
    (["digits", "sien"], "task 'sien'", "did you mean 'sine'?"),
    (["digits", "adding"], "different trees", "same network"),
    (["moved", "--protocol", "pretrain"], "protocol 'pretrain'", "'pretraining'"),
    (["moved", "--amounts", "0"], "amounts", "at least 1", "0"),
    (["moved", "--amounts", "a"], "--amounts", "'a'"),
    (["moved", "--optimizer", "amad"], "optimizer 'amad'", "'adam'"),
    (["moved", "--optimizer", "bfgs"], "one update rule", "'bfgs'", "for example adam"),
    (["moved", "--optimizer", "nesterov_definition"], "one update rule", "nesterov"),
    (["moved", "--slow", "2"], "slow", "from 0", "2"),
    (["moved", "--slow", "half"], "--slow", "'half'"),
    (["moved", "--source-learning-rate", "-1"], "source_learning_rate", "at least 1.2e-38", "-1"),
    (["moved", "--learning-rates", "-1"], "learning_rate", "-1"),
    (["moved", "--initializer", "hee"], "'hee'", "'he'"),
    (["moved", "--seeds", "0"], "seeds", "at least 1", "0"),
    (["moved", "--output", "full"], "full is not empty"),
    (["moved", "--html", "full"], "--html full", "name a file"),
    (["moved", "--html", "same", "--json", "same"], "same file same"),
    (["moved", "--setps", "3"], "--setps", "--steps"),
]


@pytest.mark.parametrize(("arguments", "parts"), [(m[0], m[1:]) for m in MISTAKES], ids=lambda m: " ".join(m))
def test_a_mistake_is_one_line_and_leaves_nothing(kobai_here, place, everything_in, arguments, parts):
    (place / "full").mkdir()
    (place / "full" / "thesis.txt").write_text("years of work")
    before = everything_in(place)
    assert refused_in_one_line(kobai_here, ["transfer", *arguments], parts)
    assert everything_in(place) == before


def test_ctrl_c_says_so_and_leaves_nothing(kobai_here, place, everything_in, monkeypatch):
    left = []

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(protocols, "trained", interrupted)
    monkeypatch.setattr(main.os, "_exit", left.append)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    ran = kobai_here("transfer", "moved", *SMALL.split(), "--source-learning-rate", "0.01", "--output", "out")
    assert left == [130]
    assert (ran.out, ran.err) == ("", "\nkobai: interrupted; nothing was kept\n")
    assert everything_in(place) == set()
