"""What an answer did, as a line between two processes: written in the learner's, read outside it.

Whatever the line holds, `from_report` makes of it what an answer did, or a verdict that is not "passed": to
forge a right answer one has to know its numbers.
"""

import itertools
from typing import Any

import numpy as np

from kobai.course.exercise import Seen
from kobai.course.judge import STOPPED, UNWRITTEN, WRONG, Verdict

MOST_PARTS, MOST_NUMBERS = 10_000, 200_000
"""No right answer is larger; of a larger array only the shape is told."""


def as_report(found: Verdict | list[Seen]) -> dict[str, Any]:
    """What `judge.observed` found, for JSON; a verdict with its sentence in the language in use."""
    if isinstance(found, Verdict):
        return {"status": found.status, "mistake": found.mistake, "message": found.message}
    return {"status": "seen", "seen": [_part(seen) for seen in itertools.islice(found, MOST_PARTS)]}


def _part(seen: Seen) -> list[Any]:
    key, values = seen.where
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
    numbers = seen.value.ravel().tolist() if seen.value.size <= MOST_NUMBERS else None
    return [key, plain, list(seen.value.shape), numbers]


def from_report(line: dict[str, Any]) -> dict[str, Any] | list[Seen] | None:
    """What an answer did, or status, mistake and message of a verdict; None for what is neither."""
    status = line.get("status")
    if status == "seen":
        try:
            return [_seen(*part) for part in line["seen"]]
        except (TypeError, ValueError, KeyError, OverflowError, MemoryError):
            return None
    if status in (WRONG, UNWRITTEN, STOPPED):
        texts = {name: line.get(name) for name in ("mistake", "message")}
        if all(isinstance(text, str) for text in texts.values()):
            return {"status": status, **texts}
    return None


def _seen(key: str, values: dict[str, Any], shape: list[int], numbers: list[float] | None) -> Seen:
    found = np.broadcast_to(np.nan, shape) if numbers is None else np.array(numbers, float).reshape(shape)
    return Seen((str(key), dict(values)), found)
