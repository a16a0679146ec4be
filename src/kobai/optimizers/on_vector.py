"""Rules that sum over all parameters (a norm, a distance), or keep a number beside their memories.

Such a rule gets all arrays as one vector, as the engine has them anyway, and names beside its `memories`
what begins elsewhere than at zero::

    @hyperparameters
    class Normalized(OnVector):
        learning_rate: float = 0.01
        memories = ("v",)
        numbers = {"length": 0.0}

        def formula(self, g, θ, t, weight, v, length):
            ...
            return Δ, {"v": v, "length": length}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import (
    Array,
    Parameters,
    Structure,
    Vector,
    Weights,
    Whole,
    is_movable,
    narrow,
    wide,
    zeros_like,
)
from kobai.basics.errors import UsageError
from kobai.basics.leaf import is_outer
from kobai.basics.roles import weights as weights_of
from kobai.optimizers.base import (
    GradientAt,
    Optimizer,
    State,
    as_array,
    is_nothing,
    leaves_of,
    nothing,
    refuse_complex,
    refuse_grid,
)

Memory = dict[str, Any]
"""What a rule remembers: a vector, or a number, for each name."""

VectorAt = Callable[[Vector], Vector]
"""The gradient as a function of the vector of all parameters."""


class OnVector(Optimizer):
    """The contract of a rule on the vector of all parameters; its state's `memory` has a pytree shaped like
    the parameters for each memory, and an array of no dimensions for each number.
    """

    roles = True
    starts: ClassVar[tuple[str, ...]] = ()
    """The memories that begin as the parameters."""
    numbers: ClassVar[Mapping[str, float]] = {}
    """The numbers that are kept, and with what they begin."""

    def formula(self, g: Vector, θ: Vector, t: Whole, weight: Vector, **memory: Any) -> tuple[Vector, Memory]:
        """The formula: gradient, parameters, step number (from 1), 1 where θ is a weight -> (Δ, memory)."""
        raise NotImplementedError

    def asked(
        self, g: Vector, θ: Vector, t: Whole, weight: Vector, gradient_at: VectorAt, **memory: Any
    ) -> tuple[Vector, Memory]:
        """The formula of a rule that asks for more than a gradient."""
        raise NotImplementedError

    def init(self, params: Parameters, weights: Weights | None = None) -> State:
        """The state before the first update, whatever is a weight."""
        refuse_grid(type(self).__name__, vars(self))

        def begin(name: str) -> Parameters:
            def leaf(θ: Array) -> Array | None:
                if not is_movable(θ):
                    return None
                return wide(as_array(θ)) + 0 if name in self.starts else zeros_like(as_array(θ))

            return jax.tree.map(leaf, params)

        refuse_complex(type(self).__name__, jax.tree.leaves(params))
        memory = {name: begin(name) for name in self.memories}
        leaves = [as_array(θ) for θ in jax.tree.leaves(params) if is_movable(θ)]
        xp = _library(leaves)
        dtype = np.result_type(np.float32, *(wide(θ).dtype for θ in leaves))
        numbers = {name: xp.asarray(first, dtype) for name, first in self.numbers.items()}
        return State(np.int32(0), memory | numbers)

    def update(
        self,
        gradient: Parameters,
        state: State,
        params: Parameters | None = None,
        weights: Weights | None = None,
        gradient_at: GradientAt | None = None,
    ) -> tuple[Parameters, State]:
        """The update to be *added* to the parameters, and the next state; `params` are needed.

        Args:
          weights: what is a weight (see `decayed`).
          gradient_at: for a rule that `asks`: the function of the parameters whose value `gradient` was.
        """
        leaves, places, tree = leaves_of(self, gradient, params)
        if self.asks is not None and gradient_at is None:
            raise UsageError("error.rule.gradient_at", name=type(self).__name__)
        moving = [
            i
            for i, (g, θ) in enumerate(zip(leaves, places, strict=True))
            if is_movable(θ) and not is_nothing(g)
        ]
        view = _View(tree, places, moving)
        said = tree.flatten_up_to(weights_of(params) if weights is None else weights)
        weight = view.joined([_flag(said[i], places[i]) for i in moving])
        memories = {name: tree.flatten_up_to(state.memory[name]) for name in self.memories}
        now = {name: view.joined([memory[i] for i in moving]) for name, memory in memories.items()}
        now |= {name: state.memory[name] for name in self.numbers}
        t = state.step + 1
        vectors = (
            view.joined([leaves[i] for i in moving]),
            view.joined([places[i] for i in moving]),
            t,
            weight,
        )
        if gradient_at is None or self.asks is None:
            Δ, new = self.formula(*vectors, **now)
        else:
            Δ, new = self.asked(*vectors, gradient_at=view.on_vectors(gradient_at), **now)
        update = tree.unflatten(view.put([nothing(g) for g in leaves], Δ, leaves))
        memory = {name: tree.unflatten(view.put(old, new[name], old)) for name, old in memories.items()}
        memory |= {name: view.xp.asarray(new[name], state.memory[name].dtype) for name in self.numbers}
        return update, State(t, memory)


class _View:
    """The arrays that move, at the positions `moving` of a tree, as one vector."""

    def __init__(self, tree: Structure, places: Sequence[Any], moving: Sequence[int]) -> None:
        self.tree, self.places, self.moving = tree, places, moving
        self.xp = _library([places[i] for i in moving])

    def joined(self, arrays: Sequence[Any]) -> Vector:
        if len(arrays) == 1 and getattr(arrays[0], "ndim", 0) == 1:
            return wide(arrays[0])
        xp = _library(arrays)  # of the derivative of a gradient on NumPy arrays JAX's
        return xp.concatenate([xp.ravel(wide(as_array(a))) for a in arrays] or [np.zeros(0)])

    def put(self, old: Sequence[Any], vector: Vector, like: Sequence[Any]) -> list[Any]:
        """`old` with the pieces of the vector at their places, each in the shape and dtype of `like`."""
        every, start = list(old), 0
        for i in self.moving:
            shape, size = np.shape(like[i]), int(np.size(like[i]))
            piece = vector if len(vector) == size and len(shape) == 1 else vector[start : start + size]
            every[i] = narrow(piece if len(shape) == 1 else piece.reshape(shape), like[i])
            start += size
        return every

    def on_vectors(self, gradient_at: GradientAt) -> VectorAt:
        """The gradient as a function of the vector."""

        def at(vector: Vector) -> Vector:
            params = self.tree.unflatten(self.put(self.places, vector, self.places))
            found = self.tree.flatten_up_to(gradient_at(params))
            return self.joined([found[i] for i in self.moving])

        return at


def _flag(said: Any, θ: Any) -> Array:
    """1 where there is a weight, of the shape of the array."""
    if np.shape(said) == np.shape(θ) and np.ndim(said) > 0:
        return said
    is_weight = is_outer(said) or bool(np.asarray(said))
    return _library([θ]).full(np.shape(θ), float(is_weight), wide(as_array(θ)).dtype)


def _library(arrays: Sequence[Any]) -> Any:
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np
