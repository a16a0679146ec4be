"""How a step ended, as a line between two processes: written in the learner's, read outside it.

A learner's code can write such lines too. So a line says what an answer *did*, never whether that is right,
and `accepted` takes nothing from it but what was asked for, in the form and size of an honest line. To forge
a right answer one has to know its numbers. The answer to a question is letters: they are passed on as they
stand in the notebook, and read outside.
"""

import dataclasses
import string
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from kobai.course.evidence import Sentence
from kobai.course.exercise import Exercise, Observation
from kobai.course.judge import STOPPED, UNWRITTEN, WRONG, Verdict, observed
from kobai.words import TABLES, said

MOST_PARTS, MOST_NUMBERS = 500, 5_000
"""Of one answer, of which no right one has a tenth. Of an array beyond that only the shape is told."""
MOST_SENTENCES = 5
"""Of evidence below a verdict."""
LONGEST, LONGEST_PLACE = 2_000, 100
"""Letters of a text in a line, and of one that says where something was seen."""
Line: TypeAlias = dict[str, Any]
"""What `json` makes of a line."""


@dataclasses.dataclass(frozen=True)
class CellEnd:
    """How a cell ended."""

    status: str
    """ran, failed, stopped, crashed; late: no time was left for it; lost: nor a process."""
    kind: str = "?"
    """Of what it raised: NameError."""
    problem: str = "?"
    line: str = "?"
    """The learner's line that raised it."""
    how: str = "?"
    """How the process ended: exit code or signal."""


AnswerEnd: TypeAlias = CellEnd | Verdict | list[Observation]
"""How the use of an answer ended: not at all (stopped, crashed, late, lost), or not as asked (a verdict that
is never "passed"), or in what it did, which is still to be compared."""


# In the learner's process


def as_report(answer: object, outcome: Verdict | list[Observation], exercise: Exercise) -> Line:
    """What an answer did, for JSON; letters as they are."""
    if asks_for_letters(exercise):
        letters = _letters(answer)
        return {"status": UNWRITTEN} if letters is None else {"status": "letters", "letters": letters}
    if isinstance(outcome, Verdict):
        values = {name: _plain(value) for name, value in outcome.values.items()}
        evidence = [
            [each.key, {name: _plain(value) for name, value in each.values.items()}]
            for each in outcome.evidence
        ]
        line = {"status": outcome.status, "key": outcome.key, "values": values, "mistake": outcome.mistake}
        return {**line, "evidence": evidence[:MOST_SENTENCES]}
    left, parts = MOST_NUMBERS, []
    for observation in outcome[:MOST_PARTS]:
        left -= observation.value.size
        parts.append(_part(observation, whole=left >= 0))
    return {"status": "seen", "seen": parts}


def asks_for_letters(exercise: Exercise) -> bool:
    """Whether the answer is a text, which needs no code of the learner's to be judged."""
    return isinstance(exercise.reference, str)


PLAIN = (str, int, float, bool)
"""What is text without code of the learner's."""


def _letters(answer: object) -> str | None:
    """The answer to questions as one text; None for what is none."""
    if answer is None:
        return None
    parts = answer[:LONGEST] if isinstance(answer, tuple | list) else [answer]
    return "".join(str(part) if type(part) in PLAIN else type(part).__name__ for part in parts)[:LONGEST]


def _plain(value: object) -> object:
    if isinstance(value, said):
        return {"said": value.key}
    return value if isinstance(value, int | float) else format(value)[:LONGEST]


def _part(observation: Observation, whole: bool) -> list[object]:
    key, values = observation.where
    plain: dict[str, object] = {}
    for name, value in values.items():
        plain[name] = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, str):
            plain[name] = value[:LONGEST_PLACE]
    return [key, plain, list(observation.value.shape), observation.value.ravel().tolist() if whole else None]


# Outside it


def accepted(line: Line, name: str = "", exercise: Exercise | None = None) -> AnswerEnd | None:
    """How a step ended, of a line that may be forged; None for a line that cannot be ours.

    Args:
      line: what `json` made of it.
      name, exercise: whose answer was used; without them the step was a cell.
    """
    try:
        if exercise is None:
            return _cell(line)
        if asks_for_letters(exercise):
            return _read(line, name, exercise)
        return _seen(line["seen"]) if line["status"] == "seen" else _verdict(line, name)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, MemoryError):
        return None


def _cell(line: Line) -> CellEnd | None:
    status = line["status"]
    if status == "failed":
        return CellEnd("failed", *(_text(line[name]) for name in ("kind", "problem", "line")))
    return CellEnd(status) if status in ("ran", "stopped") else None


def _read(line: Line, name: str, exercise: Exercise) -> AnswerEnd | None:
    if line["status"] == UNWRITTEN:
        return observed(name, exercise, {})
    letters = _text(line["letters"]) if line["status"] == "letters" else None
    return None if letters is None else observed(name, exercise, {exercise.defines: letters})


def _seen(parts: list[list[Any]]) -> list[Observation]:
    """What an answer did. The size of a line bounds it all; a shape alone takes no memory."""
    if len(parts) > MOST_PARTS:
        raise ValueError(len(parts))
    return [_one(*part) for part in parts]


def _one(
    key: str, values: Mapping[str, object], shape: list[int], numbers: list[float] | None
) -> Observation:
    array = np.full((), np.nan) if numbers is None else np.array(numbers, float)
    array = np.broadcast_to(array, shape) if numbers is None else array.reshape(shape)
    return Observation(
        (_text(key), {_text(name): _value(value) for name, value in dict(values).items()}), array
    )


def _verdict(line: Line, name: str) -> Verdict | None:
    """A verdict that an answer earns in its own process: that it is not right, or not there."""
    if line["status"] not in (WRONG, UNWRITTEN, STOPPED):
        return None
    values = {_text(key): _value(value) for key, value in line["values"].items()}
    evidence = tuple(
        Sentence(_sentence(key), **{_text(name): _value(value) for name, value in each.items()})
        for key, each in line["evidence"][:MOST_SENTENCES]
    )
    verdict = Verdict(name, line["status"], _sentence(line["key"]), values, _text(line["mistake"]), evidence)
    if not set(verdict.mistake) <= NAME:
        raise ValueError(verdict.mistake)
    if not verdict.message:  # KeyError: without what its sentences need
        raise ValueError(verdict.key)
    return verdict


NAME = frozenset(string.ascii_letters + string.digits + "_.")


def _sentence(key: str) -> str:
    """A key of the course's own sentences."""
    if not (key.startswith("course.") and all(key in words for words in TABLES.values())):
        raise KeyError(key)
    return key


def _value(value: object) -> object:
    if isinstance(value, dict):
        return said(_sentence(value["said"]))
    if value is None or isinstance(value, bool | float):
        return value
    return int(str(value)[:20]) if isinstance(value, int) else _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value[:LONGEST]
