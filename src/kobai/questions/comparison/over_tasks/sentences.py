"""What several tasks say together, in words: terminal, page and notebook share them."""

from collections.abc import Iterator, Mapping

from kobai.questions.comparison.numbers import scale, worse
from kobai.study.answer import Answer
from kobai.study.over_tasks import APART, SCALES, OverTasks
from kobai.study.question import SKETCH
from kobai.words import metric, say

Answers = Mapping[str, Answer]
"""The answer to each task, by its name."""


def headline(over: OverTasks, answers: Answers) -> str:
    """What was asked: the tasks, what decides, seeds and trainings."""
    return say(
        "over.headline.mixed" if over.untold == SCALES else f"over.headline.{_scale(over, answers)}",
        names=listed(over.tasks),
        metric=metric(over.metric),
        seeds=over.seeds,
        trainings=sum(answer.trainings for answer in answers.values()),
    )


def answer(over: OverTasks, answers: Answers) -> str:
    """What the choice costs on average, on how many tasks it is among the best, and how the others stand."""
    parts = [_costs(over, answers), *_others(over)]
    return say("answer.join").join(parts) + say("answer.end")


def cost(over: OverTasks, answers: Answers, value: float) -> str:
    """A cost over the tasks, as those of one task are told: 12 %, .8 points."""
    return worse(answers[over.counted[0]], value)


def notes(over: OverTasks) -> list[str]:
    """What is to be read with care."""
    return list(_notes(over))


def listed(names: tuple[str, ...] | list[str]) -> str:
    """digits, sine and adding."""
    every = list(names)
    if len(every) > 1:
        every[-2:] = [say("answer.and").join(every[-2:])]
    return say("answer.comma").join(every)


def _scale(over: OverTasks, answers: Answers) -> str:
    return scale(answers[over.counted[0]])


def _costs(over: OverTasks, answers: Answers) -> str:
    choice = over.choice
    counts = {"leads": choice.leads, "among": choice.among_best, "count": len(over.tasks)}
    wins = say("over.leads" if over.untold == SKETCH else "over.wins", **counts)
    if choice.mean is None:
        return say("over.join").join([say("over.ranked", name=choice.name), wins])
    high = ""
    if choice.high is not None:
        key = "over.high" if choice.high > 0 else "over.high.nothing"
        high = say(key, high=cost(over, answers, choice.high))
    phrase = "over.costs" if choice.mean > 0 else "over.nothing"
    values = {"mean": cost(over, answers, choice.mean), "high": high, "metric": metric(over.metric)}
    costs = say(f"{phrase}.{_scale(over, answers)}", name=choice.name, **values)
    return say("over.join").join([costs, wins])


def _others(over: OverTasks) -> Iterator[str]:
    """How the other candidates stand over all tasks; nothing where nobody is excluded for want of seeds."""
    if over.untold:
        return
    others = [each for each in over.candidates[1:] if each.mean is not None]
    for key, names in (
        ("as_good", [each.name for each in others if each.member]),
        ("doubtful", [each.name for each in others if not (each.member or each.not_best)]),
        ("not_best", [each.name for each in others if each.not_best]),
    ):
        if names:
            yield say(f"over.{key}.{'one' if len(names) == 1 else 'many'}", names=listed(names))


def _notes(over: OverTasks) -> Iterator[str]:
    if over.untold == SKETCH:
        yield say("over.sketch", seeds=over.seeds)
    elif over.untold in (SCALES, APART):
        yield say(f"over.{over.untold}")
    left_out = [name for name in over.tasks if name not in over.counted]
    if left_out and over.untold not in (SCALES, APART):
        yield say("over.left_out", names=listed(over.counted), others=listed(left_out))
    if over.choice.mean is not None and over.unbounded and over.untold != SKETCH:
        yield say("over.unbounded", names=listed(over.unbounded))
    elsewhere = [each.name for each in over.candidates if None in each.costs.values()]
    if elsewhere and over.untold != APART:
        number = "one" if len(elsewhere) == 1 else "many"
        yield say(f"over.elsewhere.{number}", names=listed(elsewhere))


def key(over: OverTasks, answers: Answers) -> str:
    """What the numbers and the signs in the columns of the tasks are."""
    own = _scale(over, answers)
    if len({scale(answers[name]) for name in over.tasks}) > 1:
        return say("over.table.key.mixed")
    return say("over.table.key" if own == "steps" else f"over.table.key.{own}")
