"""Gradient clipping: what is too long is cut, what is not finite is left out (the lecture's part on cliffs).

Three bounds, one formula (Pascanu, Mikolov, Bengio 2013, arXiv 1211.5063, algorithm 1, for the norm)::

    g ← v g / ‖g‖            where ‖g‖ > v, over all arrays together: the direction stays
    g ← clip(g, −v, v)       each entry by itself: the direction turns
    v = the q-th percentile of the first k norms, measured once

A gradient with an infinite or NaN entry becomes zero, and is counted: scaled, it would make every parameter
NaN. One that is short enough comes back bit for bit. Here the length of (3, 4) clipped to 1 is exactly 1;
PyTorch adds 1e-6 to the norm and gives (.5999999, .7999998), and neither PyTorch nor optax keeps an infinite
entry from spreading.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np

from kobai.basics.arrays import (
    Array,
    Number,
    Parameters,
    Scalar,
    Truth,
    Vector,
    Whole,
    is_movable,
    namespace,
    narrow,
)
from kobai.basics.checks import COUNT, check_fields, check_number
from kobai.basics.errors import UsageError
from kobai.basics.hyperparameters import hyperparameters
from kobai.basics.notation import parse, written

if TYPE_CHECKING:
    import optax


class ClipState(NamedTuple):
    """What clipping remembers from step to step."""

    norms: Vector
    """[first]: the norms measured so far, ascending, then infinite; empty without a percentile."""
    number: Whole
    """How many of them are measured."""
    skipped: Whole
    """The gradients that were not finite."""
    clipped: Whole
    """The others that were above the bound, and are not what they were."""


@hyperparameters
class Clip:
    """A bound for gradients; made by `clip_value`, `clip_norm`, `clip_percentile`. Without one: none.

    ``init(params) -> state`` and ``update(gradient, state, params) -> (clipped, state)`` on any pytree of
    NumPy or JAX arrays, as in optax.
    """

    value: Number = math.inf
    """The largest entry."""
    norm: Number = math.inf
    """The largest norm."""
    percentile: Number = 0.0
    """q, of the first norms."""
    first: Number = 0
    """k: how many norms are measured; 0: the bound is given."""

    def __post_init__(self) -> None:
        bound = ("rule.bound", lambda v: v > 0)
        percent = ("rule.percentage", lambda q: 0 <= q <= 100)
        count = ("rule.count0", lambda k: 0 <= k < math.inf and k == int(k))
        check_fields(self, {"value": bound, "norm": bound, "percentile": percent, "first": count})

    @property
    def name(self) -> str:
        """How the command line writes it: "norm:1"."""
        if self.first:
            first = [float(self.first)] if self.first != FIRST else []
            return written("percentile", float(self.percentile), *first)
        bounds = {"value": self.value, "norm": self.norm}
        return next((written(kind, float(v)) for kind, v in bounds.items() if v < math.inf), "none")

    def init(self, params: Parameters, room: int | None = None) -> ClipState:
        """The state before the first gradient; `room`: for how many norms, where `first` is traced."""
        dtype = np.result_type(np.float32, *(_wide(leaf) for leaf in _arrays(params)))
        return ClipState(
            np.full(int(self.first) if room is None else room, np.inf, dtype), *[np.int32(0)] * 3
        )

    def update(
        self,
        gradient: Parameters,
        state: ClipState,
        params: Parameters | None = None,  # noqa: ARG002
    ) -> tuple[Parameters, ClipState]:
        """(the clipped gradient, the next state); of one that is not finite zero, if there is a bound."""
        scale, scaled_length = _scaled_norm(gradient)
        length = _unscaled(scale, scaled_length)
        xp = namespace(length)
        # Without any bound nothing is done at all: not finite stays not finite.
        guarded = (self.value < math.inf) | (self.norm < math.inf) | (self.first > 0)
        finite = xp.isfinite(length)
        left_out = ~finite & guarded
        bound = xp.minimum(self.norm, self._threshold(state))  # before this norm: the first k are not clipped
        state = self._measured(length, finite, state)
        # The rounding of the norm itself is no excess: what is at the bound stays as it is.
        too_long = finite & (length * (1 - ROUNDING * np.finfo(length.dtype).eps) > bound)
        divisor, factor = xp.where(too_long, scaled_length, 1), xp.where(too_long, bound, 1)

        def clipped(g: Array) -> Array:
            shortened = g * scale / divisor * factor  # v·sg/‖sg‖, in an order that does not overflow
            entries = _bounded(xp.where(too_long, shortened, g), self.value)
            return narrow(xp.where(left_out, 0, entries), g)

        beyond = sum(xp.any(xp.abs(g) > self.value) for g in _arrays(gradient))  # arrays with such an entry
        skipped = state.skipped + xp.where(left_out, 1, 0).astype(np.int32)
        cut = state.clipped + xp.where(finite & (too_long | (beyond > 0)), 1, 0).astype(np.int32)
        gradient = jax.tree.map(lambda g: clipped(g) if is_movable(g) else g, gradient)
        return gradient, state._replace(skipped=skipped, clipped=cut)

    def _measured(self, length: Scalar, finite: Truth, state: ClipState) -> ClipState:
        """The state with one more norm, while they are being measured."""
        if len(state.norms) == 0:
            return state
        xp = namespace(length)
        measuring = finite & (state.number < self.first)
        # Put in its place, not sorted: the smaller norms stay, the larger ones move up by one.
        moved = xp.concatenate([np.full(1, -np.inf, state.norms.dtype), state.norms[:-1]])
        inserted = xp.where(state.norms <= length, state.norms, xp.maximum(moved, length))
        norms = xp.where(measuring, inserted, state.norms).astype(state.norms.dtype)
        return state._replace(norms=norms, number=state.number + xp.where(measuring, 1, 0).astype(np.int32))

    def _threshold(self, state: ClipState) -> Number:
        """The percentile of the norms, interpolated linearly; infinite while they are being measured."""
        if len(state.norms) == 0:
            return math.inf
        xp = namespace(state.norms)
        known = (self.first > 0) & (state.number >= self.first)
        last = xp.maximum(self.first - 1, 0)
        place = last * self.percentile / 100
        below = xp.floor(place).astype(np.int32)
        above = xp.minimum(below + 1, last).astype(np.int32)
        part = place - below
        ends = [xp.where(known, state.norms[i], 0) for i in (below, above)]
        return xp.where(known, ends[0] * (1 - part) + ends[1] * part, math.inf)

    def as_optax(self) -> "optax.GradientTransformation":
        """This as an `optax.GradientTransformation`, for `optax.chain` (needs optax installed)."""
        try:
            import optax
        except ImportError as missing:
            raise UsageError("error.needs_optax") from missing
        return optax.GradientTransformation(self.init, self.update)


FIRST = 100
"""How many norms are measured, where nobody says."""

ROUNDING = 4
"""Units in the last place by which a norm may be off: at most 1.2 were seen, of up to a million entries."""


def clip_value(value: float) -> Clip:
    """Every entry between −value and value: (3, 4) at 1 becomes (1, 1), a direction turned by 8.13°."""
    check_number("clip_value", "value", value, "rule.positive", lambda v: 0 < v < math.inf)
    return Clip(value=float(value))


def clip_norm(norm: float) -> Clip:
    """The norm over all arrays at most `norm`: (3, 4) at 1 becomes (.6, .8)."""
    check_number("clip_norm", "norm", norm, "rule.positive", lambda v: 0 < v < math.inf)
    return Clip(norm=float(norm))


def clip_percentile(percentile: float, first: int = FIRST) -> Clip:
    """The norm at most the q-th percentile of the first norms, which are not clipped themselves."""
    check_number("clip_percentile", "percentile", percentile, "rule.percent", lambda q: 0 < q <= 100)
    check_number("clip_percentile", "first", first, *COUNT)
    return Clip(percentile=float(percentile), first=int(first))


def clip(text: "str | Clip") -> Clip:
    """The bound written as "none", "value:0.5", "norm:1", "percentile:90" or "percentile:90:50"."""
    return text if isinstance(text, Clip) else parse("kind.clip", text, CLIPS)


CLIPS = {"none": Clip, "value": clip_value, "norm": clip_norm, "percentile": clip_percentile}


def global_norm(tree: Parameters) -> Scalar:
    """‖g‖ over all arrays of a pytree, at least in float32; not finite exactly where an entry is not.

    A norm beyond the largest number is told as that number.
    """
    return _unscaled(*_scaled_norm(tree))


def _scaled_norm(tree: Parameters) -> tuple[Scalar, Scalar]:
    """(s, ‖s·g‖), with s the power of two that brings the largest entry near 1.

    In float32 a plain sum of squares overflows from 1.8e19, and is zero below 1e-23. A power of two, and not
    the largest entry itself, because multiplying by it rounds nothing.
    """
    leaves = _arrays(tree)
    xp = namespace(leaves[0]) if leaves else np
    leaves = [(xp.abs(leaf) if xp.iscomplexobj(leaf) else leaf).astype(_wide(leaf)) for leaf in leaves]
    largest = (
        xp.asarray(0.0, np.float32)
        if not leaves
        else xp.max(xp.stack([xp.max(xp.abs(leaf), initial=0) for leaf in leaves]))
    )
    finite = xp.isfinite(largest)
    _, exponent = xp.frexp(xp.where(finite, largest, 1))
    most = -int(np.finfo(largest.dtype).minexp)  # 2^−most is the smallest number with all its digits
    scale = xp.ldexp(xp.ones_like(largest), xp.clip(1 - exponent, -most, most))
    squares = sum((xp.sum((leaf * scale) ** 2) for leaf in leaves), start=xp.zeros_like(largest))
    return scale, xp.where(finite, xp.sqrt(squares), largest)


def _unscaled(scale: Scalar, length: Scalar) -> Scalar:
    """‖g‖ from the two numbers of `_scaled_norm`; the largest number where it is beyond that."""
    xp = namespace(length)
    most = np.finfo(length.dtype).max * xp.minimum(scale, 1)
    return xp.where(xp.isfinite(length), xp.minimum(length, most), length) / scale


def _bounded(g: Array, value: Number) -> Array:
    """Every entry at most `value` long; of a complex one the direction stays."""
    xp = namespace(g)
    if not xp.iscomplexobj(g):
        return xp.clip(g, -value, value)
    length = xp.abs(g)
    too_long = length > value
    return xp.where(too_long, g / xp.where(too_long, length, 1) * xp.where(too_long, value, 1), g)


def _arrays(tree: Parameters) -> list[Array]:
    """The gradients among the leaves of a pytree, as arrays of NumPy where they are Python's numbers."""
    leaves = (leaf for leaf in jax.tree.leaves(tree) if is_movable(leaf))
    return [leaf if hasattr(leaf, "dtype") else np.asarray(leaf) for leaf in leaves]


def _wide(array: Array) -> np.dtype:
    """The dtype in which the absolute values of `array` are squared and added: float32 at least."""
    real = np.finfo(array.dtype).dtype if array.dtype.kind == "c" else array.dtype
    return np.promote_types(real, np.float32)
