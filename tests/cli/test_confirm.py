"""`kobai confirm` on the command line: a study on disk, an objective in a file."""

import json
import re

import optuna
import pytest

from kobai import words
from terminal import imports_nothing_heavy, refused_in_one_line, squeezed, widest

OBJECTIVE = """
def objective(trial, seed):
    return trial.suggest_float("x", 0, 1) + 0.001 * seed
"""


@pytest.fixture
def study(place):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = optuna.create_study(storage=f"sqlite:///{place / 'study.db'}", study_name="s")
    search.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=4)
    (place / "mine.py").write_text(OBJECTIVE, "utf-8")
    return "study.db"


def test_help_imports_nothing_heavy(place):
    assert imports_nothing_heavy([["confirm", "--help"], ["confirm"]], place)


@pytest.mark.parametrize("language", words.TABLES)
def test_help_says_every_option(kobai_here, language):
    out = kobai_here("confirm", "--help", "--language", language).out
    assert widest(out) <= 80
    keys = [key for key in words.TABLES[language] if key.startswith("help.confirm.")]
    assert len(keys) == 6
    column = len(re.search(r"^  --help +", out, re.MULTILINE)[0])
    said = squeezed("".join(line[column:] for line in out.splitlines()))
    for key in keys:
        sentence = squeezed(words.TABLES[language][key])
        assert sentence in said or sentence in squeezed(out), key


def test_a_study_is_confirmed(kobai_here, place, study):
    ran = kobai_here("confirm", study, "mine.py:objective", "--top", "2", "--seeds", "3", "--json", "c.json")
    assert (ran.code, ran.err) == (0, "")
    assert "winner's curse" in ran.out
    content = json.loads((place / "c.json").read_text("utf-8"))
    assert content["seeds"] == [10_000, 10_001, 10_002]
    assert content["trials"][0]["lost"] == pytest.approx(10.001)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["none.db", "mine.py:objective"], ["none.db"]),
        (["study.db", "none.py:objective"], ["none.py"]),
        (["study.db", "mine.py:target"], ["mine.py", "target"]),
        (["study.db", "mine.py:objective", "--top", "0"], ["top", "0"]),
        (["study.db"], ["OBJECTIVE"]),
    ],
)
def test_mistakes_are_one_line(kobai_here, study, arguments, parts):
    assert refused_in_one_line(kobai_here, ["confirm", *arguments], parts)
