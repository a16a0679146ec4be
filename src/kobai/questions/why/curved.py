"""How the loss curves at one point, as it is and as the rule divides it; and the limit of theory."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, ModelState, Vector, Whole
from kobai.basics.machine import quick_compilation
from kobai.engine.strategy import Strategy
from kobai.optimizers.base import Optimizer
from kobai.questions.curvature import Spectrum, lanczos, spectrum_of, training_loss
from kobai.questions.range.bounds import COST, Bound, has_limit, limit
from kobai.questions.stability import Reach, memory, scale
from kobai.tasks.task import Task

PROBES = 3
"""Random directions from which the lower quartile of the curvature is told, where that is not too dear."""

SHORT = 0.1
"""A rule's memory of squared gradients is short if it is at most this part of the training. A longer one
holds gradients of other places, which those at a point do not tell: theory's limit is left out."""

MEMORY = "memory"
"""That is why theory's limit is not told at the start."""

SEEN = 1e-5
"""A curvature that is no larger than this part of the largest is rounding."""


@dataclasses.dataclass(frozen=True)
class Curved:
    """How the loss curves at one point.

    Fields:
      largest: the largest eigenvalue of the Hessian.
      ratio: the same over the size that a quarter of the directions stays below (`Spectrum`), the median of
        `PROBES` random directions from which that is told; None where there is nothing to see there but
        rounding.
      spread: the least and the largest of these ratios; None: one direction was asked, or there is none.
      divided: the same ratio where each gradient is divided as the rule divides it; None: it does not, or by
        what is not known.
      gain: how many times as large the ratio is as the divided one, the least over the same directions; None:
        there is none of three directions.
      bound: the limit of theory for the rule; None where it is not known (`unlimited`).
    """

    largest: float
    ratio: float | None
    divided: float | None
    bound: Bound | None
    spread: tuple[float, float] | None = None
    gain: float | None = None

    @property
    def stable(self) -> float | None:
        """2/λ: the rate up to which SGD is stable."""
        return 2 / self.largest if np.isfinite(self.largest) and self.largest > 0 else None


def plain(values: Mapping[str, Any] | None) -> Curved | None:
    """The curvature of plain values, as a file holds them."""
    if values is None:
        return None
    bound, spread = values["bound"], values.get("spread")
    own = {"bound": None if bound is None else Bound(**bound), "spread": spread and tuple(spread)}
    return Curved(**{**values, **own})


def unlimited(rule: Optimizer, strategy: Strategy, steps: int) -> str:
    """Why theory's limit is not told of a rule at the start; "" where it is.

    There is no formula for it; or its rate changes; or what it divides by remembers other places than the one
    that is looked at. At the end of a training what it remembers is known.
    """
    if not has_limit(rule):
        return "formula"
    if strategy.schedule is not None:
        return "schedule"
    return MEMORY if memory(rule) > SHORT * steps else ""


def is_divided(rule: Optimizer) -> bool:
    """Whether the curvature is told of the divided gradient, too."""
    return has_limit(rule) and bool((scale(rule, np.full(1, 4.0)) != 1).all())


def curving(task: Task, rule: Optimizer, batch: PyTree, strategy: Strategy) -> Callable[..., Curved]:
    """What tells how the loss curves at θ, where the rule divides by the mean square v; compiled once.

    Each probe takes `COST` gradients, and as many where the curvature is told as divided, too.
    """

    @functools.partial(jax.jit, compiler_options=quick_compilation())
    def probe(θ: Vector, state: ModelState, s: Vector, seed: Whole) -> Matrix:
        return lanczos(training_loss(task, batch, state, strategy=strategy), θ, seed=seed, scale=s)

    def curve(
        θ: Vector,
        state: ModelState,
        v: np.ndarray,
        *,
        limited: bool,
        divided: bool,
        probes: int,
        own: Reach | None = None,
    ) -> Curved:
        """`own`: what the rule multiplies gradients by there, in place of what it would by v."""

        def spectra(s: np.ndarray) -> Sequence[Spectrum]:
            each = [probe(θ, state, s.astype(v.dtype), np.int32(seed)) for seed in range(probes)]
            return [spectrum_of(np.asarray(T)) for T in each]

        plain, is_other = spectra(np.ones_like(v)), divided and is_divided(rule)
        s = scale(rule, v) if own is None else np.sqrt(own.factors)
        seen = spectra(s) if is_other else plain
        ratios, others = _ratios(plain), _ratios(seen)
        λ = max(float(each.largest) for each in seen)
        if own is not None and is_other:  # as the formula has it: of a gradient divided, at a rate of 1
            λ /= float(getattr(rule, "learning_rate", 1.0))
        return Curved(
            largest=max(float(each.largest) for each in plain),
            ratio=float(np.median(ratios)) if ratios else None,
            divided=float(np.median(others)) if others and is_other else None,
            bound=limit(rule, λ, probes * COST) if has_limit(rule) and limited else None,
            spread=(min(ratios), max(ratios)) if len(ratios) > 1 else None,
            gain=_gain(ratios, others) if is_other and len(ratios) == len(others) == PROBES else None,
        )

    return curve


def _gain(ratios: Sequence[float], divided: Sequence[float]) -> float:
    """By what dividing brings the ratio down, seen from each direction; the least of them."""
    return min(one / other for one, other in zip(ratios, divided, strict=True))


def _ratios(spectra: Sequence[Spectrum]) -> list[float]:
    """The largest eigenvalue over the size that a quarter of the directions stays below, by each of them."""
    return [float(λ.largest / λ.quarter) for λ in spectra if λ.quarter > SEEN * λ.largest > 0]
