"""``kobai course``: start, check, grade, slides, build. Nothing heavy is imported before a command runs."""

import functools
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from kobai import words
from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.cli.commands import Deed, Group
from kobai.cli.files import new_folder
from kobai.cli.options import Argument, Option
from kobai.cli.values import limit, path, several, word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.cli.grading import LimitOptions
    from kobai.course.notebooks import Placement


SECONDS, MEMORY = Option("seconds", "X", limit), Option("memory", "X", limit, keyword="gigabytes")
JSON = Option("json", "FILE", path)
OUTPUT, POINTS = Option("output", "DIR", path), Option("points", "FILE", path)
LESSONS = Option("lessons", "A,B,…", several(word))
NEEDED_BY_SLIDES = ("nbclient", "nbformat", "ipykernel", "mistune", "latex2mathml")


def add(kobai: Group) -> None:
    """Give the group `kobai` the group of the course."""
    group = kobai.add_group("course", say("help.course"))

    def start(folder: Path, answers: bool = False, no_open: bool = False) -> Deed:
        return functools.partial(_start, folder, answers, not no_open)

    def check(folder: Path, json: Path | None = None, **limits: "Unpack[LimitOptions]") -> Deed:
        return functools.partial(_check, folder, json, limits)

    def grade(
        folders: list[Path],
        output: Path | None = None,
        points: Path | None = None,
        json: Path | None = None,
        **limits: "Unpack[LimitOptions]",
    ) -> Deed:
        return functools.partial(_grade, folders, output, points, json, limits)

    def slides(folder: Path, lessons: list[str] | None = None) -> Deed:
        return functools.partial(_slides, folder, lessons)

    def build(folder: Path) -> Deed:
        return functools.partial(_build, folder)

    def command(name: str, deed: Callable[..., Deed], argument: Argument, *options: Option) -> None:
        meaning, subject = say(f"help.course.{name}"), "help.course.option"
        group.add(name, deed, [argument], options, meaning=meaning, subject=subject)

    folder = Argument("DIR", "help.course.folder", read=path)
    command("start", start, folder, Option("answers"), Option("no-open"))
    command("check", check, Argument("DIR", "help.course.folder.own", read=path), JSON, SECONDS, MEMORY)
    folders = Argument("DIR…", "help.course.folders", read=path)
    command("grade", grade, folders, OUTPUT, POINTS, JSON, SECONDS, MEMORY)
    command("slides", slides, Argument("DIR", "help.course.folder.slides", read=path), LESSONS)
    command("build", build, Argument("DIR", "help.course.folder.all", read=path))


def _start(folder: Path, answers: bool, open_them: bool) -> None:
    from kobai.course.notebooks import KINDS, write
    from kobai.course.pages import START

    _report(folder, write(folder, words.current(), KINDS if answers else KINDS[:1]))
    if not open_them:
        return
    if importlib.util.find_spec("jupyterlab") is None:
        print(say("course.no_jupyterlab", folder=folder))
        return
    print(say("course.opening"), flush=True)
    command = [sys.executable, "-m", "jupyterlab", str(folder / START)]  # it opens on that page
    code = _until_it_ends(subprocess.Popen(command))
    if code:  # among others for root, whom it asks for an option of its own
        raise UsageError("error.course.jupyterlab", code=code, folder=folder)


def _until_it_ends(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process to which a Ctrl-C goes as well: it asks, ends its kernels, and then itself."""
    with interruption.raised():
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def _build(folder: Path) -> None:
    from kobai.course.notebooks import build

    _report(folder, build(folder))


def _report(folder: Path, placements: "list[Placement]") -> None:
    """How many files were written, and by name those that stand beside a learner's own."""
    outcomes = [each.outcome for each in placements]
    print(say("course.placed", folder=folder, new=outcomes.count("new"), all=len(placements)))
    for outcome in ("kept", "replaced"):
        if outcome in outcomes:
            print("  " + say(f"course.placed.{outcome}", count=outcomes.count(outcome)))
    for each in placements:
        if each.outcome == "beside":
            print("  " + say("course.placed.beside", name=each.path.name))


def _check(folder: Path, json: Path | None, limits: "LimitOptions") -> None:
    from kobai.cli.grading import check

    check(folder, json, limits)


def _grade(
    folders: list[Path], output: Path | None, points: Path | None, json: Path | None, limits: "LimitOptions"
) -> None:
    from kobai.cli.grading import Places, grade_class

    grade_class(folders, Places(output or new_folder("grades"), json), points, limits)


def _slides(folder: Path, numbers: list[str] | None) -> None:
    missing = [name for name in NEEDED_BY_SLIDES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError("error.course.slides", missing=", ".join(missing))
    if folder.exists() and not folder.is_dir():
        raise UsageError("error.course.folder", path=folder)
    from kobai.course.slides.deck import write
    from kobai.course.source import lessons_of

    paths = write(folder, lessons_of(numbers), lambda lesson: print(say("course.slides", lesson=lesson.name)))
    print(say("course.slides.done", folder=folder, count=len(paths)))
