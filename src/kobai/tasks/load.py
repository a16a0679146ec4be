"""The task that the user named: built in, or from a Python file (``my_task.py``, ``my_task.py:name``).

A built-in one may have its options in its name: ``adding:length=50,cell=gru``.
"""

import contextlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.tasks.task import Task


def load(name: str, **options: Any) -> Task:
    """The task `name`, made with those `options` that are not None.

    A file's object may be a `Task`, or a function that makes one and takes the options by name. Raises
    `UsageError` for a name, a file or an option that does not exist, and for a file that cannot be run.
    """
    options = {key: value for key, value in options.items() if value is not None}
    stem, colon, attribute = name.partition(".py:")
    if colon or name.endswith(".py"):
        path = Path(stem + ".py" if colon else name)
        with _blaming(path):
            return _made(name, _from_file(path, attribute or "task"), options)
    name, _, written = name.partition(":")
    spelling = name.replace("_", "-")
    if spelling not in registry.TASKS and Path(name + ".py").exists():
        raise UsageError("error.task.py", value=name)
    task = registry.find("kind.task", spelling, registry.TASKS).load()
    return _made(name, task, _settings(name, written) | options)


def _settings(task: str, text: str) -> dict[str, Any]:
    """length=50,hidden=8,16,cell=gru -> {"length": 50, "hidden": [8, 16], "cell": "gru"}."""
    options: dict[str, Any] = {}
    option = ""
    for part in text.split(",") if text else []:
        first, equals, value = part.partition("=")
        if equals and first:
            option = first.strip().replace("-", "_")
            if option in options:
                raise UsageError("error.task.settings.twice", task=task, value=text, option=option)
            options[option] = _value(value)
        elif option and part:
            before = options[option]
            options[option] = [*(before if isinstance(before, list) else [before]), _value(part)]
        else:
            raise UsageError("error.task.settings", task=task, value=text)
    return options


def _value(text: str) -> int | float | str:
    """The whole number or the number written in `text`, or the text itself."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text.strip()


def _made(name: str, source: Any, options: dict[str, Any]) -> Task:
    if callable(source) and not isinstance(source, Task):
        known = inspect.signature(source).parameters
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
        _refuse_options(name, [] if takes_any else [option for option in options if option not in known])
        source = source(**options)
    else:
        _refuse_options(name, list(options))
    if not isinstance(source, Task):
        raise UsageError("error.task.type", task=name, value=type(source).__name__)
    return source


def _refuse_options(name: str, options: list[str]) -> None:
    if options:
        raise UsageError("error.task.option", task=name, option=options[0].replace("_", "-"))


def _from_file(path: Path, attribute: str) -> Any:
    """The object called `attribute` in the Python file `path`, which is run."""
    if not path.is_file():
        raise UsageError("error.task.file", path=path)
    # A name of its own, so that a file called jax.py does not take the place of jax.
    specification = importlib.util.spec_from_file_location(f"_own_{path.stem}", path.resolve())
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # where a dataclass looks up the names in its annotations
    folder = str(path.parent.resolve())
    sys.path.insert(0, folder)  # so that the file can import its neighbours
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    if not hasattr(module, attribute):
        tasks = [key for key, value in vars(module).items() if isinstance(value, Task)]
        raise UsageError("error.task.attribute", path=path, name=attribute, found=", ".join(tasks) or "–")
    return getattr(module, attribute)


@contextlib.contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Whatever goes wrong in the user's file as a `UsageError`, with the line of the file where it did."""
    try:
        yield
    except UsageError:
        raise
    except (Exception, SystemExit) as problem:
        sentence = f"{type(problem).__name__}: {problem}"
        frames = traceback.extract_tb(problem.__traceback__)
        lines: list[Any] = [frame.lineno for frame in frames if frame.filename == str(path.resolve())]
        if isinstance(problem, SyntaxError) and problem.lineno and not lines:  # it has no frame of its own
            lines = [problem.lineno]
        if lines:
            raise UsageError("error.task.broken", path=path, line=lines[-1], problem=sentence) from problem
        raise UsageError("error.task.fails", path=path, problem=sentence) from problem
