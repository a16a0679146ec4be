"""The causes in words: a line each for the terminal, a paragraph each for the page."""

import math
from collections.abc import Iterator
from typing import Any

from kobai.questions.why.cause import Cause
from kobai.questions.why.causes import Why
from kobai.questions.why.measure import Unmeasured
from kobai.words import say

OF = ("initializer", "learning_rate", "optimizer")
PARTS = ("common", "rare")
"""Values that are parts of one, told in per cent."""
RATES = ("rate", "previous", "next", "diverging", "highest", "rival_rate", "rival_next", "speed", "momentum")
"""Values that stand in the table of the study, told as there."""

LEFT_OUT = {
    "units": ("initializer",),
    "curvature": ("learning_rate", "optimizer"),
    "end": ("learning_rate",),
    "diverged": ("learning_rate",),
    "formula": ("learning_rate",),
    "schedule": ("learning_rate",),
    "memory": ("learning_rate",),
}
"""What was not measured, and in which paragraphs it is missed."""


def lines(why: Why | None) -> list[str]:
    """At most three lines: of the causes that were found."""
    if why is None:
        return []
    causes = [(name, getattr(why, name)) for name in OF]
    return [
        say(f"why.{name}.{cause.name}", **_values(cause)) for name, cause in causes if cause.name != "none"
    ]


def paragraphs(why: Why) -> Iterator[tuple[str, str]]:
    """(what is asked, what there is to say) of each of the three: the cause, and what was measured."""
    for name in OF:
        cause: Cause = getattr(why, name)
        found = (
            say("why.none")
            if cause.name == "none"
            else say(f"why.{name}.{cause.name}.more", **_values(cause))
        )
        facts = [say(f"why.{name}.{key}", **_values(cause)) for key in FACTS[name](cause)]
        if why.measured.failed and name != "initializer":
            facts.append(say("why.failed.curvature", reason=why.measured.failed))
        facts += [say(f"why.left_out.{key}") for key in why.measured.left_out if name in LEFT_OUT[key]]
        yield say(f"why.{name}"), say("report.space").join([found, *facts])


def content(why: Why | Unmeasured | None) -> dict[str, object] | None:
    """What ``answer.json`` holds."""
    if isinstance(why, Unmeasured):
        return {"failed": why.reason}
    if why is None:
        return None
    texts = dict(zip(OF, (text for _, text in paragraphs(why)), strict=True))
    causes = {name: getattr(why, name) for name in OF}
    return {
        **{
            name: {"cause": cause.name, "text": texts[name], "values": dict(cause.values)}
            for name, cause in causes.items()
        },
        "gradients": why.measured.gradients,
        "share": why.share,
        "measured": why.measured.plain(),
    }


# What was measured, whether or not it is a cause: keys of sentences


def _of_initializer(cause: Cause) -> Iterator[str]:
    values = cause.values
    if cause.name == "none":
        yield next((key for key in ("blurred", "divided_out", "other") if key in values), "alike")
    if "unit" in cause.values:
        yield "units"


def _of_rate(cause: Cause) -> Iterator[str]:
    values = cause.values
    if "diverging" in values:
        yield "diverging"
    elif "highest" in values:
        yield "stays"
    if "edge" in values:
        yield values["edge"]
    beside = [
        f"{side}.{kind}" + (".least" if f"{side}_bound" in values else "")
        for side in ("previous", "next")
        for kind in ("ratio", "worse")
        if f"{side}_{kind}" in values
    ]
    yield from beside
    if beside:
        yield "chosen"
    elif values.get("of") == 1:
        yield "one_seed"
    if values.get("stable_at_start") is not None:
        yield "stable" if values["stable_at_end"] is not None else "stable_at_start"
    if values.get("limit_at_start") not in (None, values.get("stable_at_start")):
        yield "limits"
    elif values.get("limit_at_start") is None and values.get("limit_at_end") is not None:
        yield "limit_at_end"
    if values.get("averaged") is not None:
        yield "averaged"
    if values.get("common") is not None:
        yield "common"
    if values.get("noise_floor"):
        yield "floor"


def _of_optimizer(cause: Cause) -> Iterator[str]:
    values = cause.values
    if "apart" in values:
        yield values["apart"]
    if "times" in values and cause.name != "scales":
        yield "layers"
    if "spread" in values and cause.name != "coordinates":
        yield "entries"
    if cause.name != "sparsity":
        yield "absent"
    if values.get("curved") is not None and cause.name != "curvature":
        yield "curved" if values.get("curved_low") is None else "curved.probes"
        if values["divided"] is not None and (cause.name == "none" or values["divided"] < values["curved"]):
            yield "divided"


FACTS = {"initializer": _of_initializer, "learning_rate": _of_rate, "optimizer": _of_optimizer}


def _values(cause: Cause) -> dict[str, str]:
    values: dict[str, Any] = dict(cause.values)
    if (ratio := values.get("ratio")) is not None:
        known = "why.slower.least" if "at_least" in values else "why.slower"
        values["slower"] = say(known if math.isfinite(ratio) else "why.not_best", ratio=written(ratio))
    if "rivals" in values:
        values["rivals"] = say("answer.comma").join(values["rivals"])
    if (happens := values.get("happens")) is not None:
        counts = {name: values[f"rival_{name}"] for name in ("runs", "of") if f"rival_{name}" in values}
        values["happens"] = say(f"why.optimizer.happens.{happens}", **counts)
    return {name: _told(name, value) for name, value in values.items()}


def _told(name: str, value: object) -> str:
    if name in PARTS and isinstance(value, float):
        return say("answer.part", part=f"{100 * value:.0f}")
    return f"{value:g}" if name in RATES else written(value)


def written(value: object) -> str:
    """A number in two figures, a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "–" if math.isnan(value) else "∞"
        return f"{value:.0f}" if 9.95 <= abs(value) < 1e5 else f"{value:.2g}"
    return str(value)
