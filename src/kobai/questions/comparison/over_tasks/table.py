"""The table over tasks as strings, one row a candidate: terminal, notebook and page share it."""

from collections.abc import Mapping

from kobai.questions.comparison.numbers import worse
from kobai.questions.comparison.over_tasks import sentences
from kobai.questions.comparison.table import MEMBER, NOT_BEST
from kobai.study.answer import Answer
from kobai.study.over_tasks import APART, SCALES, OverTask, OverTasks
from kobai.study.question import SKETCH, Cost
from kobai.words import say

LETTERS = 12
"""A longer name of a task is broken at the head of its column."""


def headers(over: OverTasks) -> list[str]:
    """The heads of the columns, broken into lines: the tasks between the candidate and what they say
    together."""
    together = [say(f"over.table.{name}") for name in ("mean", "high", "leads", "member")]
    return [say("table.optimizer"), *map(_broken, over.tasks), *together]


def rows(over: OverTasks, answers: Mapping[str, Answer]) -> list[list[str]]:
    """The cells of the table, the candidate that costs least on average first."""
    return [_row(over, answers, each) for each in over.candidates]


def _row(over: OverTasks, answers: Mapping[str, Answer], each: OverTask) -> list[str]:
    mean = "–" if each.mean is None else sentences.cost(over, answers, each.mean)
    high = "–" if each.high is None else f"≤ {sentences.cost(over, answers, each.high)}"
    sign = MEMBER if each.member else NOT_BEST if each.not_best else ""
    return [
        each.name,
        *(_cell(answers[task], cost) for task, cost in each.costs.items()),
        mean,
        high,
        f"{each.leads}/{len(over.tasks)}",
        "" if over.untold in (APART, SCALES, SKETCH) or each.mean is None else sign,
    ]


def _cell(answer: Answer, cost: Cost | None) -> str:
    """35 % ●: how much more than the best of the task, and whether it may be that; a dash if untried."""
    if cost is None:
        return "–"
    sketch = answer.optimizer.untold == SKETCH
    sign = " " if sketch else MEMBER if cost.member else NOT_BEST if cost.not_best else " "
    return f"{worse(answer, cost.estimate)} {sign}"


def _broken(name: str) -> str:
    """The name of a task in lines that are no longer than `LETTERS`, where it has a place to break."""
    lines = [""]
    for part in name.replace(":", ":\n").replace(",", ",\n").replace("-", "-\n").split("\n"):
        if lines[-1] and len(lines[-1]) + len(part) > LETTERS:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
