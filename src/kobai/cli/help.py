"""What the command line says of itself: help, lists of names, and what Typer finds wrong.

`Command` and `Group` write the help: Typer's own speaks English alone and counts a Japanese character as one
column, where a terminal gives it two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from kobai.basics import registry
from kobai.basics.console import Console
from kobai.basics.errors import UsageError, unknown
from kobai.report.letters import Paragraph
from kobai.words import say

if TYPE_CHECKING:
    from typer import _click  # Typer's own copy of click, whose types have no public name


class Refusal(Protocol):
    """A mistake as Typer raises it; which of these attributes it has depends on the name of its class."""

    ctx: "_click.Context | None"
    message: str
    option_name: str
    possibilities: Sequence[str] | None
    param: TyperArgument | TyperOption

    def format_message(self) -> str:
        """The sentence in English."""


class Command(TyperCommand):
    """A command: its help, and the refusal of words that it has no use for."""

    allow_extra_args = True  # so that `invoke` can refuse them in the language in use

    def parse_args(self, ctx: "_click.Context", args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as problem:
            if getattr(problem, "ctx", ctx) is None:  # some mistakes do not say which command they are in
                problem.ctx = ctx  # type: ignore[attr-defined]
            raise

    def get_help(self, ctx: "_click.Context") -> str:
        return written_help(self, ctx)

    def invoke(self, ctx: "_click.Context") -> object:
        if ctx.args:
            lists = any("…" in str(option.metavar) for option in self.params)
            key = "error.option.extra" if lists else "error.option.alone"
            raise UsageError(key, value=" ".join(ctx.args), command=ctx.command_path)
        return super().invoke(ctx)


class Group(TyperGroup):
    """A command that holds others: its help, and the refusal of a name that none of them has."""

    def get_help(self, ctx: "_click.Context") -> str:
        return written_help(self, ctx)

    def get_command(
        self,
        ctx: "_click.Context",  # noqa: ARG002 - Typer's signature
        cmd_name: str,
    ) -> "_click.Command | None":
        if cmd_name not in self.commands and not cmd_name.startswith("-"):
            raise unknown("kind.command", cmd_name, self.commands)
        return self.commands.get(cmd_name)


def written_help(command: TyperCommand | TyperGroup, context: "_click.Context") -> str:
    """The help of a command, wrapped by the columns that a terminal needs for it."""
    console = Console(color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        arguments = [str(each.metavar) for each in command.params if isinstance(each, TyperArgument)]
        words = [context.command_path, *arguments, say("help.usage.options")]
        if isinstance(command, TyperGroup):
            words.insert(1, say("help.usage.command"))
        console.print(say("help.usage", words=" ".join(words)))
        console.print()
        console.print(Padding(Paragraph(command.help or ""), (0, 2)))
        for heading, rows in _sections(command, context):
            console.print()
            console.print(say(f"help.{heading}"))
            console.print(described(rows))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def described(rows: Iterable[tuple[str, str | Text]]) -> RenderableType:
    """Names with what they mean, in two columns."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, meaning in rows:
        table.add_row(name, Paragraph(meaning))
    return Padding(table, (0, 0, 0, 2))


def listed(tables: Mapping[str, Mapping[str, registry.Entry]]) -> None:
    """Print the names of each kind: how the kind is used, then each with what it is and who found it."""
    console = Console(highlight=False, markup=False)
    for kind, table in tables.items():
        console.print(say(f"kind.{kind}"), style="bold")
        if kind in registry.USES:
            console.print(f"  {registry.USES[kind]}", style="dim")
        console.print(described((entry.name, _with_source(entry)) for entry in table.values()))


def _with_source(entry: registry.Entry) -> Text:
    """What something is, and who found it."""
    return Text.assemble(say(entry.key), (f" · {entry.source}", "dim") if entry.source else "")


def _sections(
    command: TyperCommand | TyperGroup, context: "_click.Context"
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(heading, names with what they mean) of each part of the help."""
    if isinstance(command, TyperGroup) and command.commands:
        yield "commands", [(name, each.help or "") for name, each in command.commands.items()]
    everything = command.get_params(context)
    arguments = [each for each in everything if isinstance(each, TyperArgument)]
    if arguments:
        yield "arguments", [(str(argument.metavar), argument.help or "") for argument in arguments]
    options = [each for each in everything if isinstance(each, TyperOption)]
    yield "options", [(f"{option.opts[0]} {option.metavar or ''}", _meaning(option)) for option in options]


def _meaning(option: TyperOption) -> str:
    return say("help.option.help") if "--help" in option.opts else option.help or ""


def translated(problem: Refusal) -> str:
    """What Typer found wrong, in one sentence of the language in use."""
    kind = type(problem).__name__
    context = getattr(problem, "ctx", None)
    command = context.command_path if context else "kobai"
    if kind == "NoSuchOption":
        near = next(iter(problem.possibilities or []), "")
        key = "error.option.near" if near else "error.option.unknown"
        return say(key, option=problem.option_name, near=near, command=command)
    if kind == "BadOptionUsage":
        key = "error.option.flag" if "not take" in problem.message else "error.option.value"
        return say(key, option=problem.option_name, command=command)
    if kind == "MissingParameter":
        return say("error.option.missing", name=problem.param.metavar, command=command)
    return problem.format_message()
