"""Notebooks from a lesson's source, and how they are placed in a folder without touching a learner's work.

Each lesson becomes {ja, en} × {trainee, answer}; a lesson without exercises needs no two kinds. The cell ids
are those of `Lesson.numbered`: equal in all of them, and the same whenever they are built.
"""

import dataclasses
import hashlib
import json
import re
from pathlib import Path

from kobai.basics.errors import UsageError
from kobai.course import pages
from kobai.course.ipynb import CellMetadata, Notebook, NotebookCell
from kobai.course.prose import folded, joined
from kobai.course.source import LANGUAGES, Lesson, LessonCell, lesson_names, load
from kobai.words import TABLES

KINDS = ("trainee", "answer")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
COMMENT = re.compile(r"^(\s*# )(ja|en): (.*)$")
ENDING = re.compile(r"^(.*\S)  # (ja|en|trainee|answer)$")


@dataclasses.dataclass(frozen=True)
class Placement:
    """What became of a file that the course was to put into a folder."""

    path: Path
    """Where it is now."""
    outcome: str
    """new; kept: it stood there already; replaced: by a newer version, nothing had been written in it;
    beside: somebody has worked in the old one, so the newer version stands beside it."""


# A lesson to a notebook


def notebook(lesson: Lesson, language: str, kind: str) -> Notebook:
    """The notebook of a lesson, as the JSON of nbformat 4.5."""
    cells = []
    for identity, sources in lesson.numbered():
        for cell in sources:
            if cell.is_in(language):
                cells.append(_cell(identity, cell, rendered(cell, language, kind)))
    return _of_cells(cells, {"lesson": lesson.name, "language": language, "kind": kind})


def page(name: str, language: str) -> Notebook:
    """A page of text as a notebook."""
    return _of_cells(pages.cells(name, language), {"page": name, "language": language})


def _of_cells(cells: list[NotebookCell], about: dict[str, str]) -> Notebook:
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "kobai": {**about, "digest": _digest(cells)},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def file_name(lesson: Lesson, kind: str) -> str:
    """3_1_SGD_trainee.ipynb; a lesson without exercises is for everybody and has no suffix."""
    return f"{lesson.name}_{kind}.ipynb" if lesson.exercises else f"{lesson.name}.ipynb"


def rendered(cell: LessonCell, language: str, kind: str) -> str:
    """The text of a cell in the notebook of that language and kind.

    In code, a comment that begins with ``# ja:`` and a line that ends with ``# ja``, ``# en``, ``# trainee``
    or ``# answer`` stands in these notebooks only; in a trainee's a solution is left out.
    """
    if cell.kind == "markdown":
        text = joined(cell.text) if language == "ja" else cell.text
        return folded(text, language) if "result" in cell.tags else text
    lines: list[str] = []
    solving = False
    for line in cell.text.splitlines():
        comment, ending = COMMENT.match(line), ENDING.match(line)
        if line.strip() == END:
            solving = False
        elif line.strip() == BEGIN:
            solving = True
            if kind == "trainee" and line[0].isspace():  # in a function, where it stops nothing before a call
                indent = line[: -len(line.lstrip())]
                lines += [
                    f"{indent}# {TABLES[language]['course.write_here']}",
                    f"{indent}raise NotImplementedError",
                ]
        elif solving and kind == "trainee":
            continue
        elif comment:
            if comment[2] == language:
                lines.append(comment[1] + comment[3])
        elif ending:
            if ending[2] in (language, kind):
                lines.append(ending[1])
        else:
            lines.append(line)
    return "\n".join(lines).strip("\n")


def _cell(identity: str, cell: LessonCell, text: str) -> NotebookCell:
    metadata: CellMetadata = {"tags": [tag for tag in cell.tags if tag not in LANGUAGES]}
    if "check" in cell.tags:
        metadata |= {"editable": False, "deletable": False}
    entry: NotebookCell = {
        "cell_type": cell.kind,
        "id": identity,
        "metadata": metadata if any(metadata.values()) else {},
        "source": text.splitlines(keepends=True),
    }
    return entry if cell.kind == "markdown" else {**entry, "execution_count": None, "outputs": []}


def _digest(cells: list[NotebookCell]) -> str:
    """Of all that a learner can write: by it a notebook knows whether anybody has."""
    texts = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()[:16]


# Notebooks to a folder


def build(folder: Path) -> list[Placement]:
    """Every notebook and page of the course: folder/ja/… and folder/en/…"""
    return [each for language in LANGUAGES for each in write(folder / language, language, KINDS)]


def write(folder: Path, language: str, kinds: tuple[str, ...]) -> list[Placement]:
    """The notebooks of a language in a folder, and its pages; with the answers the teacher's guide."""
    if folder.exists() and not folder.is_dir():
        raise UsageError("error.course.folder", path=folder)
    folder.mkdir(parents=True, exist_ok=True)
    placements = []
    for name in lesson_names():
        lesson = load(name)
        for kind in kinds if lesson.exercises else kinds[:1]:
            placements.append(place(folder / file_name(lesson, kind), notebook(lesson, language, kind)))
    for name, file in (pages.PAGES | (pages.GUIDE if "answer" in kinds else {})).items():
        placements.append(place(folder / file, page(name, language)))
    return placements


def place(path: Path, content: Notebook) -> Placement:
    """Write a notebook where none is, or where nobody has written in an older one; else beside it."""
    text, digest = dump(content), content["metadata"]["kobai"]["digest"]
    for number in range(1, 1000):
        file = path if number == 1 else path.with_name(f"{path.stem}.{number}{path.suffix}")
        if not file.exists():
            file.write_text(text, "utf-8")
            return Placement(file, "new" if number == 1 else "beside")
        if not file.is_file():  # a folder of that name
            continue
        older = file.read_text("utf-8", errors="replace")
        if older == text or _about(older).get("digest") == digest:
            return Placement(file, "kept")
        if _untouched(older):
            file.write_text(text, "utf-8")
            return Placement(file, "replaced")
    raise UsageError("error.course.folder", path=path.parent)


def _untouched(text: str) -> bool:
    """Whether nobody has written anything into a notebook since the course made it."""
    digest = _about(text).get("digest")
    return digest is not None and digest == _digest(json.loads(text)["cells"])


def _about(text: str) -> dict[str, object]:
    """What the course noted in a notebook; empty for what is none of its notebooks."""
    try:
        return dict(json.loads(text)["metadata"]["kobai"])
    except (ValueError, KeyError, TypeError):
        return {}


def dump(content: Notebook) -> str:
    """The text of the file."""
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
