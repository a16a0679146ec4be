"""A study that grows: fresh seeds are added until it is clear whom to choose, or the declared looks end.

At each look (`statistics.LOOKS`) all that was confirmed is judged at a fifth of the level, so that in at most
5 % of studies anything wrong is said at any of them; whom one look excludes, the later ones exclude too.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.progress import duration
from kobai.study import statistics
from kobai.study.criterion import FINAL, Measures
from kobai.study.fitting import ANSWER
from kobai.study.outcome import Outcome
from kobai.study.question import judged
from kobai.study.runner import Runner
from kobai.study.statistics import Forecast
from kobai.study.study import Study, Trial
from kobai.words import say

WITHIN = 0.1
"""Who needs at most 10 % more steps is as good as the best, unless another part is said."""

ALONE, COST, LOOKS, ASKED, TIME = "alone", "cost", "looks", "asked", "time"
"""Why a growing study ended: one alone may be the best, the leader costs little, no look is left, somebody
wanted the answer, or no time is left for the next look."""


@dataclasses.dataclass(frozen=True)
class Stop:
    """How a growing study stands at its latest look."""

    why: str
    """Why it is over: "alone", "cost" or "looks"; "asked" or "time" where it might go on."""
    within: float
    """The cost of the leader that is small enough, as a part of the steps of the best."""
    looks: tuple[int, ...]
    """The numbers of fresh seeds at which it was looked at."""
    level: float
    """The level of what is said at one of them; of all together it is 95 %."""
    coming: Forecast | None
    """Of one that might go on: the look at which it is more likely clear than not, if that is foreseeable."""


def margin(
    until_clear: bool, within: float | None, seeds: int | None, criteria: Sequence[str]
) -> float | None:
    """`Study.within` as these arguments of `compare` say it; None: the study does not grow.

    Raises `UsageError` for what contradicts it, and for what is no part.
    """
    if not until_clear:
        if within is not None:
            raise UsageError("error.within.alone", value=quoted(within))
        return None
    if seeds is not None:
        looks = ", ".join(map(str, statistics.LOOKS))
        raise UsageError("error.until_clear.seeds", value=quoted(seeds), looks=looks)
    if len(criteria) > 1 or FINAL in criteria:
        raise UsageError("error.until_clear.by", value=", ".join(criteria))
    if within is None:
        return WITHIN
    if not is_number(within) or not 0 < within <= 1:
        raise UsageError("error.within", value=quoted(within))
    return float(within)


def settled(
    study: Study,
    look: Callable[[Study], Outcome | None],
    runner: Runner,
    clock: Callable[[], float] | None = None,
) -> Study:
    """The study with as many fresh seeds as it takes.

    Args:
      study: that was tuned, and grows.
      look: runs what decides with the seeds of the study that it is given; None: somebody wants the
        answer now.
      runner: whose pace is measured, and whose progress is told how the study stands.
      clock: seconds. Default: that of the time that the study is given.
    """
    clock = clock or (study.allowance.clock if study.allowance else time.monotonic)
    for seeds, following in zip(statistics.LOOKS, (*statistics.LOOKS[1:], math.inf), strict=True):
        now = dataclasses.replace(study, seeds=seeds)
        began, done, trained = clock(), runner.reused + runner.trained, runner.trained
        outcome = look(now)
        stop = None if outcome is None else stop_of(outcome)
        if stop is None or stop.why not in (ASKED, TIME):
            break
        pace = (clock() - began) / (runner.trained - trained) if runner.trained > trained else None
        added = seeds - (stop.looks[-2] if len(stop.looks) > 1 else 0)
        per_seed = (runner.reused + runner.trained - done) / added
        seconds = None if pace is None else pace * per_seed
        runner.progress.tell(sentence(seeds, stop.coming, seconds))
        if study.allowance is not None and seconds is not None:
            others = study.others / len(study.candidates) * following
            if seconds * (following - seeds + others) + ANSWER > study.allowance.left():
                break
    return now


def stop_of(outcome: Outcome) -> Stop | None:
    """How a growing study stands with the fresh seeds that it has; None: it does not grow."""
    study = outcome.study
    if study.within is None:
        return None
    judgements = [judged(measured, fixed, study.looks) for measured, fixed in _deciding(outcome)]
    # Final metrics, which decide where hardly any run arrives, have no parts: then one must be left.
    within = 0.0 if outcome.by == FINAL else math.log1p(study.within)
    rest = [runs for _, runs, choice in judgements if not choice.is_clear(within)]
    coming = None
    if not rest:
        why = ALONE if all(choice.best.members.sum() == 1 for _, _, choice in judgements) else COST
    elif study.looks[-1] >= statistics.LOOKS[-1]:
        why = LOOKS
    else:
        why, coming = ASKED if study.allowance is None else TIME, _coming(rest, within)
    return Stop(why, study.within, study.looks, 1 - statistics.ALPHA / len(statistics.LOOKS), coming)


def _deciding(outcome: Outcome) -> Iterator[tuple[dict[str, Measures], list[str]]]:
    """The runs of what must be clear: the optimizers, or all that was tried with the only one."""
    questions: list[Mapping[str, Trial]] = [outcome.winners]
    if len(outcome.winners) == 1:
        along = [outcome.recommended, *outcome.neighbours]
        questions = [*outcome.alternatives.values(), {str(i): trial for i, trial in enumerate(along)}]
    for trials in questions:
        if len(trials) > 1:
            fixed = [name for name, trial in trials.items() if outcome.is_fixed(trial)]
            yield {name: outcome.measures(trial) for name, trial in trials.items()}, fixed


MOST_FORESEEN = 40
"""Among more candidates nothing is foreseen: to simulate that takes long."""


def _coming(runs: list[dict], within: float) -> Forecast | None:
    """When all of these questions are more likely clear than not; None: that is not foreseeable."""
    if any(each["x"].shape[1] > MOST_FORESEEN for each in runs):
        return None
    coming = [statistics.forecast(**each, within=within) for each in runs]
    every = [each for each in coming if each is not None]
    if len(every) < len(coming):
        return None
    last = max(every, key=lambda each: each.seeds)
    return dataclasses.replace(last, probability=min(each.probability for each in every))


def sentence(seeds: int, coming: Forecast | None, pace: float | None = None) -> str:
    """How the study stands with so many seeds, and when it is going to be clear.

    `pace`: seconds that one more seed takes, where it was measured.
    """
    return say("report.space").join([say("looks.open", seeds=seeds), foreseen(coming, pace)])


def foreseen(coming: Forecast | None, pace: float | None = None) -> str:
    """With 18 fresh seeds, 6 more (about 40 seconds), it is clear with probability 0.7."""
    if coming is None:
        return say("looks.unforeseeable")
    seconds = 0.0 if pace is None else pace * coming.more
    values = {**dataclasses.asdict(coming), "probability": f"{min(coming.probability, 0.99):.2g}"}
    if seconds < SHORT:
        return say("looks.coming", **values)
    return say("looks.coming.timed", **values, time=duration(seconds))


SHORT = 5.0
"""Seconds of which nobody needs to know."""
