"""How much of a large comparison is shown: what a person reads, with a word about the rest.

A comparison may try thousands of settings. The terminal, the page and the figures show the best optimizers,
the nearest alternatives and the first values of each axis; the Parquet files hold everything.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import polars as pl

from kobai.study.answer import Answer
from kobai.study.notes import Note
from kobai.study.outcome import Outcome
from kobai.study.question import Question

MOST = {"optimizers": 40, "initializers": 12, "alternatives": 12, "values": 40, "notes": 12}
"""So many of each are shown."""

LONGEST = 600
"""So many letters of a list that stands in a sentence of caution."""

T = TypeVar("T")


def shown(answer: Answer) -> Answer:
    """The answer as it is shown; itself where there is not too much of anything."""
    rows = _first(
        "optimizers", answer.rows, [r for r in answer.rows if r.optimizer == answer.optimizer.choice]
    )
    pairs = answer.pairs
    optimizers = {row.optimizer for row in rows}
    every = list(dict.fromkeys(pair.initializer for pair in pairs))
    chosen = [answer.initializer.choice, *(pair.initializer for pair in pairs if pair.demonstration)]
    initializers = _first("initializers", every, [*chosen, *(row.initializer for row in rows[:1])])
    pairs = tuple(p for p in pairs if p.optimizer in optimizers and p.initializer in initializers)
    effects = {
        axis: tuple(_first("values", values, [v for v in values if v.value == answer.axes[axis].choice]))
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
    return dataclasses.replace(
        outcome,
        study=study,
        cells=outcome.cells.filter(
            pl.col("optimizer").is_in(list(optimizers)), pl.col("initializer").is_in(list(initializers))
        ),
        winners={name: trial for name, trial in outcome.winners.items() if name in optimizers},
    )


def _first(kind: str, items: Sequence[T], always: Iterable[T]) -> list[T]:
    """The first of the items in their order, and those that are shown in any case."""
    kept: Collection[Any] = [*items[: MOST[kind]], *always]
    return [item for item in items if item in kept] if len(items) > MOST[kind] else list(items)


def _nearest(question: Question) -> Question:
    """The question with the nearest of its alternatives, of each kind of answer."""
    groups = (question.faster, question.open, question.established)
    kept = {c.name for group in groups for c in group[: MOST["alternatives"]]}
    few = tuple(c for c in question.alternatives if c.name in kept)
    return (
        question
        if len(few) == len(question.alternatives)
        else dataclasses.replace(question, alternatives=few)
    )


def _largest(cut: Mapping[str, Sequence], whole: Mapping[str, Sequence]) -> tuple[int, int]:
    """How many are shown of the longest list that was cut, and of how many."""
    counts = [(len(cut[name]), len(items)) for name, items in whole.items() if len(cut[name]) < len(items)]
    return max(counts, key=lambda count: count[1], default=(0, 0))


def _shortened(note: Note) -> Note:
    """The note with long lists cut at a comma."""

    def short(value: Any) -> Any:
        if not isinstance(value, str) or len(value) <= LONGEST:
            return value
        return value[:LONGEST].rpartition(", ")[0] + ", …"

    return Note(note.key, {name: short(value) for name, value in note.values.items()})
