"""What an exercise is: what the learner defines, how an answer is observed, the reference, the wrong answers.

An answer is never read, only observed: the exercise uses it on numbers and notes all that can be seen, each
thing an `Observation`. An answer is right if it does what the reference does. A *named wrong answer* is a
program with one well-known mistake; an answer that does exactly what it does has that mistake, and gets its
sentence. What can be told from the way an answer behaves, whatever its formula, is raised as a `Mistake`
while observing.
"""

import copy
import dataclasses
import functools
import inspect
import re
import string
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeGuard, cast

import numpy as np

from kobai.course.cases import Arguments, Call, alone, refreshed

Place: TypeAlias = Mapping[str, object]
"""The values of the sentence that says where something was seen."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One use of an answer, announced before it is made, so that whatever happens then has its inputs."""

    inputs: Mapping[str, object]


@dataclasses.dataclass(frozen=True, eq=False)
class Observation:
    """One thing that an answer did."""

    where: tuple[str, Place]
    """The sentence that says where it was seen: its key after ``course.where.``, and values."""
    value: np.ndarray
    origin: np.ndarray | float = 0.0
    """The value before the answer was used; factors and signs are those of the change."""
    inputs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """What the answer was used on: those of the last `Case`."""


class Mistake(Exception):
    """A mistake seen in the way an answer behaves; its sentence is ``course.wrong.NAME``."""

    def __init__(self, name: str, /, **values: object) -> None:
        super().__init__(name, values)
        self.name = name
        self.values = values


class NoAnswer(Exception):
    """A question has no answer yet."""


Trace: TypeAlias = list[Observation]
"""All that an answer did, in order."""
Recognition: TypeAlias = Callable[["Exercise", Trace, Trace, int], Mistake | None]
"""The mistake of a whole family of wrong answers, an ε of any size say.

``recognise(exercise, trace, expected, seed)`` gets a trace of the right form, and the right one."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """An exercise and all that is known about its answers."""

    defines: str
    """The name that the learner gives a value to: Adam."""
    observe: Callable[[object, int], Iterator[Case | Observation]]
    """Uses an answer, on the numbers of a seed, and tells what it did.

    Raises `Mistake`, `NoAnswer`, and whatever the answer raises."""
    reference: object
    wrong: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """Named wrong answers; the name is the key of the sentence after ``course.wrong.``"""
    recognise: Recognition | None = None
    secret: bool = False
    """Whether the right values are never shown: the letters of a quiz."""


def as_numbers(value: object, name: object) -> np.ndarray:
    """`value` as an array of numbers. Raises `Mistake`."""
    try:
        return np.array(value, float)
    except (TypeError, ValueError):
        raise Mistake("not_numbers", name=name, value=type(value).__name__) from None


# Exercises that ask for a function


def function(
    name: str,
    reference: Callable[..., object],
    cases: Sequence[Call],
    *,
    fresh: Callable[[Sequence[Call], int], Sequence[Arguments]] = refreshed,
    inseparable: Sequence[str] = (),
    if_changed: str = "arguments_changed",
    recognise: Recognition | None = None,
    **wrong: Callable[..., object],
) -> Exercise:
    """An exercise that asks for a function `name`, observed on each case, a tuple of arguments.

    A wrong answer ``mean=…`` is called after the function: its sentence is ``course.wrong.NAME.mean``.

    Args:
      cases: what the function is called with. The first is tried with each argument changed alone, too.
      fresh: makes of them the cases of a seed, for a grade; see `kobai.course.cases`.
      inseparable: arguments that belong together, so that none of them is changed alone.
      if_changed: the name of the mistake to leave an argument changed.
      recognise: see `Exercise`.
    """
    parameters = list(inspect.signature(reference).parameters)

    @functools.cache
    def calls(seed: int) -> list[tuple[Arguments, Place]]:
        """Each case with what its place has beside its number: the name of the argument changed alone."""
        own = list(fresh(cases, seed))
        free = [i for i in range(len(own[0])) if parameters[i] not in inseparable]
        changed = [(case, {"changed": parameters[i]}) for i, case in alone(own, reference, free)]
        return [*((case, {}) for case in own), *changed]

    @functools.cache
    def right(seed: int) -> list[object]:
        return [reference(*copy.deepcopy(case)) for case, _ in calls(seed)]

    def observe(answer: object, seed: int) -> Iterator[Case | Observation]:
        for number, (case, more) in enumerate(calls(seed), start=1):
            yield Case(dict(zip(parameters, case, strict=False)))
            arguments = copy.deepcopy(case)
            result = cast(Callable[..., object], answer)(*arguments)  # what is none, Python refuses
            if result is None:
                raise Mistake("nothing_returned", name=name)
            if not _equal(arguments, case):
                raise Mistake(if_changed, name=name)
            result = _formed(result, right(seed)[number - 1], name)
            yield from observations(result, {"name": name, "case": number, **more})

    own = {f"{name}.{mistake}": answer for mistake, answer in wrong.items()}
    return Exercise(
        defines=name,
        observe=observe,
        reference=reference,
        wrong={**own, "nothing_returned": lambda *arguments: None},  # noqa: ARG005
        recognise=recognise,
    )


def _formed(result: object, right: object, name: str) -> object:
    """The result in the form of the right one where the difference matters to no one.

    An array in place of a tuple or list of as many parts is read part by part. A list is no array.
    """
    if isinstance(right, tuple | list):
        if isinstance(result, np.ndarray) and result.ndim and len(result) == len(right):
            return list(result)
        if isinstance(result, tuple | list):
            pairs = zip(result, right, strict=False)
            return [*(_formed(*pair, name) for pair in pairs), *result[len(right) :]]
    if isinstance(right, dict) and isinstance(result, dict):
        return {key: _formed(value, right.get(key), name) for key, value in result.items()}
    if _is_array(right) and isinstance(result, tuple | list) and _shape(result) == np.shape(right):
        raise Mistake("no_array", name=name, value=type(result).__name__)
    return result


def _is_array(value: object) -> TypeGuard[np.ndarray]:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _shape(value: tuple[object, ...] | list[object]) -> tuple[int, ...] | None:
    try:
        return np.asarray(value).shape
    except ValueError:  # its rows are not equally long
        return None


def observations(result: object, place: Place) -> Iterator[Observation]:
    """Every number of a result: of an array, or of each entry of a tuple, list or dict of arrays."""
    if isinstance(result, dict):
        for key in sorted(result, key=str):
            yield _part(result[key], {**place, "entry": repr(key)})
    elif isinstance(result, tuple | list):
        yield Observation(("length", place), np.asarray(float(len(result))))
        for i, part in enumerate(result):
            yield _part(part, {**place, "entry": i})
    else:
        yield Observation(("result", place), as_numbers(result, place["name"]))


def _part(value: object, place: Place) -> Observation:
    if value is None:
        return Observation(("none", place), np.asarray(0.0))
    return Observation(("entry", place), as_numbers(value, place["name"]))


def _equal(left: object, right: object) -> bool:
    """Whether arguments are still what they were, but for rounding: x + h − 2h + h is hardly ever x."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, tuple | list) and isinstance(right, tuple | list | np.ndarray):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray | np.generic):
        same = left.shape == right.shape
        return same and bool(np.allclose(left, right, rtol=1e-12, atol=1e-12, equal_nan=True))
    if any(isinstance(each, dict | tuple | list | np.ndarray) for each in (left, right)):
        return False  # of another kind than it was
    return callable(left) or isinstance(left, np.random.Generator) or bool(left == right)


