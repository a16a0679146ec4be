"""The recommended training for optax: plain JAX around it, whatever the network is written in."""

import math
from collections.abc import Mapping

from kobai.optimizers import translation
from kobai.optimizers.base import RATES, Optimizer
from kobai.optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from kobai.questions.comparison.code import beside, common, jax, of_task
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import Code, Program, block, call, comment, missing, program
from kobai.words import say


def written(plan: Plan) -> Program:
    """The whole program."""
    sections = {
        "settings": common.settings(plan, ""),
        "data": common.data(plan, takes_any=plan.by_task),
        "network": jax.network(plan),
        "loss": jax.loss(plan),
        "initial": _initial(plan),
        "width": beside.jax_width(plan),
        "factor": common.factor(plan),
        "mask": beside.optax_mask(plan),
        "optimizer": _optimizer(plan),
        "clip": block(common.clip_comment(plan), common.clip_settings(plan)),
        "step": _step(plan),
        "batches": common.batches(plan),
        "evaluation": jax.evaluation(plan),
        "training": _training(plan),
    }
    imports = [
        *jax.IMPORTS,
        "import optax",
        *(["import kobai"] if plan.by_task else []),
        *common.of_kobai(plan),
    ]
    imports = list(dict.fromkeys(imports))
    return program(common.title(plan, "optax"), imports, sections)


def _initial(plan: Plan) -> str:
    if plan.by_task:
        return block(of_task.initial(plan), jax.weights(plan))
    if plan.initializer is None:
        return block(jax.weights(plan), missing("initializer", plan.said.own["initializer"]))
    if plan.initializer.is_of_model:
        return block(jax.weights(plan), common.initial_comment(plan))
    return block(
        jax.weights(plan),
        common.initial_comment(plan, say("code.initial.jax")),
        *_draw(plan),
        "leaves, tree = jax.tree.flatten(params)",
        "keys = jax.random.split(jax.random.key(0), len(leaves))",
        "params = tree.unflatten(",
        "    [",
        "        initial(key, leaf.shape, leaf.dtype) if leaf.ndim >= 2 else leaf",
        "        for key, leaf in zip(keys, leaves)",
        "    ]",
        ")",
    )


SCALES = {"he": (2.0, "fan_in"), "xavier": (1.0, "fan_avg"), "lecun": (1.0, "fan_in")}
"""Scale and mode of the family "variance scaling", which JAX and Keras have: σ² = scale ÷ fan."""


def _draw(plan: Plan) -> list[str]:
    kind, _, _ = str(plan.said.initializer).partition(":")
    family, _, form = kind.partition("_")
    if family in SCALES:
        scale, mode = SCALES[family]
        form = form or "normal"
        return [f'initial = jax.nn.initializers.variance_scaling({scale}, "{mode}", "{form}")']
    value, half = common.number_of(plan), common.half_width(plan)
    if kind == "uniform":
        return [
            "def initial(key, shape, dtype=jnp.float32):",
            f"    return jax.random.uniform(key, shape, dtype, -{half!r}, {half!r})",
            "",
            "",
        ]
    return [f"initial = jax.nn.initializers.{kind}({value!r})"]


def _rule(plan: Plan) -> Optimizer | None:
    """The rule; None where optax has none that is equal, or evaluates another point than a part beside it."""
    rule = plan.rule_in(translation.OPTAX)
    is_beside = plan.is_shaped or plan.average is not None
    return None if isinstance(rule, SCHEDULE_FREE) and is_beside else rule


SCHEDULE_FREE = (ScheduleFreeSGD, ScheduleFreeAdamW)


def _optimizer(plan: Plan) -> str:
    rule = _rule(plan)
    if rule is None:
        return common.own_optimizer(plan, "optax")
    scheduled = plan.schedule is not None
    rate = Code("learning_rate" if scheduled else "LEARNING_RATE")
    differences: tuple[object, ...] = ()
    if plan.from_optax:
        chain = _shaped(plan, [_from_optax(plan, rate)]) + _decay(plan)
    else:
        form = translation.optax(rule, scheduled)
        within = rule.decays_within and plan.decay is not None
        more = {"mask": Code("weights")} if within else {}
        chain, differences = _chain(plan, form, rate, more, within), form.differences
    lines = [
        "rates = jnp.asarray([LEARNING_RATE * factor(step) for step in range(STEPS)])",
        "",
        "",
        "def learning_rate(step):",
        "    return rates[step]",
        "",
        "",
    ]
    optimizer = chain[0] if len(chain) == 1 else call("optax.chain", *chain)
    return "\n".join(
        [
            *(lines if scheduled else []),
            *([comment(*map(str, differences))] if differences else []),
            *([comment(say("code.decay.mask"))] if plan.decay and not plan.decay.biases else []),
            f"optimizer = {optimizer}",
        ]
    )


def _chain(
    plan: Plan, form: translation.Call, rate: Code, more: Mapping[str, object], within: bool
) -> list[str]:
    """The transformations of a rule with `more` arguments; `within`: its decay is in its formula."""
    decay = plan.decay
    arguments: dict[str, object] = {**form.arguments, **more}
    if decay is not None and form.function in ("optax.adam", "optax.lion") and not plan.is_shaped:
        mask = {} if decay.biases else {"mask": Code("weights")}
        return [
            call(
                form.function.replace("adam", "adamw"),
                rate,
                **{**arguments, "weight_decay": decay.rate, **mask},
            )
        ]
    if form.function == "optax.trace":
        chain = [f"optax.scale_by_learning_rate({rate})", call("optax.trace", **arguments)]
    else:
        chain = [call(form.function, rate, **arguments)]
    return _shaped(plan, chain) + ([] if within else _decay(plan))


