"""The recommended training with kobai's own rules and parts, in a loop of plain JAX."""

from kobai.basics import registry
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import GRADIENT, Optimizer
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from kobai.questions.comparison.code import beside, common, jax, of_task
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import (
    Code,
    Program,
    block,
    call,
    comment,
    literal,
    missing,
    program,
)
from kobai.stabilizers.clipping import Clip
from kobai.stabilizers.regularization import Penalty, WeightDecay
from kobai.words import say


def written(plan: Plan) -> Program:
    """The whole program."""
    if isinstance(plan.rule, Minimizer):
        return _minimization(plan)
    sections = {
        "settings": common.settings(plan, ""),
        "data": common.data(plan, takes_any=plan.by_task),
        "network": jax.network(plan),
        "loss": jax.loss(plan),
        "initial": _initial(plan),
        "width": beside.jax_width(plan),
        "optimizer": _rule(plan),
        "flags": _flags(plan),
        "parts": _parts(plan),
        "step": _step(plan),
        "batches": common.batches(plan),
        "evaluation": jax.evaluation(plan),
        "training": _training(plan),
    }
    return program(common.title(plan, "kobai"), _imports(plan), sections)


def _imports(plan: Plan) -> list[str]:
    strategy = plan.strategy
    rooms = {
        "initializers": plan.initializer is not None
        and not plan.initializer.is_of_model
        and not plan.by_task,
        "schedules": plan.schedule is not None,
        "stabilizers": any((plan.average, strategy.l1.l1, strategy.l2.l2, _beside(plan), strategy.mask)),
    }
    names = ", ".join(name for name, used in rooms.items() if used)
    of_optax = ["import optax"] if plan.from_optax else []
    of_kobai = {"import kobai": None} | dict.fromkeys(common.of_kobai(plan))
    return [*jax.IMPORTS, *of_optax, *of_kobai, *([f"from kobai import {names}"] if names else [])]


def _initial(plan: Plan) -> str:
    if plan.by_task:
        return block(of_task.initial(plan), jax.weights(plan))
    if plan.initializer is None:
        return missing("initializer", plan.said.own["initializer"])
    if plan.initializer.is_of_model:
        return common.initial_comment(plan)
    return block(
        common.initial_comment(plan),
        f'params = initializers.parse("{plan.said.initializer}").fill(params, 0)',
    )


def _rule(plan: Plan) -> str:
    if plan.rule is None:
        return missing("optimizer", plan.name)
    if plan.from_optax is None:
        return f"rule = {_construction(plan)}"
    return f"rule = kobai.from_optax({plan.name}, {common.optax_call(plan).partition('(')[2]}"


def _construction(plan: Plan) -> str:
    """The call that makes the method, with the learning rate under its name."""
    home = registry.home_of(type(plan.rule), registry.OPTIMIZERS, registry.MINIMIZERS)
    assert home is not None
    fields = plan.fields
    if "learning_rate" in fields:
        fields["learning_rate"] = Code("LEARNING_RATE")
    if "weight_decay" in fields:
        # The strategy's stands in its place: beside the step, or in the formula.
        if plan.strategy.weight_decay:
            fields["weight_decay"] = plan.strategy.weight_decay.rate if _decays_within(plan) else 0.0
        elif plan.is_shaped and not _decays_within(plan):
            fields["weight_decay"] = 0.0
    return call(f"kobai.{home.attribute}", **fields)


def _parts(plan: Plan) -> str:
    """The parts beside the rule, each under its name."""
    strategy, clip = plan.strategy, plan.clip
    biases = {"biases": True}
    schedule = f"schedules.schedule({literal(plan.schedule)})"
    lines = [
        f"factors = {schedule}.factors(0, STEPS, STEPS)" if plan.schedule else "",
        f"clip = {_clip(clip)}" if clip else "",
    ]
    for name, strength, part in (
        ("l1", strategy.l1.l1, strategy.l1),
        ("l2", strategy.l2.l2, strategy.l2),
        ("weight_decay", _beside(plan), plan.decay),
    ):
        if strength and part is not None:
            penalty = call(f"stabilizers.{name}", f"{float(strength)!r}", **(biases if part.biases else {}))
            lines.append(f"{name} = {penalty}")
    if strategy.mask is not None:
        lines.append("mask = stabilizers.cautious()")
    if plan.average:
        lines.append(f"average = {_made(plan.average.name, 'stabilizers')}")
    if "schedule" in plan.said.own:
        lines[0] = missing("schedule", plan.said.own["schedule"])
    return block(*lines)


