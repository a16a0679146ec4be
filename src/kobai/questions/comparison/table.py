"""The table of a comparison as strings, one row an optimizer. Terminal and HTML share it."""

import math

from kobai.questions.comparison.numbers import interval, number, unit
from kobai.study.answer import Answer
from kobai.study.effects import Effect
from kobai.study.rows import Row
from kobai.study.statistics import Estimate, limit
from kobai.words import say

COLUMNS = ("optimizer", "learning_rate", "initializer", "reached", "steps", "stays", "test", "ratio", "p")
WIDE = ("working_decades", "trials", "seconds", "memory", "loss")
EDGE = {"low": "◂", "high": "▸", None: ""}
BARS = "▁▂▃▄▅▆▇█"


def columns(answer: Answer, wide: bool = False) -> list[str]:
    """The columns: where axes have several values, one for each behind the initial value."""
    i = COLUMNS.index("initializer") + 1
    names = [*COLUMNS[:i], *answer.axes, *COLUMNS[i:], *(WIDE if wide else ())]
    if answer.epoch is not None:  # then seconds say what epochs do not
        names.insert(names.index("stays") + 1, "seconds_to_target")
    return names


def headers(answer: Answer, wide: bool = False) -> list[str]:
    """The heads of the columns, broken into lines."""
    reference = answer.optimizer.choice
    special = {name: say(f"axis.{name}") for name in answer.axes} | {
        "steps": unit(answer).phrase("table.cost")
    }
    if answer.epoch is not None:  # one more column has to fit
        special["initializer"] = say("table.start")
    return [special.get(name) or say(f"table.{name}", reference=reference) for name in columns(answer, wide)]


def rows(answer: Answer, wide: bool = False) -> list[list[str]]:
    """The cells of the table, best optimizer first; unequal numbers of trials stand behind the name."""
    unequal = len({row.trials for row in answer.rows}) > 1
    return [_row(answer, row, wide, unequal) for row in answer.rows]


def _row(answer: Answer, row: Row, wide: bool, unequal: bool) -> list[str]:
    reference = row.optimizer == answer.optimizer.choice
    texts, cost = measured(answer, row), unit(answer)
    cells = [
        f"{row.optimizer} ({row.trials})" if unequal else row.optimizer,
        texts["learning_rate"],
        texts["initializer"],
        *(row.values[name] for name in answer.axes),
        texts["reached"],
        texts["steps"],
        cost.count(row.stays.value or 0) if row.kept else f">{cost.count(answer.steps)}",
        *([] if answer.epoch is None else [f"{row.seconds_to_target:.2g}"]),
        texts["test"],
        say("table.reference") if reference else _ratio(row.ratio, row.bound),
        _p(None if row.ratio.value is None and row.bound != "=" else row.corrected_p),
    ]
    if wide:
        cells += [
            or_dash(row.working_decades, "{:.1f}"),
            str(row.trials),
            f"{row.seconds:.3g}",
            str(row.memory),
            sparkline(row.curve),
        ]
    return cells


def measured(answer: Answer, row: Row | Effect) -> dict[str, str]:
    """The cells that tell what came of one row on the fresh seeds, by column."""
    cost = unit(answer)
    return {
        "learning_rate": or_dash(row.learning_rate, "{:.3g}") + EDGE[row.edge],
        "initializer": row.initializer,
        "reached": f"{row.reached}/{row.seeds}",
        "steps": cost.estimate(row.steps) if row.reached else f">{cost.count(answer.steps)}",
        "test": or_dash(row.test_metric, "{:.1%}" if answer.metric == "accuracy" else "{:.3g}"),
    }


def sparkline(values: tuple[float, ...], width: int = 12) -> str:
    """A curve in `width` characters, on a logarithmic scale where all values are positive."""
    points = [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)]
    finite = [value for value in points if math.isfinite(value)]
    if not finite:
        return "×" * width
    scale = math.log if min(finite) > 0 else float
    low, high = scale(min(finite)), scale(max(finite))
    height = (high - low) or 1.0
    return "".join(
        BARS[round((scale(value) - low) / height * (len(BARS) - 1))] if math.isfinite(value) else "×"
        for value in points
    )


def _ratio(estimate: Estimate, bound: str) -> str:
    """1.31 [1.18–1.45], ≥ 3.2 where it is a bound, = 1 where all pairs are equal, a dash for none."""
    if bound == "=":
        return "= 1"
    end = limit(estimate, bound)
    if estimate.value is None or (bound and end is None):
        return "–"
    return f"{bound} {number(end)}" if end is not None else number(estimate.value) + interval(estimate)


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0") if value < 0.9995 else "1"


def or_dash(value: float | None, form: str) -> str:
    """A number in this form, or a dash for none."""
    return "–" if value is None else form.format(value)
