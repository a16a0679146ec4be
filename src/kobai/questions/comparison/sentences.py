"""The answer in words: three lines, and the sentences of caution. Terminal, HTML and notebook share them."""

from collections.abc import Iterator, Mapping

from kobai.questions.comparison.numbers import Unit, interval, number, unit
from kobai.study.answer import Answer
from kobai.study.notes import NOTHING
from kobai.study.question import Question
from kobai.study.rows import Row
from kobai.study.statistics import Comparison, Estimate, limit
from kobai.words import metric, say


def lines(answer: Answer) -> list[str]:
    """The answers, one paragraph each: the choice, its ratio to each alternative, what is open."""
    cost = unit(answer)
    chosen = next(row for row in answer.rows if row.optimizer == answer.optimizer.choice)
    more = {"optimizer": _cost(answer, chosen)}
    if chosen.saved:
        more["early_stopping"] = say("answer.saved", part=f"{chosen.saved:.0%}")
    lines = []
    for name, question in answer.questions.items():
        key, names = (
            ("answer.axis", {"axis": say(f"axis.{name}")}) if name in answer.axes else (f"answer.{name}", {})
        )
        saved = {each.value: each.saved for each in answer.effects.get(name, ()) if each.saved is not None}
        choice = say(key, choice=question.choice, **names) + more.get(name, "")
        line = _line(choice, question, cost, saved if name == "early_stopping" else {})
        lines.append(say("answer.join").join([line, *_alone(name, question, chosen)]) + say("answer.end"))
    return lines


def warnings(answer: Answer) -> list[str]:
    """What stands above the answers: that nothing can be told apart."""
    return [str(note) for note in answer.notes if note.key in NOTHING]


def notes(answer: Answer) -> list[str]:
    """The other sentences of caution."""
    return [str(note) for note in answer.notes if note.key not in NOTHING]


def _cost(answer: Answer, chosen: Row) -> str:
    """Steps to the target of what is recommended, and how many runs those are; nothing where none arrived."""
    cost = unit(answer)
    if not chosen.reached:
        return ""
    steps = cost.estimate(chosen.steps)
    if chosen.reached == chosen.seeds:
        return cost.phrase("answer.cost", cost=steps)
    counts = {"reached": chosen.reached, "seeds": chosen.seeds, "budget": cost.count(answer.steps)}
    return cost.phrase("answer.some", cost=steps, **counts)


def _alone(name: str, question: Question, chosen: Row) -> Iterator[str]:
    """That there was nothing to compare the choice with, and what there was instead."""
    if question.alternatives:
        return
    if name == "optimizer" and chosen.trials > 1:
        yield say("answer.alone.settings", settings=chosen.trials)
    elif name == "learning_rate" and chosen.learning_rate is None:
        yield say("answer.alone.no_rate", optimizer=chosen.optimizer)
    else:
        yield say(f"answer.alone.{name}")


def headline(answer: Answer) -> str:
    """What was asked: task, target, budget, seeds."""
    return say(
        "answer.headline",
        task=answer.task,
        metric=metric(answer.metric),
        relation="≥" if answer.maximize else "≤",
        target=f"{answer.target:.4g}",
        source=say("answer.stated" if answer.target_stated else "answer.derived"),
        budget=unit(answer).phrase("answer.budget", count=unit(answer).count(answer.steps)),
        seeds=len(answer.seeds),
        trainings=answer.trainings,
    )


def _line(choice: str, question: Question, cost: Unit, saved: Mapping[str, float]) -> str:
    """adam: 65 steps [59–71]. Fewer steps than: sgd (1.3× [1.1–1.6]). Cannot be told apart: rmsprop …

    `saved`: the part of the steps that an alternative saved, by name.
    """

    def listed(comparisons: tuple[Comparison, ...]) -> str:
        return say("answer.comma").join(
            f"{c.name} ({ratio(c.ratio, c.bound)}{more(c.name)})" for c in comparisons
        )

    def more(name: str) -> str:
        return say("answer.saves", part=f"{saved[name]:.0%}") if name in saved else ""

    parts = [choice]
    if question.faster:
        parts.append(say("answer.faster", names=listed(question.faster)))
    if question.established:
        parts.append(cost.phrase("answer.slower", names=listed(question.established)))
    if question.open:
        parts.append(say("answer.open", names=listed(question.open)))
    return say("answer.join").join(parts)


def ratio(estimate: Estimate, bound: str = "") -> str:
    """1.31× [1.18–1.45], ≥ 3.2× where it is a bound, or that it is equal, or not estimable."""
    if bound == "=":
        return say("answer.equal")
    end = limit(estimate, bound)
    if estimate.value is None or (bound and end is None):
        return say("answer.not_estimable")
    if end is not None:
        return f"{bound} {number(end)}×"
    return f"{number(estimate.value)}×{interval(estimate)}"
