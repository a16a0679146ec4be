"""Every bound lies beyond healthy trainings or is called a choice, and the pages say what was measured."""

import json
import re
from pathlib import Path

import pytest

from kobai.questions.diagnosis import healthy
from kobai.questions.diagnosis.cures import CURES
from kobai.questions.diagnosis.sick import sick
from measured import benchmark

ROOT = Path(__file__).parents[3]
MEASURED = json.loads((ROOT / "benchmarks/diagnosis.json").read_text("utf-8"))
BOUNDS = {name: value for name, value in vars(healthy).items() if name.isupper()}

SIGNS = {
    "BY_HEART": ["fitted"],
    "SATURATED": ["saturated from the start"],
    "SATURATED_LATER": ["saturated"],
    "GAIN": ["gain of layers", "gain of time"],
    "IDLE": ["used"],
    "STEADY": ["overshot"],
}
"""What each bound is a bound of, where it is not called so."""

BEYOND = {
    "above it": lambda bound, low, high: high < bound,  # noqa: ARG005
    "below it": lambda bound, low, high: bound < low,  # noqa: ARG005
    "above it, or below its inverse": lambda bound, low, high: 1 / bound < low and high < bound,
}


def page(ending):
    return (ROOT / f"docs/how-to/diagnose{ending}").read_text("utf-8")


def rows(ending):
    """(bound, value, healthy trainings, what counts) of each row of the page's table of bounds."""
    return re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \| (.+?) \| (.+?) \|$", page(ending), re.MULTILINE)


def written(name):
    """The ranges of a bound's signs, as the page writes them."""
    every = (MEASURED["ranges"][sign] for sign in SIGNS.get(name, [name.lower()]))
    return [f"{low:.2g} to {high:.2g}".replace("-", "−", 1 if low < 0 else 0) for low, _, high in every]


def test_the_page_holds_every_bound_beside_what_was_measured():
    for name in BOUNDS:
        own = [row for row in rows(".md") if row[0] == name]
        assert [float(value) for _, value, _, _ in own] == [BOUNDS[name]] * len(own)
        assert [re.sub(r" \(\w+\)$", "", seen) for _, _, seen, _ in own] == written(name)
    assert {row[0] for row in rows(".md")} == set(BOUNDS)


def test_every_bound_lies_beyond_healthy_trainings_or_is_called_a_choice():
    choices = set()
    for name, bound in BOUNDS.items():
        for row, sign in zip(
            (row for row in rows(".md") if row[0] == name), SIGNS.get(name, [name.lower()]), strict=True
        ):
            if row[3].startswith("a choice: "):
                choices.add(name)
            else:
                low, _, high = MEASURED["ranges"][sign]
                assert BEYOND[row[3]](bound, low, high), name
    source = Path(healthy.__file__).read_text("utf-8")
    called = re.findall(r'^([A-Z_]+) = .+\n"""((?:.|\n)*?)"""', source, re.MULTILINE)
    assert choices == {name for name, text in called if "choice" in text}
    # The wrong variant: three tenths, which a healthy training has risen again.
    low, _, high = MEASURED["ranges"]["risen"]
    assert not BEYOND["above it"](0.3, low, high)


def test_the_japanese_page_has_the_same_numbers():
    def bare(table):
        return [(*row[:2], re.findall(r"−?\d[\d.e+]*", row[2])) for row in table]

    assert bare(rows(".ja.md")) == bare(rows(".md"))
    choices = [row[0] for row in rows(".md") if row[3].startswith("a choice")]
    assert [row[0] for row in rows(".ja.md") if row[3].startswith("選んだ値")] == choices


@pytest.mark.parametrize(
    ("ending", "sentences"),
    [
        (
            ".md",
            (
                "**Sick trainings**: {sick},",
                "Of {sick} sick ones {named} had",
                "**Healthy trainings**: {healthy},",
            ),
        ),
        (
            ".ja.md",
            (
                "**問題のある学習**: {sick}件",
                "{sick}件のうち{named}件で、正しい問題が",
                "**正常な学習**: {healthy}件",
            ),
        ),
        (".md", ("Nor was any in {decayed} of them", "**Held out**: {held_out} settings")),
        (".ja.md", ("そのうち{decayed}件", "**境界を決めるのに使っていない学習**: {held_out}件")),
        (".md", ("something to try for {curable} of the {sick}", "a cure confirmed for {cured}.")),
        (".ja.md", ("{sick}件のうち、試せるものがあるのは{curable}件", "、{cured}件で効果が確認されました")),
    ],
)
def test_the_page_says_how_often_it_was_right(ending, sentences):
    every = [right for each in MEASURED["named"].values() for right, _ in each]
    assert len(every) == len(sick())
    parts = ("healthy", "decayed", "held_out")
    assert not any(setting["troubles"] for part in parts for setting in MEASURED[part])
    counts = {"sick": len(every), "named": sum(every), **{part: len(MEASURED[part]) for part in parts}}
    counts["curable"] = sum(each.trouble in CURES for each in sick())
    assert counts["curable"] == len(MEASURED["cures"])
    counts["cured"] = sum(map(benchmark("diagnosis").is_cured, MEASURED["cures"]))
    text = " ".join(page(ending).split())
    for sentence in sentences:
        assert sentence.format(**counts) in text
