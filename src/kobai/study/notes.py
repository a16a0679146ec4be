"""Sentences of caution: what must be known before an answer is believed."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kobai.basics.errors import said
from kobai.candidates.values import hyperparameters_of, written
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
        *_of_budget(outcome, rows),
        *_of_choice(questions["optimizer"]),
        *_of_seeds(outcome, questions),
        *_of_runs(outcome, rows, effects),
    )


def _of_budget(outcome: Outcome, rows: Sequence[Row]) -> Iterator[Note]:
    """Steps, grids and trials that are too few, or unequal."""
    study = outcome.study
    if not any(row.reached for row in rows):
        yield Note("note.nobody", {"target": f"{outcome.target:g}", "steps": study.steps})
    for row in rows:
        if row.edge:
            values: dict[str, Any] = {"optimizer": row.optimizer, "rate": f"{row.learning_rate:g}"}
            yield Note(f"note.edge.{row.edge}", values)
    if chosen := _chosen(outcome):
        yield Note("note.chosen", {"settings": chosen})
    if study.minimizers:
        values = {"names": ", ".join(study.minimizers), "examples": study.examples, "steps": study.epoch}
        yield Note("note.epochs", values | {"batch": study.task.batch_size})
    if len({row.trials for row in rows}) > 1:
        yield Note("note.trials", {"trials": ", ".join(f"{row.optimizer} {row.trials}" for row in rows)})


def _chosen(outcome: Outcome) -> str:
    """momentum: momentum 0.9; …: what tuning chose of hyperparameters, but the rate, of several values."""
    choices = []
    for name, trial in outcome.winners.items():
        tried = [hyperparameters_of(setting) for setting in trial.candidate.variants]
        several = [
            f"{field} {written(trial.setting, field, value)}"
            for field, value in hyperparameters_of(trial.setting).items()
            if field != "learning_rate" and any(other.get(field) != value for other in tried)
        ]
        choices += [f"{name}: {', '.join(several)}"] if several else []
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
    """Too few seeds for any p to be small."""
    short = {
        name: question
        for name, question in questions.items()
        if question.alternatives and question.smallest_p >= ESTABLISHED
    }
    if short:
        needed = max(statistics.seeds_needed(len(question.alternatives)) for question in short.values())
        smallest = min(question.smallest_p for question in short.values())
        choices = tuple(_choice(name, question.choice) for name, question in short.items())
        values = {"seeds": outcome.study.seeds, "p": f"{smallest:.2g}", "needed": needed, "choices": choices}
        yield Note("note.seeds", values)


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
    diverged = {row.optimizer: f"{row.diverged}/{row.seeds}" for row in rows if row.diverged}
    for axis, found in effects.items():
        others = [each for each in found if each.value != outcome.recommended.named[axis]]
        diverged |= {f"{first} ({e.value})": f"{e.diverged}/{e.seeds}" for e in others if e.diverged}
    if diverged:
        yield Note("note.diverged", {"runs": ", ".join(map(" ".join, diverged.items()))})
    left_out = {(row.optimizer, row.values["clip"]): row.skipped for row in rows if row.skipped}
    left_out |= {(first, each.value): each.skipped for each in effects.get("clip", ()) if each.skipped}
    if left_out:
        runs = ", ".join(f"{name} ({clip}) {count}" for (name, clip), count in left_out.items())
        yield Note("note.skipped", {"batches": runs})


def _examples(outcome: Outcome) -> str:
    """How many examples the recommended optimizer looks at until the target, with each batch size."""
    study, counts = outcome.study, []
    for name, trial in outcome.alternatives["batch_size"].items():
        arrived = outcome.times(outcome.cells_of(trial, CONFIRMATION))
        steps = statistics.restricted(arrived, study.steps).mean()
        counts.append(f"{name}: {steps * study.variants[trial.task].batch_size:,.0f}")
    return ", ".join(counts)
