"""The answer in words: three lines, and the sentences of caution. Terminal, HTML and notebook share them."""

from collections.abc import Mapping

from kobai.questions.comparison.numbers import Unit, interval, number, unit
from kobai.study.answer import Answer, Question
from kobai.study.statistics import Comparison, Estimate
from kobai.words import metric, say


def lines(answer: Answer) -> list[str]:
    """The answers, one paragraph each: the choice, its ratio to each alternative, what is open."""
    cost = unit(answer)
    chosen = next(row for row in answer.rows if row.optimizer == answer.optimizer.choice)
    steps = cost.phrase("answer.cost", cost=cost.estimate(chosen.steps))
    more = {"optimizer": steps if chosen.reached else ""}
    if chosen.saved:
        more["early_stopping"] = say("answer.saved", part=f"{chosen.saved:.0%}")
    lines = []
    for name, question in answer.questions.items():
        key, names = (
            ("answer.axis", {"axis": say(f"axis.{name}")}) if name in answer.axes else (f"answer.{name}", {})
        )
        saved = {each.value: each.saved for each in answer.effects.get(name, ()) if each.saved is not None}
        choice = say(key, choice=question.choice, **names) + more.get(name, "")
        lines.append(_line(choice, question, cost, saved if name == "early_stopping" else {}))
    return lines


def notes(answer: Answer) -> list[str]:
    """The sentences of caution."""
    return [str(note) for note in answer.notes]


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
    if not question.alternatives:
        parts.append(say("answer.alone"))
    return say("answer.join").join(parts) + say("answer.end")


def ratio(estimate: Estimate, bound: str = "") -> str:
    """1.31× [1.18–1.45], ≥ 3.2× where it is a bound, or that it is not estimable."""
    if estimate.value is None:
        return say("answer.not_estimable")
    if bound:
        return f"{bound} {number(estimate.value)}×"
    return f"{number(estimate.value)}×{interval(estimate)}"
