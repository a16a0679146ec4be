"""What is done beside the update rule of a training run, and its place in the compiled program.

A `Strategy` belongs to a cell, like its optimizer. `Parts` says which parts any strategy of a sweep has, and
is the program's side of them: a part that nobody has is not in the program at all, and one that somebody has
is there once for all cells, whose numbers turn it off where they have none (a bound of ∞, a penalty of 0).
So an axis doubles no rule and a grid stays one program.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import is_weight
from kobai.basics.errors import UsageError
from kobai.schedules import Schedule
from kobai.stabilizers.averaging import Averaging, mixed
from kobai.stabilizers.clipping import Clip
from kobai.stabilizers.early_stopping import Best, EarlyStopping
from kobai.stabilizers.regularization import Penalty, WeightDecay
from kobai.tasks.flat import is_trained
from kobai.tasks.task import Task

NEVER = EarlyStopping(2**30)
"""Never the end: more evaluations than a run can have."""


@dataclasses.dataclass(frozen=True)
class Strategy:
    """What is done beside the update rule; as it stands here, nothing.

    In this order: the gradient of `l1` and `l2` is added, the gradient is clipped, the rule makes its step at
    the learning rate that the schedule says, the weights decay. Averages are kept beside the iterate, which
    they do not change, and are evaluated with it. Early stopping looks at the validation loss of the iterate.
    """

    clip: Clip = Clip()
    l1: Penalty = Penalty()
    l2: Penalty = Penalty()
    weight_decay: WeightDecay | None = None
    """None: the optimizer's own, if it has one. Given, it stands in its place."""
    schedule: Schedule | None = None
    averages: tuple[Averaging, ...] = ()
    early_stopping: EarlyStopping | None = None
    replacement: bool = False
    """Whether the examples of a batch are drawn with replacement, rather than epoch by epoch."""


def check_steps(strategies: Sequence[Strategy], steps: int) -> None:
    """Refuse what would do nothing, or never end, in so few steps. Raises `UsageError`."""
    for strategy in strategies:
        for part in (strategy.schedule, *strategy.averages):
            if part is not None and part.shortest > steps:
                raise UsageError("error.shortest", name=part.name, shortest=part.shortest, steps=steps)
        if strategy.clip.first >= steps:
            raise UsageError(
                "error.clip.first", name=strategy.clip.name, first=strategy.clip.first, steps=steps
            )


class Plan(NamedTuple):
    """What a strategy does at each step of a block, made outside the program; None: it has no such part."""

    factors: Any = None
    """[capacity]: of the learning rate."""
    mixing: Any = None
    """[capacity, averages]: the weight of the new iterate in each average."""


class Kept(NamedTuple):
    """What a cell holds for its strategy between two steps; None: the program has no such part."""

    clip: Any = None
    """(Clip, ClipState)."""
    penalty: Any = None
    """(l1, l2), each Penalty with whether biases pay, as numbers."""
    decay: Any = None
    """(λ, whether biases decay, whether it stands in place of the optimizer's own)."""
    means: Any = None
    """[averages, parameters]."""
    stopping: Any = None
    """(EarlyStopping, Best, the step of the end or 0)."""


