"""The class of an optimizer of Keras that clips, goes by the width, or masks its steps."""

import math

from kobai.optimizers import translation
from kobai.questions.comparison.code import common
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import comment
from kobai.words import say

OTHERS = '("bias", "beta", "gamma")'
"""What Keras calls the arrays that are no weights."""

MASK = """
{doc}
class Masked({base}):
    def apply(self, grads, trainable_variables=None):
        arrays = model.trainable_variables
        before = [ops.copy(ops.convert_to_tensor(array)) for array in arrays]
        super().apply(grads, trainable_variables)
        updates = [ops.convert_to_tensor(array) - old for array, old in zip(arrays, before)]
        masks = [ops.sign(u) * ops.sign(g) < 0 for u, g in zip(updates, grads)]
        masks = [ops.cast(mask, u.dtype) for mask, u in zip(masks, updates)]
        d, nnz = {d}, sum(ops.sum(mask) for mask in masks)
        for array, old, u, mask in zip(arrays, before, updates, masks):
{decay}            array.assign(old + d / (nnz + 1) * mask * u)
"""

WIDTH = """
class ByWidth({base}):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate * RATE_OF[variable.path])
"""


def clipped(plan: Plan) -> str:
    """Clipping as a class of the optimizer that clips before it applies."""
    clip = plan.clip
    rule = plan.rule_in(translation.KERAS)
    if clip is None or rule is None or plan.from_optax:
        return ""
    base = translation.keras(rule).function
    measured, entries = bool(clip.first), clip.value < math.inf
    build = [
        "    def build(self, variables):",
        "        super().build(variables)",
        '        self.norms = self.add_variable((FIRST,), dtype="float32", name="norms")',
        '        self.seen = self.add_variable((), dtype="int32", name="seen")',
        "",
    ]
    measuring = [
        "        norms, seen = ops.convert_to_tensor(self.norms), ops.convert_to_tensor(self.seen)",
        "        ordered, place = ops.sort(norms), (FIRST - 1) * PERCENTILE / 100",
        "        below, above = ordered[int(place)], ordered[min(int(place) + 1, FIRST - 1)]",
        "        bound = below + (place - int(place)) * (above - below)",
        '        bound = ops.where(seen < FIRST, float("inf"), bound)',
        "        new = ops.logical_and(ops.arange(FIRST) == seen, finite)",
        '        self.norms.assign(ops.where(new, ops.cast(norm, "float32"), norms))',
        '        self.seen.assign(seen + ops.cast(ops.any(new), "int32"))',
    ]
    bound = "bound" if measured else "CLIP"
    cut = "ops.clip(g, -CLIP, CLIP)" if entries else "g * factor"
    return "\n".join(
        [
            common.clip_comment(plan, say("code.clip.keras")),
            common.clip_settings(plan),
            "ops = keras.ops",
            "",
            "",
            f"class Clipped({base}):",
            *(build if measured else []),
            "    def apply(self, grads, trainable_variables=None):",
            "        norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in grads))",
            "        finite = ops.isfinite(norm)",
            *(measuring if measured else []),
            *([] if entries else [f"        factor = ops.where(norm > {bound}, {bound} / norm, 1.0)"]),
            f"        grads = [ops.where(finite, {cut}, 0.0) for g in grads]",
            "        super().apply(grads, trainable_variables)",
        ]
    )


def classes(plan: Plan) -> tuple[str, str]:
    """(the text, the name) of the optimizer's class, where clipping, μP or a mask make one."""
    rule = plan.rule_in(translation.KERAS)
    if rule is None or plan.from_optax:
        return "", ""
    base = "Clipped" if plan.clip else translation.keras(rule).function
    text, name = _shaped(plan, base)
    return ("" if plan.clip or not text else "ops = keras.ops\n\n\n") + text, name


def _shaped(plan: Plan, base: str) -> tuple[str, str]:
    """(their text, the last one's name) of an optimizer that is `base` but for μP and the mask."""
    parts = []
    if plan.said.growth and plan.is_written:
        paths = "[array.path for array in model.trainable_variables]"
        parts.append(f"RATE_OF = dict(zip({paths}, RATES))\n\n{WIDTH.format(base=base)}")
        base = "ByWidth"
    if plan.strategy.mask is not None:
        parts.append(
            MASK.format(base=base, doc=comment(say("code.mask")), d=_entries(plan), decay=_decay(plan))
        )
        base = "Masked"
    return "\n\n\n".join(part.strip("\n") for part in parts), base


def _entries(plan: Plan) -> str:
    """How many entries there are; of the two biases of Keras's GRU one is held at 0."""
    one_of_two = plan.said.recurrent is not None and plan.said.recurrent.cell == "gru"
    part = " // (2 if array.constraint else 1)" if one_of_two else ""
    return f"sum(math.prod(array.shape){part} for array in arrays)"


def _decay(plan: Plan) -> str:
    """The decay of what the mask leaves alone."""
    if plan.decay is None:
        return ""
    shrink = f"old = old * (1 - self.learning_rate * {plan.decay.rate!r})\n"
    if plan.decay.biases:
        return f"            {shrink}"
    return f"            if array.name not in {OTHERS}:\n                {shrink}"
