"""The causes that the measurements support: why these initial weights, why this rate, why this optimizer.

Why these weights and why this optimizer name a cause only where what it explains is established by the study
(the alternative is slower on the fresh seeds) and the measurement differs by more than it does anywhere in
healthy networks. Why this rate (`of_rate`) rests on the tuning, which has a few seeds; it says how many.
Else no cause was found, which is said, with the numbers.
"""

import dataclasses
import math
from typing import Any

from kobai.questions.why.cause import Cause, of_lag, slower
from kobai.questions.why.look import Look, is_finite, times
from kobai.questions.why.measure import Measured, Unmeasured, told
from kobai.questions.why.of_optimizer import DIVIDING, SCALE, of_optimizer
from kobai.questions.why.of_rate import of_rate
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome


@dataclasses.dataclass(frozen=True)
class Why:
    """The causes, what they rest on, and what that took.

    Fields:
      share: the gradients of the measurements as a part of the study's.
    """

    initializer: Cause
    learning_rate: Cause
    optimizer: Cause
    share: float
    measured: Measured


def why(outcome: Outcome, answer: Answer, measured: Measured) -> Why:
    """The causes that the measurements of a study support."""
    return Why(
        _initializer(answer, measured, divides=isinstance(outcome.recommended.variant, DIVIDING)),
        of_rate(outcome, measured),
        of_optimizer(outcome, answer, measured),
        measured.gradients / gradients_of(outcome),
        measured,
    )


def reasons(outcome: Outcome, answer: Answer, measured: Measured) -> Why | Unmeasured:
    """The same, or why there is none: no answer is lost for a reason, whatever the numbers are."""
    try:
        return why(outcome, answer, measured)
    except Exception as error:  # noqa: BLE001 - no answer is lost for a reason
        return Unmeasured(told(error))


def gradients_of(outcome: Outcome) -> int:
    """About how many gradients a study took: the steps of all its trainings."""
    ends = outcome.column("diverged_at").fill_null(outcome.study.steps)
    return max(int(ends.sum()), 1)


def _initializer(answer: Answer, measured: Measured, *, divides: bool) -> Cause:
    """The alternative that is shown to be slower and whose gradients are farthest from the choice's.

    `divides`: the rule divides gradients by their size, which makes up for a factor that all layers share.
    """
    choice = answer.initializer.choice
    own, lags = measured.starts[choice], slower(answer.initializer)
    values: dict[str, Any] = {"choice": choice, "optimizer": answer.optimizer.choice}
    lost = [
        (name, layer)
        for name in lags
        if name in measured.starts
        for layer, gradient in measured.starts[name].gradients.items()
        if not math.isfinite(gradient)
    ]
    if not is_finite(own):
        return Cause("none", values | {"blurred": choice})
    if lost:
        [(name, layer), *_] = lost
        return Cause("not_finite", values | {"other": name, "layer": layer, **of_lag(lags[name])})
    factors = {
        (name, layer): times(gradient, own.gradients[layer])
        for name in lags
        if name in measured.starts
        for layer, gradient in measured.starts[name].gradients.items()
    }
    if not factors:
        return Cause("none", values)
    name, layer = max(factors, key=lambda place: abs(math.log(factors[place])))
    factor, look = factors[name, layer], measured.starts[name]
    values |= {"other": name, "layer": layer, **of_lag(lags[name]), "times": max(factor, 1 / factor)}
    values |= {"gradient": look.gradients[layer], "of_choice": own.gradients[layer]}
    if units := [unit for unit, spread in look.activations.items() if math.isfinite(spread)]:
        unit = max(units, key=lambda unit: abs(math.log(_of_units(look, own, unit))))
        values |= {"unit": unit, "spread": look.activations[unit], "spread_of_choice": own.activations[unit]}
    if look.gradients[layer] == 0:
        return Cause("absent", values)
    cause = "vanishing" if factor <= 1 / SCALE else "exploding" if factor >= SCALE else "none"
    all_of_it = [each for (other, _), each in factors.items() if other == name]
    if cause != "none" and divides and max(all_of_it) / min(all_of_it) < SCALE:
        return Cause("none", values | {"divided_out": True})
    return Cause(cause, values)


def _of_units(look: Look, own: Look, unit: str) -> float:
    return times(look.activations[unit], own.activations[unit])
