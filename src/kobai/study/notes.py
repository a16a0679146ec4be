"""Sentences of caution: what must be known before an answer is believed."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kobai.basics.errors import said
from kobai.candidates.values import hyperparameters_of, written
from kobai.engine.run import evaluated_at
from kobai.study import statistics
from kobai.study.axes import KINDS
from kobai.study.effects import Effect
from kobai.study.outcome import Outcome
from kobai.study.question import ESTABLISHED, Question
from kobai.study.rows import Row
from kobai.study.study import CONFIRMATION
from kobai.words import say


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence of caution, by its key in `words`; a tuple of notes among its values is said as a list."""

    key: str
    values: dict[str, Any]

    def __str__(self) -> str:
        lists = {name: value for name, value in self.values.items() if isinstance(value, tuple)}
        joined = {name: say("answer.comma").join(map(str, value)) for name, value in lists.items()}
        return say(self.key, **{**self.values, **joined})


def notes(
    outcome: Outcome,
    rows: Sequence[Row],
    effects: Mapping[str, Sequence[Effect]],
    questions: Mapping[str, Question],
) -> tuple[Note, ...]:
    """All of them; `questions` by what was asked: optimizer, learning_rate, initializer, and axes."""
    return (
        *_of_target(outcome, rows),
        *_of_budget(outcome, rows),
        *_of_choice(questions["optimizer"]),
        *_of_seeds(outcome, questions),
        *_of_runs(outcome, rows, effects),
    )


NOTHING = ("note.untrained.maximize", "note.untrained.minimize", "note.at_once")
"""Cautions that stand above the answers: nothing can be told apart."""


def _of_target(outcome: Outcome, rows: Sequence[Row]) -> Iterator[Note]:
    """A target that everybody meets at once, that nobody meets, or that is lost again."""
    study, target = outcome.study, f"{outcome.target:g}"
    way = "maximize" if study.task.maximize else "minimize"
    fresh = [outcome.times(outcome.cells_of(trial, CONFIRMATION)) for trial in outcome.winners.values()]
    arrivals, [_, first, *_] = np.concatenate(fresh), evaluated_at(study.steps, study.evaluate_every)
    untrained, at_once = int((arrivals == 0).sum()), int((arrivals <= first).sum())
    values: dict[str, Any] = {"target": target, "runs": len(arrivals), "step": int(first)}
    if 2 * untrained >= len(arrivals):
        yield Note(f"note.untrained.{way}", {**values, "count": untrained})
    elif 2 * at_once >= len(arrivals):
        yield Note("note.at_once", {**values, "count": at_once})
    elif np.isinf(arrivals).all():
        yield from _of_nobody(outcome, rows, way)
    chosen = next(row for row in rows if row.optimizer == outcome.recommended.candidate.name)
    if chosen.kept < chosen.reached:
        counts = {"kept": chosen.kept, "reached": chosen.reached, "seeds": chosen.seeds}
        yield Note("note.lost", {"optimizer": chosen.optimizer, "target": target, **counts})


def _of_nobody(outcome: Outcome, rows: Sequence[Row], way: str) -> Iterator[Note]:
    """No fresh run has met the target: they diverged, they were too short, or it is beyond the metric."""
    target = f"{outcome.target:g}"
    if all(row.diverged == row.seeds for row in rows):
        rates = any(row.learning_rate is not None for row in rows)
        yield Note("note.nobody.diverged" if rates else "note.nobody.lost", {"target": target})
        return
    seen = outcome.cells["validation_metric"].explode().to_numpy().astype(float)
    low, high = np.quantile(seen[np.isfinite(seen)], (0, 1))
    best = high if outcome.study.task.maximize else low
    values = {"target": target, "steps": outcome.study.steps, "best": f"{best:.4g}"}
    yield Note(f"note.nobody.{way}", values)
    if abs(outcome.target - best) > FAR * (high - low) > 0:
        yield Note("note.scale", {"target": target, "low": f"{low:.4g}", "high": f"{high:.4g}"})


FAR = 3
"""A target so many times as far from the best metric seen as that is from the worst is on another scale."""


def _of_budget(outcome: Outcome, rows: Sequence[Row]) -> Iterator[Note]:
    """Grids and trials that are too few, or unequal."""
    study = outcome.study
    for row in rows:
        if row.edge:
            values: dict[str, Any] = {"optimizer": row.optimizer, "rate": f"{row.learning_rate:g}"}
            yield Note(f"note.edge.{row.edge}", values)
    if choices := _choices(outcome):
        yield Note("note.chosen", {"hyperparameters": choices})
    if study.minimizers:
        values = {"names": ", ".join(study.minimizers), "examples": study.examples, "steps": study.epoch}
        yield Note("note.epochs", values | {"batch": study.task.batch_size})
    if len({row.trials for row in rows}) > 1:
        yield Note("note.trials", {"trials": ", ".join(f"{row.optimizer} {row.trials}" for row in rows)})


