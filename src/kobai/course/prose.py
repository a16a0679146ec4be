"""Text as a notebook shows it: Japanese lines joined, results folded until a learner has predicted them."""

import re
from collections.abc import Iterator

from kobai.words import TABLES

WIDE = re.compile(r"[\u2010-\u2027\u3000-\u30ff\u3400-\u9fff\uff00-\uffef…—→]")
"""Japanese letters and punctuation."""
BLOCK = re.compile(r"\s*(?:[-*+] |\d+\. |[|#>]|</?\w|```|\$\$)")
"""What begins a line that does not go on with the sentence before it."""


def joined(text: str) -> str:
    """Japanese text with every paragraph in one line: a notebook shows a line's end as a space.

    Japanese has no spaces between words, so one in the middle of a sentence is a fault. Tables, formulas on
    lines of their own and code keep their lines, and so does a line that ends with a backslash.
    """
    return "\n".join(_paragraphs(text.splitlines()))


def _paragraphs(lines: list[str]) -> Iterator[str]:
    open_line, inside = "", ""
    for line in lines:
        fence = next((mark for mark in ("```", "$$") if line.lstrip().startswith(mark)), "")
        if inside or fence:  # within code or a formula
            if open_line:
                yield open_line
            open_line = ""
            yield line
            rest = line.strip().removeprefix(fence) if not inside else line.strip()
            inside = "" if rest.endswith(inside or fence) and rest else inside or fence
        elif open_line and line.strip() and not BLOCK.match(line) and not _closed(open_line):
            open_line += _space(open_line, line.strip()) + line.strip()
        else:
            if open_line:
                yield open_line
            open_line = line
            if not line.strip():
                yield line
                open_line = ""
    if open_line:
        yield open_line


def _closed(line: str) -> bool:
    """Whether no sentence goes on after this line."""
    return bool(re.match(r"\s*(?:[|#]|</?\w)", line)) or line.endswith("\\")


def _space(before: str, after: str) -> str:
    ends = before.rstrip("*`$")[-1:], after.lstrip("*`$")[:1]
    return "" if any(WIDE.match(end) for end in ends) else " "


def folded(text: str, language: str) -> str:
    """A text that says what came out, closed until it is pressed."""
    return f"<details><summary>{TABLES[language]['course.result']}</summary>\n\n{text}\n\n</details>"
