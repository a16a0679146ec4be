"""Signs: what a record says of a training in one number, each a small function of it.

None of them knows what is healthy. That is measured (`benchmarks/diagnosis.py`) and stands in `healthy`.
"""

from collections.abc import Sequence

import numpy as np

from kobai.questions.diagnosis.record import Record
from kobai.questions.diagnosis.sites import RELU, STATE, Site

TINY = 1e-30
"""Nothing is divided by less."""


def finite(values: np.ndarray) -> np.ndarray:
    """The finite ones among some numbers."""
    values = np.asarray(values, float)
    return values[np.isfinite(values)]


def lengths(parts: np.ndarray) -> np.ndarray:
    """[steps]: the length of all arrays together, of theirs [steps, arrays]; what is too long is infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.sum(np.asarray(parts, float) ** 2, axis=1)))


def fallen(record: Record) -> float:
    """The part of the training loss at the start that is gone at the end; below 0: it has risen."""
    start, end = record.train[0, 0], record.train[-1, 0]
    return float(1 - end / start) if np.isfinite(end) and start else -np.inf


def lowest(record: Record) -> float:
    """The lowest validation loss that was reached; NaN: none was finite."""
    losses = finite(record.validation[:, 0])
    return float(losses.min()) if losses.size else np.nan


def learned(record: Record, level: float) -> float:
    """The part of a level, `Case.level`, by which the validation loss gets below it: 1 is all, 0 nothing."""
    return _gone(lowest(record), level)


def fitted(record: Record, level: float) -> float:
    """The same of the loss on training examples, at the end."""
    return _gone(record.train[-1, 0], level)


def _gone(loss: float, level: float) -> float:
    return float(1 - loss / max(level, TINY)) if np.isfinite(loss) else -np.inf


def forgotten(record: Record) -> float:
    """How far the validation loss has risen again from its lowest, as a part of its way down."""
    losses = record.validation[:, 0]
    known = finite(losses)
    if not known.size or not np.isfinite(losses[-1]):
        return 0.0
    down = known[0] - known.min()
    return float((losses[-1] - known.min()) / down) if down > 0 else 0.0


def overshoot(record: Record) -> float:
    """The share of steps after which the loss of the step's own batch is higher than before it."""
    known = np.isfinite(record.loss)
    higher = ~(record.after <= record.loss)
    return float(higher[known].mean()) if known.any() else 1.0


def clipped(record: Record) -> tuple[float, float]:
    """(share of the steps, median factor) in which clipping made the gradient shorter.

    The gradient is that of loss and penalties. A step whose batch was left out is none of them.
    """
    taken = np.isfinite(record.unclipped) & (record.given > 0)
    factors = record.given[taken] / record.unclipped[taken]
    shorter = factors[factors < 1 - 1e-3]
    share = len(shorter) / len(factors) if len(factors) else 0.0
    return share, float(np.median(shorter)) if len(shorter) else 1.0


def beyond(record: Record) -> tuple[int, float]:
    """(step, value) of the largest curvature as the rule sees it, over what the rule bears."""
    seen = {step: each[2] for step, each in record.curvature.items() if np.isfinite(each[2])}
    step = max(seen, key=lambda step: seen[step], default=0)
    return step, seen.get(step, np.nan)


def slowest(record: Record) -> float:
    """The same at the end: how much of the curvature that the rule bears is used."""
    return float(list(record.curvature.values())[-1][2]) if record.curvature else np.nan


def stalled(record: Record, level: float) -> tuple[int, float]:
    """(step where it begins, share of the steps) of the longest time in which nothing is learned.

    In it the training loss differs by less than a hundredth of its start from where it began, and has left
    less than a fifth of what can be had without knowing the inputs: a loss that is low may stand still.
    """
    losses, marks = record.train[:, 0], record.marks
    best = (0, 0.0)
    for i, start in enumerate(losses):
        j = i
        while j + 1 < len(losses) and abs(losses[j + 1] - start) <= 0.01 * abs(losses[0]):
            j += 1
        share = float(marks[j] - marks[i]) / max(int(marks[-1]), 1)
        if share > best[1] and start > 0.8 * level:
            best = (int(marks[i]), share)
    return best


def bent(record: Record, step: float) -> float:
    """How far the loss curves downwards at the look nearest to a step: −λ_min over λ_max, and over the loss.

    The smaller of the two, for a plain has a little of either sign; 0: in no direction.
    """
    at = min(record.curvature, key=lambda look: abs(look - step))
    low, high, _ = record.curvature[at]
    loss = record.train[int(np.abs(record.marks - at).argmin()), 0]
    return float(max(min(-low / max(high, 1e-30), -low / max(loss, 1e-30)), 0.0))


def settled(record: Record) -> float:
    """How much the training loss has still changed in the last quarter, as a part of what is left of it."""
    losses, marks = record.train[:, 0], record.marks
    at = int(np.searchsorted(marks, 0.75 * marks[-1]))
    change = abs(losses[-1] - losses[at:].max())
    return float(change / max(losses[-1], TINY)) if np.isfinite(change) else np.inf


