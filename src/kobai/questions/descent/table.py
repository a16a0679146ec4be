"""The table of a descent as strings, one row a path; and its sentences. Terminal and HTML share them."""

import math
from collections import Counter
from collections.abc import Collection

from kobai.candidates.values import rate_is_factor, written
from kobai.questions.descent.grid import RATES
from kobai.questions.descent.outcome import DescentOutcome, PathRow
from kobai.report import cut
from kobai.words import say

COLUMNS = ("method", "learning_rate", "hyperparameters", "first", "stays", "value", "evaluations", "status")
LEFT = ("method", "hyperparameters", "status")

LETTERS = {"momentum": "α", "decay": "ρ", "decay_1": "ρ₁", "decay_2": "ρ₂", "epsilon": "ε"}
"""What the formulas call a hyperparameter."""


def headers() -> list[str]:
    """The heads of the columns, broken into lines."""
    return [say(f"descent.column.{name}") for name in COLUMNS]


def rows(outcome: DescentOutcome) -> list[list[str]]:
    """The cells of the table, in its order."""
    differs = _differing(outcome)
    return [_cells(row, differs[row.method]) for row in outcome.rows]


def _differing(outcome: DescentOutcome) -> dict[str, set[str]]:
    """The hyperparameters of each method that have not one value in all of its rows."""
    spread: dict[str, dict[str, set[str]]] = {}
    for row in outcome.rows:
        for name, value in row.hyperparameters.items():
            spread.setdefault(row.method, {}).setdefault(name, set()).add(repr(value))
    return {
        row.method: {name for name, values in spread.get(row.method, {}).items() if len(values) > 1}
        for row in outcome.rows
    }


def _cells(row: PathRow, differing: set[str]) -> list[str]:
    return [
        row.method,
        rate(row),
        hyperparameters(row, differing),
        "–" if row.first is None else f"{row.first}",
        "–" if row.stays is None else f"{row.stays}",
        number(row.value),
        f"{row.evaluations}",
        status(row),
    ]


def rate(row: PathRow) -> str:
    """The learning rate; ×1 for a factor of the step, of a rule that has none."""
    if row.learning_rate is None:
        return "–"
    return f"{'×' if rate_is_factor(row.variant) else ''}{row.learning_rate:.4g}"


def number(value: float) -> str:
    """Three figures: 0.0236, 4, 2.62e-109, −9.06, −∞."""
    size = f"{abs(value):.3g}" if math.isfinite(value) else "∞"
    return f"−{size}" if value < 0 else size


def hyperparameters(row: PathRow, differing: Collection[str] = ()) -> str:
    """α 0.9; of ε, and of a minimizer's options, only those that differ from the usual or among the rows."""
    try:
        usual = vars(type(row.variant)())
    except TypeError:  # an optimizer of optax, which has no default
        usual = {}
    telling = {
        name: value
        for name, value in row.hyperparameters.items()
        if (name in LETTERS and name != "epsilon") or name in differing or value != usual.get(name, value)
    }
    return " ".join(
        f"{LETTERS.get(name, name)} {written(row.variant, name, value)}" for name, value in telling.items()
    )


def labels(outcome: DescentOutcome) -> list[str]:
    """A name of its own for each row: with hyperparameters where a method has several rows."""
    many = {name for name, count in Counter(row.method for row in outcome.rows).items() if count > 1}
    names, differs = [], _differing(outcome)
    for row in outcome.rows:
        letter = "" if rate_is_factor(row.variant) else "η "
        size = "" if row.learning_rate is None else f"{letter}{rate(row)}"
        others = hyperparameters(row, differs[row.method])
        parts = [row.method, size, others] if row.method in many else [row.method]
        names.append(" ".join(part for part in parts if part))
    counts: Counter[str] = Counter()
    for i, label in enumerate(names):
        counts[label] += 1
        names[i] = label if counts[label] == 1 else f"{label} ({counts[label]})"
    return names


def status(row: PathRow) -> str:
    """How the path ended, in words."""
    return say(f"descent.status.{row.status}", step=row.diverged_at)


def title(outcome: DescentOutcome) -> str:
    """The title: which landscape it is."""
    return say("descent.title", name=outcome.landscape.name)


def headline(outcome: DescentOutcome) -> str:
    """The sentence that says from where, how far, and what counts as arrived."""
    start = outcome.start
    where = ", ".join(number(x) for x in start[:4]) + (", …" if len(start) > 4 else "")
    dimensions = say("descent.dimension" if len(start) == 1 else "descent.dimensions", n=len(start))
    values = {"dimensions": dimensions, "start": where, "steps": outcome.steps}
    return say("descent.headline", **values, level=level(outcome))


def level(outcome: DescentOutcome) -> str:
    """The value below which a path has arrived."""
    return f"{outcome.level:.6g}".replace("-", "−", 1)


def joined(head: str) -> str:
    """The head of a column in one line: evaluations, from evalu-, ations."""
    return head.replace("-\n", "").replace("\n", " ")


def notes(outcome: DescentOutcome) -> list[str]:
    """What one must know to read the table."""
    sentences = cut.word("first", len(outcome.rows), outcome.total)
    factors = dict.fromkeys(row.method for row in outcome.rows if rate_is_factor(row.variant))
    if factors:
        sentences.append(say("answer.factor", names=say("answer.comma").join(factors)))
    if outcome.searched:
        names = say("answer.comma").join(outcome.searched)
        sentences.append(
            say("descent.note.searched", names=names, count=len(RATES), low=RATES[0], high=RATES[-1])
        )
    if any(row.status == "converged" for row in outcome.rows):
        known = outcome.landscape.least is not None
        sentences.append(
            say("descent.note.converged" if known else "descent.note.stationary", level=level(outcome))
        )
    return sentences
