"""The task that the user named: built in, or from a Python file (``my_task.py``, ``my_task.py:name``)."""

import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from typing import Any

from kobai import methods
from kobai.errors import UsageError, unknown
from kobai.tasks.task import Task


def load(name: str, **options: Any) -> Task:
    """The task `name`, made with those `options` that are not None.

    A file's object may be a `Task`, or a function that makes one and takes the options by name. Raises
    `UsageError` for a name, a file or an option that does not exist, and for a file that cannot be run.
    """
    options = {key: value for key, value in options.items() if value is not None}
    file, _, attribute = name.partition(".py:")
    if attribute or name.endswith(".py"):
        path = Path(file + ".py" if attribute else name)
        return _made(name, _from_file(path, attribute or "task"), options)
    if name not in methods.TASKS:
        if Path(name + ".py").exists():
            raise UsageError("error.task.py", value=name)
        raise unknown("kind.task", name, methods.TASKS)
    module = importlib.import_module(f"kobai.tasks.{name}")
    return _made(name, getattr(module, name), options)


def _made(name: str, found: Any, options: dict[str, Any]) -> Task:
    if callable(found) and not isinstance(found, Task):
        known = inspect.signature(found).parameters
        for option in options:
            if option not in known:
                raise UsageError("error.task.option", task=name, option=option.replace("_", "-"))
        found = found(**options)
    elif options:
        raise UsageError("error.task.option", task=name, option=next(iter(options)).replace("_", "-"))
    if not isinstance(found, Task):
        raise UsageError("error.task.type", task=name, value=type(found).__name__)
    return found


def _from_file(path: Path, attribute: str) -> Any:
    if not path.is_file():
        raise UsageError("error.task.file", path=path)
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.path.insert(0, str(path.parent.resolve()))  # so that the file can import its neighbours
    try:
        specification.loader.exec_module(module)
    except Exception as problem:
        frames = traceback.extract_tb(problem.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(path)] or [
            getattr(problem, "lineno", "?")
        ]
        raise UsageError(
            "error.task.broken", path=path, line=lines[-1], problem=f"{type(problem).__name__}: {problem}"
        ) from problem
    finally:
        sys.path.remove(str(path.parent.resolve()))
    if not hasattr(module, attribute):
        made = [key for key, value in vars(module).items() if isinstance(value, Task)]
        raise UsageError("error.task.attribute", path=path, name=attribute, found=", ".join(made) or "–")
    return getattr(module, attribute)
