"""What the command of a study said of its task: whoever goes on with the study need not say it again."""

import ast
import contextlib
import shlex

from kobai.basics.errors import UsageError
from kobai.cli import tables
from kobai.cli.commands import Command, Deed
from kobai.cli.compare import OPTIONS
from kobai.cli.options import LANGUAGE, Argument
from kobai.cli.reading import read
from kobai.cli.values import task

OF_TASK = (*(option.key for option in tables.OPTIONS), "hidden")
"""How a table is read, and how wide the network is. Other things that make a task are axes of the study."""


def of_task(command: str) -> dict[str, object]:
    """Of the command line, or the call in Python, that made a study: `OF_TASK`, as far as it names them.

    What a call takes from a variable, or a command line of another version, is not known.
    """
    line = command.removeprefix("kobai compare ")
    said = _of_call(command) if line == command else _of_line(line)
    return {name: value for name, value in said.items() if name in OF_TASK and value is not None}


def _of_line(line: str) -> dict[str, object]:
    said: dict[str, object] = {}

    def deed(task: str, **ask: object) -> Deed:  # noqa: ARG001 - the task is named again
        said.update(ask)
        return lambda: None

    compare = Command("kobai compare", "", deed, [Argument("TASK", "", read=task)], (*OPTIONS, LANGUAGE))
    with contextlib.suppress(UsageError):
        read(compare, shlex.split(line))
    return said


def _of_call(text: str) -> dict[str, object]:
    said: dict[str, object] = {}
    with contextlib.suppress(SyntaxError):
        call = ast.parse(text, mode="eval").body
        for each in call.keywords if isinstance(call, ast.Call) else ():
            with contextlib.suppress(ValueError):
                said[str(each.arg)] = ast.literal_eval(each.value)
    return said
