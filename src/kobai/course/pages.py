"""Pages of text as notebooks: the start page, the glossary, the literature, the teacher's guide.

A page is written in Markdown, ``lessons/NAME.{ja,en}.md``. JupyterLab opens a Markdown file as raw text and a
notebook as it is meant to be read, with tables, formulas and links that open the lessons; so a learner gets
each page as a notebook without code, one cell a section.
"""

import re
from importlib.resources import files

from kobai.course.ipynb import NotebookCell
from kobai.course.prose import joined

START = "0_start.ipynb"
"""It stands before the lessons, and JupyterLab opens on it."""
PAGES = {"start": START, "glossary": "glossary.ipynb", "literature": "literature.ipynb"}
"""The name of each page, and of its notebook."""
GUIDE = {"teacher_guide": "teacher_guide.ipynb"}
"""The page that comes with the answers."""


def sections(name: str, language: str) -> list[str]:
    """The text of a page, cut before each of its headings."""
    text = files("kobai.course").joinpath("lessons", f"{name}.{language}.md").read_text("utf-8")
    text = joined(text) if language == "ja" else text
    return [part.strip("\n") for part in re.split(r"^(?=##? )", text, flags=re.MULTILINE) if part.strip()]


def cells(name: str, language: str) -> list[NotebookCell]:
    """A page as the cells of a notebook."""
    return [
        {
            "cell_type": "markdown",
            "id": f"{name.replace('_', '-')}-{number:02}",
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        for number, text in enumerate(sections(name, language), start=1)
    ]
