"""The command line. Nothing heavy is imported before it is needed: --help answers at once.

A mistake is one line and exit code 2; Ctrl-C says what was kept and ends with 130. A fault of kobai's own is
one line and exit code 70, and its traceback goes into a file.
"""

import contextlib
import io
import locale
import os
import sys
import warnings
from collections.abc import Iterator

from kobai import words
from kobai.basics import interruption, registry, signs
from kobai.basics.controls import harmless
from kobai.basics.errors import UsageError, remedy
from kobai.basics.notation import is_text
from kobai.basics.notices import Notice
from kobai.basics.own_code import described, told
from kobai.basics.version import __version__
from kobai.cli import agents, code, compare, confirm, course, descend, diagnose, judge, kept, range, transfer
from kobai.cli.commands import Group
from kobai.cli.help import listed
from kobai.cli.reading import read
from kobai.words import say


def run(arguments: list[str]) -> int:
    """Run the command line with these arguments; the exit code."""
    for name in ("stdout", "stderr"):  # closed by the shell: >&-
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=signs.ERRORS)  # where the terminal's encoding lacks a sign
    with _warnings_in_one_line():
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    code = None
    try:
        words.use(_language_of_system())
        language = _language_asked(arguments)
        words.use(words.current() if language is None else language)
        for argument in arguments:
            if not is_text(argument) or "\0" in argument:
                raise UsageError("error.argument.text", value=ascii(argument))
        deed = read(commands(arguments), arguments)
        with told():
            code = deed()
        sys.stdout.flush()
    except UsageError as problem:
        return _refuse(str(problem))
    except KeyboardInterrupt as stop:
        interruption.end(interruption.sentence(getattr(stop, "kept", 0), getattr(stop, "path", None)))
    except MemoryError as problem:
        return _refuse(say("error.memory", problem=problem))
    except BrokenPipeError:  # whoever read the output has closed it
        _discard_output()
    except OSError as problem:
        _discard_output()
        return _refuse(say("error.system", problem=problem, remedy=remedy(problem)))
    except Exception as problem:
        return _own_fault(problem)
    return code or 0


def commands(line: list[str]) -> Group:
    """The commands; made when they are needed, so that their help speaks the language asked for.

    `line` is the whole command line, for those that say how to ask the same again.
    """
    kobai = Group("kobai", f"{say('help.kobai')}\n\n{say('help.docs')}", {"version": _say_version})
    compare.add(kobai, line)
    code.add(kobai)
    kept.add(kobai)
    kobai.add("methods", lambda: _list_methods, meaning=say("help.methods"))
    kobai.add("tasks", lambda: _list_tasks, meaning=say("help.tasks"))
    range.add(kobai, line)
    descend.add(kobai, line)
    transfer.add(kobai, line)
    diagnose.add(kobai, line)
    judge.add(kobai, line)
    confirm.add(kobai, line)
    agents.add(kobai)
    course.add(kobai)
    return kobai


def _say_version() -> None:
    print(f"kobai {__version__}")


def _list_methods() -> None:
    listed(registry.METHODS)
    print()
    print(say("help.methods.more"))


def _list_tasks() -> None:
    listed({"task": registry.TASKS})
    print()
    print(say("help.own_task"))


def _language_asked(arguments: list[str]) -> str | None:
    """The language of ``--language``: needed before the options that explain themselves in it."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=False):
        if argument == "--language":
            return following
        if argument.startswith("--language="):
            return argument.partition("=")[2]
    return None


def _language_of_system() -> str:
    names = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")] + [locale.getlocale()[0]]
    first = next((name for name in names if name), "")
    return "ja" if first.lower().startswith(("ja", "japanese")) else "en"


def _refuse(sentence: str) -> int:
    _say_in_one_line(sentence)
    return 2


def _say_in_one_line(sentence: object) -> None:
    print(f"kobai: {' '.join(harmless(str(sentence)).split())}", file=sys.stderr)


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Whoever warns, of kobai or of what it stands on: a sentence and no line of source."""

    def show(message: Warning | str, *_: object) -> None:
        _say_in_one_line(message)

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=Notice)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _own_fault(problem: Exception) -> int:
    """Say that kobai is to blame, and where its traceback is; the exit code."""
    import tempfile
    import traceback

    values = {"problem": described(problem)}
    lines = "".join(traceback.format_exception(problem))
    try:
        handle, path = tempfile.mkstemp(prefix="kobai-fault-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(lines)
        _refuse(say("fault", path=path, **values))
    except OSError:
        frame = traceback.extract_tb(problem.__traceback__)[-1]
        _refuse(say("fault.unwritten", place=f"{frame.filename}:{frame.lineno}", **values))
    return 70


def _discard_output() -> None:
    """Let nothing try again, at the end of the program, to write where writing failed."""
    with contextlib.suppress(OSError):  # an output of Python's own has no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
