"""What is known about wrong answers in general, of any exercise, where none of its named ones fits.

In this order: the form of the result (`of_form`), an argument without effect (`ignored`), a relation between
all its numbers and the right ones (`of_values`: the sign, a factor, a root, …), and one change to the right
answer's code after which it does exactly the same (`mutants`). Each is told only if it explains everything
that differs. Their sentences are ``course.wrong.any.…``.
"""

import numpy as np

from kobai.course import relations
from kobai.course.evidence import Sentence
from kobai.course.exercise import Exercise, Mistake, Observation, Trace
from kobai.course.mutants import like_a_mutant
from kobai.course.notes import GLOBALS
from kobai.course.traces import NOTE, alike, cases, close, nothing_but_nan, same, same_form

TELLING = 4
"""So many numbers that are not whole do not agree by chance."""


def diagnosis(
    name: str, exercise: Exercise, trace: Trace, notes: Trace, expected: Trace, seed: int
) -> Mistake | None:
    """The mistake in general terms; None where nothing is known but that it differs."""
    form_fits = same_form(trace, expected)
    mistake = None if form_fits else of_form(trace, expected)
    if form_fits:
        mistake = not_a_number(trace, notes) or all_zero(trace) or ignored(trace, expected)
        if mistake and mistake.name == "any.ignored":
            mistake = of_globals(notes) or mistake
        mistake = mistake or of_values(trace, expected)
    if mistake is None and telling(expected):
        mistake = like_a_mutant(name, exercise, trace, seed)
    return mistake or of_globals(notes)


def telling(expected: Trace) -> bool:
    """Whether so many of the right numbers are not whole that no other program gives them by chance."""
    numbers = np.concatenate([each.value.ravel() for each in expected])
    return len(set(numbers[np.isfinite(numbers) & (numbers != np.round(numbers))].tolist())) >= TELLING


def of_globals(notes: Trace) -> Mistake | None:
    """Variables of the notebook used in place of arguments."""
    for note in notes:
        if note.where[0] == GLOBALS:
            return Mistake("any.globals", names=note.where[1].get("names", ""))
    return None


def not_a_number(trace: Trace, notes: Trace) -> Mistake | None:
    """All numbers NaN or infinite: what happened first, and where."""
    if not nothing_but_nan(trace):
        return None
    for note in notes:
        kind = note.where[0].removeprefix(NOTE)
        if kind in ("divide", "invalid", "overflow"):
            return Mistake(f"any.nan_{kind}", line=note.where[1].get("line", ""))
    return Mistake("any.nan")


def all_zero(trace: Trace) -> Mistake | None:
    """All numbers 0: nothing was computed, or nothing put where it belongs."""
    values = [each.value for each in trace if each.where[0] != "length"]
    return None if any(value.any() for value in values) else Mistake("any.zero")


def ignored(trace: Trace, expected: Trace) -> Mistake | None:
    """Arguments without effect on the result, or on a part of it.

    With another value of one alone, the answer is what it was in the first case, and should not be.
    """
    own, right = cases(trace), cases(expected)
    whole, parts = [], []
    for number, part in right.items():
        argument = part[0].where[1].get("changed")
        if argument is None or len(part) != len(right[1]):
            continue
        moving = [i for i, pair in enumerate(zip(right[1], part, strict=True)) if not _equal(*pair)]
        still = [i for i in moving if _equal(own[1][i], own[number][i])]
        if still and still == moving:
            whole.append(argument)
        elif still:
            parts.append((part[still[0]].where[1].get("entry"), argument))
    if whole:
        return Mistake("any.ignored", names=", ".join(map(str, whole)))
    return Mistake("any.ignored_in_part", entry=parts[0][0], name=parts[0][1]) if parts else None


def _equal(one: Observation, other: Observation) -> bool:
    return one.value.shape == other.value.shape and bool(close(one.value, other.value).all())


# The form of a result


def of_form(trace: Trace, expected: Trace) -> Mistake | None:
    """The mistake in the first case whose result is of another form."""
    own, right = cases(trace), cases(expected)
    for number, parts in right.items():
        if number not in own or not same_form(own[number], parts):
            return _of_case(own.get(number, []), parts)
    return None


def _of_case(own: Trace, right: Trace) -> Mistake | None:
    none = [each for each in own if each.where[0] == "none"]
    if none:
        return Mistake("any.none", entry=none[0].where[1].get("entry", ""))
    if _container(own) != _container(right):
        form = Sentence(f"course.form.{_container(own)}")
        return Mistake(f"any.form_{_container(right)}", count=len(right) - 1, form=form)
    if _container(right) == "dict":
        keys, others = ({str(each.where[1].get("entry")) for each in part} for part in (right, own))
        if keys != others:
            missing, extra = sorted(keys - others), sorted(others - keys)
            return Mistake("any.keys", missing=", ".join(missing) or "–", extra=", ".join(extra) or "–")
    if _container(right) == "tuple" and len(own) != len(right):
        return _of_count(own[1:], right[1:])
    for one, other in zip(own, right, strict=False):
        if not alike(one, other):
            return relations.of_shape(one, other)
    return None


def _container(part: Trace) -> str:
    """What holds the numbers of a case: tuple, dict, array or number."""
    kind = {"length": "tuple", "entry": "dict"}.get(part[0].where[0] if part else "", "")
    return kind or ("array" if part and part[0].value.ndim else "number")


def _of_count(own: Trace, right: Trace) -> Mistake | None:
    """One part too many or too few at an end, or another number of parts."""
    values, others = [each.value for each in own], [each.value for each in right]
    name = relations.of_rows(values, others)
    return Mistake(name) if name else Mistake("any.count", count=len(own), expected=len(right))


# The values of a result


def of_values(trace: Trace, expected: Trace) -> Mistake | None:
    """The relation that holds between all that is wrong and what is right there."""
    parts: dict[str, list[tuple[Observation, Observation]]] = {}
    for own, right in zip(trace, expected, strict=True):
        values = right.where[1]
        parts.setdefault(str(values.get("entry", values.get("array"))), []).append((own, right))
    wrong = [pairs for pairs in parts.values() if not all(same(*pair) for pair in pairs)]
    return relations.of_pairs([pair for pairs in wrong for pair in pairs])
