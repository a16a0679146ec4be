"""The command `kobai judge`. Nothing heavy is imported before it is needed."""

import contextlib
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kobai.basics.errors import UsageError
from kobai.cli import files
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.options import Argument, Option, reproducing
from kobai.cli.values import word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.questions.judgement.result import JudgementResult

ARGUMENTS = (Argument("SOURCE…", "help.judge.source"),)
OPTIONS = (
    Option("metric", "COLUMN", word),
    Option("group", "COLUMN", word),
    Option("seed", "COLUMN", word),
    Option("step", "COLUMN", word),
    Option("baseline", "NAME", word),
    Option("arm", "NAME", word),
    Option("minimize"),
    Option("maximize"),
    Option("by", "WHAT", word),
    Option("margin", "X", word),
    Option("sigma", "X", word),
    Option("unpaired"),
    Option("ranks"),
    Option("slope", "X", word),
    Option("watch"),
    *files.OPTIONS,
)


def add(group: Group, line: list[str]) -> None:
    """Give the group the command; `line` is the whole command line."""

    def deed(source: list[str], **ask: object) -> Deed:
        smaller, larger = ask.pop("minimize", False), ask.pop("maximize", False)
        if smaller and larger:
            raise UsageError("error.judge.both")
        direction = {"maximize": bool(larger)} if smaller or larger else {}
        destination = Destination.named(ask)
        return functools.partial(_judge, source, {**ask, **direction}, destination, reproducing(line))

    group.add("judge", deed, ARGUMENTS, OPTIONS, meaning=say("help.judge"), subject="help.judge")


def _judge(source: list[str], ask: dict[str, object], destination: Destination, command: str) -> int:
    codes: list[int] = []

    def compute() -> "JudgementResult":
        from kobai.questions.judgement.ask import judge

        question: Callable[..., JudgementResult] = judge  # whose arguments `OPTIONS` names
        what = source[0] if len(source) == 1 else source
        return question(what, command=command, earlier=_earlier(destination.json), **ask)

    def show(console: "Console", result: "JudgementResult") -> None:
        from kobai.questions.judgement import terminal

        console.print(terminal.view(result.judgement))
        codes.append(result.code)

    destination.keep(compute, show)
    return codes[0]


def _earlier(path: Path | None) -> dict[str, int]:
    """The runs of each arm of a verdict that stands where this one will be written."""
    if path is None or not path.is_file():
        return {}
    with contextlib.suppress(ValueError, TypeError, KeyError, OSError):
        return {str(arm["name"]): int(arm["n"]) for arm in json.loads(path.read_text("utf-8"))["arms"]}
    return {}
