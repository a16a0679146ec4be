"""What a study is: everything that decides what is run, and the trials that it makes."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import PyTree

from kobai.basics.checks import check_count, is_number
from kobai.basics.errors import UsageError
from kobai.basics.own_code import described
from kobai.candidates.grid import Candidate
from kobai.candidates.named import Method
from kobai.candidates.values import as_json, hyperparameters_of
from kobai.engine.full_batch import FullBatch
from kobai.engine.parts import check_steps
from kobai.engine.run import evaluated_at
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer, constant
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.stabilizers.averaging import Averaging
from kobai.study import statistics
from kobai.study.allowance import Allowance
from kobai.study.axes import Axis, AxisValue, strategy
from kobai.study.criterion import (
    FINAL,
    SECONDS,
    STEPS,
    Columns,
    Measures,
    longest,
    of_end,
    of_seconds,
    of_steps,
)
from kobai.study.facts import Facts, are_arrays, examples_of, growth_of
from kobai.tasks.check import check_start, check_task
from kobai.tasks.provenance import Provenance
from kobai.tasks.task import Task

TUNING, CONFIRMATION, DEMONSTRATION = "tuning", "confirmation", "demonstration"
"""The phases of a study: what chooses, what judges, and what is trained to be looked at alone."""

FIRST_CONFIRMATION_SEED = 1000
"""Tuning seeds count from 0, confirmation seeds from here: no seed both chooses and judges."""

MOST = {
    "steps": 10**9,
    "evaluate_every": 10**9,
    "seeds": 10**5,
    "tuning_seeds": FIRST_CONFIRMATION_SEED,
}
"""More is a slip of the hand: the program counts in 32 bits, and the list of cells is held in memory."""

MOST_EVALUATIONS = 10**6
"""In a run: each cell keeps its curves."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that decides what is run."""

    task: Task | None
    """None: of a study that was read from its folder (`record`), which can be told and not trained."""
    candidates: Sequence[Candidate]
    initializers: Sequence[Initializer]
    steps: int = 500
    evaluate_every: int = 10
    seeds: int = 10
    tuning_seeds: int = 3
    threads: int | None = None
    in_epochs: bool = False
    """Whether the budget was said in epochs."""
    by: str = STEPS
    """By what candidates are judged: one of `kobai.study.criterion.CRITERIA`."""
    within: float | None = None
    """Of a study that grows until it is clear: the cost that is small enough. `seeds` is then what it has."""
    allowance: Allowance | None = None
    """The time that it is given; None: as much as it takes."""
    every: int = 1
    """Of the usual learning rates one in so many is tried."""
    axes: Sequence[Axis] = ()
    tasks: Mapping[tuple[str, ...], Task] = dataclasses.field(default_factory=dict)
    """The task of each combination of values that make another one, by their names. Empty: `task` alone."""
    among: Sequence[str] = ()
    """The names of all tasks of which the same is asked, `task` among them. Empty: of this one alone."""
    told: Mapping[tuple[str, ...], Facts] = dataclasses.field(default_factory=dict)
    """What there is to tell of each, where there is no task."""

    @property
    def variants(self) -> Mapping[tuple[str, ...], Task]:
        """Every task that is trained, by the values that make it. Raises `UsageError` where there is none."""
        if self.task is None:
            raise UsageError("error.study.told")
        return self.tasks or {(): self.task}

    @property
    def averages(self) -> list[Averaging]:
        """What is evaluated beside every iterate."""
        parts = [value.part for axis in self.axes if axis.name == "average" for value in axis.values]
        return [part for part in parts if isinstance(part, Averaging)]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that name a trial."""
        return ("optimizer", "hyperparameters", "initializer", *(axis.name for axis in self.axes))

    @property
    def combinations(self) -> int:
        """How many combinations of the values of all axes there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    def trials(self) -> list["Trial"]:
        """Everything that is tried: candidate × variant × initializer × a value of every axis."""
        return [
            Trial(candidate, variant, initializer, values)
            for candidate in self.candidates
            for variant in candidate.variants
            for initializer in self.initializers
            for values in itertools.product(*(axis.values for axis in self.axes))
        ]

    @property
    def trainings(self) -> int:
        """About how many trainings there are: which of them confirm a winner is not known before."""
        sizes = [len(axis.values) for axis in self.axes if axis.name != "average"]  # of one training all
        tried = sum(len(each.variants) for each in self.candidates) * len(self.initializers)
        confirmed = (len(self.candidates) + self.others) * self.seeds
        shown = len(self.candidates) * all(each.name != constant().name for each in self.initializers)
        return tried * math.prod(sizes) * self.tuning_seeds + confirmed + shown

    @property
    def others(self) -> int:
        """About how many trials are confirmed beside the winners."""
        sizes = [len(axis.values) for axis in self.axes if axis.name != "average"]
        rates = max(len(candidate.learning_rates()) for candidate in self.candidates)
        return sum(size - 1 for size in (len(self.initializers), *sizes)) + min(2, max(rates - 1, 0))

    def strategies(self) -> list[Strategy]:
        """Every strategy that a cell may have; none where no axis asks for any."""
        combinations = itertools.product(*(axis.values for axis in self.axes))
        strategies = (strategy({v.axis: v.part for v in values}, self.averages) for values in combinations)
        return [each for each in dict.fromkeys(strategies) if each != Strategy()]

    def check(self) -> None:
        """Refuse what cannot be run. Raises `UsageError`."""
        for name, most in MOST.items():
            check_count(name, getattr(self, name), most)
        if self.threads is not None:
            check_count("threads", self.threads)
        if self.evaluate_every > self.steps:
            raise UsageError("error.evaluate_every", value=self.evaluate_every, steps=self.steps)
        if self.steps // self.evaluate_every > MOST_EVALUATIONS:
            raise UsageError(
                "error.evaluations", value=self.evaluate_every, steps=self.steps, most=MOST_EVALUATIONS
            )
        check_steps(self.strategies(), self.steps)
        for task in self.variants.values():
            check_task(task)
            self._check_minimizers(task)
            check_start(task, self.starts(task)[0])
            self._check_numbers(task.flatten(task.parameters).dtype)

    def _check_numbers(self, dtype: np.dtype) -> None:
        """Refuse numbers that would be infinite in the precision of the parameters."""
        rules = [(c.name, variant) for c in self.candidates for variant in c.variants]
        owners = [(name, hyperparameters_of(rule)) for name, rule in rules if isinstance(rule, Optimizer)]
        parts = [(value.axis, value.part) for axis in self.axes for value in axis.values]
        owners += [(name, vars(part)) for name, part in parts if dataclasses.is_dataclass(part)]
        most = float(jnp.finfo(dtype).max)
        for owner, numbers in owners:
            for name, value in numbers.items():
                if is_number(value) and most < abs(value) < math.inf:
                    raise UsageError("error.precision", owner=owner, name=name, value=value, dtype=dtype)

    def _check_minimizers(self, task: Task) -> None:
        """Refuse minimizers on what is no function of the parameters, or beside what only rules know."""
        for name, minimizer in self.minimizers.items():
            FullBatch(task, minimizer, evaluated_at(1, 1)).check(name)
            for axis in self.axes:
                if axis.name not in ("activation", "batch_norm"):
                    raise UsageError("error.minimizer.axis", name=name, axis=axis.name.replace("_", "-"))

    @property
    def minimizers(self) -> dict[str, Minimizer]:
        """The candidates that are minimizers, by name."""
        return {
            candidate.name: candidate.variants[0]
            for candidate in self.candidates
            if isinstance(candidate.variants[0], Minimizer)
        }

    @functools.cached_property
    def facts(self) -> Facts:
        """What there is to tell of the task."""
        if self.task is None:
            return next(iter(self.told.values()))
        return facts_of(self.task)

    def facts_of(self, trial: "Trial") -> Facts:
        """What there is to tell of the task of one trial."""
        return self.told[trial.task] if self.told else facts_of(self.variants[trial.task])

    @property
    def examples(self) -> int:
        """How many training examples there are."""
        return self.facts.sizes["train"] or 0

    @property
    def epoch(self) -> float:
        """Steps in which as many examples are looked at as there are."""
        return self.examples / self.facts.batch_size

    def starts(self, task: Task) -> list[PyTree]:
        """The parameters of one seed with each initializer."""
        try:
            return [task.filled(initializer, 0) for initializer in self.initializers]
        except UsageError:
            raise
        except Exception as problem:  # of the user's own layout
            raise UsageError("error.task.layout", task=task.name, problem=described(problem)) from problem

    @property
    def marks(self) -> list[int]:
        """The steps at which a run is evaluated."""
        return cast(list[int], evaluated_at(self.steps, self.evaluate_every).tolist())

    @property
    def confirmation_seeds(self) -> list[int]:
        """The fresh seeds, on which the winners of tuning are judged."""
        return list(range(FIRST_CONFIRMATION_SEED, FIRST_CONFIRMATION_SEED + self.seeds))

    @property
    def looks(self) -> tuple[int, ...]:
        """Of a study that grows, the numbers of fresh seeds at which it was looked at; else none."""
        if self.within is None:
            return ()
        return tuple(seeds for seeds in statistics.LOOKS if seeds <= self.seeds) or (self.seeds,)

    def ended(self, seeds: int) -> "Study":
        """The study with so many fresh seeds; one that grows, with those of its latest look among them."""
        if self.within is not None:
            seeds = max((look for look in statistics.LOOKS if look <= seeds), default=seeds)
        return dataclasses.replace(self, seeds=seeds)

    def times(self, cells: pl.DataFrame, target: float) -> np.ndarray:
        """Steps to the target of each cell [cells]; inf where it never got there, or diverged at any time.

        Curves are kept in single precision, and the target is rounded as they are: a metric that is exactly
        the target meets it.
        """
        return self._times(statistics.steps_to_target, cells, target)

    def stays(self, cells: pl.DataFrame, target: float) -> np.ndarray:
        """The step from which on each cell [cells] meets the target until its end; inf where it does not."""
        return self._times(statistics.steps_to_stay, cells, target)

    def measures(self, cells: pl.DataFrame, target: float, by: str, among: Columns) -> Measures:
        """What is compared of each cell [cells], by one of `kobai.study.criterion.CRITERIA`.

        `among` are the cells that they are compared with: who misses the target takes as long as any of them.
        """
        if by == FINAL:
            return of_end(cells, self.facts.maximize)
        times = self.times(cells, target)
        if by == SECONDS:
            return of_seconds(cells, times, self.steps, longest(among))
        return of_steps(times, self.steps)

    def _times(self, read: Callable[..., np.ndarray], cells: pl.DataFrame, target: float) -> np.ndarray:
        curves = cells["validation_metric"].explode().to_numpy().astype(float).reshape(len(cells), -1)
        arrivals = read(np.array(self.marks), curves, float(np.float32(target)), self.facts.maximize)
        return np.where(cells["diverged_at"].is_not_null().to_numpy(), np.inf, arrivals)


