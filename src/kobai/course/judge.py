"""What is right or wrong with an answer, as a `Verdict`: never an exception, whatever the answer does.

`judge` is two steps: `observed` uses the answer and notes what it did, `compared` holds that against the
reference, the named wrong answers and, where none of them fits, what `diagnosis` knows about wrong answers in
general. A notebook takes both at once; when notebooks are graded the first is taken in the learner's process
and the second outside it, with the numbers of a seed that no notebook has shown.
"""

import contextlib
import dataclasses
import functools
import html
import io
import time
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from kobai.course.cases import AUTHORS
from kobai.course.diagnosis import diagnosis
from kobai.course.evidence import Sentence, difference, on_globals, used_on
from kobai.course.exercise import Case, Exercise, Mistake, NoAnswer, Trace
from kobai.course.limits import OutOfTime, limited
from kobai.course.notes import GLOBALS, noted, of_globals
from kobai.course.problems import raised
from kobai.course.traces import agree, apart, nothing_but_nan, same_form
from kobai.words import say

PASSED, WRONG, UNWRITTEN = "passed", "wrong", "unwritten"
STOPPED = "stopped"
"""It ran out of time."""
MARKS = {PASSED: "✓", WRONG: "✗", UNWRITTEN: "–", STOPPED: "⧖"}
COLOURS = {PASSED: "#28a67a", WRONG: "#cc4221", UNWRITTEN: "#808080", STOPPED: "#cc4221"}
SECONDS = 10.0
"""An answer that has not come back after this is taken for an endless loop."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is to be said about an answer, in the language in use when it is shown."""

    exercise: str
    status: str
    """It is passed, wrong, unwritten or stopped."""
    key: str
    """The key of its sentence."""
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)
    mistake: str = ""
    """The name of the wrong answer that was recognised."""
    evidence: tuple[Sentence, ...] = ()
    """Where the answer differs, its value and the right one, and what it was used on."""

    @property
    def sentence(self) -> str:
        """What is right or wrong, in one sentence."""
        return say(self.key, **self.values)

    @property
    def message(self) -> str:
        """The sentence, and below it the evidence."""
        return "\n".join([self.sentence, *map(str, self.evidence)])

    def __repr__(self) -> str:
        return f"{MARKS[self.status]} {self.exercise}: {self.message}"

    def _repr_html_(self) -> str:
        style = f"border-left:4px solid {COLOURS[self.status]};padding:.4em .8em;white-space:pre-wrap"
        return f'<div style="{style}">{html.escape(repr(self), quote=False)}</div>'


def judge(
    name: str,
    exercise: Exercise,
    namespace: Mapping[str, object],
    seconds: float = SECONDS,
    seed: int = AUTHORS,
) -> Verdict:
    """What is right or wrong with the answer to `exercise` among a learner's variables."""
    outcome = observed(name, exercise, namespace, seconds, seed)
    return outcome if isinstance(outcome, Verdict) else compared(name, exercise, outcome, seed)


def passes(name: str, exercise: Exercise, namespace: Mapping[str, object]) -> bool:
    """Whether the answer to `exercise` is right; what is wrong with it is not looked for."""
    outcome = observed(name, exercise, namespace)
    return not isinstance(outcome, Verdict) and agree(apart(outcome)[0], _of_reference(exercise, AUTHORS))


