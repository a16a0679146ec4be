"""Rules whose formula looks at the shape of an array, or at what it is: a norm, rows and columns, a matrix.

Such a rule says what an array's memory is before the first step, and gives its formula on one array::

    @hyperparameters
    class Normalized(ByArray):
        learning_rate: float = 0.01

        def formula(self, g, θ, t, memory, weight):
            return -self.learning_rate * g / norm(g), memory

The engine, whose parameters are one vector, gives it the arrays.
"""

from collections.abc import Callable

import jax
import numpy as np

from kobai.basics.arrays import (
    Array,
    Flag,
    Number,
    Parameters,
    Structure,
    Truth,
    Weights,
    Whole,
    is_movable,
    namespace,
    narrow,
    wide,
)
from kobai.basics.errors import UsageError
from kobai.basics.leaf import OUTER, is_outer
from kobai.basics.roles import weights as weights_of
from kobai.optimizers.base import (
    Optimizer,
    State,
    as_array,
    decayed,
    is_none,
    is_nothing,
    leaves_of,
    nothing,
    refuse_complex,
    refuse_grid,
)

Memory = dict[str, Array]
"""What a rule remembers of one array."""


class ByArray(Optimizer):
    """The contract of a rule that works array by array; its state's `memory` is {"arrays": …}, a pytree with
    a `Memory` in the place of every array.
    """

    elementwise = False
    roles = True

    def begin(self, θ: Array, weight: Flag) -> Memory:
        """What is remembered of one array before the first step."""
        return {}

    def formula(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: Flag) -> tuple[Array, Memory]:
        """The formula on one array: gradient, parameters, step number (from 1), memory -> (Δ, memory)."""
        raise NotImplementedError

    def init(self, params: Parameters, weights: Weights | None = None) -> State:
        """The state before the first update; `weights` as for `update`."""
        refuse_grid(type(self).__name__, vars(self))
        tree: Structure
        leaves, tree = jax.tree.flatten(params, is_leaf=is_none)
        refuse_complex(type(self).__name__, leaves)
        memories = [
            self.begin(wide(as_array(θ)), weight) if is_movable(θ) else None
            for θ, weight in zip(leaves, self._flags(tree, params, weights), strict=True)
        ]
        return State(np.int32(0), {"arrays": tree.unflatten(memories)})

    def update(
        self,
        gradient: Parameters,
        state: State,
        params: Parameters | None = None,
        weights: Weights | None = None,
    ) -> tuple[Parameters, State]:
        """The update to be *added* to the parameters, and the next state; `params` are needed.

        `weights` says what is a weight (see `decayed`).
        """
        leaves, places, tree = leaves_of(self, gradient, params)
        memories = tree.flatten_up_to(state.memory["arrays"])
        t = state.step + 1
        results = [
            self._moved(g, θ, t, memory, weight)
            for g, θ, memory, weight in zip(
                leaves, places, memories, self._flags(tree, params, weights), strict=True
            )
        ]
        update = tree.unflatten([Δ for Δ, _ in results])
        if self.decays:
            rate = self.rate_at(state.step)
            update = decayed(update, params, rate * self.weight_decay, weights)  # type: ignore[attr-defined]
        return update, State(t, {"arrays": tree.unflatten([memory for _, memory in results])})

    def _moved(
        self, g: Array, θ: Array, t: Whole, memory: Memory | None, weight: Flag
    ) -> tuple[Array, Memory | None]:
        if memory is None or is_nothing(g):
            return nothing(g), memory
        Δ, new = self.formula(wide(as_array(g)), wide(as_array(θ)), t, memory, weight)
        return narrow(Δ, g), {name: narrow(new[name], old) for name, old in memory.items()}

    def _flags(self, tree: Structure, params: Parameters, weights: Weights | None) -> list[Flag]:
        """Whether each array is a weight: what was said, or what the tree tells."""
        said = weights_of(params) if weights is None else weights
        return [whole(type(self).__name__, flag) for flag in tree.flatten_up_to(said)]


def whole(owner: str, flag: object) -> Flag:
    """What is said of a whole array: a truth value, or an array of one and the same, or "outer". None is
    False.

    Raises `UsageError` for another word, and where some entries are weights and others are not.
    """
    if is_outer(flag):
        return OUTER
    truths = np.asarray(flag).astype(bool)
    if truths.any() and not truths.all():
        raise UsageError("error.rule.weights", name=owner)
    return bool(truths.all())


def when(
    condition: Truth, yes: Callable[..., Memory], no: Callable[..., Memory], *operands: Memory
) -> Memory:
    """`yes` or `no` of the operands; where the condition is traced, one branch of the compiled program."""
    if isinstance(condition, jax.core.Tracer):
        return jax.lax.cond(condition, yes, no, *operands)
    return yes(*operands) if condition else no(*operands)


def norm(array: Array) -> Number:
    """√Σx² of all entries."""
    return namespace(array).sqrt(namespace(array).sum(array * array))
