"""The effect of each axis as tables, one an axis and a row a value. Terminal and HTML share them.

A column of which no value has anything to say is left out: what early stopping saved, batches left out,
divergence.
"""

from collections.abc import Sequence

from kobai.questions.comparison.numbers import signed, unit
from kobai.questions.comparison.sentences import axis as name_of
from kobai.questions.comparison.table import measured, or_dash
from kobai.study.answer import Answer
from kobai.study.effects import Effect
from kobai.words import metric, say

COLUMNS = ("value", "learning_rate", "initializer", "reached", "steps", "stays", "test", "difference", "gap")


def columns(values: Sequence[Effect]) -> list[str]:
    """The columns of one axis."""
    present = {
        "saved": any(effect.saved is not None for effect in values),
        "skipped": any(effect.skipped for effect in values),
        "diverged": any(effect.diverged for effect in values),
    }
    return [*COLUMNS, *(name for name, has in present.items() if has)]


def headers(answer: Answer, axis: str) -> list[str]:
    """The heads of the columns, broken into lines."""
    points = "points" if answer.metric == "accuracy" else "plain"
    special = {
        "value": name_of(axis),
        "steps": unit(answer).phrase("table.first"),
        "difference": say(f"effects.difference.{points}", baseline=answer.effects[axis][0].value),
    }
    shared = ("learning_rate", "initializer", "reached", "stays", "test")
    return [
        special.get(name) or say(f"table.{name}" if name in shared else f"effects.{name}")
        for name in columns(answer.effects[axis])
    ]


def rows(answer: Answer, axis: str) -> list[list[str]]:
    """The cells of one axis, the baseline first."""
    values, percent = answer.effects[axis], answer.metric == "accuracy"
    table = []
    for effect in values:
        cells = {
            **measured(answer, effect),
            "value": effect.value,
            "difference": say("effects.baseline")
            if effect is values[0]
            else signed(effect.difference, percent),
            "gap": "–" if effect.gap is None else f"{effect.gap:.3f}".replace("-", "−"),
            "saved": or_dash(effect.saved, "{:.0%}"),
            "skipped": str(effect.skipped),
            "diverged": str(effect.diverged),
        }
        table.append([cells[name] for name in columns(values)])
    return table


def caption(answer: Answer) -> str:
    """How the values are compared."""
    return say("effects.caption", optimizer=answer.optimizer.choice, seeds=len(answer.seeds))


def meanings(answer: Answer) -> list[tuple[str, str]]:
    """What the columns mean that any of the tables has: heads and sentences."""
    pairs: dict[str, tuple[str, str]] = {}
    for axis, values in answer.effects.items():
        for name, head in zip(columns(values), headers(answer, axis), strict=True):
            term = say("effects.value") if name == "value" else head.replace("\n", " ")
            pairs.setdefault(name, (term, say(f"effects.column.{name}", metric=metric(answer.metric))))
    return list(pairs.values())