def observed(
    name: str,
    exercise: Exercise,
    namespace: Mapping[str, object],
    seconds: float = SECONDS,
    seed: int = AUTHORS,
) -> Verdict | Trace:
    """All that the answer to `exercise` did; a verdict, never "passed", where it could not be used."""
    if exercise.defines not in namespace:
        return Verdict(name, UNWRITTEN, "course.verdict.unwritten", {"name": exercise.defines})
    answer = namespace[exercise.defines]
    began = time.perf_counter()
    trace: Trace = []
    inputs: Mapping[str, object] = {}
    try:
        with _quiet(), limited(seconds), noted(trace, namespace):
            for step in exercise.observe(answer, seed):
                if isinstance(step, Case):
                    inputs = step.inputs
                else:
                    trace.append(dataclasses.replace(step, inputs=inputs))
    except NoAnswer:
        return Verdict(name, UNWRITTEN, "course.verdict.unanswered", {"name": exercise.defines})
    except NotImplementedError:
        return Verdict(name, UNWRITTEN, "course.verdict.unwritten", {"name": exercise.defines})
    except Mistake as mistake:
        return _wrong(name, mistake, used_on(exercise.defines, inputs))
    except OutOfTime:
        spent = round(time.perf_counter() - began)
        return Verdict(name, STOPPED, "course.verdict.endless", {"name": exercise.defines, "seconds": spent})
    except (Exception, SystemExit) as problem:
        evidence = used_on(exercise.defines, inputs) + on_globals(of_globals(answer, namespace))
        return Verdict(name, WRONG, "course.verdict.raises", raised(problem, namespace), evidence=evidence)
    return trace + of_globals(answer, namespace)


def compared(name: str, exercise: Exercise, trace: Trace, seed: int = AUTHORS) -> Verdict:
    """What is right or wrong with what an answer did."""
    expected = _of_reference(exercise, seed)
    trace, notes = apart(trace)
    if agree(trace, expected):
        return Verdict(name, PASSED, "course.verdict.passed")
    with _quiet(), np.errstate(all="ignore"):  # wrong answers are tried, too
        mistake = _named(exercise, trace, notes, expected, seed)
    if exercise.secret:
        return _wrong(name, mistake) if mistake else Verdict(name, WRONG, "course.verdict.wrong")
    first, *more = difference(trace, expected, exercise.defines)
    with _quiet(), np.errstate(all="ignore"):
        mistake = mistake or diagnosis(name, exercise, trace, notes, expected, seed)
    if mistake is None:
        return Verdict(name, WRONG, "course.verdict.differs", {"difference": first}, evidence=tuple(more))
    if first.key != "course.difference.form":  # which the mistake says better
        more.insert(0, Sentence("course.evidence.first", difference=first))
    return _wrong(name, mistake, tuple(more))


def _named(exercise: Exercise, trace: Trace, notes: Trace, expected: Trace, seed: int) -> Mistake | None:
    """The mistake of the wrong answer that does exactly the same, or belongs to a family of such."""
    for mistake in () if exercise.secret else exercise.wrong:  # letters are read by `recognise`
        known = _of_wrong(exercise, mistake, seed)
        if known is not None and agree(trace, known[0]):
            # NaN is equal to NaN, whatever it came from: a root of a negative number, a division by 0.
            if nothing_but_nan(trace) and _kinds(notes) != _kinds(known[1]):
                continue
            return Mistake(mistake)
    if exercise.recognise is None or not same_form(trace, expected):
        return None
    return exercise.recognise(exercise, trace, expected, seed)


@functools.cache
def _of_reference(exercise: Exercise, seed: int) -> Trace:
    outcome = observed("", exercise, {exercise.defines: exercise.reference}, seed=seed)
    assert not isinstance(outcome, Verdict), outcome
    return apart(outcome)[0]


@functools.cache
def _of_wrong(exercise: Exercise, mistake: str, seed: int) -> tuple[Trace, Trace] | None:
    """What a wrong answer does, with notes; None where it is told while it is observed."""
    outcome = observed("", exercise, {exercise.defines: exercise.wrong[mistake]}, seed=seed)
    return None if isinstance(outcome, Verdict) else apart(outcome)


def _kinds(notes: Trace) -> set[str]:
    return {note.where[0] for note in notes if note.where[0] != GLOBALS}


def _wrong(name: str, mistake: Mistake, evidence: tuple[Sentence, ...] = ()) -> Verdict:
    return Verdict(name, WRONG, f"course.wrong.{mistake.name}", mistake.values, mistake.name, evidence)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No output and no warning of an answer: what it does wrong is said once, by the verdict."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        yield
