"""The code of a notebook's cell as Python: what only IPython understands is left out.

A cell that is Python stays as it is, so that a ``%`` at the start of a line is still the remainder of a
division. In any other, Python's own parser tells which line stops it; where that line is a magic (%…), a
command (!…) or a question (…?), it is replaced, and the rest is tried again. Lines keep their numbers.
"""

import ast
import re

AROUND = ("time", "capture", "prun")
"""Magics around Python code, whose variables stay: that code is run."""
MAGIC = re.compile(r"(?P<indent>\s*)(?P<target>[\w.,\s]*=\s*)?%(?P<name>\w*)(?P<code>.*)", re.DOTALL)
COMMAND = re.compile(r"(?P<indent>\s*)(?P<target>[\w.,\s]*=\s*)?!.*", re.DOTALL)
QUESTION = re.compile(r"(?P<indent>\s*)(\?.*|[\w.]+\?+\s*)", re.DOTALL)


def as_python(source: str) -> str:
    """The code of a cell without what is none of Python's; a mistake of the learner's stays in it."""
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        name = lines[first][2:].split()[:1]
        body = [""] * (first + 1) + lines[first + 1 :]
        return as_python("\n".join(body)) if name and name[0] in AROUND else ""
    for _ in range(len(lines)):
        at = _stopped(lines)
        replaced = None if at is None else _replaced(lines[at])
        if at is None or replaced is None:
            break
        while lines[at].endswith("\\") and at + 1 < len(lines):  # it goes on in the next line
            lines[at], at = replaced, at + 1
            replaced = ""
        lines[at] = replaced
    return "\n".join(lines)


def _stopped(lines: list[str]) -> int | None:
    """Which line stops the parser, if any does."""
    try:
        ast.parse("\n".join(lines))
    except SyntaxError as problem:
        number = (problem.lineno or 0) - 1
        return number if 0 <= number < len(lines) else None
    except (ValueError, MemoryError, RecursionError):  # not to be parsed at all
        return None
    return None


def _replaced(line: str) -> str | None:
    """The Python in a line of IPython's; None where the line is none."""
    match = MAGIC.fullmatch(line)
    if match and match["name"] in AROUND and match["code"].strip():
        return match["indent"] + (match["target"] or "") + match["code"].strip()
    match = match or COMMAND.fullmatch(line)
    if match and match["target"]:
        return match["indent"] + match["target"] + "None"
    match = match or QUESTION.fullmatch(line)
    return match["indent"] + "pass" if match else None