def _shaped(plan: Plan, chain: list[str]) -> list[str]:
    """The transformations of a rule with the factors of μP and the mask, which look at its whole update."""
    if plan.said.growth:
        chain = [*chain, "optax.stateless(lambda updates, _: jax.tree.map(jnp.multiply, updates, by_width))"]
    if plan.strategy.mask is None:
        return chain
    return [call("cautious", chain[0] if len(chain) == 1 else call("optax.chain", *chain))]


def _from_optax(plan: Plan, rate: Code) -> str:
    fields = plan.fields
    name = next((name for name in RATES if name in fields), None)
    if name is not None:
        return call(plan.name, **{**fields, name: rate})
    alone = call(plan.name, **fields)
    return (
        f"optax.chain({alone}, optax.scale_by_schedule(lambda step: rates[step]))" if plan.schedule else alone
    )


def _decay(plan: Plan) -> list[str]:
    decay = plan.decay
    if decay is None:
        return []
    rate = (
        f"lambda step: -{decay.rate!r} * learning_rate(step)"
        if plan.schedule
        else f"-{decay.rate!r} * LEARNING_RATE"
    )
    return [call("optax.add_decayed_weights", rate, **({} if decay.biases else {"mask": Code("weights")}))]


def penalty(plan: Plan) -> list[str]:
    """The terms of the loss of a training step."""
    terms = []
    for name, each in (("l1", plan.strategy.l1), ("l2", plan.strategy.l2)):
        strength = getattr(each, name)
        if strength:
            term = "jnp.abs(w)" if name == "l1" else "w * w"
            half = " / 2" if name == "l2" else ""
            among = "" if each.biases else " if w.ndim >= 2"
            over = f"for w in jax.tree.leaves(params){among}"
            if plan.by_task and not each.biases:
                over = "for w, is_weight in zip(params, weights) if is_weight"
            terms.append(f"{strength!r}{half} * sum(jnp.sum({term}) {over})")
    return terms


def _step(plan: Plan) -> str:
    terms = penalty(plan)
    arguments, carried = of_task.arguments(plan), of_task.carried(plan)
    value = ", ".join(["loss", *carried])
    left = f"({value}), gradient" if carried else "loss, gradient"
    function = "penalized" if terms else "loss_of"
    mean = beside.accumulation(plan, function)
    gradient = f"jax.value_and_grad({function}{', has_aux=True' if carried else ''})"
    gradient = "accumulated" if mean else gradient
    loss = []
    if terms:
        loss = [
            f"def penalized({arguments}):",
            f'    """{say("code.penalty")}"""',
            f"    {value} = loss_of({arguments})",
            *(f"    loss = loss + {term}" for term in terms),
            f"    return {value}",
            "",
            "",
        ]
    measured = plan.clip is not None and bool(plan.clip.first)
    taken = arguments.replace("params", "params, state", 1) + (", bound" if measured else "")
    results = ", ".join(["state", *carried, "norm" if measured else "loss"])
    return "\n".join(
        [
            *loss,
            *([mean, "", ""] if mean else []),
            "@jax.jit",
            f"def train({taken}):",
            f"    {left} = {gradient}({arguments})",
            *_clip(plan),
            "    updates, state = optimizer.update(gradient, state, params)",
            f"    return optax.apply_updates(params, updates), {results}",
        ]
    )


def _clip(plan: Plan) -> list[str]:
    clip = plan.clip
    if clip is None:
        return []
    cut = "g * jnp.where(norm > CLIP, CLIP / norm, 1)"
    if clip.first:
        cut = cut.replace("CLIP", "bound")
    if clip.value < math.inf:
        cut = "jnp.clip(g, -CLIP, CLIP)"
    return [
        "    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(gradient)))",
        "    norm = jnp.where(jnp.isfinite(loss), norm, jnp.nan)",
        f"    cut = jax.tree.map(lambda g: {cut}, gradient)",
        "    gradient = jax.tree.map(lambda g: jnp.where(jnp.isfinite(norm), g, 0), cut)",
    ]


def _training(plan: Plan) -> str:
    before = ["state = optimizer.init(params)"]
    moved = ", ".join(["params", "state", *of_task.carried(plan)])
    taken = f"{moved}, {of_task.batch(plan)}"
    step = [f"{moved}, loss = train({taken})"]
    if plan.clip is not None and plan.clip.first:
        before.append("norms: list[float] = []")
        step = [
            "bound = np.percentile(norms, PERCENTILE) if len(norms) == FIRST else np.inf",
            f"{moved}, norm = train({taken}, bound)",
            "if np.isfinite(norm) and len(norms) < FIRST:",
            "    norms.append(float(norm))",
        ]
    average = []
    if plan.average:
        before += [comment(say("code.average")), "averaged = params"]
        average = [
            f"weight = {common.average_weight(plan)}",
            "averaged = jax.tree.map(lambda mean, now: mean + weight * (now - mean), averaged, params)",
        ]
    seen = "averaged" if average else "params"
    if isinstance(_rule(plan), SCHEDULE_FREE):
        seen = "optax.contrib.schedule_free_eval_params(state, params)"
    return jax.loop(plan, before=before, step=step, average=average, seen=seen)
