"""The target of a comparison, in place of the one that its task has."""

import dataclasses
from collections.abc import Sequence

from kobai.basics.checks import is_number, listed
from kobai.basics.errors import UsageError, quoted
from kobai.tasks.task import Task


def with_target(task: Task, target: float | Sequence[float] | str | None) -> Task:
    """The task with this target; "auto": none, so that the study derives one."""
    if target is None:
        return task
    if isinstance(target, str) and target == "auto":
        return dataclasses.replace(task, target=None)
    targets = listed(target)
    numbers = [each for each in targets if is_number(each)]
    if not targets or len(numbers) < len(targets):
        raise UsageError("error.target", value=quoted(target))
    return dataclasses.replace(task, target=numbers)
