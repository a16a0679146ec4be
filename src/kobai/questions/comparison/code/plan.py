"""What is to be written down: the recommended training, read from its plain values."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

from kobai import initializers
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.engine.spelling import read_method, read_strategy
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.minimizers.base import Minimizer
from kobai.networks.network import OFF, Dense
from kobai.optimizers import translation
from kobai.optimizers.base import RATES, Optimizer
from kobai.optimizers.from_optax import FromOptax
from kobai.optimizers.translation import Table
from kobai.questions.comparison.code.program import call, literal
from kobai.stabilizers.averaging import Averaging
from kobai.stabilizers.clipping import Clip
from kobai.stabilizers.regularization import WeightDecay
from kobai.study.facts import CLASSES, Examples
from kobai.study.recommendation import Recommendation
from kobai.tasks.provenance import MODEL, TABLE, TASK

HIDDEN = 100
"""The nodes of the hidden layer of a network that stands for one of the user's own."""

ANY = Examples((10,), 3, CLASSES)
"""What stands for data that are no arrays x and y."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The recommended training, with its methods and parts as objects."""

    said: Recommendation

    @cached_property
    def rule(self) -> Optimizer | Minimizer | None:
        """What trains; None: the user's own."""
        method = None if self.said.optimizer is None else read_method(self.said.optimizer)
        is_known = not isinstance(method, Optimizer) or isinstance(method, FromOptax)
        return method if is_known or registry.home_of(type(method), registry.OPTIMIZERS) else None

    @property
    def update_rule(self) -> Optimizer | None:
        """The update rule, where that is what trains."""
        return self.rule if isinstance(self.rule, Optimizer) else None

    def rule_in(self, table: Table) -> Optimizer | None:
        """The update rule, where a framework has it, or it is one of optax; with the λ of its formula."""
        rule, decay = self.update_rule, self.strategy.weight_decay
        if decay is not None and rule is not None and rule.decays_within:
            rule = dataclasses.replace(rule, weight_decay=float(decay.rate))  # type: ignore[call-arg]
        is_there = isinstance(rule, FromOptax) or translation.has(table, rule, self.schedule is not None)
        return rule if is_there else None

    @property
    def name(self) -> str:
        """What the optimizer is called."""
        spelled = self.said.optimizer
        if spelled is None:
            return self.said.own["optimizer"]
        return str(spelled.get("name") or f"optax.{spelled['optax']}")

    @property
    def fields(self) -> dict[str, Any]:
        """The numbers and settings of the optimizer by name."""
        return dict(self.said.optimizer["fields"]) if self.said.optimizer else {}

    @property
    def from_optax(self) -> FromOptax | None:
        """The optimizer, where it is one of optax."""
        return self.rule if isinstance(self.rule, FromOptax) else None

    @cached_property
    def strategy(self) -> Strategy:
        """What is done beside the rule."""
        return read_strategy(self.said.strategy)

    @property
    def clip(self) -> Clip | None:
        """The bound of the gradient."""
        return None if self.strategy.clip == Clip() else self.strategy.clip

    @property
    def average(self) -> Averaging | None:
        """The average that is evaluated in place of the iterate."""
        return self.strategy.averages[0] if self.strategy.averages else None

    @property
    def schedule(self) -> str | None:
        """The schedule by its name, a user's own too; None where the learning rate is constant."""
        if "schedule" in self.said.own:
            return self.said.own["schedule"]
        schedule = self.strategy.schedule
        return None if schedule is None or schedule.name == "constant" else schedule.name

    @property
    def decay(self) -> WeightDecay | None:
        """The decay beside the step or in the formula: the strategy's own, or else that of the rule."""
        decay = self.strategy.weight_decay
        rule = self.update_rule
        if decay is None and rule is not None and (rule.decays or rule.decays_within):
            decay = WeightDecay(rule.weight_decay)  # type: ignore[attr-defined]
        return decay if decay is not None and decay.rate else None

    @property
    def is_shaped(self) -> bool:
        """Whether the step of the rule is masked, or goes with the width: decay then stands beside it."""
        return self.strategy.mask is not None or bool(self.said.growth)

    @property
    def rate(self) -> float | None:
        """The learning rate; None for a rule that has none."""
        rule = self.update_rule
        if isinstance(rule, FromOptax):
            return next((self.fields[name] for name in RATES if name in self.fields), None)
        return getattr(rule, "learning_rate", None)

    @cached_property
    def initializer(self) -> Initializer | None:
        """The initial values; None: the user's own function."""
        return None if self.said.initializer is None else initializers.parse(self.said.initializer)

    @property
    def draws_by_matrix(self) -> bool:
        """Whether the initial values depend on the outputs of a matrix, not of its array."""
        return str(self.said.initializer).startswith(("xavier", "orthogonal"))

    @property
    def examples(self) -> Examples:
        """What the data are, or what stands for them."""
        return self.said.examples or ANY

    @property
    def dense(self) -> Dense:
        """The network of the task, or the one that stands for a user's own."""
        if self.said.dense is not None:
            return self.said.dense
        inputs = 1
        for size in self.examples.inputs:
            inputs *= size
        return Dense((inputs, HIDDEN, self.examples.outputs), "relu", "off")

    @property
    def is_written(self) -> bool:
        """Whether the network of the task itself can be written down, layer by layer."""
        said = self.said
        return any(network is not None for network in (said.dense, said.convolutional, said.recurrent))

    @property
    def batch_norm(self) -> str:
        """Where batch normalization stands in the network that is written."""
        return OFF if self.said.recurrent else (self.said.convolutional or self.dense).batch_norm

    @property
    def task(self) -> str:
        """The call that makes the task again; "" where only its caller knows."""
        origin = self.said.provenance
        if origin.kind == TASK:
            return call(f"kobai.tasks.{origin.place}", **origin.options)
        if origin.kind == TABLE:
            return call("kobai.tasks.table", literal(origin.place), **origin.options)
        return call("load", literal(origin.place), **origin.options) if origin.kind else ""

    def module(self, *frameworks: str) -> str:
        """The file with the model, as it is imported, where the model is of one of these frameworks."""
        origin = self.said.provenance
        is_here = origin.kind == MODEL and origin.framework in frameworks and self.said.examples
        return Path(origin.place).stem if is_here else ""

    def imported(self, *frameworks: str) -> tuple[str, str]:
        """(the import, the expression) of the user's own model, where it is of one of these frameworks."""
        origin = self.said.provenance
        if module := self.module(*frameworks):
            return f"import {module}", f"{module}.{origin.model}"
        if origin.kind or not origin.source or not self.said.examples or origin.framework not in frameworks:
            return "", ""
        place, _, made = origin.source.partition(":")
        return f"from {place} import {made.partition('(')[0]}", made

    @property
    def by_task(self) -> bool:
        """Whether a program in JAX takes the network from the task: it is more than dense layers."""
        return bool(self.task) and (self.said.dense is None or self.said.dense.batch_norm != OFF)

    @property
    def classifies(self) -> bool:
        """Whether y is a class, for each of which the network has an output."""
        loss = self.said.provenance.loss.removesuffix(".probabilities")
        return self.examples.labels == CLASSES and loss in ("", "cross-entropy")


def plan(recommendation: Recommendation) -> Plan:
    """The training to be written down. Raises `UsageError` where its methods cannot be read."""
    result = Plan(recommendation)
    try:
        _ = result.rule, result.strategy, result.initializer
    except (LookupError, TypeError, AttributeError) as problem:
        raise UsageError("error.code.method", problem=problem) from problem
    return result
