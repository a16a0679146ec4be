"""A command line, read: which command it names, its options and words, and what is then to be done."""

import functools
from collections.abc import Sequence
from difflib import get_close_matches

from kobai.basics.errors import UsageError, unknown
from kobai.cli.commands import Command, Deed, Group
from kobai.cli.help import written_help
from kobai.cli.options import HELP, Argument, Option


def read(entry: Command | Group, line: Sequence[str]) -> Deed:
    """What the words after a command's or group's own name ask to be done.

    Raises `UsageError` for what the command has no use for, or lacks.
    """
    texts, words = _parted(entry, list(line))
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


def _parted(entry: Command | Group, line: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The texts of each option that was written, by its key, and the words between them.

    After ``--`` everything is a word; of a group from the first word on, which names the command.
    """
    known = {f"--{option.name}": option for option in entry.options}
    texts: dict[str, list[str]] = {}
    words: list[str] = []
    while line:
        written = line.pop(0)
        if written == "--":
            return texts, words + line
        if not written.startswith("-") or written == "-":
            words.append(written)
            if isinstance(entry, Group):
                return texts, words + line
            continue
        name, equals, text = written.partition("=")
        option = known.get(name)
        if option is None:
            raise _unknown_option(name, known, entry.path)
        texts.setdefault(option.key, []).append(_text(option, equals, text, line, entry.path))
    return texts, words


def _text(option: Option, equals: str, text: str, line: list[str], path: str) -> str:
    """The text of an option: after its equals sign, or the next word, which is taken out of `line`."""
    name = f"--{option.name}"
    if option.metavar is None:
        if equals:
            raise UsageError("error.option.flag", option=name)
        return ""
    if not equals:
        text = line.pop(0) if line else "--"
    if text.startswith("--"):  # the end, or another option: its own value was forgotten
        raise UsageError("error.option.value", option=name, command=path)
    return text


def _unknown_option(name: str, known: dict[str, Option], path: str) -> UsageError:
    near = get_close_matches(name, known, n=1)
    if near:
        return UsageError("error.option.near", option=name, near=near[0])
    return UsageError("error.option.unknown", option=name, command=path)