def _choices(outcome: Outcome) -> str:
    """The hyperparameters, without the rate, that tuning chose of several values: "adam: decay_1 0.9"."""
    choices = []
    for optimizer, trial in outcome.winners.items():
        tried = [hyperparameters_of(variant) for variant in trial.candidate.variants]
        several = [
            f"{name} {written(trial.variant, name, value)}"
            for name, value in hyperparameters_of(trial.variant).items()
            if name != "learning_rate" and any(other.get(name) != value for other in tried)
        ]
        choices += [f"{optimizer}: {', '.join(several)}"] if several else []
    return "; ".join(choices)


def _of_choice(optimizer: Question) -> Iterator[Note]:
    """Who did better than the winner of tuning."""
    established = {c.name for c in optimizer.faster}
    ahead = [c.name for c in optimizer.alternatives if (c.ratio.value or 1) < 1]
    for key, named in (
        ("note.overtaken", [name for name in ahead if name in established]),
        ("note.ahead", [name for name in ahead if name not in established]),
    ):
        if named:
            yield Note(key, {"choice": optimizer.choice, "names": ", ".join(named)})


def _of_seeds(outcome: Outcome, questions: Mapping[str, Question]) -> Iterator[Note]:
    """Too few seeds for any p to be small; or seeds that change nothing."""
    study = outcome.study
    fixed = [name for name, trial in outcome.winners.items() if outcome.is_fixed(trial)]
    if fixed:
        yield Note("note.fixed", {"names": tuple(fixed), "seeds": study.seeds})
    short = {
        name: (question, question.smallest_p)
        for name, question in questions.items()
        if question.smallest_p is not None and question.smallest_p >= ESTABLISHED
    }
    if short and outcome.recommended.candidate.name not in fixed:
        most = max(len(question.alternatives) for question, _ in short.values())
        needed = statistics.seeds_needed(most)
        smallest = min(p for _, p in short.values())
        choices = tuple(_choice(name, question.choice) for name, (question, _) in short.items())
        values: dict[str, Any] = {"seeds": study.seeds, "p": f"{smallest:.2g}", "choices": choices}
        if needed is None:
            yield Note("note.seeds.never", {**values, "alternatives": most})
        else:
            yield Note("note.seeds", {**values, "needed": needed})


def _choice(name: str, choice: str) -> Note:
    """What was asked and chosen, as the answer says it."""
    if name in KINDS:
        return Note("answer.axis", {"axis": said(f"axis.{name}"), "choice": choice})
    return Note(f"answer.{name}", {"choice": choice})


def _of_runs(
    outcome: Outcome, rows: Sequence[Row], effects: Mapping[str, Sequence[Effect]]
) -> Iterator[Note]:
    """What happened in the runs on the fresh seeds."""
    if "batch_size" in outcome.alternatives:
        yield Note("note.batch_size", {"examples": _examples(outcome)})
    first = outcome.recommended.candidate.name
    for key, diverged in _diverged(outcome, rows, effects).items():
        yield Note(key, {"runs": ", ".join(diverged)})
    left_out = {(row.optimizer, row.values["clip"]): row.skipped for row in rows if row.skipped}
    left_out |= {(first, each.value): each.skipped for each in effects.get("clip", ()) if each.skipped}
    if left_out:
        runs = ", ".join(f"{name} ({clip}) {count}" for (name, clip), count in left_out.items())
        yield Note("note.skipped", {"batches": runs})


def _diverged(
    outcome: Outcome, rows: Sequence[Row], effects: Mapping[str, Sequence[Effect]]
) -> dict[str, list[str]]:
    """The runs that diverged, by the key of what is said of them: whether tuning had a choice, and a rate."""
    first = outcome.recommended.candidate.name
    runs: dict[str, list[str]] = {}
    tried = {row.optimizer: row.trials for row in rows}
    alike = {row.optimizer: (row.diverged, row.seeds, row.learning_rate) for row in rows}
    of = {name: name for name in alike}
    for axis, found in effects.items():
        for each in found:
            if each.value != outcome.recommended.named[axis]:
                of[f"{first} ({each.value})"] = first
                alike[f"{first} ({each.value})"] = (each.diverged, each.seeds, each.learning_rate)
    for name, (diverged, seeds, rate) in alike.items():
        if diverged:
            chosen = "chosen" if tried[of[name]] > 1 else "alone"
            key = "note.diverged.minimizer" if rate is None else f"note.diverged.{chosen}"
            runs.setdefault(key, []).append(f"{name} {diverged}/{seeds}")
    return runs


def _examples(outcome: Outcome) -> str:
    """How many examples the recommended optimizer looks at until the target, with each batch size."""
    study, counts = outcome.study, []
    for name, trial in outcome.alternatives["batch_size"].items():
        arrived = outcome.times(outcome.cells_of(trial, CONFIRMATION))
        steps = statistics.restricted(arrived, study.steps).mean()
        reached = int(np.isfinite(arrived).sum())
        some = "" if reached == len(arrived) else f" ({reached}/{len(arrived)})"
        counts.append(f"{name}: {steps * study.variants[trial.task].batch_size:,.0f}{some}")
    return ", ".join(counts)
