"""The main job as one call: ``kobai.compare(task)`` runs a study and shows its answer."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from jaxtyping import PyTree

from kobai.basics import interruption
from kobai.basics.epochs import is_epochs
from kobai.basics.guard import guard
from kobai.basics.machine import use_compilation_cache
from kobai.basics.progress import Progress, progress_bar
from kobai.basics.roles import Roles
from kobai.candidates.grid import Grids, candidates
from kobai.candidates.named import Methods, starts
from kobai.engine.backends import Backend
from kobai.initializers import Initializer
from kobai.minimizers.base import Minimizer
from kobai.questions.comparison.extension import extended
from kobai.questions.comparison.opening import whole
from kobai.questions.comparison.over_tasks import asking
from kobai.questions.comparison.over_tasks.asking import Found
from kobai.questions.comparison.place import save, working
from kobai.questions.comparison.provenance import provenance
from kobai.questions.comparison.result import ComparisonResult
from kobai.questions.comparison.target import with_target
from kobai.questions.why.ask import measurements
from kobai.report.result import Name, call
from kobai.study import axes, protocol, runner, statistics, store
from kobai.study.allowance import allowance, ladder, parts
from kobai.study.asked import names_in
from kobai.study.budget import Epoch, interval_of
from kobai.study.criterion import FINAL, STEPS, criteria
from kobai.study.looks import margin
from kobai.study.outcome import Outcome
from kobai.study.store import Store
from kobai.study.study import Study
from kobai.tasks.frameworks.data import Data
from kobai.tasks.frameworks.makers import Model
from kobai.tasks.load import OF_SPLIT, OF_TABLE, TaskSource, load, meant
from kobai.tasks.table import Frame
from kobai.tasks.task import Task
from kobai.words import language as speaking

DEFAULT_INITIALIZERS = ("he", "xavier", "normal:0.01")
OWN_INITIALIZERS = ("own", "he", "xavier")
"""The default of a task whose model can draw its own."""

ANNEALED = "cosine"
"""The schedule of a study that is judged at its end: the rate falls to 0 by then."""

QUICK = {"steps": 200, "tuning_seeds": 1, "seeds": 8}
"""A study of a few seconds: every second learning rate, and these."""


@guard
def compare(
    task: TaskSource | Path | Frame | Model,
    data: Data = None,
    *,
    loss: Callable[..., PyTree] | str | None = None,
    metric: Callable[..., PyTree] | str | None = None,
    roles: Roles | None = None,
    optimizers: Methods | None = None,
    initializers: Sequence[str | Initializer] | str | Initializer | None = None,
    learning_rates: Sequence[float] | None = None,
    hyperparameters: Grids | None = None,
    seeds: int | None = None,
    tuning_seeds: int | None = None,
    steps: int | str | None = None,
    evaluate_every: int | str | None = None,
    label: str | None = None,
    kind: str | None = None,
    leave_out: str | Sequence[str] | None = None,
    validation: float | None = None,
    test: float | None = None,
    split_seed: int | None = None,
    hidden: int | Sequence[int] | None = None,
    batch_size: axes.BatchSizes = None,
    accumulate: axes.Accumulations = None,
    parametrization: axes.Parametrizations = None,
    sampling: axes.Samplings = None,
    activation: axes.Activations = None,
    batch_norm: axes.Norms = None,
    clip: axes.Clips = None,
    l1: axes.Penalties = None,
    l2: axes.Penalties = None,
    mask: axes.Masks = None,
    weight_decay: axes.Decays = None,
    schedule: axes.Schedules = None,
    average: axes.Averagings = None,
    early_stopping: axes.Stoppings = None,
    also: Sequence[TaskSource | Path | Frame | Model] | TaskSource | Path | Frame | None = None,
    target: float | Sequence[float] | str | None = None,
    by: str | Sequence[str] | None = None,
    until_clear: bool = False,
    within: float | None = None,
    budget: str | float | None = None,
    quick: bool = False,
    threads: int | None = None,
    backend: Backend | str | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    join: bool = False,
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
        "my_task.py:name", or one with `model` and `data`).
        A table is a task too: a CSV, TSV or Parquet file, or a frame of polars or pandas, with a `label`.
        With `data`: a model of PyTorch, Keras, Flax or Equinox, two functions, or a function that makes one.
      data, loss, metric, roles: what a model is trained on and how, as `Task.of` takes it. Default: what fits
        the labels, which the answer says.
      optimizers: names, classes or instances. A name or a class means its default grid of eight learning
        rates; an instance means exactly what it says, and a list in a field is a grid. Default: all seven.
      initializers: names ("he", "normal:0.1") or `Initializer`s. "own": the model's own, drawn anew for each
        seed; "given": the weights that it has. Default: he, xavier, normal:0.01; of a model that can draw
        its own: own, he, xavier.
      learning_rates: for every optimizer, in place of its own.
      hyperparameters: further grids, such as ``{"momentum.momentum": [0.5, 0.9]}`` or
        ``{"conjugate_gradient.formula": ["FR", "HS"]}``.
      seeds: fresh seeds for the confirmation. Default 10.
      tuning_seeds: seeds for the tuning. Default 3.
      steps: updates in a training run, the budget, or epochs: "5epochs". Default 500.
      evaluate_every: steps between evaluations on the validation data, or epochs. Default 10.
      label: the column of a table that is to be predicted.
      kind: "classification" or "regression". Default: as the values of the label are.
      leave_out: columns of a table that are not used.
      validation, test: the shares of a table's rows for validation and test. Default 0.2 each.
      split_seed: of the split of a table into training, validation and test. Default 0.
      hidden: nodes of each hidden layer, for a task that takes them by name, as the built-in ones do.
      batch_size: in place of the task's; "full": all examples in every batch.
      accumulate: batches a step, whose mean gradient is used. A step then costs as many gradients.
      parametrization: "standard", or "mup:64": initial values and learning rates that go with the width from
        a base width of 64 on, for a task that takes `hidden`.
      sampling: "without" replacement (every epoch in an order of its own; the default) or "with".
      activation, batch_norm: for a task that takes them by name, as the built-in ones do.
      clip: None, "norm:1", "value:0.5", "percentile:90", or as `kobai.clip_norm` and its like make it.
      l1, l2: λ of λ|w| or ½λw² in the loss, of the weights only.
      mask: None, or "cautious": only the entries of an update that go down the gradient.
      weight_decay: λ of −ηλw beside the step, of the weights only.
      schedule: "constant", "cosine", "step:100", "warm-up:50", "one-cycle", "warm-up:50+cosine", or a
        `kobai.schedules.Schedule`. Steps may be epochs: "warm-up:1epoch".
      average: what is evaluated: None (the last iterate), "polyak", "polyak:100", "polyak:1epoch",
        "exponential:0.99".
      early_stopping: None or "patience:10", in evaluations without an improvement.
      also: further tasks, of which the same is asked: named as `task` is, each tuned and answered for itself.
      target: metric to reach, in place of the task's; of several the first decides. "auto": 90 % of the way
        from the start to the best tuning run.
      by: what decides: "steps" to the target (the default), "final" (the validation metric at the end of the
        budget, with the schedule cosine, which takes the rate to 0, unless `schedule` names one), "seconds"
        of processor time to the target. Several are answered side by side, the first in full.
      until_clear: fresh seeds are added until it is clear whom to choose: one optimizer alone may be the
        best, or the leader costs less than `within` more. Looks are at 8, 12, 18, 27 and 40 of them; then it
        ends undecided. In place of `seeds`.
      within: the cost that is small enough for that, a part of the steps of the best. Default 0.1.
      budget: the time that the study may take, "90s", "5m", "1h30m" or seconds: the largest that fits is run,
        with fewer learning rates and tuning seeds where need be, and as many fresh seeds as fit. In place of
        `seeds`.
      quick: a study of seconds rather than of half a minute, with fewer rates, steps and seeds.
      threads: default: one for each core.
      backend: the place where trainings are run: "ray" (a cluster of this machine), "auto" (the one that runs
        here), "ray://HOST:PORT", or any object as `kobai.Backend` describes. Default: the threads of this
        machine.
      output: a folder for report.html, results.parquet, cells.parquet, answer.json, and for every training:
        new, empty, or of a study of the same task, which grows: what was trained there is not trained again.
        None: no files.
      resume: refuse an `output` in which no study was begun. A study always goes on.
      join: share the trainings with other processes, on any machine, that are called with the same arguments
        and `join`; all of them give the answer.
      language: "en" or "ja", for this call. Default: the language in use.
      progress: show a progress bar.
      command: what the report says reproduces it. Default: this call.

    Returns:
      A `ComparisonResult`: prints the answer and the table, holds frames and figures. With `also` an
      `OverTasksResult`: what the tasks say together, and in ``result.tasks`` the result of each.

    Raises:
      UsageError: for anything that cannot be run, before any training.
      KeyboardInterrupt: on Ctrl-C, after what is finished was kept in `output`.
    """
    return asked(dict(locals()))


