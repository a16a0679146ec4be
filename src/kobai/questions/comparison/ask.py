"""The main job as one call: ``kobai.compare(task)`` runs a study and shows its answer."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kobai import initializers as initial_values
from kobai.basics import files, interruption
from kobai.basics.checks import NAME, check_arguments, is_number, is_whole, listed
from kobai.basics.errors import UsageError
from kobai.basics.guard import guard
from kobai.basics.machine import use_compilation_cache
from kobai.basics.progress import progress_bar
from kobai.candidates.grid import candidates
from kobai.initializers import Initializer
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.questions.comparison.result import ComparisonResult
from kobai.report.result import Name, call
from kobai.study import protocol, runner, store
from kobai.study.axes import (
    KINDS,
    Activations,
    Averagings,
    BatchSizes,
    Clips,
    Decays,
    Norms,
    Penalties,
    Samplings,
    Schedules,
    Stoppings,
    axes,
)
from kobai.study.axes import tasks as tasks_of
from kobai.study.study import Study
from kobai.tasks.load import load
from kobai.tasks.task import Task
from kobai.words import language as speaking

DEFAULT_INITIALIZERS = ("he", "xavier", "normal:0.01")

QUICK = {"steps": 200, "tuning_seeds": 1, "seeds": 5}
"""A study of a few seconds: every second learning rate, and these."""


@guard
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
    hidden: int | Sequence[int] | None = None,
    batch_size: BatchSizes = None,
    sampling: Samplings = None,
    activation: Activations = None,
    batch_norm: Norms = None,
    clip: Clips = None,
    l1: Penalties = None,
    l2: Penalties = None,
    weight_decay: Decays = None,
    schedule: Schedules = None,
    average: Averagings = None,
    early_stopping: Stoppings = None,
    target: float | Sequence[float] | str | None = None,
    quick: bool = False,
    threads: int | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    language: str | None = None,
    progress: bool = True,
    command: str | None = None,
) -> ComparisonResult:
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
      hidden: nodes of each hidden layer, for a task that takes them by name, as the built-in ones do.
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
      A `ComparisonResult`: prints the answer and the table, holds frames and figures.

    Raises:
      UsageError: for anything that cannot be run, before any training.
      KeyboardInterrupt: on Ctrl-C, after what is finished was kept in `output`.
    """
    arguments = dict(locals())
    shown = task if isinstance(task, str) else Name("task")
    command = command or call(compare, arguments | {"task": shown}, {})
    with speaking(language):
        use_compilation_cache()
        defaults = QUICK if quick else {"steps": 500, "tuning_seeds": 3, "seeds": 10}
        fixed = {} if hidden is None else {"hidden": hidden}
        varied = axes({name: arguments[name] for name in KINDS})
        tasks = tasks_of(lambda **values: _adjusted(_task(task, fixed | values), target), varied)
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
        folder = None
        if output is not None:
            folder = files.open_folder(Path(output), containing=store.CHUNKS if resume else None)
        with interruption.checked(), store.alone(folder):
            with progress_bar(progress) as bar:
                outcome = protocol.run(study, bar, folder)
            try:
                result = ComparisonResult.of(outcome, command)
                interruption.check()
                if folder:
                    result.save(folder)
                    store.remove_chunks(folder)
                    interruption.keeps(len(outcome.cells), folder, "interrupted.finished")
            except KeyboardInterrupt as stop:
                raise runner.Interrupted(len(outcome.cells), folder) from stop
        return result


def _adjusted(task: Task, target: float | Sequence[float] | str | None) -> Task:
    if target is None:
        return task
    if isinstance(target, str) and target == "auto":
        return dataclasses.replace(task, target=None)
    targets = listed(target)
    if not targets or not all(is_number(each) for each in targets):
        raise UsageError("error.target", value=repr(target))
    return dataclasses.replace(task, target=targets)


def _initializers(chosen: Sequence[str | Initializer] | str | Initializer | None) -> list[Initializer]:
    chosen = DEFAULT_INITIALIZERS if chosen is None else chosen
    every = [initial_values.parse(item) for item in listed(chosen)]
    if not every:
        raise UsageError("error.empty", name="initializers")
    distinct = {initializer.name: initializer for initializer in every}
    for initializer in every:
        check_arguments("Initializer", vars(initializer), {"name": NAME})
        if distinct[initializer.name] != initializer:
            raise UsageError("error.initializer.same", name=initializer.name)
    return list(distinct.values())


def _task(source: Task | str | Callable[..., Task], values: Mapping[str, Any]) -> Task:
    """A task: as it is, by its name, or from a function that takes `values` by name."""
    if isinstance(source, str):
        return load(source, **values)
    if isinstance(source, Task):
        for name in values:
            raise UsageError("error.axis.task", axis=name)
        return source
    task: object = source
    if callable(source):
        known = inspect.signature(source).parameters
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
        for name in [] if takes_any else values:
            if name not in known:
                raise UsageError("error.axis.task", axis=name)
        task = source(**values)
    if not isinstance(task, Task):
        raise UsageError("error.task.type", task="task", value=type(task).__name__)
    return task


def _interval(steps: object) -> int:
    """Ten steps between evaluations, or as many as there are."""
    return min(10, steps) if is_whole(steps) and steps >= 1 else 10
