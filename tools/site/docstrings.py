"""What the generated reference has to know of kobai's docstrings and classes (an extension of griffe).

A class under `hyperparameters` is a dataclass, whose fields are its signature. A formula in a docstring is
set line by line, as it is written, where Markdown would run its lines together.
"""

import re
from typing import Any

import griffe

FORMULA = re.compile(r"\S+(\s+\S+)?\s+[=←]\s")
"""How a line of a formula begins: ``v ← αv − ηg``, ``H d = −g``."""


class Kobai(griffe.Extension):
    """Read kobai's source as it is meant."""

    def on_class_instance(self, *, cls: griffe.Class, **_: Any) -> None:
        """Tell griffe, which runs nothing, that `hyperparameters` makes a dataclass."""
        for decorator in cls.decorators:
            if str(decorator.value) == "hyperparameters":
                decorator.value = griffe.ExprName("dataclasses.dataclass")

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Set the formulas of a docstring as they are written."""
        if obj.docstring:
            obj.docstring.value = with_formulas(obj.docstring.value)


def with_formulas(text: str) -> str:
    """Indent each paragraph of formulas, so that Markdown keeps its lines."""
    return "\n\n".join(map(_paragraph, text.split("\n\n")))


def _paragraph(text: str) -> str:
    lines = text.split("\n")
    formula = FORMULA.match(lines[0]) and all(re.search("[=←]", line) for line in lines)
    return "\n".join("    " + line for line in lines) if formula else text