# Questions with letters to choose from


def quiz(
    name: str,
    letters: str,
    defines: str,
    choices: str = "abcd",
    *,
    also: Mapping[int, str] | None = None,
    of_letters: Collection[str] | None = None,
) -> Exercise:
    """Questions with one right letter each, answered in one string: "bcadb" or "1b 2c 3a 4d 5b".

    Question 2 of "3_1.review" has the sentence ``course.wrong.3_1.review.2``. Where the same is asked of A,
    B, …, each wrong letter has a sentence, ``course.wrong.3_10.troubles.c``, and it is told of which it is.
    What is observed are the letters themselves: whether they are right is decided outside the process of a
    learner's code.

    Args:
      also: further right letters, by question.
      of_letters: that wrong letters have sentences; those named here, "2.c", have one in question 2 alone.
    """
    right_too = also or {}

    def observe(answer: object, seed: int) -> Iterator[Case | Observation]:  # noqa: ARG001
        own = _letters(answer, len(letters), choices, labelled=of_letters is not None)
        for number, letter in enumerate(own, start=1):
            meant = letters[number - 1] if letter in right_too.get(number, "") else letter
            yield Observation(("result", {"name": defines, "case": number}), np.asarray(float(ord(meant))))

    def mistake(number: int, letter: str) -> Mistake:
        if of_letters is None:
            return Mistake(f"{name}.{number}")
        own = f"{number}.{letter}"
        return Mistake(f"{name}.{own if own in of_letters else letter}", patient=chr(ord("A") + number - 1))

    def recognise(_: Exercise, trace: Trace, expected: Trace, seed: int) -> Mistake | None:  # noqa: ARG001
        pairs = enumerate(zip(trace, expected, strict=True), start=1)
        wrong = ((i, chr(int(own.value))) for i, (own, right) in pairs if own.value != right.value)
        return next((mistake(i, letter) for i, letter in wrong), None)

    wrong: dict[str, object] = {}
    for number, right in enumerate(letters, start=1):
        for letter in choices:
            if letter not in right + right_too.get(number, ""):
                slip = letters[: number - 1] + letter + letters[number:]
                wrong.setdefault(mistake(number, letter).name, slip)
    wrong |= {"quiz_length": letters[:-1], "quiz_letters": "12345"[: len(letters)]}
    return Exercise(
        defines=defines, observe=observe, reference=letters, wrong=wrong, recognise=recognise, secret=True
    )


def _letters(answer: object, count: int, choices: str, *, labelled: bool) -> str:
    """The letters in an answer, however they are numbered, bracketed and parted.

    Raises `NoAnswer` where there is none, and `Mistake`.
    """
    text = _joined(answer)
    if not re.search(r"\w", text):
        raise NoAnswer
    letters = chosen(text, count if labelled else 0)
    if not letters:
        raise Mistake("quiz_letters", choices=f"{choices[0]}–{choices[-1]}")
    if len(letters) != count:
        raise Mistake("quiz_length", count=len(letters), expected=count)
    if set(letters) - set(choices):
        raise Mistake("quiz_letters", choices=f"{choices[0]}–{choices[-1]}")
    return letters


def chosen(answer: object, labelled: int = 0) -> str:
    """The letters of an answer to questions of which so many are called A, B, …: "A:e B:d" are e and d."""
    letters = "".join(re.findall("[a-z]", _joined(answer)))
    labels, own = letters[::2], letters[1::2]
    if labelled and "".join(sorted(labels)) == string.ascii_lowercase[:labelled] and len(own) == labelled:
        return "".join(letter for _, letter in sorted(zip(labels, own, strict=True)))
    return letters


def _joined(answer: object) -> str:
    """An answer as one text, as a Japanese keyboard may have written it."""
    parts: object = answer.values() if isinstance(answer, dict) else answer
    parts = parts if not isinstance(parts, str) and isinstance(parts, Iterable) else [parts]
    return unicodedata.normalize("NFKC", "".join(map(str, parts))).lower()
