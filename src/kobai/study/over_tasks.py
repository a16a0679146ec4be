"""What several tasks say together: what each candidate costs on average, and who may be the best for all.

Each task is a study with an answer of its own. Of candidate k on task t, c_tk is what choosing it costs there
(`Cost`): on the scale of logarithms log(1 + c_tk), by how much its mean is above that of the task's best.

    cost over the tasks        exp(mean_t log(1 + c_tk)) − 1
    at most                    the same of the bounds that each task tells
    may be the best for all    the set (`statistics.choose`) of the means x̄_sk = mean_t x_tsk, seed by seed

The first two are relative to the best of *each* task; the third compares the candidates with one
another. Both rank alike. Of final metrics, which are differences, means take the place of the logarithms.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from kobai.study import statistics
from kobai.study.answer import Answer
from kobai.study.criterion import FINAL, Measures
from kobai.study.outcome import Outcome
from kobai.study.question import EQUAL, LEAST, SKETCH, Cost, Question, judged

Scale = tuple[str, str]
"""What costs are told in: parts of steps or of seconds; of final metrics, which one."""

SCALES, APART = "scales", "apart"
"""Why no cost over the tasks is told: no two tasks have costs on one scale, or nobody was tried on all."""


@dataclasses.dataclass(frozen=True)
class OverTask:
    """One candidate on all tasks."""

    name: str
    mean: float | None
    """What it costs on average; None where costs have no common scale, or it was not tried on every task."""
    high: float | None
    """At most so much, at 95 %; None where some task tells no bound."""
    member: bool
    """Whether it may be the best of those that were tried on every task."""
    not_best: bool
    """Whether it is shown not to be, corrected for saying so of several."""
    leads: int
    """The number of tasks whose choice it is."""
    among_best: int
    """The number of tasks on which it may be the best."""
    costs: dict[str, Cost | None]
    """What it costs on each task, by name; None where it was not tried."""


@dataclasses.dataclass(frozen=True)
class OverTasks:
    """What the answers to several tasks say together."""

    tasks: tuple[str, ...]
    counted: tuple[str, ...]
    """Those whose costs are on one scale, of which the means are."""
    by: str
    """By what these are judged: "steps", "final" or "seconds"."""
    metric: str
    """Theirs, where it decides."""
    seeds: int
    """So many fresh seeds all of these have."""
    untold: str | None
    """Why no cost over the tasks, or no set, is told, if none is: "scales", "apart" or "sketch"."""
    candidates: tuple[OverTask, ...]
    """Best first; those that were not tried on every task last."""

    @property
    def choice(self) -> OverTask:
        """The one that costs least on average."""
        return self.candidates[0]

    @property
    def unbounded(self) -> tuple[str, ...]:
        """The tasks that tell no bound of what the choice costs."""
        costs = self.choice.costs
        return tuple(name for name in self.counted if (cost := costs[name]) is None or cost.high is None)

    def content(self) -> dict[str, Any]:
        """All of it as dictionaries and lists."""
        return dataclasses.asdict(self)

    def table(self) -> pl.DataFrame:
        """One row a candidate, as `kobai.OverTasksResult.over_tasks` describes it."""
        schema: dict[str, Any] = {"optimizer": pl.String, "mean": pl.Float64, "high": pl.Float64}
        schema |= {"best": pl.Boolean, "not_best": pl.Boolean, "leads": pl.Int64, "among_best": pl.Int64}
        for task in self.tasks:
            schema |= {f"cost on {task}": pl.Float64, f"at most on {task}": pl.Float64}
        rows = []
        for each in self.candidates:
            row = [each.name, each.mean, each.high, each.member, each.not_best, each.leads, each.among_best]
            for cost in each.costs.values():
                row += [None, None] if cost is None else [cost.estimate, cost.high]
            rows.append(row)
        return pl.DataFrame(rows, schema, orient="row")


def over_tasks(studies: Mapping[str, tuple[Outcome, Answer]]) -> OverTasks:
    """What these studies say together, by the names of their tasks; at least one."""
    questions = {name: answer.optimizer for name, (_, answer) in studies.items()}
    scale, counted = _counted({name: answer for name, (_, answer) in studies.items()})
    everywhere = _everywhere(questions)
    untold = SCALES if everywhere else APART
    members, not_best = frozenset(everywhere), frozenset[str]()
    seeds = min(outcome.study.seeds for outcome, _ in studies.values())
    order = sorted(everywhere, key=lambda name: _rank(questions.values(), name))
    told = bool(everywhere) and (len(counted) > 1 or len(studies) == 1)
    if told:
        seeds = min(studies[name][0].study.seeds for name in counted)
        names, runs, found = _judged([studies[name][0] for name in counted], everywhere, seeds)
        untold = SKETCH if seeds < LEAST else ""
        if not untold:
            members = frozenset(name for i, name in enumerate(names) if found.best.members[i])
            not_best = frozenset(name for i, name in enumerate(names) if found.best.not_best[i])
        means = dict(zip(names, runs["x"].mean(axis=0).tolist(), strict=True))
        order = sorted(everywhere, key=lambda name: (name not in members, round(means[name], 9)))
    candidates = []
    for name in (*order, *_elsewhere(questions, everywhere)):
        costs = {task: _cost(question, name) for task, question in questions.items()}
        of_counted = [questions[task] for task in counted] if told and name in everywhere else []
        candidates.append(
            OverTask(
                name=name,
                mean=_mean([question.of(name).estimate for question in of_counted], scale),
                high=_mean([_high(question, name) for question in of_counted], scale),
                member=name in members,
                not_best=name in not_best,
                leads=sum(question.choice == name for question in questions.values()),
                among_best=sum(cost is not None and cost.member for cost in costs.values()),
                costs=costs,
            )
        )
    return OverTasks(
        tasks=tuple(studies),
        counted=tuple(counted),
        by=scale[0],
        metric=scale[1],
        seeds=seeds,
        untold=untold or None,
        candidates=tuple(candidates),
    )


def _counted(answers: Mapping[str, Answer]) -> tuple[Scale, list[str]]:
    """The scale that most tasks tell their costs in, and these tasks; of equally many the first."""
    scales = {name: (each.by, each.metric if each.by == FINAL else "") for name, each in answers.items()}
    [(scale, _)] = Counter(scales.values()).most_common(1)
    return scale, [name for name, own in scales.items() if own == scale]


def _everywhere(questions: Mapping[str, Question]) -> list[str]:
    """The candidates that were tried on every task."""
    first, *others = [[cost.name for cost in question.costs] for question in questions.values()]
    return [name for name in first if all(name in names for names in others)]


def _elsewhere(questions: Mapping[str, Question], everywhere: Sequence[str]) -> list[str]:
    """Those that were tried on some."""
    names = dict.fromkeys(cost.name for question in questions.values() for cost in question.costs)
    return [name for name in names if name not in everywhere]


def _rank(questions: Any, name: str) -> int:
    """The sum of the places of a candidate, where its costs have no mean."""
    return sum([cost.name for cost in question.costs].index(name) for question in questions)


def _judged(
    outcomes: Sequence[Outcome], names: Sequence[str], seeds: int
) -> tuple[list[str], dict[str, Any], statistics.Choice]:
    """Who may be the best for all of these, as `judged` has it."""
    measured, fixed = {}, []
    for name in names:
        trials = [outcome.winners[name] for outcome in outcomes]
        own = [outcome.measures(trial) for outcome, trial in zip(outcomes, trials, strict=True)]
        measured[name] = Measures(
            np.mean([each.x[:seeds] for each in own], axis=0),
            np.mean([each.arrived[:seeds] for each in own], axis=0),
        )
        if all(outcome.is_fixed(trial) for outcome, trial in zip(outcomes, trials, strict=True)):
            fixed.append(name)
    looks = max((outcome.study.looks for outcome in outcomes), key=len)
    return judged(measured, fixed, tuple(look for look in looks if look <= seeds))


def _cost(question: Question, name: str) -> Cost | None:
    """What a candidate costs; None where it was not tried."""
    return next((cost for cost in question.costs if cost.name == name), None)


def _high(question: Question, name: str) -> float | None:
    """At most so much; nothing, where it arrives with the best on every seed."""
    cost = question.of(name)
    return 0.0 if question.untold == EQUAL and cost.member else cost.high


def _mean(costs: Sequence[float | None], scale: Scale) -> float | None:
    """The geometric mean of parts, the mean of differences; None where one of them is not there."""
    values = [cost for cost in costs if cost is not None]
    if not costs or len(values) < len(costs):
        return None
    return float(np.mean(values) if scale[0] == FINAL else np.expm1(np.mean(np.log1p(values))))
