"""What is measured of a network to say why: gradients by array and entry, units, noise, and the curvature.

At the start of one seed with every initial value that was tried, and at the end of the recommended training,
which is made once more (a study keeps no weights). The gradients of a few batches tell most of it: those that
the rule sees, of loss and penalties. The spectrum of the Hessian takes 20 products, each as much as two
gradients. All of it together is a small part of what the study took (`Measured.gradients`), or left out.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, ModelState, Scalar, Vector, on_device
from kobai.basics.machine import quick_compilation
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.questions.curvature import Spectrum, first_batches, first_of, penalty, training_loss
from kobai.questions.diagnosis.sites import observed, titles, with_units
from kobai.questions.range.bounds import COST, Bound, curving, has_limit, limit, memory, scale
from kobai.stabilizers.averaging import polyak
from kobai.tasks.task import Task

BATCHES = 4
"""Batches whose gradients are looked at."""

MOST = 0.1
"""So much of the gradients of a study may be taken to say why."""

LAST = 0.25
"""The part of a training whose iterates are averaged, to see its noise floor."""

SHORT = 0.1
"""A rule's memory of squared gradients is short if it is at most this part of the training. A longer one
holds gradients of other places, which those at a point do not tell: theory's limit is left out."""

SEEN = 1e-5
"""A curvature that is no larger than this part of the largest is rounding."""


@dataclasses.dataclass(frozen=True)
class Look:
    """The network at one point.

    Fields:
      loss: the mean over the batches.
      gradients: the root mean square of the gradient of each weight array, by its path.
      spreads: of each of these arrays how far the gradients of its entries lie apart: the root mean square
        that a tenth of them is above, over that which a tenth is below; of those that have a gradient at all.
      activations: the standard deviation of what comes out of each layer of units, by its name.
      common: what the gradients of the batches have in common, as a part of their mean |g|² (`in_common`): 1
        where all are alike, 0 where each points elsewhere; None where all are 0, or no finite numbers.
      rare: the mean over all entries of the part of the batches in which each has no gradient, penalties left
        aside.
    """

    loss: float
    gradients: Mapping[str, float]
    spreads: Mapping[str, float]
    activations: Mapping[str, float]
    common: float | None
    rare: float


@dataclasses.dataclass(frozen=True)
class Curved:
    """How the loss curves at one point.

    Fields:
      largest: the largest eigenvalue of the Hessian.
      ratio: the same over the size that a quarter of the directions stays below (`Spectrum`); None where
        there is nothing to see there but rounding.
      divided: the same ratio where each gradient is divided as the rule divides it; None: it does not, or by
        what is not known.
      bound: the limit of theory for the rule; None where it is not known (`unlimited`).
    """

    largest: float
    ratio: float | None
    divided: float | None
    bound: Bound | None

    @property
    def stable(self) -> float | None:
        """2/λ: the rate up to which SGD is stable."""
        return 2 / self.largest if np.isfinite(self.largest) and self.largest > 0 else None


@dataclasses.dataclass(frozen=True)
class Measured:
    """All that was measured.

    Fields:
      starts: by the name of the initial value, the recommended one first.
      end: at the end of the recommended training; None where that was too dear, or diverged.
      averaged: the loss on the same batches at the mean of the iterates of its last quarter; None likewise.
      curved_at_start, curved_at_end: with the recommended initial values; None where that was too dear.
      gradients: how many were computed, each of a batch; a product with the Hessian counts as two.
      sizes: how many weights each array holds.
      failed: why the curvature could not be measured; "": it could.
      left_out: what was not measured, by the key of the sentence that says so.
    """

    starts: Mapping[str, Look]
    end: Look | None
    averaged: float | None
    curved_at_start: Curved | None
    curved_at_end: Curved | None
    gradients: int
    sizes: Mapping[str, int]
    failed: str = ""
    left_out: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As plain values, for a file."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Measured":
        """What `plain` gave."""
        end = None if values["end"] is None else Look(**values["end"])
        starts = {name: Look(**look) for name, look in values["starts"].items()}
        curved = {name: _curved(values[name]) for name in ("curved_at_start", "curved_at_end")}
        left = {"left_out": tuple(values["left_out"])}
        return cls(**{**values, "starts": starts, "end": end, **curved, **left})


class Unmeasured(NamedTuple):
    """Why nothing could be measured: an error in letters, or that the study is too small for it (`SMALL`)."""

    reason: str