def asked(arguments: dict[str, Any], kept: Store | None = None) -> ComparisonResult:
    """`compare` with these arguments; `kept` are trainings that were made before."""
    spelled = {name: _shown(name, arguments[name]) for name in ("task", "data", "loss", "metric", "roles")}
    is_several, output = arguments["also"] is not None, arguments["output"]
    if is_several:
        spelled["also"] = asking.shown(arguments["also"])
    command = arguments["command"] or call(compare, arguments | spelled, {})
    with speaking(arguments["language"]):
        use_compilation_cache()
        every, questions = questions_of(arguments)
        given = questions[0][0].allowance
        folder = store.folder_of(output, arguments["resume"])
        trainings = 0 if given else sum(study.trainings for study in itertools.chain(*questions))
        outcomes: list[Outcome] = []
        results: list[ComparisonResult] = []
        at = arguments["backend"], arguments["join"]
        with interruption.checked(), working(folder, *at) as place:
            try:
                with progress_bar(arguments["progress"], trainings) as bar:
                    run = functools.partial(_run, bar, folder, place, kept, command)
                    found = asking.run_each(questions, bar, run) if is_several else map(run, questions)
                    for one, (outcome, others) in zip(every, found, strict=False):
                        outcomes.append(outcome)
                        more = functools.partial(_more, one)
                        seen = measurements(outcome, folder)
                        results.append(ComparisonResult.of(outcome, command, more, others, seen))
                result = asking.together(asked, arguments, results) if is_several else results[0]
                interruption.check()
                if folder:
                    save(whole(folder, result), folder, place)
                    there = sum(map(len, outcomes))
                    interruption.keeps(there, folder, "interrupted.finished")
            except KeyboardInterrupt as stop:
                there = sum(map(len, outcomes)) + getattr(stop, "kept", 0)
                raise runner.Interruption(there, folder) from stop
        return cast(ComparisonResult, result)


