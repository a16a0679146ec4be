"""`kobai diagnose` on the command line: help, files, a study's setting, mistakes."""

import json
import re

import numpy as np
import polars as pl
import pytest

import kobai
from kobai import words
from kobai.cli.made import of_task
from kobai.questions.diagnosis import ask
from terminal import imports_nothing_heavy, squeezed, widest

pytestmark = pytest.mark.usefixtures("quick_engine")


def test_help_and_mistakes_import_nothing_heavy(place):
    assert imports_nothing_heavy(
        [["diagnose", "--help"], ["diagnose"], ["diagnose", "sine", "--seeds", "x"]], place
    )


@pytest.mark.parametrize("language", words.TABLES)
def test_help_says_every_option(kobai_here, language):
    out = kobai_here("diagnose", "--help", "--language", language).out
    assert widest(out) <= 80
    column = len(re.search(r"^  --help +", out, re.MULTILINE)[0])
    said = squeezed("".join(line[column:] for line in out.splitlines()))
    keys = [key for key in words.TABLES[language] if key.startswith("help.diagnose.")]
    assert len(keys) == 13
    for key in keys:
        sentence = squeezed(words.TABLES[language][key])
        assert sentence in squeezed(out) or sentence in said, key


def test_a_rate_that_is_too_high_is_named(kobai_here, place):
    line = (
        "diagnose sine --optimizer sgd --learning-rate 5 --initializer xavier --steps 40 --seeds 1 --hidden 8"
    )
    ran = kobai_here(*line.split(), "--json", "d.json", "--html", "d.html")
    assert ran.code == 0
    assert "learning rate too high" in ran.out
    assert json.loads((place / "d.json").read_text("utf-8"))["troubles"][0]["name"] == "rate_too_high"
    assert "kobai diagnose sine --optimizer sgd" in (place / "d.html").read_text("utf-8")


def test_the_setting_of_a_study_is_taken(kobai_here, place):
    kobai.compare(
        "sine",
        optimizers=["adam"],
        initializers=["xavier"],
        steps=40,
        seeds=2,
        tuning_seeds=1,
        output=place / "run",
        progress=False,
    )
    best = kobai.open(place / "run").best
    line = "diagnose sine --from run --seeds 1 --language ja --json d.json --output out"
    ran = kobai_here(*line.split())
    assert ran.code == 0
    assert "の学習はどこが悪いのか" in ran.out
    content = json.loads((place / "d.json").read_text("utf-8"))
    assert content["hyperparameters"]["learning_rate"] == pytest.approx(best.optimizer.learning_rate)
    assert content["steps"] == 40
    assert {path.name for path in (place / "out").iterdir()} > {"diagnosis.html", "table.parquet"}
    other = kobai_here("diagnose", "digits", "--from", "run")
    assert (other.code, other.out, len(other.err.splitlines())) == (2, "", 1)
    assert "run keeps a study of sine, not of digits" in other.err


def test_the_setting_of_a_study_of_a_table_is_taken(kobai_here, place):
    x = np.random.default_rng(0).standard_normal((80, 2))
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] - x[:, 1]})
    frame.write_csv(place / "fruit.csv")
    of_table = {"label": "y", "hidden": [4], "activation": "tanh"}
    chosen = {"optimizers": [kobai.SGD(0.07)], "initializers": ["lecun"]}
    few = {"steps": 25, "seeds": 2, "tuning_seeds": 1}
    kobai.compare("fruit.csv", **of_table, **chosen, **few, output=place / "run", progress=False)
    line = "diagnose fruit.csv --label y --hidden 4 --from run --seeds 1 --json d.json"
    ran = kobai_here(*line.split())
    assert (ran.code, ran.err) == (0, "")
    content = json.loads((place / "d.json").read_text("utf-8"))
    assert (content["task"], content["initializer"], content["steps"]) == ("fruit", "lecun", 25)
    assert content["hyperparameters"]["learning_rate"] == pytest.approx(0.07)
    frame.write_csv(place / "other.csv")
    other = kobai_here("diagnose", "other.csv", "--label", "y", "--from", "run")
    assert (other.code, other.out, len(other.err.splitlines())) == (2, "", 1)
    assert "run keeps a study of fruit, not of other.csv" in other.err


def test_what_a_study_said_of_its_task_is_taken(kobai_here, place, monkeypatch):
    """How the table is read, and how wide the network is; what is said again holds."""
    x = np.random.default_rng(0).standard_normal((80, 3))
    columns = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x[:, 0] - x[:, 1]}
    pl.DataFrame(columns).write_csv(place / "fruit.csv")
    line = "compare fruit.csv --label y --leave-out c --hidden=5,4 --optimizers sgd --initializers he"
    few = "--learning-rates 0.07 --steps 25 --seeds 2 --tuning-seeds 1 --output run"
    assert kobai_here(*line.split(), *few.split()).code == 0

    pl.DataFrame({name: columns[name] for name in "aby"}).write_csv(place / "other.csv")
    other = kobai_here("diagnose", "other.csv", "--label", "y", "--from", "run")
    assert (other.code, other.out) == (2, "")
    assert "run keeps a study of fruit, not of other.csv" in other.err
    assert "column" not in other.err, "nobody has named the column c here"
    own = kobai_here("diagnose", "fruit.csv", "--leave-out", "d", "--from", "run")
    assert "there is no column 'd'" in own.err

    seen = []
    monkeypatch.setattr(ask, "examine", lambda setting, *rest, **more: seen.append(setting) or exit())
    for more in ([], ["--hidden", "6"]):
        kobai_here("diagnose", "fruit.csv", "--from", "run", "--seeds", "1", "--json", "d.json", *more)
    assert [setting.task.dense.widths for setting in seen] == [(2, 5, 4, 1), (2, 6, 1)]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "kobai compare a.csv --label y --hidden 8 --also sine --leave-out a,b",
            ["label", "hidden", "leave_out"],
        ),
        ("kobai compare a.csv --test=0.1 --optimizers adam", ["test"]),
        ('kobai.compare("a.csv", label="y", hidden=[4], loss=loss, steps=20)', ["label", "hidden"]),
        ("kobai compare a.csv --of-another-version 3 --label y", []),
        ("no command", []),
        ("", []),
    ],
)
def test_a_command_is_read_for_what_it_says_of_the_task(command, said):
    assert of_task(command).keys() == set(said)


@pytest.mark.parametrize(
    "line",
    [
        "diagnose",
        "diagnose sien",
        "diagnose sine --optimizer bfgs",
        "diagnose sine --steps 3",
        "diagnose sine --from nowhere",
        "diagnose sine --learning-rate -1",
        "diagnose sine --clip norm",
    ],
)
def test_a_mistake_is_one_line(kobai_here, line):
    ran = kobai_here(*line.split())
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
