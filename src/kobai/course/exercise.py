"""What an exercise is: what the learner defines, how an answer is observed, the reference, the wrong answers.

An answer is never read, only observed: the exercise uses it on numbers and notes all that can be seen
(`Seen`). An answer is right if it does what the reference does. A *named wrong answer* is a program with one
well-known mistake; an answer that does exactly what it does has that mistake, and gets its sentence. What can
be told from the way an answer behaves, whatever its formula, is raised as a `Mistake` while observing.
"""

import copy
import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Seen:
    """One thing an answer did."""

    where: tuple[str, dict[str, Any]]
    """The sentence that says where it was seen: its key after ``course.where.``, and values."""
    value: np.ndarray


class Mistake(Exception):
    """A mistake seen in the way an answer behaves; its sentence is ``course.wrong.NAME``."""

    def __init__(self, name: str, /, **values: Any) -> None:
        super().__init__(name, values)
        self.name = name
        self.values = values


class Unwritten(Exception):
    """There is no answer yet to a question."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """An exercise and all that is known about its answers."""

    defines: str
    """The name that the learner gives a value to: Adam."""
    observe: Callable[[Any], Iterator[Seen]]
    """Uses an answer and tells what it did. Raises `Mistake`, `Unwritten`, and whatever the answer raises."""
    reference: Any
    wrong: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Named wrong answers; the name is the key of the sentence after ``course.wrong.``"""


# Exercises that ask for a function


def function(
    name: str,
    reference: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    *,
    if_changed: str = "arguments_changed",
    **wrong: Callable[..., Any],
) -> Exercise:
    """An exercise that asks for a function `name`, observed on each case, a tuple of arguments.

    A wrong answer ``mean=…`` is called after the function: its sentence is ``course.wrong.NAME.mean``.
    `if_changed` is the name of the mistake to leave an argument changed.
    """

    def observe(answer: Callable[..., Any]) -> Iterator[Seen]:
        for number, case in enumerate(cases, start=1):
            arguments = copy.deepcopy(case)
            result = answer(*arguments)
            if result is None:
                raise Mistake("nothing_returned", name=name)
            if not _equal(arguments, case):
                raise Mistake(if_changed, name=name)
            result = _formed(result, reference(*copy.deepcopy(case)), name)
            yield from _parts(result, {"name": name, "case": number})

    named = {f"{name}.{mistake}": answer for mistake, answer in wrong.items()}
    return Exercise(
        defines=name,
        observe=observe,
        reference=reference,
        wrong={**named, "nothing_returned": lambda *arguments: None},  # noqa: ARG005
    )


def _formed(result: Any, right: Any, name: str) -> Any:
    """An array in place of a tuple or list is as good: it is read part by part. A list is no array."""
    if isinstance(right, tuple | list) and isinstance(result, np.ndarray) and result.ndim:
        return list(result)
    if isinstance(right, tuple | list) and isinstance(result, tuple | list):
        return [_formed(*parts, name) for parts in zip(result, right, strict=False)] + [*result[len(right) :]]
    if isinstance(right, dict) and isinstance(result, dict):
        return {key: _formed(value, right.get(key), name) for key, value in result.items()}
    if isinstance(right, np.ndarray) and right.ndim and isinstance(result, tuple | list):
        raise Mistake("no_array", name=name, value=type(result).__name__)
    return result


def _parts(result: Any, place: dict[str, Any]) -> Iterator[Seen]:
    """Every number of a result: of an array, or of each entry of a tuple, list or dict of arrays."""
    if isinstance(result, dict):
        for key in sorted(result, key=str):
            yield Seen(("entry", {**place, "entry": repr(key)}), as_numbers(result[key], place["name"]))
    elif isinstance(result, tuple | list):
        yield Seen(("length", place), np.asarray(float(len(result))))
        for i, part in enumerate(result):
            yield Seen(("entry", {**place, "entry": i}), as_numbers(part, place["name"]))
    else:
        yield Seen(("result", place), as_numbers(result, place["name"]))


def as_numbers(value: Any, name: str) -> np.ndarray:
    """`value` as an array of numbers."""
    if value is None:
        return np.asarray(np.nan)
    try:
        return np.array(value, float)
    except (TypeError, ValueError):
        raise Mistake("not_numbers", name=name, value=type(value).__name__) from None


def _equal(left: Any, right: Any) -> bool:
    """Whether arguments are still what they were, but for rounding: x + h − 2h + h is hardly ever x."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, np.ndarray):
        same = left.shape == right.shape
        return same and bool(np.allclose(left, right, rtol=1e-12, atol=1e-12, equal_nan=True))
    return callable(left) or isinstance(left, np.random.Generator) or bool(left == right)


# Questions with letters to choose from


def quiz(name: str, letters: str, defines: str) -> Exercise:
    """Questions with one right letter each, answered in one string: "bcadb".

    Question 2 of "3_1.review" has the sentence ``course.wrong.3_1.review.2``.
    """

    def observe(answer: Any) -> Iterator[Seen]:
        letters_of = answer if isinstance(answer, tuple | list) else [answer]
        wide = unicodedata.normalize("NFKC", "".join(map(str, letters_of)))  # as a Japanese keyboard writes
        given = re.sub(r"[\s,、。.・]", "", wide).lower()
        if not given:
            raise Unwritten
        if len(given) != len(letters):
            raise Mistake("quiz_length", given=len(given), expected=len(letters))
        for number, (letter, right) in enumerate(zip(given, letters, strict=True), start=1):
            if letter != right:
                raise Mistake(f"{name}.{number}")
            yield Seen(("result", {"name": defines, "case": number}), np.asarray(float(number)))

    def slip(number: int) -> str:
        other = "a" if letters[number] != "a" else "b"
        return letters[:number] + other + letters[number + 1 :]

    wrong = {f"{name}.{number + 1}": slip(number) for number in range(len(letters))}
    return Exercise(
        defines=defines, observe=observe, reference=letters, wrong={**wrong, "quiz_length": letters[:-1]}
    )
