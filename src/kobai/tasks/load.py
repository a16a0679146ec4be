"""The task that a caller means: a `Task`, a function that makes one, a name or a Python file.
`meant` takes a table and a model with its data, too.

A file is ``my_task.py``, with an object called `task`, or with `model` and `data`, or ``my_task.py:name``.
The name of a built-in task may have its options behind it: ``adding:length=50,cell=gru``.
"""

import contextlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeGuard, cast

from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.tasks.frameworks import models
from kobai.tasks.frameworks import of as frameworks
from kobai.tasks.frameworks.data import Data
from kobai.tasks.frameworks.makers import Model
from kobai.tasks.table import Frame, Prepared, is_table, prepare
from kobai.tasks.task import Task

TaskSource: TypeAlias = Task | str | Callable[..., Task]
"""How a caller says a task: itself, its name or file, or a function that takes its options by name."""

OF_A_FILE = ("loss", "metric", "maximize", "target", "batch_size", "roles", "pretrained")
"""What a file may say of its model and data, as `Task.of` takes it."""

Value: TypeAlias = int | float | str
"""What an option in a task's name may be, or several of it."""


def load(source: TaskSource, **options: object) -> Task:
    """The task that `source` means, made with those `options` that are not None.

    Raises `UsageError` for a name, a file or an option that does not exist, for a file that cannot be run,
    and for options of a task that is finished.
    """
    options = {key: value for key, value in options.items() if value is not None}
    if not isinstance(source, Task | str) and models.is_model(source):
        raise UsageError("error.of.no_data", value=type(source).__name__)
    if not isinstance(source, str):
        return _task("task", source, options, "error.axis.task")
    stem, colon, attribute = source.partition(".py:")
    if colon or source.endswith(".py"):
        path = Path(stem + ".py" if colon else source)
        with _blaming(path):
            return _task(source, _from_file(path, attribute or "task"), options)
    name, _, text = source.partition(":")
    spelling = name.replace("_", "-")
    if spelling not in registry.TASKS and os.path.exists(name + ".py"):
        raise UsageError("error.task.py", value=name)
    function = registry.find("kind.task", spelling, registry.TASKS).load()
    return _task(name, function, options_of(name, text) | options)


OF_MODEL = ("loss", "metric", "roles")
"""The options that say how a model is trained."""

OF_SPLIT = ("validation", "test", "split_seed")
"""The options that say how data are cut, of a table and of a model."""

OF_TABLE = ("label", "kind", "leave_out")
"""The options that say what is made of a table."""


def meant(task: TaskSource | Path | Frame | Model, data: Data, said: Mapping[str, object]) -> TaskSource:
    """The task that is meant; of a model, or a table, which is read once, the function that makes it."""
    every = (*OF_MODEL, *OF_TABLE, *OF_SPLIT)
    options = {name: said[name] for name in every if said.get(name) is not None}
    if data is not None:
        _refuse_options([name for name in options if name in OF_TABLE], task)
        return frameworks.source(cast(Model, task), data, **options)
    for name in OF_MODEL:
        if name in options:
            raise UsageError("error.of.alone", name=name)
    is_finished = isinstance(task, Task)
    if not is_finished and (is_table(task) or ("label" in options and _is_other_file(task))):
        make: Callable[..., Prepared] = prepare  # whose arguments `OF_SPLIT` and `OF_TABLE` name
        return make(task, **options).task
    _refuse_options(list(options), task)
    return str(task) if isinstance(task, Path) else cast(TaskSource, task)


def _refuse_options(options: Sequence[str], task: object) -> None:
    """Refuse what is said of a table where there is none."""
    if options:
        shown = task if isinstance(task, str | Path) else type(task).__name__
        raise UsageError("error.table.options", names=", ".join(options), task=shown)


def _is_other_file(task: object) -> TypeGuard[str | Path]:
    """Whether a file is named that holds no task in Python: read as a table, it is told what is wrong."""
    return isinstance(task, str | Path) and ":" not in str(task) and Path(task).suffix not in ("", ".py")


def is_source(value: object) -> TypeGuard[TaskSource]:
    """Whether `value` can mean a task."""
    return isinstance(value, Task | str) or callable(value)