def _made(name: str, module: str) -> str:
    """A part by its name, as the call that makes it: "polyak:100" -> stabilizers.polyak(100)."""
    kind, *numbers = name.split(":")
    return call(f"{module}.{kind}", *numbers)


def _clip(clip: Clip) -> str:
    kind, *numbers = clip.name.split(":")
    return call(f"kobai.clip_{kind}", *numbers)


def _step(plan: Plan) -> str:
    strategy, scheduled = plan.strategy, plan.schedule is not None
    looks_ahead = isinstance(plan.rule, NesterovDefinition)
    groups = [name for name in plan.fields if name.endswith("_learning_rate")]
    rates = ["learning_rate=LEARNING_RATE * factor", *(f"{name}=rule.{name} * factor" for name in groups)]
    inner = f"dataclasses.replace(rule, {', '.join(rates)})"
    decays = _beside(plan)
    rate = "LEARNING_RATE * factor" if scheduled else "LEARNING_RATE"
    point = "point" if looks_ahead else "params"
    arguments, carried = of_task.arguments(plan), of_task.carried(plan)
    taken = arguments.replace("params", "params, state, clipping" if plan.clip else "params, state", 1)
    at = arguments.replace("params", point, 1)
    gradient = f"jax.grad(loss_of)({at})"
    if carried:
        gradient = f"jax.grad(loss_of, has_aux=True)({at})"
    found = ", ".join(["gradient", *carried])
    if plan.said.accumulate > 1:
        gradient = f"accumulated({at})"
        found = "(_, statistics), gradient" if carried else "_, gradient"
    own_decay = plan.decay is not None and not strategy.weight_decay and not plan.is_shaped
    weights = ", weights" if plan.by_task and (own_decay or _by_role(plan)) else ""
    weights = ", flags" if _by_ends(plan) else weights
    asking = _asking(plan, arguments)
    more = f"{weights}, gradient_at=gradient_at" if asking else weights
    results = ", ".join(["params", "state", *(["clipping"] if plan.clip else []), *carried])
    train = block(
        "@jax.jit",
        f"def train({taken}, factor):",
        f"    now = {inner if scheduled and plan.from_optax is None else 'rule'}",
        "    point = now.lookahead(params, state)" if looks_ahead else "",
        f"    point = {AHEAD}" if looks_ahead and plan.said.growth else "",
        *asking,
        f"    {found} = {gradient}",
        f"    gradient = l1.gradient(gradient, {point}{_pays(plan, strategy.l1)})" if strategy.l1.l1 else "",
        f"    gradient = l2.gradient(gradient, {point}{_pays(plan, strategy.l2)})" if strategy.l2.l2 else "",
        "    gradient, clipping = clip.update(gradient, clipping)" if plan.clip else "",
        f"    update, state = now.update(gradient, state, params{more})",
        "    update = jax.tree.map(jnp.multiply, update, by_width)" if plan.said.growth else "",
        "    update = mask.update(update, gradient)" if strategy.mask is not None else "",
        f"    update = weight_decay.update(update, params, {rate}{_pays(plan, plan.decay)})"
        if decays
        else "",
        "    params = jax.tree.map(jnp.add, params, update)",
        f"    return {results}",
    )
    return "\n\n\n".join(filter(None, (beside.accumulation(plan, "loss_of"), train)))


AHEAD = "jax.tree.map(lambda now, ahead, r: now + r * (ahead - now), params, point, by_width)"
"""Under μP the look-ahead lies as far ahead as the step leads."""


def _beside(plan: Plan) -> float:
    """λ of the decay beside the step, which a formula that has it elsewhere does without."""
    decay = plan.decay if plan.is_shaped else plan.strategy.weight_decay
    return 0.0 if decay is None or _decays_within(plan) else float(decay.rate)


