"""The main job as one call: ``kobai.compare(task)`` runs a study and shows its answer."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from kobai import initializers as initial_values
from kobai import words
from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.basics.machine import use_compilation_cache
from kobai.basics.progress import progress_bar
from kobai.candidates.grid import candidates
from kobai.initializers import Initializer
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.questions.comparison import terminal
from kobai.study import protocol, runner, store
from kobai.study.answer import Answer, answer
from kobai.study.axes import KINDS, axes
from kobai.study.axes import tasks as tasks_of
from kobai.study.outcome import Outcome
from kobai.study.study import Study
from kobai.tasks.load import load
from kobai.tasks.task import Task
from kobai.words import language as speaking

DEFAULT_INITIALIZERS = ("he", "xavier", "normal:0.01")

QUICK = {"steps": 200, "tuning_seeds": 1, "seeds": 5}
"""A study of a few seconds: every second learning rate, and these."""


def compare(
    task: Task | str | Callable[..., Task],
    *,
    optimizers: Sequence[Any] | str | type | Optimizer | Minimizer | None = None,
    initializers: Sequence[str | Initializer] | str | Initializer | None = None,
    learning_rates: Sequence[float] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    seeds: int | None = None,
    tuning_seeds: int | None = None,
    steps: int | None = None,
    evaluate_every: int | None = None,
    batch_size: Any = None,
    sampling: Any = None,
    activation: Any = None,
    batch_norm: Any = None,
    clip: Any = None,
    l1: Any = None,
    l2: Any = None,
    weight_decay: Any = None,
    schedule: Any = None,
    average: Any = None,
    early_stopping: Any = None,
    target: float | Sequence[float] | str | None = None,
    quick: bool = False,
    threads: int | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    language: str | None = None,
    progress: bool = True,
    command: str | None = None,
) -> "Result":
    """Which optimizer, which learning rate, which initial weights — and how sure are we?

    Tunes every optimizer on a few seeds, then confirms the winners on fresh ones.

    Each argument from `batch_size` to `early_stopping` takes one value or several. One is used throughout;
    several are an *axis*: they are tried with everything else, and the answer says what each does.

    Args:
      task: a `Task`, the name of a built-in one, a function that makes one, or a file ("my_task.py",
        "my_task.py:name").
      optimizers: names, classes or instances. A name or a class means its default grid of eight learning
        rates; an instance means exactly what it says, and a list in a field is a grid. Default: all seven.
      initializers: names ("he", "normal:0.1") or `Initializer`s. Default: he, xavier, normal:0.01.
      learning_rates: for every optimizer, in place of its own.
      hyperparameters: further grids, such as ``{"momentum.momentum": [0.5, 0.9]}`` or
        ``{"conjugate_gradient.formula": ["FR", "HS"]}``.
      seeds: fresh seeds for the confirmation. Default 10.
      tuning_seeds: seeds for the tuning. Default 3.
      steps: updates in a training run, the budget. Default 500.
      evaluate_every: steps between evaluations on the validation data. Default 10.
      batch_size: in place of the task's; "full": all examples in every batch.
      sampling: "without" replacement (every epoch in an order of its own; the default) or "with".
      activation, batch_norm: for a task that takes them by name, as the built-in ones do.
      clip: None, "norm:1", "value:0.5", "percentile:90", or as `kobai.clip_norm` and its like make it.
      l1, l2: λ of λ|w| or ½λw² in the loss, of the weights only.
      weight_decay: λ of −ηλw beside the step, of the weights only.
      schedule: "constant", "cosine", "step:100", "warm-up:50", "one-cycle", "warm-up:50+cosine", or a
        `kobai.schedules.Schedule`.
      average: what is evaluated: None (the last iterate), "polyak", "polyak:100", "exponential:0.99".
      early_stopping: None or "patience:10", in evaluations without an improvement.
      target: metric to reach, in place of the task's; of several the first decides. "auto": 90 % of the way
        from the start to the best tuning run.
      quick: a study of seconds rather than of half a minute, with fewer rates, steps and seeds.
      threads: default: one for each core.
      output: a folder, new or empty, for report.html, results.parquet, cells.parquet, answer.json. None: no
        files.
      resume: go on with the interrupted study in `output`.
      language: "en" or "ja", for this call. Default: the language in use.
      progress: show a progress bar.
      command: what the report says reproduces it. Default: this call.

    Returns:
      A `Result`: prints the answer and the table, holds frames and figures.

    Raises:
      UsageError: for anything that cannot be run, before any training.
      KeyboardInterrupt: on Ctrl-C, after what is finished was kept in `output`.
    """
    given = dict(locals())
    command = command or _call(task, given)
    with speaking(language):
        use_compilation_cache()
        defaults = QUICK if quick else {"steps": 500, "tuning_seeds": 3, "seeds": 10}
        varied = axes({name: given[name] for name in KINDS})
        tasks = tasks_of(lambda **values: _adjusted(_task(task, values), target), varied)
        study = Study(
            task=next(iter(tasks.values())),
            tasks=tasks,
            axes=varied,
            candidates=candidates(optimizers, learning_rates, hyperparameters, quick),
            initializers=_initializers(initializers),
            steps=(budget := defaults["steps"] if steps is None else steps),
            tuning_seeds=defaults["tuning_seeds"] if tuning_seeds is None else tuning_seeds,
            seeds=defaults["seeds"] if seeds is None else seeds,
            evaluate_every=_interval(budget) if evaluate_every is None else evaluate_every,
            threads=threads,
        )
        study.check()
        if resume and output is None:
            raise UsageError("error.resume")
        folder = None if output is None else store.open_folder(Path(output), resume)
        with progress_bar(progress) as shown:
            outcome = protocol.run(study, shown, folder)
        try:
            result = Result(outcome, answer(outcome), command, words.current())
            if folder:
                result.save(folder)
                store.remove_chunks(folder)
        except KeyboardInterrupt as stop:
            raise runner.Interrupted(len(outcome.cells), folder) from stop
        return result


@dataclasses.dataclass(frozen=True, repr=False)
class Result:
    """What a comparison found. Printing it shows the answer and the table; a notebook shows them as HTML."""

    outcome: Outcome
    answer: Answer
    command: str
    language: str
    """The language it speaks."""

    @property
    def cells(self) -> pl.DataFrame:
        """Every training run: one row a cell, curves as lists."""
        return self.outcome.cells

    @property
    def table(self) -> pl.DataFrame:
        """The table: one row an optimizer, best first."""
        return self.answer.table()

    @property
    def figures(self) -> dict[str, Any]:
        """The figures of the report, by name (plotly)."""
        from kobai.questions.comparison.figures import figures

        with speaking(self.language):
            return figures(self.outcome, self.answer)

    def html(self) -> str:
        """The report: one self-contained page."""
        from kobai.questions.comparison.page import page

        with speaking(self.language):
            return page(self.outcome, self.answer, self.command)

    def save(self, folder: str | Path) -> None:
        """Write report.html, results.parquet, cells.parquet and answer.json to a folder that exists."""
        folder = Path(folder)
        files.write_frame(folder / "cells.parquet", self.cells)
        files.write_frame(folder / "results.parquet", self.table)
        with speaking(self.language):
            files.write_text(folder / "answer.json", self.answer.to_json())
        files.write_text(folder / "report.html", self.html())

    def __repr__(self) -> str:
        with speaking(self.language):
            return terminal.text(self.answer)

    def _repr_html_(self) -> str:
        from kobai.questions.comparison.page import summary

        with speaking(self.language):
            return summary(self.answer)


def _adjusted(task: Task, target: float | Sequence[float] | str | None) -> Task:
    if isinstance(target, str):
        if target != "auto":
            raise UsageError("error.target", value=repr(target))
        task = dataclasses.replace(task, target=None)
    elif isinstance(target, bool):
        raise UsageError("error.target", value=target)
    elif target is not None:
        task = dataclasses.replace(task, target=target)
    return task


def _initializers(named: Sequence[str | Initializer] | str | Initializer | None) -> list[Initializer]:
    named = DEFAULT_INITIALIZERS if named is None else named
    if isinstance(named, str) or not isinstance(named, Iterable):
        named = [named]
    made = [initial_values.parse(item) for item in named]
    if not made:
        raise UsageError("error.empty", name="initializers")
    distinct = {initializer.name: initializer for initializer in made}
    for initializer in made:
        if distinct[initializer.name] != initializer:
            raise UsageError("error.initializer.same", name=initializer.name)
    return list(distinct.values())


def _task(given: Any, values: Mapping[str, Any]) -> Task:
    """A task, the name of one, or a function that makes one and takes `values` by name."""
    if isinstance(given, Task) and values:
        raise UsageError("error.axis.task", axis=next(iter(values)))
    made = load(given, **values) if isinstance(given, str) else given
    if callable(made) and not isinstance(made, Task):
        known = inspect.signature(made).parameters
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
        for name in [] if takes_any else values:
            if name not in known:
                raise UsageError("error.axis.task", axis=name)
        made = made(**values)
    if not isinstance(made, Task):
        raise UsageError("error.task.type", task="task", value=type(made).__name__)
    return made


def _interval(steps: Any) -> int:
    """Ten steps between evaluations, or as many as there are."""
    return min(10, steps) if isinstance(steps, int) and steps >= 1 else 10


def _call(task: Any, given: Mapping[str, Any]) -> str:
    """This call as it was written, but for where it keeps its files; `task`: a task of one's own."""
    left_out = {"task", "command", "output", "resume", "progress", "language"}
    named = repr(task) if isinstance(task, str) else "task"
    parts = [
        f"{name}={value!r}"
        for name, value in given.items()
        if name not in left_out and value is not None and value is not False
    ]
    return f"kobai.compare({', '.join([named, *parts])})"
