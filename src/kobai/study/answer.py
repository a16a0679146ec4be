"""What a study says: three answers, each with its evidence, and the table behind them.

Everything that is printed, drawn or written to ``answer.json`` is read from the `Answer` made here.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from kobai.study import statistics
from kobai.study.fields import written
from kobai.study.grid import coefficients, learning_rate
from kobai.study.protocol import (
    CONFIRMATION,
    DEMONSTRATION,
    TUNING,
    Outcome,
    Study,
    Trial,
    cells_of,
    times,
)
from kobai.study.statistics import Comparison, Estimate
from kobai.words import say

ESTABLISHED = 0.05
"""A difference is called established where its corrected p is below this."""


@dataclasses.dataclass(frozen=True)
class Question:
    """One of the three answers: what was chosen, and how each alternative compares with it."""

    choice: str
    alternatives: tuple[Comparison, ...]
    """Ratios of steps to the target, alternative ÷ choice: above 1 the alternative is slower."""
    smallest_p: float
    """The smallest corrected p that these seeds can give for these alternatives."""

    @property
    def established(self) -> tuple[Comparison, ...]:
        """The alternatives that are shown to be slower."""
        return tuple(c for c in self.alternatives if c.corrected_p < ESTABLISHED and (c.ratio.value or 0) > 1)

    @property
    def open(self) -> tuple[Comparison, ...]:
        """The alternatives that cannot be told apart from the choice."""
        return tuple(c for c in self.alternatives if not c.corrected_p < ESTABLISHED)

    @property
    def faster(self) -> tuple[Comparison, ...]:
        """The alternatives that are shown to be faster: they have overtaken the choice."""
        return tuple(c for c in self.alternatives if c.corrected_p < ESTABLISHED and (c.ratio.value or 2) < 1)


@dataclasses.dataclass(frozen=True)
class Row:
    """One optimizer at its tuned best, on the fresh seeds."""

    optimizer: str
    learning_rate: float | None
    edge: str | None
    """"low" or "high" where the learning rate is the first or last of its grid."""
    hyperparameters: dict[str, Any]
    initializer: str
    values: dict[str, str]
    """Of each axis."""
    reached: int
    seeds: int
    reach_rate: Estimate
    steps: Estimate
    """Restricted mean steps to the target."""
    steps_with_restarts: float
    """Expected steps when a run that misses the target is started again; inf where none arrives."""
    diverged: int
    test_metric: float | None
    """Mean over the runs that did not diverge."""
    ratio: Estimate
    bound: str
    """"≥" where no run arrived, so that the ratio is at least this; "≤" where none of the reference did."""
    p: float | None
    corrected_p: float | None
    working_decades: float | None
    saved: float | None
    """The part of the steps that early stopping saved, on average; None where nothing was to stop a run."""
    trials: int
    seconds: float
    """Of one core, a run."""
    seconds_to_target: float
    """Of one core, until the target or, in a run that misses it, until its end."""
    memory: int
    """Numbers remembered for each parameter."""
    curve: tuple[float, ...]
    """Median validation loss over the seeds, at each evaluation."""
    other_targets: tuple[tuple[float, int, float], ...]
    """(target, runs that reached it, restricted mean steps) for each further target."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """One optimizer with one initial value, at the best rate for the pair, in tuning."""

    optimizer: str
    initializer: str
    learning_rate: float | None
    reach_rate: float
    steps: float
    demonstration: bool


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence of caution, by its key in `words`."""

    key: str
    values: dict[str, Any]

    def __str__(self) -> str:
        return say(self.key, **self.values)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a study says."""

    task: str
    metric: str
    maximize: bool
    target: float
    target_stated: bool
    steps: int
    epoch: float | None
    """Steps in an epoch, where minimizers take part: a step is a batch of examples, and they look at all."""
    evaluate_every: int
    seeds: tuple[int, ...]
    tuning_seeds: tuple[int, ...]
    trainings: int
    optimizer: Question
    learning_rate: Question
    initializer: Question
    axes: dict[str, Question]
    """For each axis with several values, how the recommended optimizer does with each."""
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[Note, ...]

    def to_json(self) -> str:
        """All of it as JSON; what is not finite or not estimable is null."""
        content = dataclasses.asdict(self)
        content["notes"] = [str(note) for note in self.notes]
        asked = {name: getattr(self, name) for name in ("optimizer", "learning_rate", "initializer")}
        for found, questions in ((content, asked), (content["axes"], self.axes)):
            for name, question in questions.items():
                found[name]["not_established"] = [c.name for c in question.open]
                found[name]["overtaken_by"] = [c.name for c in question.faster]
        return json.dumps(_finite(content), indent=2, ensure_ascii=False)

    @property
    def questions(self) -> dict[str, Question]:
        """Everything that was asked of the recommended optimizer, and which it is."""
        first = {"optimizer": self.optimizer, "learning_rate": self.learning_rate}
        return {**first, "initializer": self.initializer, **self.axes}

    def table(self) -> pl.DataFrame:
        """The rows as a frame: one an optimizer, best first."""
        frame = pl.DataFrame([_flat(row) for row in self.rows], infer_schema_length=None)
        # A column that is null in every row has a type all the same: `edge` is text, all others numbers.
        empty = [name for name, kind in frame.schema.items() if kind == pl.Null]
        return frame.with_columns(
            pl.col(name).cast(pl.String if name == "edge" else pl.Float64) for name in empty
        )


def answer(outcome: Outcome) -> Answer:
    """Read the answer off the cells of a finished study."""
    study, first = outcome.study, outcome.recommended
    budget = study.steps

    def confirmed(trials: Mapping[str, Trial]) -> dict[str, np.ndarray]:
        return {
            name: times(study, cells_of(outcome.cells, trial, CONFIRMATION), outcome.target)
            for name, trial in trials.items()
        }

    rates = {_rate(trial): trial for trial in [first, *outcome.neighbours]}
    optimizer = _question(first.candidate.name, confirmed(outcome.winners), budget)
    rate = _question(_rate(first), confirmed(rates), budget)
    asked = {
        name: _question(first.named[name], confirmed(trials), budget)
        for name, trials in outcome.alternatives.items()
    }
    initializer = asked.pop("initializer")
    rows = _rows(outcome, optimizer)
    return Answer(
        task=study.task.name,
        metric=study.task.measure,
        maximize=study.task.maximize,
        target=outcome.target,
        target_stated=outcome.stated,
        steps=study.steps,
        epoch=study.epoch if study.minimizers else None,
        evaluate_every=study.evaluate_every,
        seeds=tuple(study.confirmation_seeds),
        tuning_seeds=tuple(range(study.tuning_seeds)),
        trainings=_trainings(outcome),
        optimizer=optimizer,
        learning_rate=rate,
        initializer=initializer,
        axes=asked,
        rows=rows,
        pairs=_pairs(outcome),
        notes=_notes(outcome, rows, (optimizer, rate, initializer, *asked.values())),
    )


def _question(choice: str, found: Mapping[str, np.ndarray], budget: int) -> Question:
    compared = statistics.compare(found, choice, budget)
    ordered = sorted(compared.values(), key=lambda c: c.ratio.value or math.inf)
    smallest = statistics.smallest_p(len(compared), len(found[choice])) if compared else 0.0
    return Question(choice, tuple(ordered), smallest)


def _rows(outcome: Outcome, question: Question) -> tuple[Row, ...]:
    compared = {c.name: c for c in question.alternatives}
    rows = [_row(outcome, name, trial, compared.get(name)) for name, trial in outcome.winners.items()]
    return tuple(sorted(rows, key=lambda row: (row.steps.value, -row.reached, row.curve[-1])))


def _row(outcome: Outcome, name: str, trial: Trial, compared: Comparison | None) -> Row:
    study, target = outcome.study, outcome.target
    cells = cells_of(outcome.cells, trial, CONFIRMATION)
    found = times(study, cells, target)
    restricted = statistics.restricted(found, study.steps)
    reached = np.isfinite(found)
    tested = cells["test_metric"].drop_nulls().to_numpy()
    curves = np.array(cells["validation_loss"].to_list(), float)
    others = []
    for other in study.task.targets[1:]:
        arrival = times(study, cells, other)
        mean = statistics.restricted(arrival, study.steps).mean()
        others.append((other, int(np.isfinite(arrival).sum()), float(mean)))
    return Row(
        optimizer=name,
        learning_rate=learning_rate(trial.setting),
        edge=trial.candidate.edge(trial.setting),
        hyperparameters=coefficients(trial.setting),
        initializer=trial.initializer.name,
        values={value.axis: value.name for value in trial.values},
        reached=int(reached.sum()),
        seeds=len(found),
        reach_rate=statistics.wilson(int(reached.sum()), len(found)),
        steps=statistics.mean_steps(restricted, study.steps),
        steps_with_restarts=statistics.steps_with_restarts(restricted, reached),
        diverged=int(cells["diverged_at"].is_not_null().sum()),
        test_metric=float(tested.mean()) if len(tested) else None,
        ratio=compared.ratio if compared else Estimate(1.0, None, None),
        bound=compared.bound if compared else "",
        p=compared.p if compared else None,
        corrected_p=compared.corrected_p if compared else None,
        working_decades=_working_decades(outcome, trial),
        saved=_saved(study, trial, cells),
        trials=len(trial.candidate.settings) * len(study.initializers) * study.combinations,
        seconds=float(cells["seconds"].to_numpy().mean()),
        seconds_to_target=_seconds_to_target(cells, restricted, reached),
        memory=outcome.memory[name],
        curve=tuple(np.median(np.where(np.isfinite(curves), curves, np.inf), axis=0).tolist()),
        other_targets=tuple(others),
    )


def _seconds_to_target(cells: pl.DataFrame, restricted: np.ndarray, reached: np.ndarray) -> float:
    """The mean of the seconds until the target; of a run that misses it, all of them."""
    part = np.minimum(restricted / np.maximum(_ends(cells), 1), 1)
    return float((cells["seconds"].to_numpy() * np.where(reached, part, 1)).mean())


def elapsed(cells: pl.DataFrame) -> np.ndarray:
    """Seconds of one core until each evaluation of each run [cells, evaluations].

    Time goes by evenly until a run ends; from there on it stands.
    """
    marks = np.array(cells["evaluated_at"].to_list(), float)
    part = np.minimum(marks / np.maximum(_ends(cells), 1)[:, None], 1)
    return cells["seconds"].to_numpy()[:, None] * part


def _ends(cells: pl.DataFrame) -> np.ndarray:
    """The mark at which each run ends [cells], which may be early: then its curve no longer changes."""
    curves = np.array(cells["validation_loss"].to_list(), float)
    marks = np.array(cells["evaluated_at"][0].to_list(), float)
    changes = (np.diff(curves, axis=1) != 0) & np.isfinite(curves[:, :-1])  # NaN, once lost, is no change
    return marks[changes.shape[1] - changes[:, ::-1].argmax(axis=1)]


def _saved(study: Study, trial: Trial, cells: pl.DataFrame) -> float | None:
    """The mean part of the budget that was left when early stopping ended a run."""
    if trial.parts.get("early_stopping") is None:
        return None
    ended = cells["stopped_at"].fill_null(study.steps).to_numpy()
    return float(1 - ended.mean() / study.steps)


def _examples(outcome: Outcome) -> str:
    """How many examples the recommended optimizer looks at until the target, with each batch size."""
    study, found = outcome.study, []
    for name, trial in outcome.alternatives["batch_size"].items():
        arrived = times(study, cells_of(outcome.cells, trial, CONFIRMATION), outcome.target)
        steps = statistics.restricted(arrived, study.steps).mean()
        found.append(f"{name}: {steps * study.variants[trial.task].batch_size:,.0f}")
    return ", ".join(found)


def _trainings(outcome: Outcome) -> int:
    """How many runs there were; those that differ in their average alone are one."""
    columns = [column for column in outcome.study.columns if column != "average"]
    return outcome.cells.select("phase", *columns, "seed").unique().height


def _working_decades(outcome: Outcome, winner: Trial) -> float | None:
    """The range of learning rates that work in tuning, with the winner's other settings."""
    # A rate of 0 is on no scale of decades.
    along = [setting for setting in winner.candidate.along_rate(winner.setting) if learning_rate(setting)]
    if len(along) < 2:
        return None
    reach = []
    for setting in along:
        trial = dataclasses.replace(winner, setting=setting)
        found = times(outcome.study, cells_of(outcome.cells, trial, TUNING), outcome.target)
        reach.append(np.isfinite(found).mean())
    return statistics.working_range(np.array([learning_rate(setting) for setting in along], float), reach)