def _run(
    bar: Progress,
    folder: Path | None,
    place: runner.Place,
    kept: Store | None,
    command: str,
    studies: Sequence[Study],
) -> Found:
    """What the first of these studies of one task finds; and the others, which are judged otherwise."""
    others: list[Outcome] = []
    for study in studies[:0:-1]:  # the first is run last: a folder tells its latest question
        others.insert(0, protocol.run(study, bar, folder, place, store=kept, command=command))
        if folder is None and study.axes == studies[0].axes:
            kept = runner.kept_of(others[0])
    return protocol.run(studies[0], bar, folder, place, store=kept, command=command), others


def questions_of(arguments: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], list[list[Study]]]:
    """What `compare` with these arguments runs: the arguments of each task, and its studies, which are
    checked: one for each criterion."""
    is_several, output = arguments["also"] is not None, arguments["output"]
    every: Sequence[Mapping[str, Any]] = asking.each(arguments) if is_several else [arguments]
    questions = [[_study(one, by) for by in criteria(one["by"])] for one in every]
    known = [] if output is None else names_in(Path(output))
    if is_several or known:
        questions = asking.named(questions, [one["task"] for one in every], known)
    if (given := questions[0][0].allowance) is not None:  # it goes round: each task has its part of it
        timed = zip(questions, parts(given, len(questions)), strict=True)
        questions = [[dataclasses.replace(each[0], allowance=part)] for each, part in timed]
    for study in itertools.chain(*questions):
        study.check()
    return every, questions


