"""The command `kobai code`. Nothing heavy is imported before it is needed."""

import functools
from pathlib import Path
from typing import cast

from kobai.cli.commands import Deed, Group
from kobai.cli.options import Argument, Option
from kobai.cli.values import path, word
from kobai.words import say


def add(group: Group) -> None:
    """Give the group the command."""

    def deed(folder: object, framework: str = "torch", task: str | None = None) -> Deed:
        return functools.partial(_write, cast(Path, folder), framework, task)

    arguments = [Argument("DIR", "help.code.folder", read=path)]
    options = [Option("framework", "NAME", word), Option("task", "NAME", word)]
    group.add("code", deed, arguments, options, meaning=say("help.code"), subject="help.code")


def _write(folder: Path, framework: str, task: str | None) -> None:
    from kobai.questions.comparison.code.write import code_of

    print(code_of(folder, framework, task), end="")
