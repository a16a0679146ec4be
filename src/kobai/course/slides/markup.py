"""The text of a cell as HTML, its formulas as MathML, which browsers draw by themselves; coloured code."""

import re
from typing import Any

import mistune
from latex2mathml.converter import convert
from mistune.plugins.math import math
from mistune.plugins.table import table
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from kobai.course.prose import joined

FORMULA = re.compile(r"(?<!\$)\$(?!\$)[^$]+?\$(?!\$)")
"""A formula within a line of text."""


class _Renderer(mistune.HTMLRenderer):
    """Formulas as MathML."""

    def __init__(self) -> None:
        super().__init__(escape=False)  # the lessons' own HTML: <details>

    def inline_math(self, text: str) -> str:
        return _formula(text, "inline")

    def block_math(self, text: str) -> str:
        return f'<div class="formula">{_formula(text, "block")}</div>\n'


def _formula(text: str, display: str) -> str:
    """The formula; bold by style, since browsers read no `mathvariant` but "normal"."""
    return re.sub(r'mathvariant="bold[^"]*"', 'class="bold"', convert(text, display=display))


_markdown = mistune.create_markdown(renderer=_Renderer(), plugins=[math, table])


def as_html(text: str) -> str:
    """The text as HTML."""
    text = FORMULA.sub(lambda formula: formula[0].replace("\n", " "), joined(text))
    rendered: Any = _markdown(text)
    return str(rendered)


def blocks(text: str) -> list[str]:
    """The paragraphs, lists, tables, formulas, … of a text; what is folded stays in one block."""
    parts: list[list[str]] = [[]]
    closing = ""
    for line in text.splitlines():
        if not closing and not line.strip():
            parts.append([])
            continue
        parts[-1].append(line)
        closing = _still_open(line, closing)
    return ["\n".join(part) for part in parts if part]


def _still_open(line: str, closing: str) -> str:
    """What ends the block after a line, if a blank line does not; before the line it was `closing`."""
    if closing:
        return "" if closing in line else closing
    for opening, end in (("```", "```"), ("<details>", "</details>"), ("$$", "$$")):
        if line.lstrip().startswith(opening):
            return "" if end in line.lstrip()[len(opening) :] else end
    return ""


def code(source: str) -> str:
    """Python with colours."""
    return highlight(source, PythonLexer(), HtmlFormatter(noclasses=True, nobackground=True, wrapcode=True))
