"""The one task that a question is about, with one value of each axis that makes another task."""

from collections.abc import Mapping
from typing import Any

from kobai.basics.errors import UsageError, quoted
from kobai.study.axes import OF_TASK, axes, tasks
from kobai.tasks.load import load, meant
from kobai.tasks.task import Task


def subject(arguments: Mapping[str, Any]) -> Task:
    """The task of the arguments of a call: ``task``, ``data``, ``hidden``, those of a table, the axes.

    What is not among them is as if it were None.
    Raises `UsageError` for several values of an axis.
    """
    of_task = axes({name: arguments[name] for name in OF_TASK if name in arguments})
    for axis in of_task:
        if len(axis.values) > 1:
            raise UsageError("error.range.one", name=axis.name, value=quoted(arguments[axis.name]))
    source = meant(arguments["task"], arguments.get("data"), arguments)
    fixed = {} if arguments.get("hidden") is None else {"hidden": arguments["hidden"]}

    def make(**values: object) -> Task:
        return load(source, **fixed | values)

    [task] = tasks(make, of_task).values()
    return task