def _decays_within(plan: Plan) -> bool:
    return isinstance(plan.rule, Optimizer) and plan.rule.decays_within


def _by_role(plan: Plan) -> bool:
    """Whether the rule itself goes by what is a weight."""
    return isinstance(plan.rule, Optimizer) and plan.rule.roles


def _by_ends(plan: Plan) -> bool:
    """Whether the rule goes by what is at an end of the network, too."""
    return isinstance(plan.rule, Optimizer) and plan.rule.ends


def _flags(plan: Plan) -> str:
    """What each array is to a rule that goes by the ends of the network."""
    if not _by_ends(plan):
        return ""
    if plan.by_task:
        return block(comment(say("code.flags")), "flags = task.flags")
    last = 'flags[-1]["weights"] = "outer"'
    return block(
        comment(say("code.flags")), "flags = jax.tree.map(lambda leaf: leaf.ndim >= 2, params)", last
    )


def _asking(plan: Plan, arguments: str) -> list[str]:
    """The function of the parameters that is given to a rule which asks for more than a gradient."""
    rule, strategy = plan.update_rule, plan.strategy
    if rule is None or rule.asks is None:
        return []
    at = arguments.replace("params", "at", 1)
    gradient = f"jax.grad(loss_of)({at})"
    if of_task.carried(plan):
        gradient = f"jax.grad(loss_of, has_aux=True)({at})[0]"
    if plan.said.accumulate > 1:
        gradient = f"accumulated({at})[1]"
    lines = [
        f"    gradient = {gradient}",
        f"    gradient = l1.gradient(gradient, at{_pays(plan, strategy.l1)})" if strategy.l1.l1 else "",
        f"    gradient = l2.gradient(gradient, at{_pays(plan, strategy.l2)})" if strategy.l2.l2 else "",
    ]
    clips = plan.clip is not None and rule.asks == GRADIENT
    signature = "def gradient_at(at, clipping=clipping):" if clips else "def gradient_at(at):"
    end = "    return clip.update(gradient, clipping)[0]" if clips else "    return gradient"
    return [f"    {line}" for line in (signature, *filter(None, lines), end)]


def _pays(plan: Plan, part: Penalty | WeightDecay | None) -> str:
    """What a penalty of the weights alone is told, where a list of arrays does not tell them."""
    return ", weights" if plan.by_task and part is not None and not part.biases else ""


def _training(plan: Plan) -> str:
    clipping = ["clipping"] if plan.clip else []
    results = ", ".join(["params", "state", *clipping, *of_task.carried(plan)])
    factor = "factors[step]" if plan.schedule else "1.0"
    told = ", flags" if _by_ends(plan) else ", weights" if plan.by_task and _by_role(plan) else ""
    before = [f"state = rule.init(params{told})", *(["clipping = clip.init(params)"] if plan.clip else [])]
    step = [f"{results} = train({results}, {of_task.batch(plan)}, {factor})"]
    average, seen = [], "params"
    if type(plan.rule) in (ScheduleFreeSGD, ScheduleFreeAdamW):
        seen = "rule.evaluation_point(params, state)"
    if plan.average:
        before += [comment(say("code.average")), "averaged = average.init(params)"]
        average, seen = ["averaged = average.update(params, averaged)"], "averaged.mean"
    return jax.loop(plan, before=before, step=step, average=average, seen=seen)


def _minimization(plan: Plan) -> Program:
    """A minimizer works on all examples: there are no batches, and no loop."""
    sections = {
        "settings": block(f"STEPS = {plan.said.steps}", "", "rng = np.random.default_rng(0)"),
        "data": common.data(plan, takes_any=plan.by_task),
        "network": jax.network(plan),
        "loss": jax.loss(plan),
        "initial": _initial(plan),
        "evaluation": jax.evaluation(plan),
        "training": block(
            f"method = {_construction(plan)}",
            "solution = kobai.minimize(loss_of, params, method=method, args=(x, y), max_steps=STEPS)",
            "params = solution.x",
            "print(solution)",
            "print(*map(float, evaluate(params)))",
        ),
    }
    return program(common.title(plan, "kobai"), _imports(plan), sections)
