"""Averaging of iterates: a training that circles around a minimum has it in its middle.

An average is a weight w(t) for each step t = 1, 2, …, and one formula::

    θ̄ ← (1 − w) θ̄ + w θ

Polyak–Ruppert from step k: w = 1/(t−k+1), the plain mean of θ_k, …, θ_t, and before step k θ itself
(Polyak and Juditsky 1992, SIAM J. Control Optim. 30, 838–855; Ruppert 1988, Cornell technical report 781).
Exponential: w = (1−β)/(1−βᵗ), the mean with weights βᵗ⁻ⁱ that sum to 1; without the denominator the first
iterates would count far too much, as in Adam's correction.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from kobai.basics.arrays import (
    Array,
    Number,
    Parameters,
    Whole,
    is_float,
    namespace,
    narrow,
    wide,
    zeros_like,
)
from kobai.basics.checks import COUNT, check_number
from kobai.basics.notation import parse, written
from kobai.basics.roles import weights

Steps = Whole | Array
"""Steps, counted from 1."""


class AverageState(NamedTuple):
    """The mean so far, a pytree like the parameters, and the number of iterates that it has seen."""

    step: Whole
    mean: Parameters
    rest: tuple[Array | None, ...] = ()
    """For each leaf of the mean what half precision cannot hold of it, in float32; else None."""


@dataclasses.dataclass(frozen=True)
class Averaging:
    """A mean of the iterates, kept beside the training, which it does not change.

    In a loop: ``state = averaging.init(params)`` at the start, ``state = averaging.update(params, state)``
    after every update, and ``state.mean`` wherever the mean is wanted.
    """

    name: str
    weight: Callable[[Steps], Array] = dataclasses.field(repr=False, compare=False)
    """w(t) for an array of steps t, counted from 1."""
    shortest: int = dataclasses.field(default=1, repr=False, compare=False)
    """The steps of the shortest run in which the mean is one of several iterates."""

    def init(self, params: Parameters) -> AverageState:
        return AverageState(np.int32(0), params, tuple(map(_rest, jax.tree.leaves(params))))

    def update(self, params: Parameters, state: AverageState) -> AverageState:
        """The state with the iterate `params` in its mean.

        Leaves that are not averaged (whole numbers, functions, what is frozen) are those of `params`.
        """
        t = state.step + 1
        w = self.weight(t)
        leaves, tree = jax.tree.flatten(params)
        averaged = jax.tree.leaves(weights(params, biases=True))
        means, rests = [], []
        for θ, old, rest, flag in zip(leaves, jax.tree.leaves(state.mean), state.rest, averaged, strict=True):
            flag = flag or isinstance(θ, float | complex)
            mean = mixed(wide(old) if rest is None else wide(old) + rest, wide(θ), w) if flag else θ
            means.append(narrow(mean, θ))
            rests.append(None if rest is None else narrow(mean - wide(means[-1]), rest) if flag else rest)
        return AverageState(t, jax.tree.unflatten(tree, means), tuple(rests))


def _rest(leaf: Array) -> Array | None:
    return zeros_like(leaf) if is_float(leaf) and leaf.dtype.itemsize < 4 else None


def mixed(mean: Array, θ: Array, w: Number) -> Array:
    """(1 − w) θ̄ + w θ."""
    return (1 - w) * mean + w * θ


def polyak(start: int = 1) -> Averaging:
    """The plain mean of the iterates from step `start` on (the first update makes iterate 1)."""
    check_number("polyak", "start", start, *COUNT)
    k = int(start)
    name = "polyak" if k == 1 else written("polyak", k)
    return Averaging(name, lambda t: 1 / namespace(t).maximum(t - k + 1, 1), shortest=k + 1)


def exponential(decay: float = 0.99) -> Averaging:
    """The mean with weights that fall by `decay` (β) with every step back."""
    check_number("exponential", "decay", decay, "rule.decay", lambda β: 0 <= β < 1)
    β = float(decay)
    # 1.0·t, because NumPy's float32 ** int32 is a float64 and JAX's a float32: both in double here.
    return Averaging(written("exponential", β), lambda t: (1 - β) / (1 - β ** (1.0 * t)))


def average(text: str | Averaging | None) -> Averaging | None:
    """The average written as "polyak", "polyak:100" or "exponential:0.99"; None for "none"."""
    return text if text is None or isinstance(text, Averaging) else parse("kind.average", text, AVERAGES)


AVERAGES: dict[str, Callable[..., Averaging | None]] = {
    "none": lambda: None,
    "polyak": polyak,
    "exponential": exponential,
}
