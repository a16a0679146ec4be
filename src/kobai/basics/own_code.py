"""Whose code it was that raised: a person's own, which kobai calls, or kobai's.

Losses, metrics, callbacks, layouts, task files, functions to be minimized: what they raise is told as theirs,
in one sentence with the file and the line. What kobai itself raises by a fault of its own passes unchanged.
"""

import contextlib
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

from kobai.basics.errors import UsageError

LIBRARIES = tuple(
    {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {"<frozen", "<__array_function__"}
)
"""How the names of files begin that are nobody's own."""

INSTALLED = re.compile(r"[\\/](site|dist)-packages[\\/]")
"""The folders of installed libraries, of this environment and of those that it shares with another."""

CALLBACK = re.compile(r'^ *File "(.+)", line (\d+), in ', re.MULTILINE)
"""A line of the traceback that JAX puts into its message where a callback has raised."""

SYSTEM = {
    "error.memory": (MemoryError, ""),
    "error.memory.size": (ValueError, r"array is too big|Maximum allowed dimension|negative dimensions"),
    "error.memory.device": (RuntimeError, r"RESOURCE_EXHAUSTED|Out of memory"),
    "error.device": (RuntimeError, r"Unable to initialize backend"),
}
"""What is the fault of no code: a mistake's key in words, its type, and what its message holds."""


@contextlib.contextmanager
def told(key: str = "error.own", *, every: bool = False, **values: object) -> Iterator[None]:
    """What a person's own code raises inside the block, as a `UsageError` with its file and line.

    Args:
      key: of the sentence; it gets `values`, and as ``problem`` what was raised and where.
      every: whether the block runs nothing but the person's own code, so that all that is raised is theirs:
        a function that is called with too many arguments raises before its first line.
    """
    try:
        yield
    except UsageError:
        raise
    except (Exception, SystemExit) as problem:
        mistake = _of_system(problem)
        if mistake is None and (every or place(problem) is not None):
            mistake = UsageError(key, problem=described(problem), **values)
        if mistake is None:
            raise
        raise mistake from problem


def described(problem: BaseException) -> str:
    """What was raised, in one line, and where in the person's own code if it is known."""
    text = str(problem)
    where = place(problem)
    name = type(problem).__name__
    if CALLBACK.search(text):  # the last line is what the callback raised
        sentence = text.strip().splitlines()[-1].strip()
    else:
        sentence = f"{name}: {text.splitlines()[0]}" if text else name
    return sentence if where is None else f"{sentence} ({where[0]}:{where[1]})"


def place(problem: BaseException) -> tuple[str, int] | None:
    """File and line of the innermost call in the person's own code; None where there is none."""
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(problem.__traceback__)
        if _is_own(str(frame.f_globals.get("__name__")), frame.f_code.co_filename)
    ]
    package = str(Path(__file__).parent.parent)
    frames += [
        (file, int(line))
        for file, line in CALLBACK.findall(str(problem))
        if _is_own("", file) and not file.startswith(package)
    ]
    if not frames:
        return None
    file, line = frames[-1]
    return _near(file), line


def _is_own(module: str, file: str) -> bool:
    is_library = file.startswith(LIBRARIES) or INSTALLED.search(file) is not None
    return module.partition(".")[0] != "kobai" and not is_library


def _near(file: str) -> str:
    """The file as seen from the current folder, if it is in it."""
    with contextlib.suppress(ValueError, OSError):
        return str(Path(file).relative_to(Path.cwd()))
    return file


def _of_system(problem: BaseException) -> UsageError | None:
    text = str(problem)
    for key, (kind, message) in SYSTEM.items():
        if isinstance(problem, kind) and re.search(message, text):
            values: dict[str, object] = {"problem": text.splitlines()[0] if text else type(problem).__name__}
            return UsageError(key, **values)
    return None