class Parts:
    """The parts that any of `strategies` has, on the flat vector θ of a task."""

    def __init__(self, strategies: Sequence[Strategy], task: Task) -> None:
        self.task = task
        self.clip = any(strategy.clip != Clip() for strategy in strategies)
        self.room = max((int(strategy.clip.first) for strategy in strategies), default=0)
        self.penalty = any(strategy.l1.l1 or strategy.l2.l2 for strategy in strategies)
        self.decay = any(strategy.weight_decay is not None for strategy in strategies)
        self.schedule = any(strategy.schedule is not None for strategy in strategies)
        self.averages = max((len(strategy.averages) for strategy in strategies), default=0)
        self.stopping = any(strategy.early_stopping is not None for strategy in strategies)

    def __bool__(self) -> bool:
        """Whether there is any that a cell holds something for."""
        return bool(self.clip or self.penalty or self.decay or self.averages or self.stopping)

    # On the host.

    def start(self, strategy: Strategy, θ: np.ndarray, state: Any) -> Kept | None:
        """What a cell holds before its first step; `state`: the model's."""
        if not self:
            return None

        def numbers(tree: Any) -> Any:
            return jax.tree.map(lambda value: np.asarray(value, θ.dtype), tree)

        kept = Kept()
        if self.clip:
            kept = kept._replace(clip=(numbers(strategy.clip), strategy.clip.init(θ, self.room)))
        if self.penalty:
            pairs = [(p.l1, p.l2, float(p.biases)) for p in (strategy.l1, strategy.l2)]
            kept = kept._replace(penalty=numbers(pairs))
        if self.decay:
            decay = strategy.weight_decay
            given = (decay.rate, float(decay.biases), 1.0) if decay else (0.0, 0.0, 0.0)
            kept = kept._replace(decay=numbers(given))
        if self.averages:
            kept = kept._replace(means=np.stack([θ] * self.averages))
        if self.stopping:
            rule = strategy.early_stopping or NEVER
            best = Best(np.asarray(np.inf, θ.dtype), (θ, state), np.int32(0))
            # A patience of one's own beyond any run is still one that restores the best weights.
            longest = NEVER.patience - (rule is not NEVER)
            patience = np.asarray(min(rule.patience, longest), np.int32)
            change = np.asarray(rule.minimum_change, θ.dtype)
            kept = kept._replace(stopping=(EarlyStopping(patience, change), best, np.int32(0)))
        return kept

    def plan(self, strategy: Strategy, start: int, stop: int, steps: int, capacity: int, dtype: Any) -> Plan:
        """What the strategy does at the steps from `start` to `stop` of `steps`."""
        factors = mixing = None
        if self.schedule:
            factors = np.ones(capacity, dtype)
            if strategy.schedule is not None:
                factors[: stop - start] = strategy.schedule.factors(start, stop, steps)
        if self.averages:
            mixing = np.ones((capacity, self.averages), dtype)
            for i, averaging in enumerate(strategy.averages):
                mixing[: stop - start, i] = averaging.weight(np.arange(start + 1, stop + 1))
        return Plan(factors, mixing)

    # In the program.

    def at(self, plan: Plan, s: Any, start: Any) -> Plan:
        """The plan of step s, in a block from `start`."""
        factors = plan.factors[..., s - start] if self.schedule else None
        return Plan(factors, plan.mixing[..., s - start, :] if self.averages else None)

    def gradient(self, kept: Kept, g: Any, θ: Any, loss: Any) -> tuple[Any, Kept, Any]:
        """(the gradient that the rule gets, what is kept, whether it was left out): penalties added, clipped.

        A bound leaves a gradient out where it, or the loss of its batch, is not finite: zero in its place.
        """
        if self.penalty:
            for l1, l2, biases in kept.penalty:
                g = Penalty(l1, l2).gradient(g, θ, shares(weights_of(self.task), biases))
        if not self.clip:
            return g, kept, None
        rule, old = kept.clip
        g, new = rule.update(jnp.where(jnp.isfinite(loss), g, jnp.nan), old)
        return g, kept._replace(clip=(rule, new)), new.skipped > old.skipped

    def counts(self, kept: Kept) -> tuple:
        """What a row tells of the strategy: how many gradients were left out so far, where any cell clips."""
        return (kept.clip[1].skipped,) if self.clip else ()

    def beside(self, kept: Kept, plan: Plan) -> tuple:
        """(the factor of the learning rate, the decay) for the rule's step; () where there is neither."""
        if not (self.schedule or self.decay):
            return ()
        return plan.factors, kept.decay if self.decay else None

    def averaged(self, kept: Kept, θ: Any, plan: Plan) -> Kept:
        """With the iterate θ in each mean, until an early stop."""
        if not self.averages:
            return kept
        means = mixed(kept.means, θ, plan.mixing[:, None])
        if self.stopping:
            means = jnp.where(kept.stopping[2] > 0, kept.means, means)
        return kept._replace(means=means)

    def evaluated(self, kept: Kept, loss: Any, θ: Any, state: Any, step: Any, due: Any) -> Kept:
        """After an evaluation at `step`: the best is kept and the end noted, after which nothing changes.

        Nothing changes either where the evaluation is not `due`, at the end of a block alone.
        """
        rule, best, ended_at = kept.stopping
        new = rule.update(loss, (θ, state), best)
        open_ = due & (ended_at == 0)
        new = jax.tree.map(lambda old, fresh: jnp.where(open_, fresh, old), best, new)
        ended_at = jnp.where(open_ & rule.ends(new), jnp.maximum(step, 1), ended_at)
        return kept._replace(stopping=(rule, new, ended_at))

    def goes_on(self, kept: Kept, alive: Any) -> Any:
        """Which cells, of those that have not diverged, have not been stopped."""
        return alive & (kept.stopping[2] == 0) if self.stopping else alive

    # On the host again; arrays with a leading axis [cells] for a population.

    def told(self, kept: Kept, cells: int) -> "Told":
        """What early stopping did to so many cells."""
        if not self.stopping:
            return Told(np.zeros(cells, np.int32), np.zeros(cells))
        _, best, ended_at = kept.stopping
        return Told(np.atleast_1d(np.asarray(ended_at)), np.atleast_1d(np.asarray(best.loss)))

    def restored(self, cells: Any) -> Any:
        """The cells with their best parameters in place of the last, where early stopping watched them."""
        if not self.stopping:
            return cells
        rule, best, ended_at = cells.kept.stopping
        stops = np.asarray(rule.patience) < NEVER.patience

        def chosen(best: Any, last: Any) -> Any:
            best, last = np.asarray(best), np.asarray(last)
            return np.where(stops.reshape(stops.shape + (1,) * (last.ndim - stops.ndim)), best, last)

        θ, state = jax.tree.map(chosen, best.params, (cells.θ, cells.state))
        diverged_at = np.where(np.asarray(ended_at) > 0, 0, np.asarray(cells.diverged_at))
        going = cells.kept._replace(stopping=(rule, best, np.zeros_like(ended_at)))
        return cells._replace(θ=θ, state=state, diverged_at=diverged_at.astype(np.int32), kept=going)


class Told(NamedTuple):
    """What early stopping did to a cell, or [cells] of several."""

    stopped_at: Any
    """The step at which it was stopped; 0: it was not."""
    best: Any
    """The best validation loss."""

    def of(self, i: int) -> "Told":
        """That of one cell."""
        return Told(int(self.stopped_at[i]), self.best[i])


def weights_of(task: Task) -> Any:
    """[parameters]: 1 for a weight, 0 for a bias or scale."""
    trained = [leaf for leaf in jax.tree.leaves(task.parameters) if is_trained(leaf)]
    dtype = task.flatten(task.parameters).dtype
    return jnp.concatenate([jnp.full(leaf.size, float(is_weight(leaf)), dtype) for leaf in trained])


def shares(weights: Any, biases: Any) -> Any:
    """`weights` with `biases` (0 or 1) in place of its zeros."""
    return weights + biases * (1 - weights)
