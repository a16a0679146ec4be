"""The commands: each with what it takes and what it does, in groups by their names."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeAlias

from kobai.cli.options import HELP, LANGUAGE, Argument, Option

Deed: TypeAlias = Callable[[], int | None]
"""What a command line asks to be done, after all of it was read; its exit code, where that says something."""


@dataclasses.dataclass(frozen=True)
class Command:
    """A command.

    Fields:
      path: how it is called: "kobai course start".
      meaning: letters, what it does.
      deed: gets the values of the arguments, and of those options that were written by their keywords; gives
        what is to be done.
      arguments, options: what it takes, in the order of its help.
      subject: where the options are explained: ``help.transfer`` for ``help.transfer.amounts``.
    """

    path: str
    meaning: str
    deed: Callable[..., Deed]
    arguments: Sequence[Argument] = ()
    options: Sequence[Option] = (LANGUAGE, HELP)
    subject: str = "help.option"


@dataclasses.dataclass(frozen=True)
class Group:
    """Commands by their names.

    Fields:
      path, meaning: as of a command.
      flags: options that are commands themselves: "version", and what it does.
      commands: filled in by `add` and `add_group`.
    """

    path: str
    meaning: str
    flags: dict[str, Deed] = dataclasses.field(default_factory=dict)
    commands: "dict[str, Command | Group]" = dataclasses.field(default_factory=dict)
    arguments: Sequence[Argument] = ()
    subject: str = "help.option"

    @property
    def options(self) -> list[Option]:
        """What stands before the name of a command."""
        return [LANGUAGE, *map(Option, self.flags), HELP]

    def add(
        self,
        name: str,
        deed: Callable[..., Deed],
        arguments: Sequence[Argument] = (),
        options: Sequence[Option] = (),
        *,
        meaning: str,
        subject: str = "help.option",
    ) -> None:
        """Give the group a command, whose help begins with `meaning`: see the fields of `Command`."""
        every = (*options, LANGUAGE, HELP)
        self.commands[name] = Command(f"{self.path} {name}", meaning, deed, arguments, every, subject)

    def add_group(self, name: str, meaning: str) -> "Group":
        """A group in this one."""
        group = Group(f"{self.path} {name}", meaning)
        self.commands[name] = group
        return group
