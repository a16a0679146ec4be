"""What ``kobai course check`` and ``grade`` do: run notebooks, show a table, write what a class is told."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from kobai.basics import interruption
from kobai.basics.console import Console
from kobai.basics.errors import UsageError
from kobai.basics.files import naming, write_text
from kobai.cli.files import check_file
from kobai.report.letters import Paragraph
from kobai.words import language, say

if TYPE_CHECKING:
    from kobai.course.grading.grade import NotebookMarks


class LimitOptions(TypedDict, total=False):
    """What a notebook may use while it runs."""

    seconds: float
    gigabytes: float


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the results go, each None where it is not asked for."""

    folder: Path | None = None
    """It takes the table of marks, the page of the class and the pages of feedback."""
    json: Path | None = None

    def check(self) -> None:
        """Refuse what cannot be written, before anything runs."""
        check_file("--json", self.json)
        if self.folder is not None:
            above = next(path for path in (self.folder, *self.folder.absolute().parents) if path.exists())
            with naming(self.folder), tempfile.TemporaryDirectory(prefix=".kobai-", dir=above):
                pass


def check(folder: Path, json: Path | None, limits: LimitOptions) -> None:
    """Grade one's own notebooks, and show how each exercise went."""
    from kobai.course.grading import grade, table

    Places(json=json).check()
    results = _watched(lambda progress: grade.grade([folder], **limits, progress=progress))
    _show(results)
    if json is not None:  # last: whatever keeps it from being written, the table has been seen
        write_text(json, table.as_json(results))


def grade_class(folders: list[Path], places: Places, points: Path | None, limits: LimitOptions) -> None:
    """Grade the notebooks of a class, and write what teacher and learners are told."""
    from kobai.course.grading import grade, pages, sheet, table
    from kobai.course.grading.overview import overview
    from kobai.course.grading.points import Points, read
    from kobai.course.grading.reading import learners_in
    from kobai.course.grading.state import Files, import_first

    worth = read(points) if points else Points()
    places.check()
    console = Console(highlight=False, markup=False)
    learners: list[Path] = []
    for folder in folders:
        inner = learners_in(folder)
        learners += inner
        if inner != [folder]:
            console.print(Paragraph(say("course.folders", path=folder, count=len(inner))))
    import_first()
    files_of_grading = Files()
    results = _watched(lambda progress: grade.grade(learners, **limits, progress=progress))
    _show(results)
    if places.json is not None:
        write_text(places.json, table.as_json(results))
    if places.folder is None:
        return
    changed = files_of_grading.changed()
    if changed:  # the pages are made of such files
        raise UsageError("error.course.changed", path=changed)
    whole = overview(results, worth)
    names = pages.file_names(list(whole.learners))
    files = {folder: f"feedback/{name}" for folder, name in names.items()}
    with naming(places.folder):
        (places.folder / "feedback").mkdir(parents=True, exist_ok=True)
    write_text(
        places.folder / "grades.csv", "\ufeff" + sheet.as_csv(whole)
    )  # so that Excel reads it as UTF-8
    write_text(places.folder / "class.html", pages.class_page(whole, files))
    for learner in whole.learners:
        with language(learner.language):
            write_text(places.folder / files[learner.folder], pages.feedback_page(learner, whole))
    console.print(Paragraph(say("course.files", folder=places.folder, count=len(names) + 2)))


def _watched(run: "Callable[[Callable[[int, int], None]], list[NotebookMarks]]") -> "list[NotebookMarks]":
    """The results, with a bar while they come where somebody looks."""
    terminal = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
    with interruption.raised(), bar:
        task = bar.add_task("", total=None)
        return run(lambda done, all: bar.update(task, completed=done, total=all))


def _show(results: "list[NotebookMarks]") -> None:
    from kobai.course.grading import grade, table

    console = Console(highlight=False)
    console.print(table.table(results))
    if len(grade.by_learner(results)) == 1:
        passed, every = grade.total(results)
        console.print(say("course.total", passed=passed, all=every))
