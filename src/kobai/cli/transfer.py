"""The command `kobai transfer`. As in `cli`, nothing heavy is imported before it is needed, and the command
returns what is to be done, as a function."""

import functools
import shlex
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from kobai.basics import registry
from kobai.basics.errors import UsageError, unknown
from kobai.cli import values as options
from kobai.cli.files import Files
from kobai.report.letters import Paragraph
from kobai.words import say

CONTENTS = "transfer.html, transfer.json, table.parquet"


def add(app: typer.Typer, arguments: list[str]) -> None:
    """Give the application the command; `arguments` is the whole command line."""

    def option(name: str, metavar: str | None = None) -> Any:
        meaning = say("help.option.language" if name == "language" else f"help.transfer.{name}")
        return typer.Option(f"--{name}", help=meaning, metavar=metavar, show_default=False)

    def argument(name: str) -> Any:
        meaning = say(f"help.transfer.{name.strip('[]').lower()}")
        return typer.Argument(help=meaning, metavar=name, show_default=False)

    @app.command("transfer", help=say("help.transfer"), cls=options.Command)
    def transfer(
        source: Annotated[str | None, argument("SOURCE")] = None,
        target: Annotated[str | None, argument("[TARGET]")] = None,
        protocol: Annotated[str | None, option("protocol", "A,B,…")] = None,
        amounts: Annotated[str | None, option("amounts", "N,M,…")] = None,
        optimizer: Annotated[str | None, option("optimizer", "NAME")] = None,
        learning_rates: Annotated[str | None, option("learning-rates", "X,Y,…")] = None,
        source_learning_rate: Annotated[str | None, option("source-learning-rate", "X")] = None,
        initializer: Annotated[str | None, option("initializer", "NAME")] = None,
        steps: Annotated[str | None, option("steps", "N")] = None,
        source_steps: Annotated[str | None, option("source-steps", "N")] = None,
        slow: Annotated[str | None, option("slow", "X")] = None,
        seeds: Annotated[str | None, option("seeds", "N")] = None,
        tuning_seeds: Annotated[str | None, option("tuning-seeds", "N")] = None,
        output: Annotated[str | None, option("output", "DIR")] = None,
        html: Annotated[str | None, option("html", "FILE")] = None,
        json: Annotated[str | None, option("json", "FILE")] = None,
        listed: Annotated[bool, option("list")] = False,
        language: Annotated[str | None, option("language", "en|ja")] = None,  # noqa: ARG001 - read before
    ) -> Callable[[], None]:
        if listed:
            return _list
        ask = {
            "protocol": options.each("--protocol", protocol),
            "amounts": options.each("--amounts", amounts, options.whole),
            "optimizer": optimizer,
            "learning_rates": options.each("--learning-rates", learning_rates, options.number),
            "source_learning_rate": options.one_number("--source-learning-rate", source_learning_rate),
            "initializer": initializer,
            "steps": options.whole("--steps", steps),
            "source_steps": options.whole("--source-steps", source_steps),
            "slow": options.one_number("--slow", slow),
            "seeds": options.whole("--seeds", seeds),
            "tuning_seeds": options.whole("--tuning-seeds", tuning_seeds),
        }
        pair = _pair(source, target)
        files = Files(
            options.path("--output", output),
            options.path("--html", html),
            options.path("--json", json),
            name="transfer" if target else pair,
            contents=CONTENTS,
        )
        command = "kobai " + shlex.join(options.reproducing(arguments))
        given = {name: value for name, value in ask.items() if value is not None}
        return functools.partial(_transfer, pair, given, command, files)


def _pair(source: str | None, target: str | None) -> Any:
    """The name of a pair, or the names of two tasks."""
    if source is None:
        raise UsageError("error.option.missing", name="SOURCE", command="kobai transfer")
    if source in registry.PAIRS:
        if target is not None:
            raise UsageError("error.transfer.target", source=source, target=target)
        return source
    if target is None:
        problem = unknown("kind.pair", source, registry.PAIRS)
        if problem.key == "error.unknown":  # near no name: a task perhaps
            problem = UsageError("error.transfer.alone", source=source, known=", ".join(registry.PAIRS))
        raise problem
    return source, target


def _transfer(pair: Any, ask: dict[str, Any], command: str, files: Files) -> None:
    def compute() -> Any:
        from kobai.questions.transfer.ask import transfer

        return transfer(pair, command=command, **ask)

    files.keep(compute, lambda console, result: console.print(str(result), soft_wrap=True))


def _list() -> None:
    options.listed({"pair": registry.PAIRS, "protocol": registry.PROTOCOLS})
    print()
    Console(highlight=False, markup=False).print(Paragraph(say("help.transfer.own")))