def _more(arguments: Mapping[str, Any], outcome: Outcome, more: Mapping[str, Any]) -> ComparisonResult:
    """The same question with more in it; without a folder, with what is in memory."""
    question = extended(arguments, outcome, more)
    return asked(question, runner.kept_of(outcome) if question["output"] is None else None)


def _study(arguments: Mapping[str, Any], by: str = STEPS) -> Study:
    """What is to be run."""
    quick, target, hidden = (arguments[name] for name in ("quick", "target", "hidden"))
    usual = QUICK if quick else {"steps": 500, "tuning_seeds": 3, "seeds": 10}
    counts: dict[str, Any] = {
        name: value if arguments[name] is None else arguments[name] for name, value in usual.items()
    }
    until_clear, within, seeds = (arguments[name] for name in ("until_clear", "within", "seeds"))
    within = margin(until_clear, within, seeds, criteria(arguments["by"]))
    counts |= {} if within is None else {"seeds": statistics.LOOKS[0]}
    given = allowance(arguments["budget"], seeds, criteria(arguments["by"]), arguments["join"])
    fixed = {} if hidden is None else {"hidden": hidden}
    source = meant(arguments["task"], arguments["data"], arguments)
    of_task = axes.axes({name: arguments[name] for name in axes.OF_TASK})
    where = str(arguments["task"]) if isinstance(arguments["task"], str | Path) else ""
    where = where if arguments["data"] is None else ""
    reading = {name: arguments[name] for name in (*OF_TABLE, *OF_SPLIT)}

    def make(**values: object) -> Task:
        options = fixed | values
        made = load(source, **options)
        return _from(made if target is None else with_target(made, target), where, reading, options)

    tasks = axes.tasks(make, of_task)
    first, epoch = next(iter(tasks.values())), Epoch(tasks.values())
    of_strategy = {
        name: epoch.parts(name, arguments[name]) for name in axes.KINDS if name not in axes.OF_TASK
    }
    rules, rates, grids = (arguments[name] for name in ("optimizers", "learning_rates", "hyperparameters"))
    tried = functools.partial(candidates, rules, rates, grids)
    if given is not None:
        tuning_seeds = counts["tuning_seeds"] if quick else arguments["tuning_seeds"]
        given = dataclasses.replace(given, rungs=ladder(tried, 2 if quick else 1, tuning_seeds))
    every = tried(2 if quick else 1)
    has_rates = not any(isinstance(each.variants[0], Minimizer) for each in every)
    if by == FINAL and arguments["schedule"] is None and has_rates:
        of_strategy["schedule"] = ANNEALED
    usual_starts = first.initializers or (DEFAULT_INITIALIZERS if first.own is None else OWN_INITIALIZERS)
    budget, interval = epoch.steps("steps", counts.pop("steps")), arguments["evaluate_every"]
    return Study(
        task=first,
        tasks=tasks,
        axes=(*of_task, *axes.axes(of_strategy)),
        candidates=every,
        allowance=given,
        by=by,
        initializers=starts(usual_starts if arguments["initializers"] is None else arguments["initializers"]),
        steps=budget,
        in_epochs=is_epochs(arguments["steps"]),
        evaluate_every=epoch.steps("evaluate_every", interval_of(budget) if interval is None else interval),
        threads=arguments["threads"],
        within=within,
        **counts,
    )


def _shown(name: str, value: object) -> object:
    """An argument as the call is written: what has no short spelling, by its name."""
    if isinstance(value, Path):
        return str(value)
    return value if value is None or isinstance(value, str | float | int) else Name(name)


def _from(task: Task, place: str, reading: Mapping[str, object], options: Mapping[str, object]) -> Task:
    """The task, which knows where it comes from, where that was a name or a file."""
    if not place:
        return task
    return dataclasses.replace(task, provenance=provenance(place, reading, options, task.provenance))
