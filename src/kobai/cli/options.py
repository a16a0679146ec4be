"""What a command takes, said once: tables of arguments and options, made into a command of Typer.

A row of a table says how an option is written, what stands for its value in the help, and how its text is
read. What it means is said in `words`, under its name.
"""

import dataclasses
import inspect
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, TypeAlias, cast

import typer
from typer.models import OptionInfo

from kobai.basics.errors import UsageError
from kobai.cli.help import Command
from kobai.cli.values import Reader, word
from kobai.words import TABLES, say

Deed: TypeAlias = Callable[[], int | None]
"""What a command line asks to be done, after all of it was read; its exit code, where that says something."""
Entry: TypeAlias = str | list[str] | bool | None
"""What Typer finds on the command line: a text, or several; of a flag whether it stands there; or nothing."""
ListReader: TypeAlias = Callable[[str, list[str]], object]
"""Makes one value of all the texts of an option that may stand several times."""


@dataclasses.dataclass(frozen=True)
class Argument:
    """A word without dashes.

    Fields:
      metavar: what stands for it in the help: "TASK"; "[TARGET]" may be left out, "DIR…" are one or several.
      words: key of what it means.
      required: whether Typer refuses a command line without it.
      read: makes the value of its metavar and its text; of each text, where there may be several.
    """

    metavar: str
    words: str
    required: bool = True
    read: Reader[object] = word

    @property
    def name(self) -> str:
        """Its name in Python."""
        return self.metavar.strip("[]…").lower()

    def value(self, text: Entry) -> object:
        """What was written; None where it was left out."""
        name = self.metavar.strip("[]…")
        if isinstance(text, list):
            return [self.read(name, each) for each in text]
        return self.read(name, text) if isinstance(text, str) else None

    def parameter(self) -> inspect.Parameter:
        """The parameter that Typer reads it from."""
        kind: object = list[str] if self.metavar.endswith("…") else str if self.required else str | None
        meaning = typer.Argument(help=say(self.words), metavar=self.metavar, show_default=False)
        default = inspect.Parameter.empty if self.required else None
        return _parameter(self.name, Annotated[kind, meaning], default)


@dataclasses.dataclass(frozen=True)
class Option:
    """A word with dashes, and what follows it.

    Fields:
      name: as it is written, without its dashes: "learning-rates".
      metavar: what stands for its value in the help; None for a flag, which has no value.
      read: makes the value of the option's name, with its dashes, and its text.
      keyword: the argument of Python that it is; by default its name.
      repeatable: whether it may stand several times; `read` then gets a list of texts.
    """

    name: str
    metavar: str | None = None
    read: Reader[object] | ListReader = word
    keyword: str = ""
    repeatable: bool = False

    @property
    def key(self) -> str:
        """The argument of Python that it is."""
        return self.keyword or self.name.replace("-", "_")

    def value(self, text: Entry) -> object:
        """What was written; None where the option was left out."""
        if self.metavar is None:
            return text or None
        texts = text if isinstance(text, list) else [text]
        if any(isinstance(each, str) and each.startswith("--") for each in texts):
            # another option: its own value was forgotten
            raise UsageError("error.option.value", option=f"--{self.name}", command="kobai")
        if text is None or text == []:
            return None
        read = cast(Callable[[str, Entry], object], self.read)  # `repeatable` says which of the two it is
        return read(f"--{self.name}", text)

    def explained(self, subject: str = "help.option") -> OptionInfo:
        """The option with what it means: ``SUBJECT.NAME``, or ``help.option.NAME`` if all mean the same."""
        own = f"{subject}.{self.name}"
        meaning = say(own if own in TABLES["en"] else f"help.option.{self.name}")
        option: OptionInfo = typer.Option(
            f"--{self.name}", help=meaning, metavar=self.metavar, show_default=False
        )
        return option

    def parameter(self, subject: str) -> inspect.Parameter:
        """The parameter that Typer reads it from."""
        option = self.explained(subject)
        if self.metavar is None:
            return _parameter(self.key, Annotated[bool, option], False)
        kind: type = list[str] if self.repeatable else str
        return _parameter(self.key, Annotated[kind | None, option], None)


LANGUAGE = Option("language", "en|ja")
"""Every command has it. It was read before anything is said, so that here nothing is left to do."""


def _parameter(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def add_command(
    app: typer.Typer,
    name: str,
    deed: Callable[..., Deed],
    arguments: Sequence[Argument] = (),
    options: Sequence[Option] = (),
    *,
    meaning: str,
    subject: str = "help.option",
) -> None:
    """Give an application a command.

    Args:
      app: the application.
      name: of the command.
      deed: gets the words of the arguments, and the values of those options that were written by their
        keywords; gives what is to be done.
      arguments, options: what the command takes, in the order of its help; beside `LANGUAGE`.
      meaning: letters, what the command does.
      subject: where the options are explained: ``help.transfer`` for ``help.transfer.amounts``.
    """

    def command(**words: Entry) -> Deed:
        values = {option.key: option.value(words[option.key]) for option in options}
        entries = {key: value for key, value in values.items() if value is not None}
        return deed(*(argument.value(words[argument.name]) for argument in arguments), **entries)

    parameters = [argument.parameter() for argument in arguments]
    parameters += [option.parameter(subject) for option in (*options, LANGUAGE)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(name, help=meaning, cls=Command)(command)


def reproducing(line: Sequence[str]) -> str:
    """The command that does the same again; without where files are kept, which needs another folder then."""
    return "kobai " + shlex.join(_without_places(line))


def _without_places(line: Sequence[str]) -> Iterator[str]:
    places = ("--output", "--json", "--html")
    for before, argument in zip(["", *line], line, strict=False):
        if not (argument in ("--resume", "--join") or argument.split("=")[0] in places or before in places):
            yield argument
