"""The command line. Nothing heavy is imported before it is needed: --help answers at once.

A mistake is one line and exit code 2; Ctrl-C says what was kept and ends with 130.
"""

import locale
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from kobai import methods, words
from kobai.errors import UsageError, unknown
from kobai.words import say

COMMANDS = ("compare", "methods", "tasks")

# Typer carries its own copy of click from 0.20 on: the base of its errors has no public name in both.
COMMAND_LINE_ERROR = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def run(arguments: list[str]) -> int:
    """Run the command line with these arguments; the exit code."""
    try:
        words.use(_language(arguments))
        named = [argument for argument in arguments if not argument.startswith("-")]
        if named and arguments[0] == named[0] and named[0] not in COMMANDS:
            raise unknown("kind.command", named[0], COMMANDS)
        application()(arguments, standalone_mode=False, prog_name="kobai")
    except UsageError as problem:
        return _refuse(str(problem))
    except COMMAND_LINE_ERROR as problem:
        return _refuse(_translated(problem))
    except (KeyboardInterrupt, typer.Abort) as stop:
        _interrupted(stop)
    except BrokenPipeError:  # whoever read the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def application() -> typer.Typer:
    """The commands; made when they are needed, so that their help speaks the language asked for."""
    app = typer.Typer(
        help=say("help.kobai"),
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    language = Annotated[str | None, _option("language", "en|ja")]

    @app.callback(invoke_without_command=True)
    def common(
        context: typer.Context,
        language: language = None,
        version: Annotated[bool, _option("version")] = False,
    ) -> None:
        if version:
            import kobai

            print(f"kobai {kobai.__version__}")
        elif context.invoked_subcommand is None:
            print(context.get_help())

    @app.command("compare", help=say("help.compare"))
    def compare(
        task: Annotated[str, typer.Argument(help=say("help.task"), show_default=False)],
        optimizers: Annotated[str | None, _option("optimizers", "A,B,…")] = None,
        initializers: Annotated[str | None, _option("initializers", "A,B,…")] = None,
        learning_rates: Annotated[str | None, _option("learning-rates", "X,Y,…")] = None,
        coefficients: Annotated[list[str] | None, _option("set", "A.B=X,Y,…")] = None,
        activation: Annotated[str | None, _option("activation", "relu|tanh|sigmoid")] = None,
        hidden: Annotated[str | None, _option("hidden", "N,M,…")] = None,
        steps: Annotated[str | None, _option("steps", "N")] = None,
        batch_size: Annotated[str | None, _option("batch-size", "N")] = None,
        evaluate_every: Annotated[str, _option("evaluate-every", "N")] = "10",
        target: Annotated[str | None, _option("target", "X,Y,…")] = None,
        seeds: Annotated[str | None, _option("seeds", "N")] = None,
        tuning_seeds: Annotated[str | None, _option("tuning-seeds", "N")] = None,
        quick: Annotated[bool, _option("quick")] = False,
        wide: Annotated[bool, _option("wide")] = False,
        output: Annotated[Path | None, _option("output", "DIR")] = None,
        resume: Annotated[bool, _option("resume")] = False,
        json: Annotated[Path | None, _option("json", "FILE")] = None,
        threads: Annotated[str | None, _option("threads", "N")] = None,
        language: language = None,  # noqa: ARG001 - read before anything is said
    ) -> None:
        _compare(
            task,
            output or (None if resume else _new_folder(task)),
            json,
            wide,
            make={
                "activation": activation,
                "hidden": _each("--hidden", hidden, _whole),
            },
            ask={
                "optimizers": _each("--optimizers", optimizers),
                "initializers": _each("--initializers", initializers),
                "learning_rates": _each("--learning-rates", learning_rates, _number),
                "coefficients": _settings(coefficients or []),
                "steps": _whole("--steps", steps),
                "batch_size": _whole("--batch-size", batch_size),
                "evaluate_every": _whole("--evaluate-every", evaluate_every),
                "target": target if target == "auto" else _each("--target", target, _number),
                "seeds": _whole("--seeds", seeds),
                "tuning_seeds": _whole("--tuning-seeds", tuning_seeds),
                "quick": quick,
                "threads": _whole("--threads", threads),
                "resume": resume,
            },
        )

    @app.command("methods", help=say("help.methods"))
    def list_methods(language: language = None) -> None:  # noqa: ARG001
        from kobai.initializers import INITIALIZERS

        _list(("optimizer", methods.OPTIMIZERS), ("initializer", INITIALIZERS))

    @app.command("tasks", help=say("help.tasks"))
    def list_tasks(language: language = None) -> None:  # noqa: ARG001
        _list(("task", methods.TASKS))
        print()
        print(say("help.own_task"))

    return app


def _option(name: str, metavar: str | None = None) -> Any:
    return typer.Option(f"--{name}", help=say(f"help.option.{name}"), metavar=metavar, show_default=False)


def _compare(
    task: str, output: Path | None, json: Path | None, wide: bool, make: dict[str, Any], ask: dict[str, Any]
) -> None:
    """Check what is cheap to check, run the comparison, print it."""
    if json is not None and not (json.parent.is_dir() and not json.is_dir()):
        raise UsageError("error.json", path=json)
    console = Console(highlight=False)
    began = time.perf_counter()
    from kobai.comparison import compare
    from kobai.report import terminal
    from kobai.study.store import write_text
    from kobai.tasks.load import load

    command = "kobai " + shlex.join(sys.argv[1:])
    result = compare(load(task, **make), output=output, command=command, **ask)
    if json is not None:
        write_text(json, result.answer.to_json())
    console.print(terminal.view(result.answer, wide))
    console.print()
    if output is not None:
        console.print(terminal.files(output, time.perf_counter() - began), soft_wrap=True)


def _list(*tables: tuple[str, Any]) -> None:
    """Names with their one-line descriptions."""
    console = Console(highlight=False)
    for kind, names in tables:
        console.print(f"[bold]{say(f'kind.{kind}')}[/bold]")
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
        for name in names:
            table.add_row(f"  {name}", say(f"{kind}.{name}"))
        console.print(table)


def _new_folder(task: str) -> Path:
    name = Path(task.partition(".py:")[0]).stem
    return Path("kobai-runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def _language(arguments: list[str]) -> str:
    """The language of ``--language``, else of the locale."""
    for i, argument in enumerate(arguments):
        if argument == "--language" and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith("--language="):
            return argument.partition("=")[2]
    named = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")] + [locale.getlocale()[0]]
    first = next((name for name in named if name), "")
    return "ja" if first.lower().startswith(("ja", "japanese")) else "en"


def _whole(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        raise UsageError("error.option.whole", option=option, value=text) from None


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError("error.option.number", option=option, value=text) from None


def _word(option: str, text: str) -> str:  # noqa: ARG001
    return text


def _each(option: str, text: str | None, item: Callable[[str, str], Any] = _word) -> list[Any] | None:
    """A list separated by commas."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise UsageError("error.option.list", option=option, value=text)
    return [item(option, part) for part in parts]


def _settings(texts: list[str]) -> dict[str, list[float]]:
    """momentum.momentum=0.5,0.9 -> {"momentum.momentum": [0.5, 0.9]}."""
    found = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or "." not in name:
            raise UsageError("error.option.set", value=text)
        found[name.strip()] = _each("--set", values, _number) or []
    return found


def _translated(problem: Any) -> str:
    """What the parser found wrong, in one line of the language in use."""
    kind = type(problem).__name__
    if kind == "NoSuchOption":
        near = ", ".join(problem.possibilities or [])
        return say("error.option.near" if near else "error.option.unknown", option=problem.option_name, near=near)
    if kind == "MissingParameter":
        return say("error.option.missing", name=problem.param.name if problem.param else "?")
    return " ".join(problem.format_message().split())


def _refuse(sentence: str) -> int:
    print(f"kobai: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def _interrupted(stop: BaseException) -> None:
    """Say what was kept, and end at once: a compiled call in another thread need not be waited for."""
    causes = (stop, stop.__cause__, stop.__context__)
    kept = next((cause for cause in causes if hasattr(cause, "kept")), None)
    if kept is not None and kept.path is not None:
        print(f"\nkobai: {say('interrupted.kept', kept=kept.kept, path=kept.path)}", file=sys.stderr)
    else:
        print(f"\nkobai: {say('interrupted')}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(130)
