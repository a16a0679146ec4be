"""The remedies that the lecture gives, as settings that can be tried: for each trouble, in their order.

A remedy that needs other data, a longer sequence's network or a new idea is told in words alone.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kobai import initializers
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.optimizers.adam import Adam
from kobai.questions.diagnosis.case import Case, Setting, Trouble
from kobai.questions.diagnosis.cure import END, STEPS, Cure, Maker, Remedy
from kobai.questions.diagnosis.cures_of_task import (
    dense,
    even_classes,
    gated,
    hidden_layer,
    quick_statistics,
    standardized,
)
from kobai.questions.diagnosis.sites import RELU
from kobai.schedules import cosine
from kobai.stabilizers.averaging import polyak
from kobai.stabilizers.clipping import clip_norm
from kobai.stabilizers.early_stopping import early_stopping
from kobai.stabilizers.regularization import l2


def cures(case: Case, trouble: Trouble) -> Iterator[Cure]:
    """The cures of a trouble, the first to be tried first."""
    for make in CURES.get(trouble.name, ()):
        cure = make(case)
        if cure is not None:
            yield cure


def _of(*remedies: Remedy) -> tuple[Maker, ...]:
    """Remedies that need the setting alone."""

    def maker(remedy: Remedy) -> Maker:
        return lambda case: remedy(case.setting)

    return tuple(map(maker, remedies))


def initial(name: str) -> Remedy:
    """Other initial values, with the numbers that they have where nothing is said."""

    def change(setting: Setting) -> Cure | None:
        own = setting.initializer
        new: Initializer = getattr(initializers, name)()
        if own == new:
            return None
        values = {"new": new.name, "old": own.name}
        return Cure("initializer", values, dataclasses.replace(setting, initializer=new))

    return change


def _usual(case: Case) -> Cure | None:
    """He's initial values for max(x, 0), Xavier's for anything else."""
    relu = any(site.kind == RELU for site in case.sites)
    return initial("he" if relu else "xavier")(case.setting)


def _other(case: Case) -> Cure | None:
    """The one of the two that is not the usual."""
    relu = any(site.kind == RELU for site in case.sites)
    return initial("xavier" if relu else "lecun")(case.setting)


def rate(factor: float, by: str = STEPS) -> Remedy:
    """So many times the learning rate."""

    def change(setting: Setting) -> Cure | None:
        optimizer: Any = setting.optimizer
        if not hasattr(optimizer, "learning_rate"):
            return None
        old = float(optimizer.learning_rate)
        new = dataclasses.replace(optimizer, learning_rate=old * factor)
        values = {"new": f"{old * factor:.3g}", "old": f"{old:.3g}"}
        return Cure("rate", values, dataclasses.replace(setting, optimizer=new), by)

    return change


def _borne(case: Case) -> Cure | None:
    """Half the rate up to which the curvature at the start is borne, of a rule that multiplies all alike."""
    seen = [record.curvature[0][2] for record in case.records if 0 in record.curvature]
    known = [each for each in seen if np.isfinite(each) and each > 0]
    factor = 1 / (2 * float(np.median(known))) if known else 1.0
    cure = rate(factor)(case.setting) if factor < 1 else None
    return None if cure is None else cure._replace(key="borne")


def usual_with_rate(factor: float) -> Maker:
    """The usual initial values with so many times the rate: one that suits weights much too large is too low
    for others.
    """

    def change(case: Case) -> Cure | None:
        start = _usual(case)
        changed = None if start is None else rate(factor)(start.setting)
        if start is None or changed is None:
            return None
        values = {**start.values, "rate": changed.values["new"], "slower": changed.values["old"]}
        return Cure("initializer.rate", values, changed.setting)

    return change


def longer(times: int) -> Remedy:
    """So many times the steps."""

    def change(setting: Setting) -> Cure | None:
        steps = times * setting.steps
        values = {"new": steps, "old": setting.steps}
        return Cure("longer", values, dataclasses.replace(setting, steps=steps), END)

    return change


def adam(rate: float) -> Remedy:
    """Adam at this rate."""

    def change(setting: Setting) -> Cure | None:
        if isinstance(setting.optimizer, Adam):
            return None
        values = {"new": "adam", "rate": f"{rate:.3g}"}
        return Cure("rule", values, dataclasses.replace(setting, optimizer=Adam(rate)))

    return change


def strategy(key: str, by: str, part: str, **parts: Any) -> Remedy:
    """Another part beside the rule."""

    def change(setting: Setting) -> Cure | None:
        new: Strategy = dataclasses.replace(setting.strategy, **parts)
        if new == setting.strategy:
            return None
        return Cure(key, {"new": part}, dataclasses.replace(setting, strategy=new), by)

    return change


falling = strategy("schedule", END, "cosine", schedule=cosine())
clipped = strategy("clip", STEPS, "norm:1", clip=clip_norm(1.0))
stopped = strategy("stopping", END, "3", early_stopping=early_stopping(3))


def _average(case: Case) -> Cure | None:
    start = max(3 * case.setting.steps // 4, 1)
    return strategy("average", END, f"polyak:{start}", averages=(polyak(start),))(case.setting)


def _without_decay(setting: Setting) -> Cure | None:
    return Cure("decay", {"old": f"{setting.decay:.3g}"}, setting.undecayed) if setting.decay else None


RELU_THERE, NORMALIZED = dense("activation", activation="relu"), dense("batch_norm", batch_norm=True)

CURES: Mapping[str, tuple[Maker, ...]] = {
    "unscaled_inputs": _of(standardized),
    "symmetry": (_usual, _other),
    "saturation": (_usual, _other, RELU_THERE, NORMALIZED),
    "dead_units": (_usual, *_of(rate(1 / 10)), dense("activation", activation="tanh")),
    "explosion": (_usual, *_of(clipped, initial("orthogonal")), usual_with_rate(10)),
    "rate_too_high": (_borne, *_of(rate(1 / 10), rate(1 / 100), rate(1 / 3), rate(1 / 1000))),
    "weight_decay_too_strong": _of(_without_decay),
    "vanishing": (_usual, RELU_THERE, *_of(adam(0.01)), NORMALIZED),
    "long_term": (*_of(initial("orthogonal")), _usual, *_of(adam(0.01)), gated),
    "batch_norm_lag": (quick_statistics, *_of(falling, rate(1 / 10, END))),
    "saddle": (_usual, *_of(adam(0.01), rate(10))),
    "plateau": (_usual, usual_with_rate(10), *_of(rate(10), rate(100), rate(1000), adam(0.01))),
    "rate_too_low": _of(rate(10), rate(100), rate(3)),
    "noise_floor": (*_of(falling), _average, *_of(rate(1 / 10, END))),
    "overfitting": _of(stopped, strategy("l2", END, "0.01", l2=l2(0.01))),
    "underfitting": (dense("wider", times=10), hidden_layer, *_of(rate(3, END), longer(2), longer(4))),
    "imbalance": (even_classes,),
}
"""What is tried for each trouble. Constant inputs and labels that cannot be learned need other data, which
nobody but their owner has."""
