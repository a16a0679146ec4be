"""What a learner calls in a notebook: check, hint, done."""

import sys
from collections.abc import Mapping

from kobai.basics.checks import MAPPING, check_arguments, check_count
from kobai.course.exercises import find
from kobai.course.judge import PASSED, Verdict, judge, passes
from kobai.words import say

LEVELS = 3
_hints: dict[str, int] = {}
"""How many hints each exercise has had in this session."""
right: set[str] = set()
"""The exercises whose answer was right when it was last looked at in this session."""


def check(exercise: str, namespace: Mapping[str, object] | None = None) -> Verdict:
    """What is right or wrong with your answer to an exercise ("3_1.adam").

    Never raises for a wrong or unfinished answer. Shown at the end of a cell it is a coloured box.

    Args:
      exercise: the name of the exercise.
      namespace: where the answer stands under its name; by default the variables of the caller.

    Raises:
      UsageError: for an unknown exercise.
    """
    variables = sys._getframe(1).f_globals if namespace is None else namespace
    check_arguments("check", {"namespace": variables}, {"namespace": MAPPING})
    verdict = judge(exercise, find(exercise), variables)
    _remember(exercise, is_right=verdict.status == PASSED)
    return verdict


def hint(exercise: str, level: int | None = None) -> None:
    """Print a hint for an exercise: each call a stronger one, three in all; or the one of `level` (1, 2, 3).

    Raises:
      UsageError: for an unknown exercise.
    """
    find(exercise)
    if level is not None:
        check_count("level", level)
    level = min(max(level or _hints.get(exercise, 0) + 1, 1), LEVELS)
    _hints[exercise] = level
    print(say("course.hint", level=level, levels=LEVELS, text=say(f"course.hint.{exercise}.{level}")))


def done(exercise: str, namespace: Mapping[str, object] | None = None) -> bool:
    """Whether your answer to an exercise is right; prints one line if not.

    Raises:
      UsageError: for an unknown exercise.
    """
    variables = sys._getframe(1).f_globals if namespace is None else namespace
    check_arguments("done", {"namespace": variables}, {"namespace": MAPPING})
    is_right = passes(exercise, find(exercise), variables)
    _remember(exercise, is_right=is_right)
    if not is_right:
        print(say("course.needs", exercise=exercise))
    return is_right


def _remember(exercise: str, *, is_right: bool) -> None:
    (right.add if is_right else right.discard)(exercise)
