"""`kobai range` on the command line: the answer, the files, the help, mistakes."""

import json
import re

import pytest

from kobai import words
from terminal import imports_nothing_heavy, refused_in_one_line, squeezed, widest

FEW = ("range", "sine", "--optimizer", "sgd", "--learning-rates", "0.001,0.01,1000", "--steps", "40")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_answer_and_its_files(kobai_here, tmp_path, language):
    ran = kobai_here(*FEW, "--output", "out", "--json", "range.json", "--language", language)
    assert ran.code in (0, None)
    assert widest(ran.out) <= 80
    with words.language(language):
        assert squeezed(words.say("range.title", optimizer="sgd", task="sine")) in squeezed(ran.out)
    content = json.loads((tmp_path / "range.json").read_text("utf-8"))
    assert content["suggestion"] == 0.01
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "range.html",
        "range.json",
        "table.parquet",
    }
    page = (tmp_path / "out/range.html").read_text("utf-8")
    assert "kobai range sine --optimizer sgd --learning-rates 0.001,0.01,1000 --steps 40" in page


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_help_explains_every_option(kobai_here, language):
    out = kobai_here("range", "--help", "--language", language).out
    assert widest(out) <= 80
    column = len(re.search(r"^  --help +", out, re.MULTILINE)[0])
    said = squeezed("".join(line[column:] for line in out.splitlines()))
    table = words.TABLES[language]
    keys = [key for key in table if key.startswith("help.range.")]
    assert len(keys) == 7
    for key in keys:
        assert squeezed(table[key]) in said
        assert f"--{key.removeprefix('help.range.')} " in out


def test_help_and_mistakes_import_nothing_heavy(place):
    light = [["range", "--help"], ["range"], ["range", "sine", "--learning-rates", "x"]]
    assert imports_nothing_heavy(light, place)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (("range", "sine", "--optimizer", "bfgs"), ["one update rule", "bfgs"]),
        (("range", "sine", "--learning-rates", "0.1"), ["at least two learning rates"]),
        (("range", "sien"), ["sien", "sine"]),
        (("range", "sine", "--json", "nowhere/x.json"), ["nowhere/x.json"]),
    ],
)
def test_mistakes_are_one_line(kobai_here, line, parts):
    assert refused_in_one_line(kobai_here, line, parts)
