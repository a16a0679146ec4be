"""What a study is given in epochs, as steps: the budget, the interval of evaluation, schedules, averages."""

from collections.abc import Collection
from fractions import Fraction
from typing import Any

import jax

from kobai.basics.checks import is_whole, listed
from kobai.basics.epochs import in_steps, is_epochs, mentions_epochs
from kobai.basics.errors import UsageError
from kobai.tasks.check import check_task
from kobai.tasks.task import Task


class Epoch:
    """How many steps an epoch of some tasks has, which differ in what does not matter here.

    Args:
      tasks: those of a study.
    """

    def __init__(self, tasks: Collection[Task]) -> None:
        self.tasks = tasks

    def steps(self, name: str, value: Any) -> Any:
        """The number of steps that is written as epochs; anything else as it is, for its own check.

        Raises `UsageError` where batches of several sizes make epochs of several lengths.
        """
        return int(in_steps(value, self._length(name, value))) if is_epochs(value) else value

    def parts(self, name: str, values: Any) -> Any:
        """Parts of a strategy, one or several, with steps in place of epochs where they are texts."""
        if not any(mentions_epochs(value) for value in listed(values)):
            return values
        return [
            in_steps(value, self._length(name, value)) if mentions_epochs(value) else value
            for value in listed(values)
        ]

    def _length(self, name: str, value: str) -> Fraction:
        for task in self.tasks:
            check_task(task)  # its examples and its batches are what they ought to be
        lengths = {Fraction(len(jax.tree.leaves(task.train)[0]), task.examples_a_step) for task in self.tasks}
        if len(lengths) > 1:
            raise UsageError("error.epochs.batches", name=name, value=value)
        return lengths.pop()


def interval_of(steps: object) -> int:
    """Ten steps between evaluations, or as many as there are."""
    return min(10, steps) if is_whole(steps) and steps >= 1 else 10
