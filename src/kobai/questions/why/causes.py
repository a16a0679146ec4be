"""The causes that the measurements support: why these initial weights, why this rate, why this optimizer.

Why these weights and why this optimizer name a cause only where what it explains is established by the study
(the alternative is slower on the fresh seeds) and the measurement differs by more than it does anywhere in
healthy networks. Why this rate (`of_rate`) rests on the tuning, which has a few seeds; it says how many.
Else no cause was found, which is said, with the numbers.
"""

import dataclasses
import math
from typing import Any

import numpy as np

from kobai.optimizers.adabelief import AdaBelief
from kobai.optimizers.adadelta import AdaDelta
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.ademamix import AdEMAMix
from kobai.optimizers.adopt import ADOPT
from kobai.optimizers.nadamw import NAdamW
from kobai.optimizers.radam import RAdam
from kobai.optimizers.rmsprop import RMSProp
from kobai.questions.stability import PLAIN
from kobai.questions.why.cause import SLOWER, Cause
from kobai.questions.why.look import Look
from kobai.questions.why.measure import Measured, Unmeasured, told
from kobai.questions.why.of_rate import of_rate
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome
from kobai.study.question import Question

SCALE = 10.0
"""A factor between gradients that matters. Between the layers of the built-in tasks, with he or xavier, it is
at most 4.7 (mnist1d); between two initial values with which they train alike, at most 3.9."""

COORDINATES = 300.0
"""The same between a tenth of an array's entries and another tenth. In the built-in tasks, with he or xavier,
it is at most 190 (sine)."""

LARGE = 0.1
"""An array with at least this part of the weights counts where entries are compared; a small one, however
unequal, moves little."""

DIVIDING = (AdaGrad, AdaDelta, RMSProp, Adam, AdamW, NAdamW, RAdam, AdaBelief, AdEMAMix, ADOPT)
"""Rules that divide each entry by its own scale. Others do neither, and are no witnesses of this cause."""


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
        _optimizer(outcome, answer, measured),
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


def _slower(question: Question) -> dict[str, float]:
    """How many times as many steps each alternative needs that is shown to need more; by name.

    Infinite where no ratio can be told, and the alternative is shown not to be the best.
    """
    found = {}
    for each in question.alternatives:
        ratio, low = each.ratio.value, each.ratio.low
        if ratio is None or not math.isfinite(ratio):
            if each.name in question.not_best:
                found[each.name] = math.inf
        elif ratio >= SLOWER and ((low is not None and low > 1) or each.name in question.not_best):
            found[each.name] = ratio
    return found


def _initializer(answer: Answer, measured: Measured, *, divides: bool) -> Cause:
    """The alternative that is shown to be slower and whose gradients are farthest from the choice's.

    `divides`: the rule divides gradients by their size, which makes up for a factor that all layers share.
    """
    choice = answer.initializer.choice
    own, slower = measured.starts[choice], _slower(answer.initializer)
    values: dict[str, Any] = {"choice": choice, "optimizer": answer.optimizer.choice}
    lost = [
        (name, layer)
        for name in slower
        if name in measured.starts
        for layer, gradient in measured.starts[name].gradients.items()
        if not math.isfinite(gradient)
    ]
    if not _finite(own):
        return Cause("none", values | {"blurred": choice})
    if lost:
        [(name, layer), *_] = lost
        return Cause("not_finite", values | {"other": name, "layer": layer, "ratio": slower[name]})
    factors = {
        (name, layer): _ratio(gradient, own.gradients[layer])
        for name in slower
        if name in measured.starts
        for layer, gradient in measured.starts[name].gradients.items()
    }
    if not factors:
        return Cause("none", values)
    name, layer = max(factors, key=lambda place: abs(math.log(factors[place])))
    factor, look = factors[name, layer], measured.starts[name]
    values |= {"other": name, "layer": layer, "ratio": slower[name], "times": max(factor, 1 / factor)}
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


def _finite(look: Look) -> bool:
    return all(map(math.isfinite, (*look.gradients.values(), *look.activations.values())))


def _of_units(look: Look, own: Look, unit: str) -> float:
    return _ratio(look.activations[unit], own.activations[unit])


def _ratio(one: float, other: float) -> float:
    least = float(np.finfo(np.float32).tiny)
    return max(one, least) / max(other, least)


def _optimizer(outcome: Outcome, answer: Answer, measured: Measured) -> Cause:
    """What separates adaptive rules from the others here, if they are separated."""
    leader = outcome.recommended.variant
    rivals = {name for name, trial in outcome.winners.items() if isinstance(trial.variant, PLAIN)}
    own = measured.starts[outcome.recommended.initializer.name]
    values: dict[str, Any] = {"choice": outcome.leader, "rare": own.rare}
    if len(own.gradients) > 1 and _finite(own):
        by_size = sorted(own.gradients.items(), key=lambda each: each[1])
        (low_layer, low), (high_layer, high) = by_size[0], by_size[-1]
        values |= {"low_layer": low_layer, "low": low, "high_layer": high_layer, "high": high}
        values["times"] = _ratio(high, low)
    all_weights = sum(measured.sizes.values())
    large = [
        name
        for name, spread in own.spreads.items()
        if measured.sizes[name] >= LARGE * all_weights and math.isfinite(spread)
    ]
    if large:
        wide = max(large, key=lambda layer: own.spreads[layer])
        values |= {"wide_layer": wide, "spread": own.spreads[wide]}
    if measured.curved_at_start is not None:
        curved = measured.curved_at_start
        values |= {"curved": curved.ratio, "divided": curved.divided}
        if curved.spread is not None:
            values["curved_low"], values["curved_high"] = curved.spread
    slower = _slower(answer.optimizer)
    if not isinstance(leader, DIVIDING) or not rivals or not rivals <= slower.keys():
        return Cause("none", values)
    rival = min(rivals, key=lambda name: slower[name])
    values |= {"rival": rival, "ratio": slower[rival]}
    if values.get("times", 1) >= SCALE:
        return Cause("scales", values)
    return Cause("coordinates" if values.get("spread", 1) >= COORDINATES else "none", values)
