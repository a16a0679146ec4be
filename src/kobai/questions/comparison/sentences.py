"""The answer in words: a line for each question, and the sentences of caution. Terminal, HTML and notebook
share them."""

from collections.abc import Iterator, Mapping, Sequence

from kobai.questions.comparison.numbers import scale, unit, worse
from kobai.study.answer import Answer
from kobai.study.criterion import BY_END, FINAL, STEPS
from kobai.study.looks import ASKED, LOOKS, TIME, foreseen
from kobai.study.notes import ABOVE, FIRST
from kobai.study.question import EQUAL, FIXED, REACH, SKETCH, Question
from kobai.study.rows import Row
from kobai.words import Term, metric, say


def lines(answer: Answer) -> list[str]:
    """The answers, a paragraph each: the choice, what it costs, who may be as good, who is not the best."""
    winner = next(row for row in answer.rows if row.optimizer == answer.optimizer.choice)
    lines = []
    for name, question in answer.questions.items():
        parts = [_choice(answer, name, question, winner), *_said(answer, name, question)]
        lines.append(say("answer.join").join([*parts, *_alone(name, question, winner)]) + say("answer.end"))
    return [*lines, *_otherwise(answer)]


def _otherwise(answer: Answer) -> Iterator[str]:
    """What is found where something else decides, a line each; and whether the winner is another then."""
    for other in answer.criteria[1:]:
        yield say(f"answer.by.{other.by}", line=lines(other)[0], **_goal(other))
    if answer.turn not in BY_END:  # else a warning has said so
        for other in [other for other in answer.others if other.turn in BY_END][:1]:
            yield say("answer.by.nobody", target=f"{other.target:.4g}", steps=other.steps)
    winners = {each.by: each.optimizer.choice for each in answer.criteria}
    if len(set(winners.values())) > 1:
        named = [say(f"answer.winner.{by}", name=name) for by, name in winners.items()]
        yield say("answer.flips", names=say("answer.comma").join(named)) + say("answer.end")


def setting(answer: Answer, winner: Row) -> str:
    """What is recommended, in a few words: adam at 0.0316 with xavier, clip norm:1."""
    key = "answer.setting"
    if winner.learning_rate is None:
        key += ".no_rate"
    elif winner.rate_is_factor:
        key += ".factor"
    tuned = [say("answer.comma") + _value(name, question.choice) for name, question in answer.axes.items()]
    values = {"optimizer": winner.optimizer, "initializer": winner.initializer, "more": "".join(tuned)}
    return say(key, rate=answer.learning_rate.choice, **values)


def axis(name: str) -> str:
    """What an axis is called, or a hyperparameter: momentum.momentum."""
    return str(Term("axis", name))


def _value(name: str, value: str) -> str:
    """A value of an axis, or of a hyperparameter, in a sentence: clip norm:1, decay_1 0.99."""
    owner, _, field = name.partition(".")
    return f"{field} {value}" if field else say(f"answer.with.{owner}", value=value)


def _choice(answer: Answer, name: str, question: Question, winner: Row) -> str:
    """The choice, and by how much the best may be better."""
    values: dict[str, object] = {"count": _count(len(question.costs))}
    if name == "optimizer":
        choice, key = setting(answer, winner), "answer.costs"
    elif name in answer.axes:
        choice, key = say("answer.axis", axis=axis(name), choice=question.choice), "answer.line"
        if name == "early_stopping" and winner.saved:
            choice += say("answer.saved", part=f"{winner.saved:.0%}")
    else:
        factor = ".factor" if name == "learning_rate" and winner.rate_is_factor else ""
        choice, key = say(f"answer.{name}{factor}", choice=question.choice), "answer.line"
    high = question.cost.high
    if not question.alternatives or high is None:
        return choice
    if len(question.not_best) == len(question.costs) - 1:
        return say(f"{key}.alone.{scale(answer)}", choice=choice, metric=metric(answer.metric), **values)
    phrase = key if high > 0 else f"{key}.nothing"
    values |= {"metric": metric(answer.metric), "cost": worse(answer, high)}
    return say(f"{phrase}.{scale(answer)}", choice=choice, **values)


def _count(number: int) -> str:
    """A number in a sentence: in English a word up to twelve."""
    words = say("answer.numbers").split(say("answer.comma"))
    return words[number - 1] if number <= len(words) else f"{number:,}"


def _said(answer: Answer, name: str, question: Question) -> Iterator[str]:
    """Why no cost is told, and how each alternative stands."""
    if not question.alternatives:
        return
    saved = {each.value: each.saved for each in answer.effects.get(name, ()) if each.saved is not None}
    saved = saved if name == "early_stopping" else {}
    if question.untold == SKETCH:
        yield say("answer.ranking", names=_listed([cost.name for cost in question.costs], saved, last=False))
        return
    yield from _untold(answer, name, question)
    equal = [each for each in question.equal if question.of(each).member]
    if answer.by != STEPS:  # what arrives at the same step may differ in its end, and in its seconds
        equal = []
    rest = [each for each in question.best_set if each not in (question.choice, *equal)]
    is_member = question.choice in question.best_set
    for key, names in (
        ("answer.equal", equal),
        ("answer.as_good" if is_member else "answer.may_be", rest),
        ("answer.doubtful", question.doubtful),
        ("answer.not_best", question.not_best),
    ):
        if names:
            number = "one" if len(names) == 1 else "many"
            yield say(f"{key}.{number}", names=_listed(names, saved))