SMALL = "small"
"""The reason of a study a tenth of whose gradients is too few for anything."""


def _curved(values: Mapping[str, Any] | None) -> Curved | None:
    if values is None:
        return None
    return Curved(**{**values, "bound": None if values["bound"] is None else Bound(**values["bound"])})


def measured(
    task: Task,
    rule: Optimizer,
    initializers: Sequence[Initializer],
    strategy: Strategy,
    *,
    seed: int,
    steps: int,
    most: float,
) -> Measured | Unmeasured:
    """What there is to measure, at `most` so many gradients, where that is not too few for anything.

    Args:
      rule: the recommended one, with its rate.
      initializers: the recommended one first.
      strategy: of the recommended training.
      seed: of the starts, and of the training that is made again.
      steps: of that training.
    """
    gradients = BATCHES * len(initializers)
    if gradients > most:
        return Unmeasured(SMALL)
    batches = first_batches(task, seed, BATCHES)
    look = _looking(task, batches, strategy)
    curve = _curving(task, rule, first_of(batches), strategy)
    why_not = unlimited(rule, strategy, steps)
    dear = COST * (2 if is_divided(rule) else 1)
    dear_at_end = COST if why_not else dear
    starts = {each.name: on_device(task.start(each, stream(seed, INITIAL))) for each in initializers}
    looks = {name: look(θ, task.state) for name, θ in starts.items()}
    own = initializers[0].name
    seen = {name: each for name, (each, _) in looks.items()}
    left = () if seen[own].activations else ("units",)
    spans = zip(task.places, task.spans, strict=True)
    sizes = {place.name: size for place, (size, is_weight) in spans if is_weight}
    found = Measured(seen, None, None, None, None, gradients, sizes, left_out=(*left, "curvature", "end"))
    if gradients + dear > most:
        return found
    begin, failed = _tried(
        lambda: curve(starts[own], task.state, looks[own][1], limited=not why_not, divided=True)
    )
    gradients += dear
    left = (*left, why_not) if why_not and not failed else left
    found = dataclasses.replace(
        found, curved_at_start=begin, gradients=gradients, failed=failed, left_out=(*left, "end")
    )
    if gradients + steps + 2 * BATCHES + dear_at_end > most:
        return found
    ends = _trained(task, rule, initializers[0], strategy, seed, steps)
    found = dataclasses.replace(found, gradients=gradients + steps, left_out=left)
    if ends is None:
        return dataclasses.replace(found, left_out=(*left, "diverged"))
    (last, v), (mean, _) = (look(θ, state) for θ, state in ends)
    gradients += steps + 2 * BATCHES
    end = None if failed else curve(*ends[0], v, limited=not why_not, divided=not why_not)
    return dataclasses.replace(
        found,
        end=last,
        averaged=mean.loss,
        curved_at_end=end,
        gradients=gradients + (0 if failed else dear_at_end),
    )


def unlimited(rule: Optimizer, strategy: Strategy, steps: int) -> str:
    """Why theory's limit is not told of a rule, neither at the start nor at the end; "" where it is.

    There is no formula for it; or its rate changes; or what it divides by remembers other places than the one
    that is looked at.
    """
    if not has_limit(rule):
        return "formula"
    if strategy.schedule is not None:
        return "schedule"
    return "memory" if memory(rule) > SHORT * steps else ""


def _tried(measure: Callable[[], Curved]) -> tuple[Curved | None, str]:
    """What is measured, or why it cannot be: a loss without a second derivative, say."""
    try:
        return measure(), ""
    except Exception as error:  # noqa: BLE001 - no answer is lost for a reason
        return None, told(error)


