"""What a study says: three answers, each with its evidence, and the table behind them.

Everything that is printed, drawn or written to ``answer.json`` is read from the `Answer` made here.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from kobai.basics.files import json_text
from kobai.candidates.values import learning_rate
from kobai.study.effects import Effect, effects
from kobai.study.notes import Note, notes
from kobai.study.outcome import Outcome
from kobai.study.question import Question, question
from kobai.study.rows import Pair, Row, pairs, rows
from kobai.study.study import CONFIRMATION, Trial

CURVE = 500
"""So many values of a curve are in the JSON, at equal distances."""


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
    """How the recommended optimizer does with each value of an axis; for every axis with several."""
    effects: dict[str, tuple[Effect, ...]]
    """What each value of such an axis changes, against the first of them."""
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[Note, ...]

    def to_json(self) -> str:
        """All of it as JSON; what is not finite or not estimable is null."""
        return json_text(self.content())

    def content(self) -> dict[str, Any]:
        """All of it as dictionaries and lists, the notes in the language in use."""
        content = dataclasses.asdict(self)
        every = -(-max(len(row.curve) for row in self.rows) // CURVE)
        for row in content["rows"]:  # results.parquet has all of it
            row["curve"] = row["curve"][::every]
        content["curve_every"] = every * self.evaluate_every
        content["notes"] = [str(note) for note in self.notes]
        questions = {name: getattr(self, name) for name in ("optimizer", "learning_rate", "initializer")}
        for part, of_part in ((content, questions), (content["axes"], self.axes)):
            for name, each in of_part.items():
                part[name]["not_established"] = [c.name for c in each.open]
                part[name]["overtaken_by"] = [c.name for c in each.faster]
        return content

    @property
    def questions(self) -> dict[str, Question]:
        """Everything that was asked of the recommended optimizer, and which it is."""
        first = {"optimizer": self.optimizer, "learning_rate": self.learning_rate}
        return {**first, "initializer": self.initializer, **self.axes}

    def table(self) -> pl.DataFrame:
        """The rows as a frame: one an optimizer, best first."""
        return _frame([_flat(row) for row in self.rows])

    def effect_table(self) -> pl.DataFrame:
        """The effects as a frame: one row a value of each axis, in the order in which they were given."""
        return _frame(
            [{"axis": name, **_flat(effect)} for name, found in self.effects.items() for effect in found]
        )


def answer(outcome: Outcome) -> Answer:
    """Read the answer off the cells of a finished study."""
    study, first = outcome.study, outcome.recommended

    def ask(choice: str, trials: Mapping[str, Trial]) -> Question:
        times = {name: outcome.times(outcome.cells_of(trial, CONFIRMATION)) for name, trial in trials.items()}
        fixed = [name for name, trial in trials.items() if outcome.is_fixed(trial)]
        return question(choice, times, study.steps, fixed)

    along = [first, *outcome.neighbours]
    rates = dict(zip(_rates(along), along, strict=True))
    questions = {
        "optimizer": ask(first.candidate.name, outcome.winners),
        "learning_rate": ask(next(iter(rates)), rates),
    }
    for name, trials in outcome.alternatives.items():
        questions[name] = ask(first.named[name], trials)
    table, of_axes = rows(outcome, questions["optimizer"]), effects(outcome)
    return Answer(
        task=study.task.name,
        metric=study.task.metric_label,
        maximize=study.task.maximize,
        target=outcome.target,
        target_stated=outcome.stated,
        steps=study.steps,
        epoch=study.epoch if study.minimizers else None,
        evaluate_every=study.evaluate_every,
        seeds=tuple(study.confirmation_seeds),
        tuning_seeds=tuple(range(study.tuning_seeds)),
        trainings=_trainings(outcome),
        optimizer=questions["optimizer"],
        learning_rate=questions["learning_rate"],
        initializer=questions["initializer"],
        axes={name: questions[name] for name in of_axes},
        effects=of_axes,
        rows=table,
        pairs=pairs(outcome),
        notes=notes(outcome, table, of_axes, questions),
    )


def _trainings(outcome: Outcome) -> int:
    """How many runs there were; those that differ in their average alone are one."""
    columns = [column for column in outcome.study.columns if column != "average"]
    return outcome.cells.select("phase", *columns, "seed").unique().height


def _rates(trials: Sequence[Trial]) -> list[str]:
    """What the rates are called: six figures, or as many as tell them apart."""
    rates = [learning_rate(trial.variant) for trial in trials]
    names = ["–" if rate is None else f"{rate:.6g}" for rate in rates]
    return names if len(set(names)) == len(names) else [str(rate) for rate in rates]


def _frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a frame. A column that is null in every row has a type all the same: text for `edge`."""
    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [name for name, kind in frame.schema.items() if kind == pl.Null]
    return frame.with_columns(
        pl.col(name).cast(pl.String if name == "edge" else pl.Float64) for name in empty
    )


def _flat(row: Row | Effect) -> dict[str, Any]:
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
