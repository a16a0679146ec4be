"""How much of a large comparison is shown, with a word about the rest.

A comparison may try thousands of variants. The terminal, the page and the figures show the best optimizers,
the nearest alternatives and the first values of each axis; the Parquet files hold everything.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import polars as pl

from kobai.report.cut import COLUMNS, ROWS, first, listed
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome
from kobai.study.question import Question
from kobai.words import Note

MOST = {"optimizers": ROWS, "initializers": COLUMNS, "alternatives": 12, "values": ROWS, "notes": 12}
"""So many of each are shown."""


def shown(answer: Answer) -> Answer:
    """The answer as it is shown; itself where there is not too much of anything."""
    choice = [row for row in answer.rows if row.optimizer == answer.optimizer.choice]
    rows = first(answer.rows, MOST["optimizers"], choice)
    pairs = answer.pairs
    optimizers = {row.optimizer for row in rows}
    every = list(dict.fromkeys(pair.initializer for pair in pairs))
    choices = [answer.initializer.choice, *(pair.initializer for pair in pairs if pair.demonstration)]
    initializers = first(every, MOST["initializers"], [*choices, *(row.initializer for row in rows[:1])])
    pairs = tuple(p for p in pairs if p.optimizer in optimizers and p.initializer in initializers)
    effects = {
        axis: tuple(first(values, MOST["values"], [v for v in values if v.value == answer.axes[axis].choice]))
        for axis, values in answer.effects.items()
    }
    whole, cut = answer.questions, {name: _nearest(each) for name, each in answer.questions.items()}
    counts = {
        "optimizers": (len(rows), len(answer.rows)),
        "initializers": (len(initializers), len(every)),
        "values": _largest(effects, answer.effects),
        "alternatives": _largest(
            {name: each.alternatives for name, each in cut.items()},
            {name: each.alternatives for name, each in whole.items()},
        ),
    }
    notes = [
        _shortened(note)
        for note in answer.notes
        if note.values.get("optimizer", rows[0].optimizer) in optimizers
    ]
    missing = [
        Note(f"note.cut.{name}", {"shown": few, "all": all})
        for name, (few, all) in counts.items()
        if few < all
    ]
    if len(notes) > MOST["notes"]:
        missing.append(Note("note.cut.notes", {"shown": MOST["notes"], "all": len(answer.notes)}))
    if missing:
        notes = [Note("note.cut", {"parts": tuple(missing)}), *notes[: MOST["notes"]]]
    return dataclasses.replace(
        answer,
        optimizer=cut["optimizer"],
        learning_rate=cut["learning_rate"],
        initializer=cut["initializer"],
        axes={name: cut[name] for name in answer.axes},
        effects=effects,
        rows=tuple(rows),
        pairs=pairs,
        notes=tuple(notes),
    )


def drawn(outcome: Outcome, answer: Answer) -> Outcome:
    """That part of the outcome which an answer, as it is `shown`, is about."""
    optimizers = {row.optimizer for row in answer.rows}
    initializers = {pair.initializer for pair in answer.pairs} | {row.initializer for row in answer.rows}
    study = dataclasses.replace(
        outcome.study,
        candidates=[each for each in outcome.study.candidates if each.name in optimizers],
        initializers=[each for each in outcome.study.initializers if each.name in initializers],
    )
    if (len(study.candidates), len(study.initializers)) == (
        len(outcome.study.candidates),
        len(outcome.study.initializers),
    ):
        return outcome
    shown = pl.col("optimizer").is_in(optimizers) & pl.col("initializer").is_in(initializers)
    return dataclasses.replace(
        outcome,
        study=study,
        phases={phase: cells.filter(shown) for phase, cells in outcome.phases.items()},
        winners={name: trial for name, trial in outcome.winners.items() if name in optimizers},
    )


def _nearest(question: Question) -> Question:
    """The question with the nearest of its alternatives, of each kind of answer."""
    groups = (question.best_set, question.doubtful, question.not_best)
    names = {question.choice, *(name for group in groups for name in group[: MOST["alternatives"]])}
    if len(names) == len(question.costs):
        return question
    return dataclasses.replace(
        question,
        costs=tuple(cost for cost in question.costs if cost.name in names),
        alternatives=tuple(each for each in question.alternatives if each.name in names),
    )


def _largest(cut: Mapping[str, Sequence], whole: Mapping[str, Sequence]) -> tuple[int, int]:
    """How many are shown of the longest list that was cut, and of how many."""
    counts = [(len(cut[name]), len(items)) for name, items in whole.items() if len(cut[name]) < len(items)]
    return max(counts, key=lambda count: count[1], default=(0, 0))


def _shortened(note: Note) -> Note:
    """The note with long lists cut at a comma."""
    values = note.values.items()
    return Note(note.key, {name: listed(each) if isinstance(each, str) else each for name, each in values})
