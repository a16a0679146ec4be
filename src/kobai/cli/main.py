"""The command line. Nothing heavy is imported before it is needed: --help answers at once.

A mistake is one line and exit code 2; Ctrl-C says what was kept and ends with 130.
"""

import contextlib
import functools
import io
import locale
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from kobai import words
from kobai.basics import registry
from kobai.basics.errors import UsageError, remedy
from kobai.cli import course
from kobai.cli import descend as cli_descend
from kobai.cli import transfer as cli_transfer
from kobai.cli import values as options
from kobai.cli.files import new_folder
from kobai.words import say

# Typer carries its own copy of click from 0.20 on: the base of its errors has no public name in both.
COMMAND_LINE_ERROR: Any = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


def run(arguments: list[str]) -> int:
    """Run the command line with these arguments; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # where the terminal's encoding lacks a character
    try:
        words.use(_language_of_system())
        words.use(_language_asked(arguments) or words.current())
        # Typer reads the command line and no more: it would swallow a Ctrl-C without a word.
        ask = application(arguments)(arguments, standalone_mode=False, prog_name="kobai")
        if callable(ask):
            ask()
        sys.stdout.flush()
    except UsageError as problem:
        return _refuse(str(problem))
    except COMMAND_LINE_ERROR as problem:
        return _refuse(options.translated(problem))
    except KeyboardInterrupt as stop:
        _interrupted(stop)
    except MemoryError as problem:
        return _refuse(say("error.memory", problem=problem))
    except BrokenPipeError:  # whoever read the output has closed it
        _discard_output()
    except OSError as problem:
        _discard_output()
        return _refuse(say("error.system", problem=problem, remedy=remedy(problem)))
    return 0


def application(arguments: list[str]) -> typer.Typer:
    """The commands; made when they are needed, so that their help speaks the language asked for.

    Each returns what is to be done, as a function.
    """
    app = typer.Typer(
        help=f"{say('help.kobai')}\n\n{say('help.docs')}",
        cls=options.Group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    language = Annotated[str | None, _option("language", "en|ja")]

    @app.callback(invoke_without_command=True)
    def common(
        context: typer.Context,
        language: language = None,  # noqa: ARG001 - read before anything is said
        version: Annotated[bool, _option("version")] = False,
    ) -> None:
        if version:
            import kobai

            print(f"kobai {kobai.__version__}")
        elif context.invoked_subcommand is None:
            print(context.get_help())

    @app.command("compare", help=f"{say('help.compare')}\n\n{say('help.axes')}", cls=options.Command)
    def compare(
        task: Annotated[str, typer.Argument(help=say("help.task"), metavar="TASK", show_default=False)],
        optimizers: Annotated[str | None, _option("optimizers", "A,B,…")] = None,
        initializers: Annotated[str | None, _option("initializers", "A,B,…")] = None,
        learning_rates: Annotated[str | None, _option("learning-rates", "X,Y,…")] = None,
        hyperparameters: Annotated[list[str] | None, _option("set", "A.B=X,Y,…")] = None,
        activation: Annotated[str | None, _option("activation", "A,B,…")] = None,
        batch_norm: Annotated[str | None, _option("batch-norm", "A,B,…")] = None,
        hidden: Annotated[str | None, _option("hidden", "N,M,…")] = None,
        steps: Annotated[str | None, _option("steps", "N")] = None,
        batch_size: Annotated[str | None, _option("batch-size", "N,M,…")] = None,
        sampling: Annotated[str | None, _option("sampling", "A,B")] = None,
        clip: Annotated[str | None, _option("clip", "A,B,…")] = None,
        l1: Annotated[str | None, _option("l1", "X,Y,…")] = None,
        l2: Annotated[str | None, _option("l2", "X,Y,…")] = None,
        weight_decay: Annotated[str | None, _option("weight-decay", "X,Y,…")] = None,
        schedule: Annotated[str | None, _option("schedule", "A,B,…")] = None,
        average: Annotated[str | None, _option("average", "A,B,…")] = None,
        early_stopping: Annotated[str | None, _option("early-stopping", "A,B,…")] = None,
        evaluate_every: Annotated[str | None, _option("evaluate-every", "N")] = None,
        target: Annotated[str | None, _option("target", "X,Y,…")] = None,
        seeds: Annotated[str | None, _option("seeds", "N")] = None,
        tuning_seeds: Annotated[str | None, _option("tuning-seeds", "N")] = None,
        quick: Annotated[bool, _option("quick")] = False,
        wide: Annotated[bool, _option("wide")] = False,
        output: Annotated[str | None, _option("output", "DIR")] = None,
        resume: Annotated[bool, _option("resume")] = False,
        json: Annotated[str | None, _option("json", "FILE")] = None,
        threads: Annotated[str | None, _option("threads", "N")] = None,
        language: language = None,  # noqa: ARG001 - read before anything is said
    ) -> Callable[[], None]:
        return functools.partial(
            _compare,
            "kobai " + shlex.join(options.reproducing(arguments)),
            task,
            options.path("--output", output) or (None if resume else new_folder(task)),
            options.path("--json", json),
            wide,
            make={"hidden": options.each("--hidden", hidden, options.whole)},
            ask={
                "optimizers": options.each("--optimizers", optimizers),
                "initializers": options.each("--initializers", initializers),
                "learning_rates": options.each("--learning-rates", learning_rates, options.number),
                "hyperparameters": options.settings(hyperparameters or []),
                "steps": options.whole("--steps", steps),
                "activation": options.each("--activation", activation),
                "batch_norm": options.each("--batch-norm", batch_norm),
                "batch_size": options.each("--batch-size", batch_size, options.size),
                "sampling": options.each("--sampling", sampling),
                "clip": options.each("--clip", clip),
                "l1": options.each("--l1", l1, options.number),
                "l2": options.each("--l2", l2, options.number),
                "weight_decay": options.each("--weight-decay", weight_decay, options.number),
                "schedule": options.each("--schedule", schedule),
                "average": options.each("--average", average),
                "early_stopping": options.each("--early-stopping", early_stopping),
                "evaluate_every": options.whole("--evaluate-every", evaluate_every),
                "target": target if target == "auto" else options.each("--target", target, options.number),
                "seeds": options.whole("--seeds", seeds),
                "tuning_seeds": options.whole("--tuning-seeds", tuning_seeds),
                "quick": quick,
                "threads": options.whole("--threads", threads),
                "resume": resume,
            },
        )

    @app.command("methods", help=say("help.methods"), cls=options.Command)
    def list_methods(language: language = None) -> Callable[[], None]:  # noqa: ARG001
        return _list_methods

    @app.command("tasks", help=say("help.tasks"), cls=options.Command)
    def list_tasks(language: language = None) -> Callable[[], None]:  # noqa: ARG001
        return _list_tasks

    cli_descend.add(app, arguments)
    cli_transfer.add(app, arguments)
    app.add_typer(course.application(), name="course", help=say("help.course"))
    return app


def _option(name: str, metavar: str | None = None) -> Any:
    return typer.Option(f"--{name}", help=say(f"help.option.{name}"), metavar=metavar, show_default=False)


def _compare(
    command: str,
    task: str,
    output: Path | None,
    json: Path | None,
    wide: bool,
    make: dict[str, Any],
    ask: dict[str, Any],
) -> None:
    """Check what is cheap to check, run the comparison, print it."""
    if json is not None and not (json.parent.is_dir() and not json.is_dir()):
        raise UsageError("error.json", path=json)
    console = Console(highlight=False)
    began = time.perf_counter()
    from kobai.basics.files import check_writable, write_text
    from kobai.questions.comparison import terminal
    from kobai.questions.comparison.ask import compare
    from kobai.tasks.load import load

    # Polars hears a Ctrl-C too, and would raise it once more while we keep what is finished.
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT) or signal.default_int_handler)
    if json is not None:
        check_writable(json)
    result = compare(functools.partial(load, task, **make), output=output, command=command, **ask)
    if json is not None:
        write_text(json, result.answer.to_json())
    console.print(terminal.view(result.answer, wide))
    console.print()
    if output is not None:
        long = len(str(output)) > console.width  # then a path that can be copied is worth more
        console.print(terminal.files(output, time.perf_counter() - began), soft_wrap=long)


def _list_methods() -> None:
    options.listed(registry.METHODS)
    print()
    print(say("help.methods.more"))


def _list_tasks() -> None:
    options.listed({"task": registry.TASKS})
    print()
    print(say("help.own_task"))


def _language_asked(arguments: list[str]) -> str | None:
    """The language of ``--language``: needed before the options that explain themselves in it."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument == "--language":
            return following
        if argument.startswith("--language="):
            return argument.partition("=")[2]
    return None


def _language_of_system() -> str:
    named = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")] + [locale.getlocale()[0]]
    first = next((name for name in named if name), "")
    return "ja" if first.lower().startswith(("ja", "japanese")) else "en"


def _refuse(sentence: str) -> int:
    print(f"kobai: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def _interrupted(stop: KeyboardInterrupt) -> None:
    """Say what was kept, and end at once: a compiled call in another thread need not be waited for."""
    kept, path = getattr(stop, "kept", 0), getattr(stop, "path", None)
    sentence = say("interrupted.kept", kept=kept, path=path) if kept and path else say("interrupted")
    print(f"\nkobai: {sentence}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(130)


def _discard_output() -> None:
    """Let nothing try again, at the end of the program, to write where writing failed."""
    with contextlib.suppress(OSError):  # an output of Python's own has no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