def facts_of(task: Task) -> Facts:
    """What there is to tell of a task."""
    parts = {name: jax.tree.leaves(getattr(task, name)) for name in ("train", "validation", "test")}
    return Facts(
        name=task.name,
        metric_label=task.metric_label,
        measures_loss=task.metric is None,
        maximize=task.maximize,
        targets=task.targets,
        batch_size=task.examples_a_step,
        random=task.random,
        has_state=task.state is not None,
        provenance=task.provenance if are_arrays(task.train) else Provenance(),
        parameters=task.flatten(task.parameters).size,
        sizes={name: len(leaves[0]) if leaves else None for name, leaves in parts.items()},
        examples=examples_of(task.train, by_position=task.recurrent is not None),
        dense=task.dense,
        convolutional=task.convolutional,
        recurrent=task.recurrent,
        baselines=task.baselines,
        preparation=task.preparation,
        cautions=task.cautions,
        meaning=task.meaning,
        accumulate=task.accumulate,
        growth=growth_of(task.places, task.every_role, task.growth or ()),
    )


@dataclasses.dataclass(frozen=True)
class Trial:
    """One combination that is tried: a variant of a candidate, an initializer, a value of every axis."""

    candidate: Candidate
    variant: Method
    initializer: Initializer
    values: tuple[AxisValue, ...] = ()
    """Its value on each axis of the study, in the study's order."""

    @property
    def named(self) -> dict[str, str]:
        """Its name in each of the columns of a frame that name a trial."""
        return {
            "optimizer": self.candidate.name,
            "hyperparameters": as_json(hyperparameters_of(self.variant)),
            "initializer": self.initializer.name,
            **{value.axis: value.name for value in self.values},
        }

    @property
    def settings(self) -> dict[str, str]:
        """Its value on each axis, and of each hyperparameter for which its candidate has several:
        ``{"clip": "norm:1", "momentum.momentum": "0.9"}``."""
        own = self.candidate.settings(self.variant)
        return {
            **{value.axis: value.name for value in self.values},
            **{f"{self.candidate.name}.{name}": value for name, value in own.items()},
        }

    @property
    def task(self) -> tuple[str, ...]:
        """The names of the values that make its task."""
        return tuple(value.name for value in self.values if value.of_task)

    @property
    def parts(self) -> dict[str, object]:
        """The parts that its values stand for, by axis."""
        return {value.axis: value.part for value in self.values}
