"""The course: notebooks with exercises that check themselves, in Japanese and English.

In a notebook, or anywhere else::

    from kobai.course import check, done, hint

    check("3_1.adam")       # what is right or wrong with what stands under the name Adam
    hint("3_1.adam")        # a hint; again, a stronger one; three in all
    if done("3_1.adam"):    # whether it is right; else one line that says what is missing
        ...

How the pieces combine: `source` reads a lesson, one file for all its notebooks; `notebooks` makes them and
places them without touching a learner's work. `exercises` is the table of all exercises, each an `Exercise`
with its reference and its named wrong answers, tried on the numbers of `cases`. `judge` compares an answer
with them (`traces`), says what is wrong in general where none fits (`diagnosis`, with `relations`,
`families` and `mutants`), and shows where (`evidence`, `notes`, `problems`). `grade` reads the notebooks of a
class (`reading`), takes each through a process of its own with limits (`watch`, `runner`, `supervise`), and
`table` shows what they earned. `ward` and `job` hold the sick trainings of lessons 3_10 and 3_13, each a
`patient`. README.md here says how to write a lesson.
"""

from importlib import import_module
from typing import TYPE_CHECKING

_HOME = {"check": "learner", "hint": "learner", "done": "learner"}

__all__ = ["check", "done", "hint"]


if TYPE_CHECKING:
    from kobai.course.learner import check, done, hint
else:

    def __getattr__(name: str) -> object:
        if name in _HOME:
            return getattr(import_module(f"kobai.course.{_HOME[name]}"), name)
        raise AttributeError(f"module 'kobai.course' has no attribute '{name}'")
