"""What a comparison of several tasks found: what they say together, and the result of each."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import polars as pl
from rich.console import RenderableType

from kobai.basics.errors import UsageError
from kobai.basics.files import write_text
from kobai.basics.own_code import told
from kobai.questions.comparison.over_tasks import terminal
from kobai.questions.comparison.result import ComparisonResult
from kobai.report.result import Result, Views
from kobai.study.answer import Answer
from kobai.study.over_tasks import OverTasks, over_tasks
from kobai.words import current
from kobai.words import language as speaking


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OverTasksResult(Result):
    """What a comparison of several tasks found. Printed, what they say together, and the answer to each.

    Fields:
      table: one row an optimizer of each task, with a column `task`.
      tasks: the `ComparisonResult` of each task, by its name: ``result.tasks["sine"]``.
      over: what they say together, with the evidence.
    """

    tasks: Mapping[str, ComparisonResult]
    over: OverTasks
    more: "Callable[[Mapping[str, Any]], ComparisonResult | OverTasksResult] | None" = None
    """Asks the same with more in it; None: it was read from its folder, without its tasks."""

    files = {**ComparisonResult.files, "cells.parquet": "cells"}

    @classmethod
    def of(
        cls,
        results: Sequence[ComparisonResult],
        more: "Callable[[Mapping[str, Any]], ComparisonResult | OverTasksResult] | None" = None,
    ) -> Self:
        """What these results, at least one, say together, in the language in use."""
        tasks = {result.answer.task: result for result in results}
        return cls(
            table=_stacked({name: result.table for name, result in tasks.items()}),
            command="\n".join(dict.fromkeys(result.command for result in results)),
            language=current(),
            tasks=tasks,
            over=over_tasks({name: (result.outcome, result.answer) for name, result in tasks.items()}),
            more=more,
        )

    @property
    def answers(self) -> dict[str, Answer]:
        """The answer to each task, by its name."""
        return {name: result.answer for name, result in self.tasks.items()}

    @property
    def reused(self) -> int:
        """Trainings of all tasks that were there before."""
        return sum(result.reused for result in self.tasks.values())

    @property
    def trained(self) -> int:
        """Trainings that were made for it."""
        return sum(result.trained for result in self.tasks.values())

    @property
    def cells(self) -> pl.DataFrame:
        """Every training run of every task: one row a cell, curves as lists."""
        return _stacked({name: result.cells for name, result in self.tasks.items()})

    @property
    def over_tasks(self) -> pl.DataFrame:
        """What each optimizer costs over all tasks: one row an optimizer, the one that costs least first.

        Columns: optimizer, mean (how many more steps than the best of each task it needs on average, as a
        part of that one's steps; geometric), high (at most so many, at 95 %; null where it cannot be told),
        best (whether it may be the best of those that are used for all tasks), not_best (whether it is shown
        not to be), leads (on how many tasks it is the choice), among_best (on how many it may be the best);
        and for each task, say sine, "cost on sine" and "at most on sine".
        """
        return self.over.table()

    @property
    def best_set(self) -> tuple[str, ...]:
        """The optimizers that may be the best over all tasks, the one that costs least first."""
        return tuple(each.name for each in self.over.candidates if each.member)

    def extend(self, **more: Any) -> "ComparisonResult | OverTasksResult":
        """The same question to every task with more in it, as `ComparisonResult.extend` has it.

        With `also` there are more tasks: ``result.extend(also=["adding"])``.
        """
        if self.more is None:
            raise UsageError("error.study.told")
        with told():
            return self.more(more)

    def write_html(self, path: Path) -> None:
        """Write the page, and beside it the report of each task, to which it links."""
        places = {name: f"{path.stem}-{stem}.html" for name, stem in _file_names(self.tasks)}
        for name, place in places.items():
            write_text(path.with_name(place), self.tasks[name].html())
        with speaking(self.language):
            write_text(path, self._page(places))

    def view(self, wide: bool = False) -> RenderableType:
        """What it prints in a terminal, for rich; `wide`: with the table of each task."""
        return terminal.view(self.over, self.answers, wide)

    def _text(self) -> str:
        return terminal.text(self.over, self.answers)

    def _views(self) -> Views:
        from kobai.questions.comparison.over_tasks import figure, page

        return Views(
            summary=partial(page.summary, self.over, self.answers),
            page=self._page,
            figures=lambda: {"over_tasks": figure.over_tasks(self.over, self.answers)},
        )

    def _page(self, places: Mapping[str, str] | None = None) -> str:
        from kobai.questions.comparison.over_tasks import page

        return page.page(self.over, self.answers, self.command, places or {})

    def _content(self) -> dict[str, object]:
        return {
            "tasks": [json.loads(result.to_json()) for result in self.tasks.values()],
            "over_tasks": self.over.content(),
        }


def _stacked(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The frames of all tasks as one, its task before each row; what only some have is null."""
    own = [frame.select(pl.lit(name).alias("task"), pl.all()) for name, frame in frames.items()]
    return pl.concat(own, how="diagonal_relaxed")


def _file_names(tasks: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """For each task a name of a file that every system allows, and no two alike, whatever the case."""
    taken: set[str] = set()
    for name in tasks:
        plain = re.sub(r"[^\w.]+", "-", name).strip("-.")[:80] or "task"
        stem, number = plain, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{plain}-{number}"
        taken.add(stem.lower())
        yield name, stem
