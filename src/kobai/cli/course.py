"""``kobai course``: start, check, grade, build. Nothing heavy is imported before a command runs."""

import functools
import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kobai import words
from kobai.basics.errors import UsageError
from kobai.cli import values as options
from kobai.words import say

if TYPE_CHECKING:
    from kobai.course.notebooks import Placed


def application() -> typer.Typer:
    """The commands of the course; each returns what is to be done, as a function."""
    app = typer.Typer(cls=options.Group, add_completion=False, rich_markup_mode=None)
    language = Annotated[str | None, _option("language", "en|ja")]
    seconds = Annotated[str | None, _option("seconds", "X")]
    memory = Annotated[str | None, _option("memory", "X")]
    json = Annotated[Path | None, _option("json", "FILE")]

    @app.callback(invoke_without_command=True)
    def common(
        context: typer.Context,
        language: language = None,  # noqa: ARG001 - read before anything is said
    ) -> None:
        if context.invoked_subcommand is None:
            print(context.get_help())

    @app.command("start", help=say("help.course.start"), cls=options.Command)
    def start(
        folder: Annotated[Path, _argument("folder", "DIR")],
        answers: Annotated[bool, _option("answers")] = False,
        no_open: Annotated[bool, _option("no-open")] = False,
        language: language = None,  # noqa: ARG001
    ) -> Callable[[], None]:
        return functools.partial(_start, folder, answers, not no_open)

    @app.command("check", help=say("help.course.check"), cls=options.Command)
    def check(
        folder: Annotated[Path, _argument("folder.own", "DIR")],
        json: json = None,
        seconds: seconds = None,
        memory: memory = None,
        language: language = None,  # noqa: ARG001
    ) -> Callable[[], None]:
        return functools.partial(_grade, [folder], json, _limits(seconds, memory))

    @app.command("grade", help=say("help.course.grade"), cls=options.Command)
    def grade(
        folders: Annotated[list[Path], _argument("folders", "DIR…")],
        json: json = None,
        seconds: seconds = None,
        memory: memory = None,
        language: language = None,  # noqa: ARG001
    ) -> Callable[[], None]:
        return functools.partial(_grade, folders, json, _limits(seconds, memory))

    @app.command("build", help=say("help.course.build"), cls=options.Command)
    def build(
        folder: Annotated[Path, _argument("folder.all", "DIR")],
        language: language = None,  # noqa: ARG001
    ) -> Callable[[], None]:
        return functools.partial(_build, folder)

    return app


def _argument(name: str, metavar: str) -> Any:
    return typer.Argument(help=say(f"help.course.{name}"), metavar=metavar, show_default=False)


def _option(name: str, metavar: str | None = None) -> Any:
    meaning = say("help.option.language") if name == "language" else say(f"help.course.option.{name}")
    return typer.Option(f"--{name}", help=meaning, metavar=metavar, show_default=False)


def _limits(seconds: str | None, memory: str | None) -> dict[str, float]:
    limits = {}
    for name, option, text in (("seconds", "--seconds", seconds), ("gigabytes", "--memory", memory)):
        if text is not None:
            try:
                limits[name] = float(text)
            except ValueError:
                limits[name] = math.nan
            if not 0 < limits[name] < math.inf:
                raise UsageError("error.course.limit", option=option, value=text)
    return limits


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
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _build(folder: Path) -> None:
    from kobai.course.notebooks import build

    _report(folder, build(folder))


def _report(folder: Path, placed: "list[Placed]") -> None:
    """How many files were written, and by name those that stand beside a learner's own."""
    outcomes = [each.outcome for each in placed]
    print(say("course.placed", folder=folder, new=outcomes.count("new"), all=len(placed)))
    for outcome in ("kept", "replaced"):
        if outcome in outcomes:
            print("  " + say(f"course.placed.{outcome}", count=outcomes.count(outcome)))
    for each in placed:
        if each.outcome == "beside":
            print("  " + say("course.placed.beside", name=each.path.name))


def _grade(folders: list[Path], json: Path | None, limits: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    from kobai.course.grading import grade, table

    if json is not None and not (json.parent.is_dir() and not json.is_dir()):
        raise UsageError("error.json", path=json)
    terminal = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        shown = bar.add_task("", total=None)
        results = grade.grade(
            folders, **limits, progress=lambda done, all: bar.update(shown, completed=done, total=all)
        )
    console = Console(highlight=False)
    console.print(table.table(results))
    if len({result.learner for result in results}) == 1:
        passed, every = grade.total(results)
        console.print(say("course.total", passed=passed, all=every))
    if json is not None:  # last: whatever keeps it from being written, the table has been seen
        json.write_text(table.as_json(results), "utf-8")