def _task(
    name: str, source: object, options: Mapping[str, object], refusal: str = "error.task.option"
) -> Task:
    """The task itself, or the one that a function makes of its options; of any other `refusal` is said."""
    function = source if callable(source) and not isinstance(source, Task) else None
    known = {} if function is None else inspect.signature(function).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for option in options:
        if option not in known and not takes_any:
            raise UsageError(refusal, task=name, option=option, flag="--" + option.replace("_", "-"))
    options = {
        key: _suited(name, known[key], value) if key in known else value for key, value in options.items()
    }
    # An object that can be called on something else, as an initializer can, makes no task.
    needs = any(each.default is each.empty and "VAR" not in each.kind.name for each in known.values())
    makes = function is not None and (inspect.isroutine(function) or not needs)
    task = function(**options) if function is not None and makes else source
    if not isinstance(task, Task):
        raise UsageError("error.task.type", task=name, value=type(task).__name__)
    return task


def _suited(task: str, parameter: inspect.Parameter, value: object) -> object:
    """An option as the function's parameter says that it takes it: one value or several, a truth by its word.

    A single value is annotated so (``hidden: int``); several are annotated as a list or a tuple, or are one
    by default.
    """
    default, kind = parameter.default, parameter.annotation
    spelling = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    if isinstance(value, list) and spelling in ("int", "float", "bool") and value:
        if len(value) > 1:
            raise UsageError(
                "error.task.option.one", task=task, option=parameter.name, value=", ".join(map(str, value))
            )
        [value] = value
    if isinstance(default, bool) and isinstance(value, str):
        return TRUTHS.get(value.lower(), value)
    if not isinstance(value, list | tuple) and (isinstance(default, list | tuple) or SEVERAL.match(spelling)):
        return [value]
    return value


TRUTHS = {"on": True, "true": True, "off": False, "false": False}
SEVERAL = re.compile(r"(?i:list|tuple|sequence)\b")
"""How a truth is written on a command line, and the annotations of several values."""


def options_of(task: str, text: str) -> dict[str, Value | list[Value]]:
    """length=50,hidden=8,16,cell=gru -> {"length": 50, "hidden": [8, 16], "cell": "gru"}."""
    options: dict[str, Value | list[Value]] = {}
    option = ""
    for part in text.split(",") if text else []:
        first, equals, value = part.partition("=")
        if equals and first:
            option = first.strip().replace("-", "_")
            if option in options:
                raise UsageError("error.task.options.twice", task=task, value=text, option=option)
            options[option] = _value(value)
        elif option and part:
            before = options[option]
            options[option] = [*(before if isinstance(before, list) else [before]), _value(part)]
        else:
            raise UsageError("error.task.options", task=task, value=text)
    return options


def _value(text: str) -> Value:
    """The whole number or the number written in `text`, or the text itself."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text.strip()


def from_file(source: str, usual: str) -> object:
    """The object that ``my_file.py:name`` means, or ``my_file.py`` and its usual name."""
    stem, colon, attribute = source.partition(".py:")
    path = Path(stem + ".py" if colon else source)
    with _blaming(path):
        return _from_file(path, attribute or usual)


def _from_file(path: Path, attribute: str) -> object:
    """The object called `attribute` in the Python file `path`, which is run."""
    if not os.path.isfile(path):  # pathlib raises where the name is too long for a file
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
    if not hasattr(module, attribute) and attribute == "task" and hasattr(module, "model"):
        if not hasattr(module, "data"):
            raise UsageError("error.of.file", path=path)
        chosen = {name: getattr(module, name) for name in OF_A_FILE if hasattr(module, name)}
        return frameworks.source(module.model, module.data, **{"name": path.stem} | chosen)
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
        lines: list[int | None] = [frame.lineno for frame in frames if frame.filename == str(path.resolve())]
        if isinstance(problem, SyntaxError) and problem.lineno and not lines:  # it has no frame of its own
            lines = [problem.lineno]
        if lines:
            raise UsageError("error.task.broken", path=path, line=lines[-1], problem=sentence) from problem
        raise UsageError("error.task.fails", path=path, problem=sentence) from problem
