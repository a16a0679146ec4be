"""What a study says: its answers, each with its evidence, and the table behind them.

Everything that is printed, drawn or written to ``answer.json`` is read from the `Answer` made here.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from kobai.basics.files import json_text
from kobai.candidates.values import learning_rate
from kobai.study.baselines import Baseline, baselines
from kobai.study.criterion import BY_END, SECONDS
from kobai.study.effects import Effect, effects
from kobai.study.facts import Facts
from kobai.study.looks import Stop, stop_of
from kobai.study.notes import notes
from kobai.study.outcome import Outcome
from kobai.study.question import Question, question
from kobai.study.rows import Combination, Row, pairs, rows
from kobai.study.study import CONFIRMATION, Trial
from kobai.words import Note, Term

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
    by: str
    """By what candidates are judged: "steps", "final" or "seconds"."""
    turn: str | None
    """Why that, or the target, is not what was asked for, if it is not: "harder" or "final"."""
    steps: int
    epoch: float | None
    """Steps in an epoch, where minimizers take part: a step is a batch of examples, and they look at all."""
    epochs: float | None
    """The budget in epochs, where it was said so."""
    evaluate_every: int
    seeds: tuple[int, ...]
    tuning_seeds: tuple[int, ...]
    trainings: int
    optimizer: Question
    learning_rate: Question
    initializer: Question
    axes: dict[str, Question]
    """How the recommended optimizer does with each value of an axis; for every axis with several, and for
    every hyperparameter of its own with several ("momentum.momentum")."""
    effects: dict[str, tuple[Effect, ...]]
    """What each value of such an axis changes, against the first of them."""
    rows: tuple[Row, ...]
    pairs: tuple[Combination, ...]
    baselines: tuple[Baseline, ...]
    """What predicts without a trained network, best first."""
    meaning: Note | None
    """What the test metric of the recommended network is in other words (`Task.meaning`)."""
    stop: Stop | None
    """Of a study that grows until it is clear: at which looks it was clear or not, and why it ended."""
    preparation: tuple[Note | str, ...]
    """How the data of the task were prepared, sentence by sentence."""
    notes: tuple[Note, ...]
    others: tuple["Answer", ...] = ()
    """The answers of the same question that were judged otherwise."""

    @property
    def criteria(self) -> tuple["Answer", ...]:
        """This answer, and those by other criteria: an end that decides for want of arrivals is none of its
        own."""
        return (self, *(other for other in self.others if other.turn not in BY_END))

    def to_json(self) -> str:
        """All of it as JSON; what is not finite or not estimable is null."""
        return json_text(self.content())

    def content(self) -> dict[str, object]:
        """All of it as dictionaries and lists, the notes in the language in use."""
        content: dict[str, Any] = dataclasses.asdict(dataclasses.replace(self, others=()))
        content["others"] = [
            {"by": other.by, **{name: other.content()[name] for name in ("optimizer", "rows", "notes")}}
            for other in self.others
        ]
        every = -(-max(len(row.curve) for row in self.rows) // CURVE)
        for row in content["rows"]:  # results.parquet has all of it
            row["curve"] = row["curve"][::every]
        content["curve_every"] = every * self.evaluate_every
        for name in ("preparation", "notes"):
            content[name] = [str(note) for note in getattr(self, name)]
        meanings = [self.meaning, *(baseline.meaning for baseline in self.baselines)]
        for part, meaning in zip((content, *content["baselines"]), meanings, strict=True):
            part["meaning"] = None if meaning is None else str(meaning)
        questions = {name: getattr(self, name) for name in ("optimizer", "learning_rate", "initializer")}
        for part, of_part in ((content, questions), (content["axes"], self.axes)):
            for name, each in of_part.items():
                part[name]["best_set"] = list(each.best_set)
                part[name]["not_best"] = list(each.not_best)
        return content

    @property
    def columns(self) -> list[str]:
        """The axes that every optimizer has a value on, among `axes`."""
        return [name for name in self.axes if name in self.rows[0].values]

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
            [{"axis": name, **_flat(effect)} for name, each in self.effects.items() for effect in each]
        )


def answer(outcome: Outcome) -> Answer:
    """Read the answer off the cells of a finished study."""
    study, first = outcome.study, outcome.recommended

    def ask(choice: str, trials: Mapping[str, Trial]) -> Question:
        times = {name: outcome.times(outcome.cells_of(trial, CONFIRMATION)) for name, trial in trials.items()}
        fixed = [name for name, trial in trials.items() if outcome.is_fixed(trial)]
        measured = {name: outcome.measures(trial) for name, trial in trials.items()}
        return question(choice, times, study.steps, fixed, measured, outcome.by, study.looks)

    along = [first, *outcome.neighbours]
    rates = dict(zip(_rates(along), along, strict=True))
    questions = {
        "optimizer": ask(first.candidate.name, outcome.winners),
        "learning_rate": ask(next(iter(rates)), rates),
    }
    for name, trials in outcome.alternatives.items():
        questions[name] = ask({"initializer": first.initializer.name, **first.settings}[name], trials)
    table = rows(outcome, questions["optimizer"])
    of_axes = {name: effects(outcome, name) for name in outcome.alternatives if name != "initializer"}
    others = baselines(outcome) if study.facts.baselines else ()
    winner = next(row for row in table if row.optimizer == first.candidate.name)
    return Answer(
        task=study.facts.name,
        metric=study.facts.metric_label,
        maximize=study.facts.maximize,
        target=outcome.target,
        target_stated=outcome.stated,
        by=outcome.by,
        turn=outcome.turn,
        steps=study.steps,
        epoch=study.epoch if study.minimizers else None,
        epochs=study.steps / study.epoch if study.in_epochs else None,
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
        baselines=others,
        meaning=_meaning(study.facts, winner),
        stop=None if study.within is None else stop_of(outcome),
        preparation=tuple(study.facts.preparation),
        notes=(*_machines(outcome), *notes(outcome, table, of_axes, others)),
    )


def _meaning(task: Facts, row: Row) -> Note | None:
    return None if task.meaning is None or row.test_metric is None else task.meaning(row.test_metric)


def _machines(outcome: Outcome) -> list[Note]:
    """That seconds of different processors are compared, where they are."""
    if outcome.by != SECONDS:
        return []
    machines = outcome.column("machine").unique().to_list()
    if len(machines) == 1:
        return []
    unknown = [Term("machine", "unknown")] if None in machines else []
    return [Note("note.machines", {"names": (*sorted(filter(None, machines)), *unknown)})]


def _trainings(outcome: Outcome) -> int:
    """How many runs there were; those that differ in their average alone are one."""
    columns = [column for column in outcome.study.columns if column != "average"]
    names = [cells.rows(0, len(cells), *columns, "seed") for cells in outcome.phases.values()]
    return sum(each.unique().height for each in names)


def _rates(trials: Sequence[Trial]) -> list[str]:
    """What the rates are called: six figures, or as many as tell them apart."""
    rates = [learning_rate(trial.variant) for trial in trials]
    names = ["–" if rate is None else f"{rate:.6g}" for rate in rates]
    return names if len(set(names)) == len(names) else [str(rate) for rate in rates]


def _frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    """Rows as a frame. A column that is null in every row has a type all the same: text for `edge`."""
    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [name for name, kind in frame.schema.items() if kind == pl.Null]
    return frame.with_columns(
        pl.col(name).cast(pl.String if name == "edge" else pl.Float64) for name in empty
    )


def _flat(row: Row | Effect) -> dict[str, object]:
    flat: dict[str, object] = {}
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