def risen(record: Record) -> float:
    """How far the training loss at the end is above its lowest, as a part of its way down; ∞: not finite."""
    losses = record.train[:, 0]
    known = finite(losses)
    if not np.isfinite(losses[-1]) or not known.size:
        return np.inf
    down = known[0] - known.min()
    return float((losses[-1] - known.min()) / down) if down > 0 else np.inf


def thrown(record: Record) -> float:
    """The highest loss of a batch over the first one."""
    known = finite(record.loss)
    return float(known.max() / known[0]) if known.size and known[0] > 0 else 1.0


def leap(record: Record) -> tuple[int, float]:
    """(step, length over that of the parameters) of the largest update of the first tenth."""
    updates, weights = lengths(record.updates), lengths(record.weights)
    first = max(len(updates) // 10, 1)
    parts = np.nan_to_num(updates[:first] / np.maximum(weights[:first], 1e-30), posinf=1e30)
    return int(parts.argmax()), float(parts.max())


def spike(record: Record) -> tuple[int, float]:
    """(step, factor) of the gradient that is longest beside the longest of all before it.

    Steps that grow by a steady factor are none; a cliff is. Nor is one of a training that has learned: there
    all gradients are short, and one may be a hundred times as long as the last ones, and harm nothing.
    """
    of_steps = lengths(record.gradients)
    best = (0, 1.0)
    for i in range(5, len(of_steps)):
        before = of_steps[:i].max()
        factor = of_steps[i] / before if 0 < before < np.inf else 1.0
        if np.isfinite(factor) and factor > best[1]:
            best = (i, float(factor))
    return best


def backward(record: Record, sites: Sequence[Site]) -> np.ndarray:
    """[looks]: the gradient that gets to the first layer of units over that at the last; NaN: one layer."""
    ends = [unit["reach"] for unit, site in zip(record.units, sites, strict=True) if not site.time]
    if len(ends) < 2:
        return np.full(len(record.marks), np.nan)
    return np.asarray(ends[0] / np.maximum(ends[-1], 1e-30))


def through_time(record: Record, sites: Sequence[Site]) -> np.ndarray:
    """[looks]: the same of a loop's state, at its first step over its last; the largest of several states."""
    ratios = []
    for unit, site in zip(record.units, sites, strict=True):
        if site.kind == STATE and unit["reach"].shape[-1] >= 3:
            reach = unit["reach"]
            # The state before the first step is no result of any weights.
            ratios.append(reach[:, 1] / np.maximum(reach[:, -1], 1e-30))
    return np.max(ratios, axis=0) if ratios else np.full(len(record.marks), np.nan)


def dead(record: Record, sites: Sequence[Site]) -> np.ndarray:
    """[sites, looks]: the share of units of max(x, 0) that are 0 on all examples."""
    rows = [u["dead"] if s.kind == RELU else 0 * u["dead"] for u, s in zip(record.units, sites, strict=True)]
    return np.array(rows).reshape(len(rows), len(record.marks))


def saturated(record: Record, sites: Sequence[Site]) -> np.ndarray:
    """[sites, looks]: the share of saturated values, of tanh and the logistic function, but for gates."""
    rows = [u["saturated"] * (not s.gate) for u, s in zip(record.units, sites, strict=True)]
    return np.array(rows).reshape(len(rows), len(record.marks))


def alike(record: Record) -> np.ndarray:
    """[arrays]: the share of units that are alike at the beginning and still are at the end."""
    return np.nan_to_num(np.minimum(record.alike[0], record.alike[-1]))


def ahead(record: Record) -> float:
    """How much the loss falls farther along the way of the second half, as a part of that at the start."""
    rest = finite(record.further[1:])
    return float((record.further[0] - rest.min()) / record.train[0, 0]) if rest.size else 0.0


def averaged(record: Record) -> float:
    """How much lower the loss is at the mean of the last iterates than at the end, as a part of its start.

    They are those of the last quarter. At the end, or at its four looks on average, whichever is lower: what
    is still falling is no noise.
    """
    mean, each = record.average
    gain = min(each, record.train[-1, 0]) - mean
    return float(gain / record.train[0, 0]) if np.isfinite(gain) else 0.0


def lag(record: Record) -> float:
    """The loss with running statistics over that with the batch's own, on the same examples, at the end."""
    inference, training = record.train[-1, 0], record.in_training[-1]
    return float(inference / training) if training > 0 else 1.0


def shrunk(record: Record) -> float:
    """The length of all parameters at the end over that at the beginning."""
    weights = lengths(record.weights)
    return float(weights[-1] / weights[0]) if weights[0] > 0 else 1.0


def ratio(record: Record) -> float:
    """The median length of an update over that of the parameters."""
    updates, weights = lengths(record.updates), lengths(record.weights)
    known = np.isfinite(updates) & (weights > 0)
    return float(np.median(updates[known] / weights[known])) if known.any() else np.inf


def noise_scale(record: Record) -> float:
    """tr Σ / ‖g‖² at the end, in examples: in batches much smaller than this a gradient is mostly noise.

    McCandlish and others (2018), arXiv 1812.06162, equation 2.8. The squared length of a mean of n examples
    holds tr Σ / n of the noise, which is taken off it.
    """
    noise, signal = record.noise[-1], record.signal[-1]
    pure = signal - noise / record.looked
    return float(noise / pure) if pure > 0 else np.inf
