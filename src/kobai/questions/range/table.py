"""What is said of learning rates: title, answer, table. Terminal and page share it."""

import math
from collections.abc import Iterator

from kobai.questions.range.outcome import RangeOutcome
from kobai.words import say


def title(outcome: RangeOutcome) -> str:
    """The title: of which rule, on which task."""
    return say("range.title", optimizer=outcome.optimizer, task=outcome.task)


def headline(outcome: RangeOutcome) -> str:
    """The sentence that says what was trained, and what it took."""
    race = outcome.race
    values = {"rates": len(race.reached), "lengths": " → ".join(map(str, race.rungs))}
    values |= {"gradients": outcome.gradients, "share": f"{100 * outcome.share:.1f}"}
    return say("range.headline", initializer=outcome.initializer, seeds=len(race.alone), **values)


def answers(outcome: RangeOutcome) -> Iterator[tuple[str, str]]:
    """(what, what is said of it) of each answer."""
    for name, sentence in (
        ("suggestion", _suggestion(outcome)),
        ("works", _works(outcome)),
        ("theory", _theory(outcome)),
        ("next", _next(outcome)),
    ):
        if sentence:
            yield say(f"range.answer.{name}"), sentence


def _suggestion(outcome: RangeOutcome) -> str:
    race, best = outcome.race, outcome.race.suggestion
    if best is None:
        return say("range.nothing", loss=number(race.start), steps=race.rungs[-1])
    values = {"rate": f"{best.rate:g}", "steps": best.steps, "loss": number(best.losses[best.steps])}
    others = [
        say("range.other", rate=f"{each.rate:g}", loss=number(each.losses[each.steps]))
        for each in race.finalists
        if each is not best
    ]
    lower = [each for each in race.finalists if each.losses[each.steps] < best.losses[best.steps]]
    sentence = say(
        "range.larger" if lower else "range.lowest",
        others=say("range.comma").join(others) or "–",
        start=number(race.start),
        **values,
    )
    if len(race.alone) == 1:
        return sentence
    key = "range.agreed" if outcome.agreeing == len(race.alone) else "range.agreeing"
    return sentence + say(key, agreeing=outcome.agreeing, seeds=len(race.alone))


def _works(outcome: RangeOutcome) -> str:
    race = outcome.race
    if race.low is None or race.high is None:
        return ""
    values = {
        "low": f"{race.low:g}",
        "high": f"{race.high:g}",
        "decades": f"{math.log10(race.high / race.low):.1f}",
    }
    if race.failing is None:
        return say("range.works.open", **values)
    return say("range.works", failing=f"{race.failing:g}", **values)


def _theory(outcome: RangeOutcome) -> str:
    limit = outcome.bound
    if limit.rate is None or limit.curvature is None:
        return say(f"range.theory.{limit.kind}", optimizer=outcome.optimizer)
    values = {"formula": limit.formula, "curvature": number(limit.curvature), "rate": number(limit.rate)}
    return say(f"range.theory.{limit.kind}", **values)


def _next(outcome: RangeOutcome) -> str:
    return option(outcome) if outcome.grid else ""


def option(outcome: RangeOutcome) -> str:
    """The words that give the grid to a comparison."""
    rates = ",".join(f"{rate:g}" for rate in outcome.grid)
    return f"kobai compare … --optimizers {outcome.optimizer} --learning-rates {rates}"


def headers(outcome: RangeOutcome) -> list[str]:
    """The heads of the columns."""
    after = [say("range.column.loss", steps=steps) for steps in outcome.race.rungs]
    return [say("range.column.rate"), *after, say("range.column.verdict")]


def cells(outcome: RangeOutcome) -> list[list[str]]:
    """The table, a row for each rate."""
    return [
        [
            f"{each.rate:g}",
            *(number(each.losses[steps]) if steps in each.losses else "" for steps in outcome.race.rungs),
            say(f"range.verdict.{outcome.verdict(each)}"),
        ]
        for each in outcome.race.reached
    ]


def number(value: float) -> str:
    """Three figures, or the sign of what diverged."""
    return f"{value:.3g}" if math.isfinite(value) else "∞"
