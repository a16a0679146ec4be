"""Early stopping: the end of a cell, and its best weights in place of the last."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar, Truth, Vector, Whole
from kobai.engine.blocks import CellState
from kobai.engine.columns import Rows
from kobai.engine.parts.part import End, Field, Part
from kobai.engine.strategy import Strategy
from kobai.stabilizers.early_stopping import Best, EarlyStopping, stopping
from kobai.tasks.flat import Spans

NEVER = EarlyStopping(2**30)
"""Never the end: more evaluations than a run can have."""


class Watch(NamedTuple):
    """What a cell keeps to decide when it ends: the rule, the best weights, the step of the end."""

    rule: EarlyStopping
    best: Best
    ended_at: Whole
    """The step of the end; 0: it has not come."""


class Stopping(Part):
    """The watches of the cells, which look at the validation loss of the iterate."""

    fields = {"early_stopping": Field(EarlyStopping, stopping, happens=("stopped_at",))}

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Stopping | None":
        return cls() if any(strategy.early_stopping is not None for strategy in strategies) else None

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> Watch:
        rule = strategy.early_stopping or NEVER
        best = Best(np.asarray(np.inf, θ.dtype), (θ, state), np.int32(0))
        # A patience of one's own beyond any run is still one that restores the best weights.
        longest = NEVER.patience - (rule is not NEVER)
        patience = np.asarray(min(rule.patience, longest), np.int32)
        change = np.asarray(rule.minimum_change, θ.dtype)
        return Watch(EarlyStopping(patience, change), best, np.int32(0))

    def evaluated(
        self, memory: Watch, loss: Scalar, θ: Vector, state: PyTree, step: Whole, due: Truth
    ) -> Watch:
        """Keep the best and note the end, after which nothing changes."""
        rule, best, ended_at = memory
        # Of double precision beside a network in single, where data are so under x64.
        new = rule.update(loss.astype(θ.dtype), (θ, state), best)
        running = due & (ended_at == 0)
        new = jax.tree.map(lambda old, fresh: jnp.where(running, fresh, old), best, new)
        ended_at = jnp.where(running & rule.ends(new), jnp.maximum(step, 1), ended_at)
        return Watch(rule, new, ended_at)

    def over(self, memory: Watch) -> Truth:
        return memory.ended_at > 0

    def end(self, memory: Watch) -> End:
        return End(*(np.atleast_1d(np.asarray(value)) for value in (memory.ended_at, memory.best.loss)))

    def restored(self, memory: Watch, cells: CellState) -> tuple[Watch, CellState]:
        """The best parameters in place of the last in the cells that were watched."""
        watched = np.asarray(memory.rule.patience) < NEVER.patience

        def chosen(best: Array, last: Array) -> np.ndarray:
            best, last = np.asarray(best), np.asarray(last)
            return np.where(watched.reshape(watched.shape + (1,) * (last.ndim - watched.ndim)), best, last)

        θ, state = jax.tree.map(chosen, memory.best.params, (cells.θ, cells.state))
        diverged_at = np.where(np.asarray(memory.ended_at) > 0, 0, np.asarray(cells.diverged_at))
        cells = cells._replace(θ=θ, state=state, diverged_at=diverged_at.astype(np.int32))
        return memory._replace(ended_at=np.zeros_like(memory.ended_at)), cells

    @classmethod
    def reread(cls, strategy: Strategy, curves: Rows, marks: np.ndarray, end: End) -> None:
        """After an early stop, and at the last step: the restored weights, and the averages of the stop."""
        if strategy.early_stopping is None:
            return
        last = int(np.searchsorted(marks, end.step or marks[-1]))
        if end.step:
            curves.table[last + 1 :] = curves.table[last]
            curves.loss_sum[last + 1 :] = np.nan
        best = int(np.flatnonzero(curves.loss[: last + 1] == end.best_loss)[0])
        curves.loss[last:], curves.metric[last:] = curves.loss[best], curves.metric[best]
