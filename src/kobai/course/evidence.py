"""What stands below a verdict: where an answer differs first, both values there, and what it was used on."""

from collections.abc import Mapping

import numpy as np

from kobai.course.exercise import Observation, Trace
from kobai.course.traces import alike, cases, close, same
from kobai.words import say

WIDEST, LONGEST = 64, 260
"""Characters of one input, and of all inputs together."""


class Sentence:
    """A sentence with its values, said in the language in use when it is shown."""

    def __init__(self, key: str, /, **values: object) -> None:
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return say(self.key, **self.values)

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)


def where(observation: Observation) -> Sentence:
    """The sentence of the place of an observation."""
    key, values = observation.where
    return Sentence(f"course.where.{key}", **values)


def difference(trace: Trace, expected: Trace, name: str) -> tuple[Sentence, ...]:
    """The first difference; what was right before it; the inputs.

    Args:
      name: of what the learner defines.
    """
    for own, right in zip(trace, expected, strict=False):
        if not same(own, right):
            return (
                _of_pair(own, right),
                *_right_before(trace, expected),
                *used_on(name, right.inputs, right),
            )
    last = expected[min(len(trace), len(expected) - 1)]
    return (Sentence("course.difference.form", where=where(last)), *used_on(name, last.inputs, last))


def _of_pair(own: Observation, right: Observation) -> Sentence:
    if own.where != right.where:
        return Sentence("course.difference.form", where=where(right))
    if not alike(own, right):
        shapes = {"found": own.value.shape, "expected": right.value.shape}
        return Sentence("course.difference.shape", where=where(right), **shapes)
    index = tuple(int(i) for i in np.argwhere(~close(own.value, right.value))[0])
    at = f"[{', '.join(map(str, index))}]" if index else ""
    value, other = own.value[index], right.value[index]
    # As many digits as it takes to see the difference.
    digits = next(n for n in range(6, 18) if f"{value:.{n}g}" != f"{other:.{n}g}" or n == 17)
    shown = {"found": f"{value:.{digits}g}", "expected": f"{other:.{digits}g}"}
    return Sentence("course.difference.value", where=where(right), at=at, **shown)


def _right_before(trace: Trace, expected: Trace) -> tuple[Sentence, ...]:
    """That the first cases or steps are right, where they are and later ones are not."""
    own, right = cases(trace), cases(expected)
    count = 0
    for number in right:
        pairs = list(zip(own.get(number, []), right[number], strict=False))
        if len(pairs) != len(right[number]) or not all(same(*pair) for pair in pairs):
            break
        count = number
    if not 0 < count < len(right):
        return ()
    kind = "steps" if "step" in expected[0].where[1] else "examples"
    return (Sentence(f"course.evidence.{kind}", count=count),)


def used_on(
    name: str, inputs: Mapping[str, object], observation: Observation | None = None
) -> tuple[Sentence, ...]:
    """What an answer was used on, as a call: softmax_loss(scores=[[1, 2, 0.5], …] (2×3), t=[0, 2])."""
    if not inputs:
        return ()
    call = ", ".join(f"{key}={short(value)}" for key, value in inputs.items())
    call = call if len(call) <= LONGEST else f"{call[:LONGEST]}…"
    changed = observation.where[1].get("changed") if observation else None
    note = (Sentence("course.evidence.changed", argument=changed),) if changed else ()
    return (Sentence("course.evidence.inputs", call=f"{name}({call})"), *note)


def on_globals(notes: Trace) -> tuple[Sentence, ...]:
    """That the answer uses variables of the notebook, if notes say so."""
    return tuple(Sentence("course.wrong.any.globals", **note.where[1]) for note in notes)


def short(value: object) -> str:
    """A value in few characters; of a large array in a dict only the shape."""
    if isinstance(value, dict):
        parts = {key: _shape(part) if np.size(part) > 3 else short(part) for key, part in value.items()}
        return "{" + ", ".join(f"{key!r}: {part}" for key, part in parts.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(short, value)) + "]"
    if isinstance(value, np.random.Generator):
        return "Generator"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    if not isinstance(value, np.ndarray):
        return f"{value:.4g}" if isinstance(value, float) else repr(value)
    text = np.array2string(
        value,
        separator=", ",
        threshold=0 if value.size > 12 else 12,
        edgeitems=2,
        formatter={"float_kind": lambda number: f"{number:.4g}"},
        max_line_width=10**6,
    )
    text = " ".join(text.split()).replace("..., ", "…, ").replace("...", "…").replace("[ ", "[")
    text = text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
    return text if value.ndim < 2 or value.size <= 6 else f"{text} {_shape(value)}"


def _shape(value: np.ndarray) -> str:
    return f"({'×'.join(map(str, np.shape(value)))})"