def _untold(answer: Answer, name: str, question: Question) -> Iterator[str]:
    """Why the cost of the choice is not told, once; and that some of its runs did not arrive."""
    is_first = name == "optimizer"
    reached, seeds = round(question.reach * len(answer.seeds)), len(answer.seeds)
    if question.untold == REACH and (is_first or answer.optimizer.untold != REACH):
        key = "answer.untold.reach" if reached else "answer.untold.nobody"
        yield say("answer.untold.lost" if answer.by == FINAL else key, reached=reached, seeds=seeds)
    elif question.cost.high is None and question.untold in (None, FIXED):
        if is_first or answer.optimizer.untold != FIXED:
            yield say("answer.untold.fixed")
    elif question.untold == EQUAL and answer.by == FINAL and is_first:
        yield say("answer.untold.equal", metric=metric(answer.metric))
    elif is_first and question.reach < 1 and answer.by != FINAL:
        yield say("answer.some", reached=reached, seeds=seeds, budget=budget(answer))


def _listed(names: Sequence[str], saved: Mapping[str, float], last: bool = True) -> str:
    """momentum, nesterov and adam; `last`: the last is joined by a word."""
    every = [
        say("answer.saves", name=name, part=f"{saved[name]:.0%}") if name in saved else name for name in names
    ]
    if last and len(every) > 1:
        every[-2:] = [say("answer.and").join(every[-2:])]
    return say("answer.comma").join(every)


def sketch(answer: Answer) -> list[str]:
    """The first line of all, where seeds are too few for anything but a ranking."""
    return [str(note) for note in answer.notes if note.key in FIRST]


def warnings(answer: Answer) -> list[str]:
    """What stands above the answers: that nothing can be told apart, or that no network is needed."""
    return [str(note) for note in answer.notes if note.key in ABOVE]


def notes(answer: Answer) -> list[str]:
    """The other sentences of caution."""
    return [str(note) for note in answer.notes if note.key not in (*FIRST, *ABOVE)]


def preparation(answer: Answer) -> str:
    """How the data were prepared, in one paragraph; nothing where nobody says it."""
    return say("report.space").join(map(str, answer.preparation))


def factors(answer: Answer) -> list[str]:
    """What × before a number says, where some rule has a factor in place of a learning rate."""
    names = [row.optimizer for row in answer.rows if row.rate_is_factor]
    return [say("answer.factor", names=say("answer.comma").join(names))] if names else []


def _alone(name: str, question: Question, winner: Row) -> Iterator[str]:
    """That there was nothing to compare the choice with, and what there was instead."""
    if question.alternatives:
        return
    if name == "optimizer" and winner.trials > 1:
        yield say("answer.alone.variants", variants=winner.trials)
    elif name == "learning_rate" and winner.learning_rate is None:
        yield say("answer.alone.no_rate", optimizer=winner.optimizer)
    else:
        yield say(f"answer.alone.{name}")


def budget(answer: Answer) -> str:
    """500 steps; where it was said in epochs 60 steps (5 epochs)."""
    cost = unit(answer)
    if answer.epochs is None:
        return cost.phrase("answer.budget", count=cost.count(answer.steps))
    return _both(answer, say("answer.budget.steps", count=answer.steps))


def spent(answer: Answer) -> str:
    """500; where it was said in epochs 60 (5 epochs)."""
    return str(answer.steps) if answer.epochs is None else _both(answer, str(answer.steps))


def _both(answer: Answer, steps: str) -> str:
    """A number of steps, and behind it the epochs that they are."""
    epochs = say("answer.budget.epochs", count=f"{answer.epochs:.3g}")
    return say("answer.budget.both", steps=steps, epochs=epochs)


def _goal(answer: Answer) -> dict[str, str]:
    """What is to be reached, as sentences take it: accuracy ≥ 0.95."""
    relation, target = "≥" if answer.maximize else "≤", f"{answer.target:.4g}"
    return {"metric": metric(answer.metric), "relation": relation, "target": target}


def stopping(answer: Answer) -> str:
    """Of a study that grows after how many looks it ended and why, and how sure each is; else nothing."""
    stop = answer.stop
    if stop is None:
        return ""
    at = say("answer.comma").join(map(str, stop.looks))
    values = {"looks": len(stop.looks), "at": at, "within": f"{100 * stop.within:g}"}
    final = ".final" if stop.why == LOOKS and answer.by == FINAL else ""
    coming = [foreseen(stop.coming)] if stop.why in (ASKED, TIME) else []
    level = say("looks.level", level=f"{100 * stop.level:g}")
    return say("report.space").join([say(f"looks.{stop.why}{final}", **values), *coming, level])


def headline(answer: Answer) -> str:
    """What was asked: task, target, budget, seeds."""
    return say(
        f"answer.headline.{answer.by}",
        task=answer.task,
        **_goal(answer),
        source=say("answer.stated" if answer.target_stated else "answer.derived"),
        budget=budget(answer),
        seeds=len(answer.seeds),
        trainings=answer.trainings,
    )
