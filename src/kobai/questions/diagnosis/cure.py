"""A cure: a setting that is changed in one thing, which can be tried."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from kobai.questions.diagnosis.case import Case, Setting

STEPS, END = "steps", "end"
"""What a cure is judged by: the steps to a target, or the loss at the end."""


class Cure(NamedTuple):
    """A changed setting.

    Fields:
      key: of its words, ``diagnose.cure.KEY``.
      values: that they name.
      setting: the whole of it.
      by: "steps" or "end".
      against: what it is compared with, where that is not the sick setting itself.
    """

    key: str
    values: Mapping[str, object]
    setting: Setting
    by: str = STEPS
    against: Setting | None = None


Remedy: TypeAlias = Callable[[Setting], Cure | None]
"""What changes a setting; None: nothing would be changed."""

Maker: TypeAlias = Callable[[Case], Cure | None]
"""The same of all that was measured."""
