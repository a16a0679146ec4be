"""What a command takes, said once: tables of arguments and options.

A row of a table says how an option is written, what stands for its value in the help, and how its text is
read. What it means is said in `words`, under its name.
"""

import dataclasses
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, cast

from kobai.cli.values import Reader, word
from kobai.words import TABLES, current, say

ListReader: TypeAlias = Callable[[str, list[str]], object]
"""Makes one value of all the texts of an option that may stand several times."""


@dataclasses.dataclass(frozen=True)
class Argument:
    """A word without dashes.

    Fields:
      metavar: what stands for it in the help: "TASK"; "[TARGET]" may be left out, "DIR…" are one or several.
      words: key of what it means.
      required: whether a command line without it is refused.
      read: makes the value of its metavar and its text; of each text, where there may be several.
    """

    metavar: str
    words: str
    required: bool = True
    read: Reader[object] = word

    @property
    def is_list(self) -> bool:
        """Whether it takes all words that are left."""
        return self.metavar.endswith("…")

    def value(self, texts: list[str]) -> object:
        """What was written; None where it was left out."""
        name = self.metavar.strip("[]…")
        values = [self.read(name, text) for text in texts]
        return values if self.is_list else next(iter(values), None)


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

    def value(self, texts: list[str]) -> object:
        """What was written, each time that it was; of one that is not repeatable the last holds."""
        if self.metavar is None:
            return True
        read = cast(Callable[[str, object], object], self.read)  # `repeatable` says which of the two it is
        return read(f"--{self.name}", texts if self.repeatable else texts[-1])

    def meaning(self, subject: str) -> str:
        """What it means: ``SUBJECT.NAME``, or ``help.option.NAME`` if all mean the same."""
        own = f"{subject}.{self.name}"
        return say(own if own in TABLES[current()] else f"help.option.{self.name}")


HELP = Option("help")
LANGUAGE = Option("language", "en|ja")
"""Every command has it. It was read before anything is said, so that here nothing is left to do."""


def reproducing(line: Sequence[str]) -> str:
    """The command that does the same again; without where files are kept, which needs another folder then."""
    return "kobai " + shlex.join(_without_places(line))


def _without_places(line: Sequence[str]) -> Iterator[str]:
    places = ("--output", "--json", "--html")
    for before, argument in zip(["", *line], line, strict=False):
        if not (argument in ("--resume", "--join") or argument.split("=")[0] in places or before in places):
            yield argument
