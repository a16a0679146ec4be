"""`learning_rate_range`: which learning rates work, found by a race of short trainings.

The learning-rate range test in its usual form raises the rate within one training and looks at one curve.
Here every rate has trainings of its own, with several seeds, all in one compiled program; the best go on for
longer (`race`). Beside it stands what theory says of the largest rate (`bounds`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import PyTree

from kobai import initializers as initial_values
from kobai.basics import registry
from kobai.basics.checks import check_count
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.basics.machine import use_compilation_cache
from kobai.basics.progress import Progress, progress_bar
from kobai.basics.registry import RATES, Entry
from kobai.basics.roles import Roles
from kobai.candidates.grid import Candidate, candidates
from kobai.candidates.named import MethodSource, named
from kobai.candidates.values import learning_rate
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.questions.range.bounds import bound
from kobai.questions.range.outcome import RangeOutcome
from kobai.questions.range.race import FIRST_SEED, RUNGS, race
from kobai.questions.range.result import RangeResult
from kobai.questions.range.trials import Trials
from kobai.questions.subject import subject
from kobai.report.result import call
from kobai.study.budget import Epoch
from kobai.tasks.check import check_start, check_task
from kobai.tasks.frameworks.data import Data
from kobai.tasks.frameworks.makers import Model
from kobai.tasks.load import TaskSource
from kobai.tasks.table import Frame
from kobai.tasks.task import Task
from kobai.words import current
from kobai.words import language as speaking

TUNING_SEEDS = 3
"""Of the tuning of a comparison, against which the cost is told."""

FEWEST = 10
"""A training of fewer steps leaves no room for the rungs of a race."""

BEYOND = 2
"""So many rates, half a decade apart, are tried beyond each end of the usual grid of a rule."""

WIDE = 6
"""So many on each side of the rate of a rule that has no usual grid."""


@guard
def learning_rate_range(
    task: TaskSource | Path | Frame | Model,
    data: Data = None,
    *,
    optimizer: MethodSource = "adam",
    initializer: str | Initializer | None = None,
    learning_rates: Sequence[float] | None = None,
    steps: int | str = 500,
    seeds: int = 4,
    loss: Callable[..., PyTree] | str | None = None,
    metric: Callable[..., PyTree] | str | None = None,
    roles: Roles | None = None,
    label: str | None = None,
    kind: str | None = None,
    leave_out: str | Sequence[str] | None = None,
    validation: float | None = None,
    test: float | None = None,
    split_seed: int | None = None,
    hidden: int | Sequence[int] | None = None,
    activation: str | None = None,
    batch_norm: str | bool | None = None,
    batch_size: int | str | None = None,
    language: str | None = None,
    progress: bool = True,
    command: str | None = None,
) -> RangeResult:
    """Which learning rates work for this rule on this task, and which one to begin with?

    Many rates train for a few steps; the best of them go on for longer. That takes the gradients of about
    three and a half trainings, and tells where the range that works begins and ends, a suggestion, and what
    theory says of the largest rate.

    Args:
      task, data, loss, metric, roles: as `compare` takes them.
      optimizer: a name, a class or an instance of an update rule; a list of learning rates in it is tried.
      initializer: of the weights. Default: the first that `compare` would try.
      learning_rates: those that are tried. Default: half a decade apart, from a decade below the usual grid
        of the rule to a decade above it; about the rate of a rule of your own, three decades on each side.
      steps: of the training that the rate is for, at least 10, or epochs: the race takes a part of it.
      seeds: of every rate. One costs a quarter of four, and suggests the right rate less often.
      label, kind, leave_out, validation, test, split_seed: of a table or a model, as `compare` takes them.
      hidden, activation, batch_norm, batch_size: one value each, as `compare` takes them.
      language: "en" or "ja", for this call. Default: the language in use.
      progress: show a progress bar.
      command: what the page says reproduces it. Default: this call.

    Returns:
      A `RangeResult`: prints the answer and a table, holds a frame and a figure.

    Raises:
      UsageError: for anything that cannot be run, before any training.
    """
    arguments = dict(locals())
    names = {"task": "task", "data": "data", "loss": "loss", "metric": "metric", "roles": "roles"}
    names |= {"optimizer": "optimizer", "initializer": "initializer"}
    command = command or call(learning_rate_range, arguments, names)
    with speaking(language):
        one = subject(arguments)
        check_task(one)
        rule = _rule(optimizer, learning_rates)
        start = initial_values.parse(_usual_start(one) if initializer is None else initializer)
        check_start(one, one.filled(start, 0))
        budget: int = Epoch([one]).steps("steps", steps)
        check_count("steps", budget, 10**9)
        if budget < FEWEST:
            raise UsageError("error.range.steps", fewest=FEWEST, value=budget)
        check_count("seeds", seeds, 10**6)
        use_compilation_cache()
        with progress_bar(progress) as bar:
            outcome = _measured(one, rule, start, budget, seeds, bar)
        return RangeResult(table=outcome.table(), command=command, language=current(), outcome=outcome)


def _measured(
    task: Task, candidate: Candidate, start: Initializer, steps: int, seeds: int, bar: Progress
) -> RangeOutcome:
    rules = sorted(
        ((learning_rate(rule) or 0.0, rule) for rule in candidate.variants if isinstance(rule, Optimizer)),
        key=lambda each: each[0],
    )
    bar.phase("range", seeds * sum(min(rung.rates, len(rules)) for rung in RUNGS))
    trials = Trials(task, rules[0][1], start, steps, bar.advance)
    return RangeOutcome(
        task=task.name,
        optimizer=candidate.name,
        initializer=start.name,
        steps=steps,
        race=race(trials, rules, steps, seeds),
        bound=bound(task, rules[0][1], start, FIRST_SEED),
        of_grid=RATES * TUNING_SEEDS * steps,
    )


# From the arguments to what is run


def _usual_start(task: Task) -> str | Initializer:
    """The first initial values that a comparison would try."""
    if task.initializers:
        return task.initializers[0]
    return "he" if task.own is None else "own"


def _rule(optimizer: MethodSource, rates: Sequence[float] | None) -> Candidate:
    """The update rule with each of the rates that are tried."""
    choice = named(optimizer)
    if not isinstance(choice.method, Optimizer):
        raise UsageError("error.range.optimizer", value=quoted(optimizer))
    [candidate] = candidates([optimizer], rates)
    if not candidate.learning_rates():
        raise UsageError("error.range.optimizer", value=quoted(optimizer))
    if rates is None and len(candidate.learning_rates()) == len(choice.learning_rates or [1]):
        [candidate] = candidates([optimizer], usual_rates(choice.learning_rates or _about(choice.method)))
    if len(candidate.learning_rates()) != len(candidate.variants):
        raise UsageError("error.range.optimizer", value=quoted(optimizer))
    if len(candidate.variants) < 2:
        raise UsageError("error.range.rates", value=candidate.learning_rates()[0])
    return candidate


def usual_rates(grid: Sequence[float]) -> list[float]:
    """Rates half a decade apart, from `BEYOND` of them below a grid to as many above, to three figures."""
    first, last = (round(2 * np.log10(rate)) for rate in (grid[0], grid[-1]))
    return [float(f"{10 ** (half / 2):.3g}") for half in range(first - BEYOND, last + BEYOND + 1)]


def _about(method: Optimizer) -> list[float]:
    """The ends of a wide grid about the rate of an instance; the usual grid where its rule has one."""
    entry: Entry | None = registry.home_of(type(method), registry.OPTIMIZERS)
    if entry is not None:
        return list(entry.learning_rates)
    rate, wide = learning_rate(method) or 1.0, 10 ** ((WIDE - BEYOND) / 2)
    return [rate / wide, rate * wide]
