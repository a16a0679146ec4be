"""The table of a comparison as strings, one row an optimizer. Terminal and HTML share it."""

import math

from kobai.questions.comparison.numbers import interval, number, signed, unit, worse
from kobai.report.cut import p_value
from kobai.study.answer import Answer
from kobai.study.baselines import Baseline, metric_value
from kobai.study.criterion import FINAL, SECONDS, STEPS
from kobai.study.effects import Effect
from kobai.study.question import SKETCH
from kobai.study.rows import Row
from kobai.study.statistics import Estimate, limit
from kobai.words import Term, say

COLUMNS = ("optimizer", "learning_rate", "initializer", "reached", "steps", "stays", "test", "cost", "best")
WIDE = ("ratio", "p", "working_decades", "trials", "seconds", "memory", "loss")
EDGE = {"low": "◂", "high": "▸", None: ""}
MEMBER, NOT_BEST = "●", "×"
"""Signs of those that may be the best, and of those that are shown not to be."""
BARS = "▁▂▃▄▅▆▇█"


def columns(answer: Answer, wide: bool = False) -> list[str]:
    """The columns: where axes have several values, one for each behind the initial value."""
    i = COLUMNS.index("initializer") + 1
    names = [*COLUMNS[:i], *answer.columns, *COLUMNS[i:], *(WIDE if wide else ())]
    if (name := _more(answer)) is not None:
        names.insert(names.index("stays") + 1, name)
    return names


def deciding(answer: Answer) -> str:
    """The column of what decides."""
    return "steps" if answer.by == STEPS else _more(answer) or "steps"


def _more(answer: Answer) -> str | None:
    """A column beside the steps: of what decides, where that is something else; and seconds, which say what
    epochs do not."""
    if answer.by == FINAL:
        return "final"
    return "seconds_to_target" if answer.by == SECONDS or answer.epoch is not None else None


def headers(answer: Answer, wide: bool = False) -> list[str]:
    """The heads of the columns, broken into lines."""
    reference = answer.optimizer.choice
    special = {name: say(f"axis.{name}") for name in answer.columns} | {
        "steps": unit(answer).phrase("table.first")
    }
    special["cost"] = say(f"table.cost.{'steps' if answer.by != FINAL else answer.by}")
    if _more(answer) is not None:  # one more column has to fit
        special["initializer"] = say("table.start")
    return [special.get(name) or say(f"table.{name}", reference=reference) for name in columns(answer, wide)]


def rows(answer: Answer, wide: bool = False) -> list[list[str]]:
    """The cells of the table, fewest steps first; unequal numbers of trials stand behind the name."""
    unequal = len({row.trials for row in answer.rows}) > 1
    return [_row(answer, row, wide, unequal) for row in answer.rows]


def _row(answer: Answer, row: Row, wide: bool, unequal: bool) -> list[str]:
    reference = row.optimizer == answer.optimizer.choice
    texts = measured(answer, row)
    cells = [
        f"{row.optimizer} ({row.trials})" if unequal else row.optimizer,
        texts["learning_rate"],
        texts["initializer"],
        *(row.values[name] for name in answer.columns),
        texts["reached"],
        texts["steps"],
        texts["stays"],
        *_decides(answer, row),
        texts["test"],
        _cost(answer, row.cost),
        _best(answer, row),
    ]
    if wide:
        cells += [
            say("table.reference") if reference else _ratio(row.ratio, row.bound),
            _p(None if row.ratio.value is None and row.bound != "=" else row.corrected_p),
            or_dash(row.working_decades, "{:.1f}"),
            str(row.trials),
            f"{row.seconds:.3g}",
            str(row.memory),
            sparkline(row.curve),
        ]
    return cells


def _decides(answer: Answer, row: Row) -> list[str]:
    """The cell of the column that `_more` names."""
    if answer.by == FINAL:
        return [metric_value(answer.metric, row.compared)]
    seconds = row.compared if answer.by == SECONDS else row.seconds_to_target
    return [] if _more(answer) is None else [f"{seconds:.2g}"]


