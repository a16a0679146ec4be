"""The text of a cell as HTML, its formulas as MathML, which browsers draw by themselves; coloured code."""

import re

import mistune
from latex2mathml.converter import convert
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from kobai.course.prose import joined

FORMULA = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<block>.+?)\$\$|(?<!\$)\$(?P<inline>[^$]+?)\$", re.DOTALL
)
"""A formula on a line of its own or in a text; or code, where a dollar is a dollar."""
PLACE = "\ue000{}\ue001"
"""Stands for a formula while the text around it is read: of private letters, which no text has."""

_markdown = mistune.create_markdown(escape=False, plugins=["table"])  # the lessons' own HTML: <details>


def as_html(text: str) -> str:
    """The text as HTML."""
    formulas: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match["code"]:
            return match["code"]
        formulas.append(_formula(match["block"], "block") if match["block"] else _formula(match["inline"]))
        return PLACE.format(len(formulas) - 1)

    rendered = _markdown(FORMULA.sub(place, joined(text)))
    return re.sub(PLACE.format(r"(\d+)"), lambda match: formulas[int(match[1])], str(rendered))


def _formula(text: str, display: str = "inline") -> str:
    """The formula; bold by style, since browsers read no `mathvariant` but "normal"."""
    text = re.sub(
        r"\\arg\b", r"\\operatorname{arg}", text.replace("\n", " ")
    )  # which the converter does not know
    shown = re.sub(r'mathvariant="bold[^"]*"', 'class="bold"', convert(text, display=display))
    return f'<span class="formula">{shown}</span>' if display == "block" else shown


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
    """Python code as HTML with colours."""
    return highlight(source, PythonLexer(), HtmlFormatter(noclasses=True, nobackground=True, wrapcode=True))