def _pairs(outcome: Outcome) -> tuple[Pair, ...]:
    pairs = []
    for phase in (TUNING, DEMONSTRATION):
        cells = outcome.cells.filter(pl.col("phase") == phase)
        for (name, initializer), group in cells.group_by("optimizer", "initializer", maintain_order=True):
            scored = []
            for _, trial in group.group_by(*outcome.study.columns, maintain_order=True):
                found = times(outcome.study, trial, outcome.target)
                mean = statistics.restricted(found, outcome.study.steps).mean()
                scored.append((float(mean), -float(np.isfinite(found).mean()), trial["learning_rate"][0]))
            steps, missed, rate = min(scored, key=lambda score: score[:2])
            pairs.append(Pair(str(name), str(initializer), rate, -missed, steps, phase == DEMONSTRATION))
    return tuple(pairs)


def _notes(outcome: Outcome, rows: Sequence[Row], questions: Sequence[Question]) -> tuple[Note, ...]:
    study = outcome.study
    notes = []
    if not any(row.reached for row in rows):
        notes.append(Note("note.nobody", {"target": f"{outcome.target:g}", "steps": study.steps}))
    for row in rows:
        if row.edge:
            notes.append(
                Note(f"note.edge.{row.edge}", {"optimizer": row.optimizer, "rate": f"{row.learning_rate:g}"})
            )
    if chosen := _chosen(outcome):
        notes.append(Note("note.chosen", {"settings": chosen}))
    if study.minimizers:
        values = {"names": ", ".join(study.minimizers), "examples": study.examples, "steps": study.epoch}
        notes.append(Note("note.epochs", values | {"batch": study.task.batch_size}))
    trials = {row.trials for row in rows}
    if len(trials) > 1:
        listed = ", ".join(f"{row.optimizer} {row.trials}" for row in rows)
        notes.append(Note("note.trials", {"trials": listed}))
    established = {c.name for c in questions[0].faster}
    ahead = [c.name for c in questions[0].alternatives if (c.ratio.value or 1) < 1]
    for key, named in (
        ("note.overtaken", [name for name in ahead if name in established]),
        ("note.ahead", [name for name in ahead if name not in established]),
    ):
        if named:
            notes.append(Note(key, {"choice": questions[0].choice, "names": ", ".join(named)}))
    short = [
        question for question in questions if question.alternatives and question.smallest_p >= ESTABLISHED
    ]
    if short:
        needed = max(statistics.seeds_needed(len(question.alternatives)) for question in short)
        smallest = min(question.smallest_p for question in short)
        choices = ", ".join(question.choice for question in short)
        values = {"seeds": study.seeds, "p": f"{smallest:.2g}", "needed": needed, "choices": choices}
        notes.append(Note("note.seeds", values))
    if "batch_size" in outcome.alternatives:
        notes.append(Note("note.batch_size", {"examples": _examples(outcome)}))
    diverged = [f"{row.optimizer} {row.diverged}/{row.seeds}" for row in rows if row.diverged]
    if diverged:
        notes.append(Note("note.diverged", {"runs": ", ".join(diverged)}))
    return tuple(notes)