def measured(answer: Answer, row: Row | Effect) -> dict[str, str]:
    """The cells that tell what came of one row on the fresh seeds, by column."""
    cost = unit(answer)
    return {
        "learning_rate": or_dash(row.learning_rate, "×{:.3g}" if row.rate_is_factor else "{:.3g}")
        + EDGE[row.edge],
        "initializer": row.initializer,
        "reached": f"{row.reached}/{row.seeds}",
        "steps": cost.estimate(row.steps) if row.reached else f">{cost.count(answer.steps)}",
        "stays": cost.count(row.stays.value or 0) if row.kept else f">{cost.count(answer.steps)}",
        "test": "–" if row.test_metric is None else metric_value(answer.metric, row.test_metric),
    }


def criterion_headers(answer: Answer) -> list[str]:
    """The heads of the table of criteria: one for each by which the same candidates are judged."""
    return [say("table.optimizer"), *(say(f"table.by.{each.by}") for each in answer.criteria)]


def criterion_rows(answer: Answer) -> list[list[str]]:
    """What choosing each optimizer costs at most by each criterion, and whether it may be the best by it;
    no rows where one alone decides."""
    if len(answer.criteria) == 1:
        return []
    found = [
        {row.optimizer: f"{_cost(each, row.cost)} {_best(each, row)}" for row in each.rows}
        for each in answer.criteria
    ]
    return [[row.optimizer, *(each.get(row.optimizer, "–").strip() for each in found)] for row in answer.rows]


def baseline_headers(answer: Answer) -> list[str]:
    """The heads of the table of baselines."""
    unit = "points" if answer.metric == "accuracy" else "plain"
    heads = [say("baselines.name"), say("table.test")]
    heads.append(say(f"baselines.difference.{unit}", optimizer=answer.optimizer.choice))
    return [*heads, say("baselines.meaning")] if answer.meaning else heads


def baseline_rows(answer: Answer) -> list[list[str]]:
    """The baselines, best first, and below them the recommended network where it has a meaning to tell."""
    rows = [_baseline(answer, each) for each in answer.baselines]
    if answer.meaning:
        winner = next(row for row in answer.rows if row.optimizer == answer.optimizer.choice)
        rows.append([winner.optimizer, measured(answer, winner)["test"], "", str(answer.meaning)])
    return rows


def _baseline(answer: Answer, baseline: Baseline) -> list[str]:
    cells = [
        str(Term("baseline", baseline.name)),
        metric_value(answer.metric, baseline.test_metric),
        signed(baseline.difference, answer.metric == "accuracy"),
    ]
    return [*cells, str(baseline.meaning or "")] if answer.meaning else cells


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


def _cost(answer: Answer, bound: float | None) -> str:
    """≤ 35 %; of one that alone may be the best 0 %, and a dash where no bound is told."""
    if bound is None:
        return "–"
    return f"≤ {worse(answer, bound)}" if bound > 0 else worse(answer, bound)


def _best(answer: Answer, row: Row) -> str:
    """Whether it may be the best, or is not; nothing where neither is said."""
    if answer.optimizer.untold == SKETCH:
        return ""
    return MEMBER if row.best else NOT_BEST if row.not_best else ""


def _ratio(estimate: Estimate, bound: str) -> str:
    """1.31 [1.18–1.45], ≥ 3.2 where it is a bound, = 1 where all pairs are equal, a dash for none."""
    if bound == "=":
        return "= 1"
    end = limit(estimate, bound)
    if estimate.value is None or (bound and end is None):
        return "–"
    return f"{bound} {number(end)}" if end is not None else number(estimate.value) + interval(estimate)


def _p(value: float | None) -> str:
    return "" if value is None else p_value(value)


def or_dash(value: float | None, form: str) -> str:
    """A number in this form, or a dash for none."""
    return "–" if value is None else form.format(value)
