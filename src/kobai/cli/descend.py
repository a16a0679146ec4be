"""The commands `kobai descend` and `kobai landscapes`. As in `cli`, nothing heavy is imported before it is
needed, and each command returns what is to be done, as a function."""

import functools
import shlex
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from kobai.basics import registry
from kobai.cli import values as options
from kobai.cli.files import Files
from kobai.words import say

FILES = "descent.html, descent.json, table.parquet, paths.parquet"


def add(app: typer.Typer, arguments: list[str]) -> None:
    """Give the application the two commands; `arguments` is the whole command line."""

    def option(name: str, metavar: str) -> Any:
        return typer.Option(
            f"--{name}", help=say(f"help.descend.{name}"), metavar=metavar, show_default=False
        )

    language = Annotated[
        str | None, typer.Option("--language", help=say("help.option.language"), metavar="en|ja")
    ]

    @app.command("descend", help=say("help.descend"), cls=options.Command)
    def descend(
        landscape: Annotated[
            str, typer.Argument(help=say("help.landscape"), metavar="LANDSCAPE", show_default=False)
        ],
        methods: Annotated[str | None, option("methods", "A,B,…")] = None,
        start: Annotated[str | None, option("start", "X,Y,…")] = None,
        learning_rates: Annotated[str | None, option("learning-rates", "X,Y,…")] = None,
        hyperparameters: Annotated[list[str] | None, option("set", "A.B=X,Y,…")] = None,
        steps: Annotated[str | None, option("steps", "N")] = None,
        tolerance: Annotated[str | None, option("tolerance", "X")] = None,
        dimension: Annotated[str | None, option("dimension", "N")] = None,
        sort: Annotated[str | None, option("sort", "COLUMN")] = None,
        output: Annotated[str | None, option("output", "DIR")] = None,
        html: Annotated[str | None, option("html", "FILE")] = None,
        json: Annotated[str | None, option("json", "FILE")] = None,
        language: language = None,  # noqa: ARG001 - read before anything is said
    ) -> Callable[[], None]:
        ask = {
            "methods": options.each("--methods", methods),
            "start": options.each("--start", start, options.number),
            "learning_rates": options.each("--learning-rates", learning_rates, options.number),
            "hyperparameters": options.settings(hyperparameters or []),
            "steps": options.whole("--steps", steps),
            "tolerance": options.one_number("--tolerance", tolerance),
            "dimension": options.whole("--dimension", dimension),
            "sort": sort,
        }
        command = "kobai " + shlex.join(options.reproducing(arguments))
        given = {name: value for name, value in ask.items() if value is not None}
        files = Files(
            options.path("--output", output),
            options.path("--html", html),
            options.path("--json", json),
            name=landscape,
            contents=FILES,
        )
        return functools.partial(_descend, landscape, given, command, files)

    @app.command("landscapes", help=say("help.landscapes"), cls=options.Command)
    def landscapes(language: language = None) -> Callable[[], None]:  # noqa: ARG001
        return _landscapes


def _descend(landscape: str, ask: dict[str, Any], command: str, files: Files) -> None:
    def compute() -> Any:
        from kobai.questions.descent.ask import descend

        return descend(landscape, command=command, **ask)

    def show(console: Console, result: Any) -> None:
        from kobai.questions.descent import terminal

        console.print(terminal.view(result.outcome))

    files.keep(compute, show)


def _landscapes() -> None:
    console = Console(highlight=False)
    console.print(options.described((entry.name, say(entry.key)) for entry in registry.LANDSCAPES.values()))
    print()
    print(say("help.own_landscape"))
