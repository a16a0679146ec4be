"""What became of a table, in sentences: a paragraph about its columns, and what to read with care."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kobai.tasks.table.columns import Column, Moment, Number, Text
from kobai.tasks.table.label import Label
from kobai.tasks.table.split import Parts
from kobai.words import Note, Term

MOST = 12
"""So many names stand in a list; of more it says how many there are."""

UNEQUAL = 10
"""Classes are unequal where the largest has so many times the rows of the smallest."""


@dataclass(frozen=True)
class Facts:
    """What is known of a table that was encoded.

    Fields:
      label: what is predicted.
      parts: the rows of each part.
      columns: what became of each column.
      unlabelled: how many rows have no label, or an infinite one.
      width: the inputs of the network.
      repeated: how many rows for validation and test stand among those for training.
      seed: of the split.
      encoding: how the text of the file is encoded; "" for UTF-8.
    """

    label: Label
    parts: Parts
    columns: Sequence[Column]
    unlabelled: int
    width: int
    repeated: int
    seed: int
    encoding: str = ""


def preparation(facts: Facts) -> Iterator[Note]:
    """What became of the rows, the label and each column."""
    label, rows = facts.label, {name: len(part) for name, part in facts.parts._asdict().items()}
    split = "dataset.rows.stratified" if label.classes else "dataset.rows"
    yield Note(split, {"rows": sum(rows.values()), **rows, "seed": facts.seed, "label": label.name})
    if facts.encoding:
        yield Note("dataset.encoding", {"encoding": facts.encoding})
    if facts.unlabelled:
        yield Note("dataset.unlabelled", {"count": facts.unlabelled, "label": label.name})
    if label.classes:
        told = "dataset.label.whole" if label.whole else "dataset.label.classes"
        yield Note(
            told, {"label": label.name, "classes": _listed(label.classes), "count": len(label.classes)}
        )
    else:
        yield Note("dataset.label.numbers", {"label": label.name})
    used = {name: column.encoder for column in facts.columns if (name := column.name) and column.encoder}
    texts = {name: encoder for name, encoder in used.items() if isinstance(encoder, Text)}
    lists: dict[str, Sequence[Note | str]] = {
        "dataset.numbers": [name for name, encoder in used.items() if isinstance(encoder, Number)],
        "dataset.texts": _counts({name: text.count for name, text in texts.items() if not text.is_hashed}),
        "dataset.hashed": _counts({name: text.count for name, text in texts.items() if text.is_hashed}),
        "dataset.dates": [
            Note(
                "dataset.date",
                {"name": name, "parts": tuple(Term("dataset.date", n) for n in encoder.numbers)},
            )
            for name, encoder in used.items()
            if isinstance(encoder, Moment)
        ],
        "dataset.words": [f"{c.name} ({c.word})" for c in facts.columns if c.encoder and c.word],
        "dataset.missing": _counts({c.name: c.missing + c.infinite for c in facts.columns if c.encoder}),
    }
    for key, names in lists.items():
        if names:
            yield Note(key, {"names": _listed(names)})
    if any(column.encoder is None for column in facts.columns):
        yield left_out(facts.columns)
    yield Note("dataset.width", {"width": facts.width})


def left_out(columns: Sequence[Column]) -> Note:
    """The columns that are left out, and why."""
    names = [
        Note("dataset.reason", {"name": column.name, "reason": Term("dataset.reason", column.reason)})
        for column in columns
        if column.encoder is None
    ]
    return Note("dataset.left_out", {"names": _listed(names)})


def cautions(facts: Facts) -> Iterator[Note]:
    """What may mislead."""
    label, parts = facts.label, facts.parts
    others = np.concatenate([parts.validation, parts.test])
    if facts.repeated:
        yield Note("note.table.repeated", {"count": facts.repeated, "rows": len(others)})
    if label.classes:
        counts = np.bincount(label.values, minlength=len(label.classes))
        if counts.max() >= UNEQUAL * counts.min():
            largest = int(counts.argmax())
            values = {"name": label.classes[largest], "share": f"{counts[largest] / counts.sum():.0%}"}
            yield Note("note.table.unequal", {**values, "least": int(counts.min())})
        absent = [
            name
            for i, name in enumerate(label.classes)
            if not ((label.values[parts.validation] == i).any() and (label.values[parts.test] == i).any())
        ]
        if absent:
            yield Note("note.table.rare", {"names": _listed(absent)})
    unseen = _counts({column.name: column.unseen for column in facts.columns})
    if unseen:
        yield Note("note.table.unseen", {"names": _listed(unseen)})
    confused = [column.name for column in facts.columns if column.is_confused]
    if confused:
        yield Note("note.table.confused", {"names": _listed(confused)})
    infinite = _counts({column.name: column.infinite for column in facts.columns})
    if infinite:
        yield Note("note.table.infinite", {"names": _listed(infinite)})


def _counts(counts: dict[str, int]) -> list[str]:
    """Names with their counts, where there is something to count: age (177)."""
    return [f"{name} ({count})" for name, count in counts.items() if count]


def _listed(names: Sequence[Note | str]) -> tuple[Note | str, ...]:
    """The first of the names, and how many there are where that is not all."""
    if len(names) <= MOST:
        return tuple(names)
    return (*names[:MOST], Note("dataset.more", {"count": len(names) - MOST}))
