"""A command line, read by click from the tables of the commands: which it names, and what is to be done.

What is wrong is said here, in the language in use.
"""

import functools
from collections.abc import Sequence

import click

from kobai.basics.errors import UsageError, unknown
from kobai.cli.commands import Command, Deed, Group
from kobai.cli.help import written_help
from kobai.cli.options import HELP, Argument, Option


def read(entry: Command | Group, line: Sequence[str]) -> Deed:
    """What the words after a command's or group's own name ask to be done.

    Raises `UsageError` for what the command has no use for, or lacks.
    """
    texts, words = _parted(entry, line)
    if HELP.key in texts:
        return functools.partial(print, written_help(entry))
    return _of_group(entry, texts, words) if isinstance(entry, Group) else _of_command(entry, texts, words)


def _of_group(group: Group, texts: dict[str, list[str]], words: list[str]) -> Deed:
    for name, deed in group.flags.items():
        if name in texts:
            return deed
    if not words:
        return functools.partial(print, written_help(group))
    name, *line = words
    if name not in group.commands:
        raise unknown("kind.command", name, group.commands)
    return read(group.commands[name], line)


def _of_command(command: Command, texts: dict[str, list[str]], words: list[str]) -> Deed:
    taken = [_taken(argument, words, command) for argument in command.arguments]
    if words:
        lists = any("…" in str(option.metavar) for option in command.options)
        key = "error.option.extra" if lists else "error.option.alone"
        raise UsageError(key, value=" ".join(words), command=command.path)
    ask = {each.key: each.value(texts[each.key]) for each in command.options if each.key in texts}
    ask.pop("language", None)
    return command.deed(*(each.value(own) for each, own in zip(command.arguments, taken, strict=True)), **ask)


def _taken(argument: Argument, words: list[str], command: Command) -> list[str]:
    """The words of an argument, which are taken out of `words`."""
    if argument.required and not words:
        raise UsageError("error.option.missing", name=argument.metavar, command=command.path)
    own = words[:] if argument.is_list else words[:1]
    del words[: len(own)]
    return own


# What click does


def _parted(entry: Command | Group, line: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The texts of each option that was written, by its key, and the words between them.

    After ``--`` everything is a word; of a group from the first word on, which names the command.
    """
    options = {f"--{option.name}": option for option in entry.options}
    reader = click.Command(entry.path, add_help_option=False)
    reader.params = [
        *(_click_option(option) for option in options.values()),
        click.Argument(["_words"], nargs=-1),
    ]
    reader.allow_interspersed_args = isinstance(entry, Command)
    try:
        written = reader.make_context(entry.path, list(line)).params
    except click.NoSuchOption as problem:
        near = next(iter(problem.possibilities or []), "")
        key = "error.option.near" if near else "error.option.unknown"
        raise UsageError(key, option=problem.option_name, near=near, command=entry.path) from None
    except click.BadOptionUsage as problem:
        raise _misused(options[problem.option_name], entry) from None
    words = list(written.pop("_words"))
    texts = {option.key: list(written[option.key]) for option in options.values() if written[option.key]}
    for option in options.values():
        if any(text.startswith("--") for text in texts.get(option.key, ())):  # its own value was forgotten
            raise _misused(option, entry)
    return texts, words


def _click_option(option: Option) -> click.Option:
    names = [f"--{option.name}", option.key]
    if option.metavar is None:
        return click.Option(names, multiple=True, flag_value="")  # with a value of its own it is a flag
    return click.Option(names, multiple=True)


def _misused(option: Option, entry: Command | Group) -> UsageError:
    key = "error.option.flag" if option.metavar is None else "error.option.value"
    return UsageError(key, option=f"--{option.name}", command=entry.path)
