"""A program as it is written: sections of lines, with comments in the language in use."""

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kobai.report.line_ends import WIDE, ends
from kobai.words import say

COLUMNS = 92
"""The longest line of a comment, a Japanese character counting as two."""

LINE = 88
"""The longest line of a call."""

STANDARD = ("copy", "dataclasses", "math", "os")
"""Modules of Python's own, imported where a section uses them."""


PACKAGES = ("jax", "keras", "numpy", "optax", "torch")
"""Whose imports stand together, those of libraries."""


class Section(NamedTuple):
    """One part of a program: what it is called, and its lines."""

    name: str
    text: str


class Program(NamedTuple):
    """The sections of a program, in order."""

    sections: tuple[Section, ...]

    def __str__(self) -> str:
        text, after = "", False
        for section in self.sections:
            # Around a function or a class stand two empty lines.
            two = DEFINITION.search(section.text) is not None
            between = "\n\n\n" if two or after else "\n\n"
            text, after = f"{text}{between if text else ''}{section.text}", two
        return text + "\n"


DEFINITION = re.compile(r"^(def|class|@)\b", re.MULTILINE)
"""Where a section defines something."""


def program(title: str, imports: Iterable[str], sections: Mapping[str, str], first: str = "") -> Program:
    """A program of a title, its imports and sections; those that are empty are left out.

    Imports of Python's own modules are added where a section uses them, and stand before the others; `first`
    stands between them, those of kobai and then of the reader's own file behind all.
    """
    body = "\n".join([first, *sections.values()])
    standard = "\n".join(f"import {name}" for name in STANDARD if re.search(rf"\b{name}\.", body))
    groups = {"other": list[str](), "kobai": list[str](), "own": list[str]()}
    for line in sorted(imports, key=lambda line: (line.startswith("from"), line.split()[1])):
        package = line.split()[1].partition(".")[0]
        groups["other" if package in PACKAGES else "kobai" if package == "kobai" else "own"].append(line)
    parts = (f'"""{title}"""', standard, first, *map("\n".join, groups.values()))
    head = "\n\n".join(part for part in parts if part)
    every = {"head": head, **sections}
    return Program(tuple(Section(name, text.strip("\n")) for name, text in every.items() if text.strip()))


def comment(*sentences: str, indent: int = 0) -> str:
    """Sentences as lines of a comment, one after the other."""
    lines = wrapped(
        say("report.space").join(sentence for sentence in sentences if sentence), COLUMNS - indent
    )
    return "\n".join(f"{' ' * indent}# {line}" for line in lines)


def wrapped(text: str, columns: int) -> list[str]:
    """The text in lines, broken as its language asks."""
    if not WIDE.search(text):
        return textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False)
    places = [0, *ends(text, columns), len(text)]
    return [line for a, b in zip(places, places[1:], strict=False) if (line := text[a:b].strip())]


class Code(str):
    """Letters that stand in a program as they are, and no text in quotes."""


def literal(value: object) -> str:
    """A value as it is written: text in double quotes."""
    if isinstance(value, Code):
        return value
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def worked_out(value: float) -> str:
    """A number that was computed, without what rounding left in its last digit: 0.7999999999999999 -> 0.8."""
    plain, short = repr(float(value)), repr(float(f"{float(value):.15g}"))
    return short if len(short) < len(plain) - 2 else plain  # 1/3 has all its digits


def call(function: str, *positional: str, **arguments: object) -> str:
    """A call as it is written; one too long for a line has a line for each argument."""
    parts = [*positional, *(f"{name}={literal(value)}" for name, value in arguments.items())]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= LINE:
        return line
    return "\n".join([f"{function}(", *(textwrap.indent(f"{part},", "    ") for part in parts), ")"])


def block(*lines: str) -> str:
    """Lines, those that are empty left out."""
    return "\n".join(line for line in lines if line)


def missing(part: str, name: str) -> str:
    """What stands in place of a user's own part, which cannot be written: a sentence, and an error."""
    return refusal(say("code.own", part=say(f"code.part.{part}"), name=name))


def refusal(sentence: str) -> str:
    """What stands in place of something that cannot be written: why, and an error that says so."""
    return block(comment(sentence), f"raise NotImplementedError({literal(sentence)})")


def refusals(text: str) -> list[str]:
    """The sentences of what a program could not have."""
    return [
        json.loads(sentence)
        for sentence in re.findall(r'raise NotImplementedError\((".*")\)$', text, re.MULTILINE)
    ]