def told(error: Exception) -> str:
    """An error in one line."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _looking(
    task: Task, batches: PyTree, strategy: Strategy
) -> Callable[[Vector, ModelState], tuple[Look, np.ndarray]]:
    """What looks at the network at θ, and gives the mean square of its gradients, too; compiled once."""
    first = first_of(batches)

    def loss(θ: Vector, state: ModelState, batch: PyTree) -> Scalar:
        return training_loss(task, batch, state)(θ)

    start = task.flatten(task.parameters)
    units = observed(loss, start, task.state, first)
    shapes = jax.eval_shape(functools.partial(units.run, None), start, task.state, first)[1]
    kept = with_units(units.sites, shapes, task.batch_size)

    @functools.partial(jax.jit, compiler_options=quick_compilation())
    def numbers(θ: Vector, state: ModelState) -> tuple:
        losses, g = jax.lax.map(lambda batch: jax.value_and_grad(loss)(θ, state, batch), batches)
        rare = (g == 0).mean()
        cost, pull = jax.value_and_grad(penalty(task, strategy))(θ)
        g += pull
        _, values = units.run(None, θ, state, first)
        return losses.mean() + cost, (g**2).mean(0), in_common(g), rare, [jnp.std(values[i]) for i in kept]

    places = [place.name for place in task.places]
    names = titles([units.sites[i] for i in kept])

    def look(θ: Vector, state: ModelState) -> tuple[Look, np.ndarray]:
        loss, v, common, rare, spreads = jax.tree.map(np.asarray, numbers(θ, state))
        parts = np.split(v, np.cumsum([size for size, _ in task.spans])[:-1])
        of_weights = {
            name: np.sqrt(part.astype(float))
            for name, part, (_, is_weight) in zip(places, parts, task.spans, strict=True)
            if is_weight
        }
        seen = Look(
            loss=float(loss),
            gradients={name: float(np.sqrt(np.mean(rms**2))) for name, rms in of_weights.items()},
            spreads={name: _spread(rms) for name, rms in of_weights.items()},
            activations={name: float(spread) for name, spread in zip(names, spreads, strict=True)},
            common=float(common) if v.any() and np.isfinite(common) else None,
            rare=float(rare),
        )
        return seen, v

    return look


def _spread(sizes: np.ndarray) -> float:
    """What a tenth is above over what a tenth is below, of those above 0; 1 where there are none."""
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    low, high = np.quantile(sizes, [0.1, 0.9]) if len(sizes) else (1, 1)
    return float(high / low)


def in_common(g: Matrix) -> Scalar:
    """The mean inner product of two of the rows [several, parameters], as a part of their mean |g|².

    That is the squared length of what they are draws of, without bias: |mean g|² in its place would be 1/n
    for n rows that have nothing in common. 0 where it comes out below, and where all rows are 0.
    """
    n, squares = len(g), jnp.sum(g**2)
    pairs = (jnp.sum(jnp.sum(g, axis=0) ** 2) - squares) / (n - 1)
    return jnp.where(squares > 0, jnp.maximum(pairs, 0) / jnp.where(squares > 0, squares, 1), 0)


def is_divided(rule: Optimizer) -> bool:
    """Whether the curvature is told of the divided gradient, too."""
    return has_limit(rule) and bool((scale(rule, np.full(1, 4.0)) != 1).all())


def _curving(task: Task, rule: Optimizer, batch: PyTree, strategy: Strategy) -> Callable[..., Curved]:
    """What tells how the loss curves at θ, where the gradients' mean square is v; compiled once."""
    spectrum = curving(task, batch, strategy)

    def curve(θ: Vector, state: ModelState, v: np.ndarray, *, limited: bool, divided: bool) -> Curved:
        own = spectrum(θ, state, np.ones_like(v))
        is_other = divided and is_divided(rule)
        seen = spectrum(θ, state, scale(rule, v)) if is_other else own
        return Curved(
            largest=float(own.largest),
            ratio=_ratio(own),
            divided=_ratio(seen) if is_other else None,
            bound=limit(rule, float(seen.largest), COST) if has_limit(rule) and limited else None,
        )

    return curve


def _ratio(λ: Spectrum) -> float | None:
    """The largest eigenvalue over the size that a quarter of the directions stays below."""
    return float(λ.largest / λ.quarter) if λ.quarter > SEEN * λ.largest > 0 else None


def _trained(
    task: Task, rule: Optimizer, initializer: Initializer, strategy: Strategy, seed: int, steps: int
) -> list[tuple[Vector, ModelState]] | None:
    """(θ, model state) at the end of a training, and of the mean of its last iterates; None: it diverged."""
    mean = polyak(max(steps - round(LAST * steps), 1))
    own = dataclasses.replace(strategy, averages=(mean,))
    sweep = Sweep(task, [rule], steps=steps, evaluate_every=steps, strategies=[own], keep_model=True)
    [run] = THREADS.runs(sweep, [Cell(rule, initializer, seed, own)])
    models = [run.model, run.averages[0].model]
    if any(model is None for model in models):
        return None
    return [(on_device(task.flatten(model.parameters)), model.state) for model in models if model]
