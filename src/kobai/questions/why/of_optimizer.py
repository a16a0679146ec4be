"""Why this optimizer: what sets rules that divide gradients by their scale apart, and what momentum."""

import math
from collections.abc import Mapping
from typing import Any

from kobai.candidates.values import learning_rate
from kobai.optimizers.adabelief import AdaBelief
from kobai.optimizers.adadelta import AdaDelta
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.ademamix import AdEMAMix
from kobai.optimizers.adopt import ADOPT
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.nadamw import NAdamW
from kobai.optimizers.nesterov import Nesterov
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.optimizers.radam import RAdam
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.sgd import SGD
from kobai.questions.stability import PLAIN
from kobai.questions.why.cause import Cause, Lag, of_lag, slower
from kobai.questions.why.look import Look, is_finite, times
from kobai.questions.why.measure import Measured
from kobai.questions.why.of_rate import beyond
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome

SCALE = 10.0
"""A factor between gradients that matters. Between the layers of the built-in tasks, with he or xavier, it is
at most 4.7 (mnist1d); between two initial values with which they train alike, at most 3.9."""

COORDINATES = 300.0
"""The same between a tenth of an array's entries and another tenth. In the built-in tasks, with he or xavier,
it is at most 196 (digits-cnn)."""

RARE = 0.2
"""Gradients are sparse where an entry has none in so much of the batches. In the built-in tasks, with he or
xavier, it is at most .11 (digits)."""

EVENED = 10.0
"""Dividing evens the curvature out where it brings the ratio of sharp to flat down by so much, seen from each
of three directions. Of three starts each of the built-in tasks, with he and xavier, that holds of sine with
he (3 of 3) and of mnist1d with xavier (1 of 3), and of no other."""

LARGE = 0.1
"""An array with at least this part of the weights counts where entries are compared; a small one, however
unequal, moves little."""

DIVIDING = (AdaGrad, AdaDelta, RMSProp, Adam, AdamW, NAdamW, RAdam, AdaBelief, AdEMAMix, ADOPT)
"""Rules that divide each entry by its own scale. Others do neither, and are no witnesses of this cause."""

GATHERING = (Momentum, Nesterov, NesterovDefinition)
"""Rules that gather speed along what keeps its direction."""


def of_optimizer(outcome: Outcome, answer: Answer, measured: Measured) -> Cause:
    """What sets the leader apart from rules without what it does, where these are shown to be slower."""
    leader = outcome.recommended.variant
    own = measured.starts[outcome.recommended.initializer.name]
    values: dict[str, Any] = {"choice": outcome.leader, **_seen(own, measured)}
    lags = slower(answer.optimizer)
    if isinstance(leader, DIVIDING):
        return _of_dividing(outcome, lags, values)
    if isinstance(leader, GATHERING):
        return _of_momentum(outcome, lags, values)
    return Cause("none", values | {"apart": "plain" if isinstance(leader, PLAIN) else "other"})


def _seen(own: Look, measured: Measured) -> dict[str, Any]:
    """What there is to say of gradients and curvature, whatever the leader is."""
    values: dict[str, Any] = {"rare": own.rare}
    if len(own.gradients) > 1 and is_finite(own):
        by_size = sorted(own.gradients.items(), key=lambda each: each[1])
        (low_layer, low), (high_layer, high) = by_size[0], by_size[-1]
        values |= {"low_layer": low_layer, "low": low, "high_layer": high_layer, "high": high}
        values["times"] = times(high, low)
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
        values |= {"curved": curved.ratio, "divided": curved.divided, "gain": curved.gain}
        if curved.spread is not None:
            values["curved_low"], values["curved_high"] = curved.spread
    return values


def _of_dividing(outcome: Outcome, lags: Mapping[str, Lag], values: dict[str, Any]) -> Cause:
    """The leader divides gradients by their scale: what makes that worth while, by the most special first."""
    rivals = [name for name, trial in outcome.winners.items() if isinstance(trial.variant, PLAIN)]
    if not rivals:
        return Cause("none", values | {"apart": "no_rival"})
    if keeping := [name for name in rivals if name not in lags]:
        return Cause("none", values | {"apart": "not_slower", "rivals": keeping})
    rival = min(rivals, key=lambda name: lags[name])
    values |= {"rival": rival} | of_lag(lags[rival])
    found = {
        "scales": values.get("times", 1) >= SCALE,
        "coordinates": values.get("spread", 1) >= COORDINATES,
        "sparsity": values["rare"] >= RARE,
        "curvature": (values.get("gain") or 1) >= EVENED,
    }
    return Cause(next((name for name, holds in found.items() if holds), "none"), values)


def _of_momentum(outcome: Outcome, lags: Mapping[str, Lag], values: dict[str, Any]) -> Cause:
    """The leader gathers speed: it moves along flat directions as SGD would at η/(1 − α).

    That sets it apart where SGD itself does worse at such a rate: the tuning has it at a smaller one, and at
    the next larger, no larger than that, a run diverges, or it is shown to do worse. Where SGD's rate is as
    large, it has that speed.
    """
    trials = {name: trial for name, trial in outcome.winners.items() if isinstance(trial.variant, SGD)}
    if not trials:
        return Cause("none", values | {"apart": "no_sgd"})
    if keeping := [name for name in trials if name not in lags]:
        return Cause("none", values | {"apart": "not_slower", "rivals": keeping})
    rival = min(trials, key=lambda name: lags[name])
    leader: Any = outcome.recommended.variant
    rate, α, own = float(leader.learning_rate), float(leader.momentum), learning_rate(trials[rival].variant)
    if α == 0 or own is None:
        return Cause("none", values | {"apart": "plain"})
    values |= {"rival": rival, "rate": rate, "momentum": α, "speed": rate / (1 - α), "rival_rate": own}
    values |= of_lag(lags[rival])
    if own * (1 + 1e-6) >= values["speed"]:
        return Cause("none", values | {"apart": "speed"})
    happens, more = beyond(outcome, trials[rival])
    if happens is None or more["next"] > values["speed"] * (1 + 1e-6):
        return Cause("none", values | {"apart": "unlimited"})
    of_rival = {f"rival_{name}": value for name, value in more.items()}
    return Cause("momentum", values | {"happens": happens} | of_rival)