def _chosen(outcome: Outcome) -> str:
    """momentum: momentum 0.9; …: what tuning chose where a coefficient, but the rate, had several values."""
    found = []
    for name, trial in outcome.winners.items():
        tried = [coefficients(setting) for setting in trial.candidate.settings]
        several = [
            f"{field} {written(trial.setting, field, value)}"
            for field, value in coefficients(trial.setting).items()
            if field != "learning_rate" and any(other.get(field) != value for other in tried)
        ]
        found += [f"{name}: {', '.join(several)}"] if several else []
    return "; ".join(found)


def _rate(trial: Trial) -> str:
    rate = learning_rate(trial.setting)
    return "–" if rate is None else f"{rate:.6g}"


def _finite(value: Any) -> Any:
    """`value` with null in place of numbers JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value


def _flat(row: Row) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in dataclasses.asdict(row).items():
        if isinstance(value, dict) and set(value) == {"value", "low", "high"}:
            flat |= {key: value["value"], f"{key}_low": value["low"], f"{key}_high": value["high"]}
        elif key == "hyperparameters":
            flat[key] = json.dumps(value)
        elif key == "values":
            flat |= value
        elif key == "curve":
            flat["validation_loss"] = list(value)
        elif key != "other_targets":
            flat[key] = value
    return flat
