"""What is written alike in every framework: title, settings, data, batches, the schedule's factor."""

import math

from kobai.basics.version import __version__
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import (
    block,
    call,
    comment,
    missing,
    refusal,
    worked_out,
    wrapped,
)
from kobai.study.facts import CLASSES, NUMBERS
from kobai.tasks.provenance import FILE, MODEL, TASK
from kobai.words import say


def title(plan: Plan, framework: str) -> str:
    """What the program is, and what its reader is to change."""
    rate = "" if plan.rate is None else say("code.title.rate", rate=f"{plan.rate:.6g}")
    start = plan.said.initializer or plan.said.own["initializer"]
    values = {"task": plan.said.task, "optimizer": plan.name, "initializer": start, "rate": rate}
    first = say("code.title", framework=framework, version=__version__, **values)
    use = say(f"code.title.{_use(plan, framework)}", place=plan.said.provenance.place)
    lines = [*wrapped(first, 88), "", *wrapped(use, 88)]
    # A name of the user's own ends no string.
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''") + "\n"


def _use(plan: Plan, framework: str) -> str:
    """What a reader is to change: nothing, an example, or what stands for the user's own."""
    takes_all = framework in IN_JAX and plan.by_task
    if not plan.task or not (takes_all or plan.said.examples):
        return "data" if any(plan.imported(*MODULES.get(framework, ()))) else "stand_in"
    is_own = takes_all or plan.is_written or any(plan.imported(*MODULES.get(framework, ())))
    return ("example" if plan.said.provenance.kind == TASK else "own") if is_own else "network"


IN_JAX = ("optax", "kobai")
MODULES = {"PyTorch": ("torch",), "Keras 3": ("keras",)}
"""Whose models a program imports, by what it is written for."""


def settings(plan: Plan, seed: str, *, is_whole: bool = False) -> str:
    """The numbers of the training; `seed`: the line that seeds the framework; `is_whole`: whether batches
    that were accumulated are one here."""
    said, k = plan.said, plan.said.accumulate
    kind = "code.accumulate.whole" if is_whole else "code.accumulate"
    rate = None if plan.rate is None else f"LEARNING_RATE = {plan.rate!r}"
    numbers = block(
        f"STEPS, BATCH_SIZE, EVALUATE_EVERY = {said.steps}, {said.batch_size}, {said.evaluate_every}",
        comment(say(kind, count=k, batch=said.batch_size // k)) if k > 1 else "",
        f"ACCUMULATE = {k}" if k > 1 and not is_whole else "",
        comment(say("code.factor")) if getattr(plan.rule, "rate_is_factor", False) else "",
        rate or "",
    )
    return f"{numbers}\n\n{block('rng = np.random.default_rng(0)', seed)}"


def data(plan: Plan, *, takes_any: bool = False, framework: str = "") -> str:
    """The data of the task, or random numbers in the place of the user's own.

    `takes_any`: whether the program takes its network from the task, and so arrays of any axes.
    `framework`: that of a network which may be the user's own, so that the arrays must be as it takes them.
    """
    if plan.task and (takes_any or plan.said.examples):
        return _of_task(plan, is_column=takes_any)
    examples, is_own = plan.examples, any(plan.imported(framework))
    shape = ", ".join(map(str, examples.inputs))
    inputs = _random((*examples.inputs,), examples.whole if is_own else 0)
    if plan.classifies or (is_own and examples.labels == CLASSES):
        positions = ", ".join(map(str, examples.positions))
        size = f"(examples, {positions})" if positions else "examples"
        labels = f"rng.integers({examples.outputs}, size={size})"
        each = f"[n, {positions}]" if positions else "[n]"
        sentence = say("code.data.classes", shape=f"[n, {shape}]", labels=each, classes=examples.outputs - 1)
    else:
        is_flat = is_own and not examples.is_column
        labels = _random(
            () if is_flat else (examples.outputs,), 2 if "binary" in plan.said.provenance.loss else 0
        )
        outputs = "[n]" if is_flat else f"[n, {examples.outputs}]"
        sentence = say("code.data.numbers", shape=f"[n, {shape}]", outputs=outputs)
    return "\n".join(
        [
            comment(sentence, "" if plan.said.examples else say("code.data.several")),
            "def random_data(examples):",
            f"    return {inputs}, {labels}",
            "",
            "",
            "(x, y), (x_validation, y_validation) = random_data(1000), random_data(200)",
        ]
    )


def _random(shape: tuple[int, ...], whole: int) -> str:
    """The call that draws an array of examples of this shape: numbers, or whole ones below `whole`."""
    size = ", ".join(["examples", *map(str, shape)])
    size = f"({size})" if shape else size
    if whole:
        return f"rng.integers({whole}, size={size})"
    return f"rng.standard_normal({size}, dtype=np.float32)"


def _of_task(plan: Plan, is_column: bool) -> str:
    """The data of the task itself, numbers y as a column."""
    origin = plan.said.provenance
    is_column = is_column or plan.examples.labels != NUMBERS or plan.examples.is_column or bool(origin.loss)
    return block(
        comment(say(f"code.data.{origin.kind}", place=origin.place)),
        f"task = {plan.task}",
        "(x, y), (x_validation, y_validation) = task.train, task.validation",
        "" if is_column else "y, y_validation = y[:, None], y_validation[:, None]",
    )


def of_kobai(plan: Plan) -> list[str]:
    """What is imported of kobai for the data."""
    if not plan.task:
        return []
    return (
        ["from kobai.tasks.load import load"]
        if plan.said.provenance.kind in (MODEL, FILE)
        else ["import kobai"]
    )


IMPORT = "# from my_file import model"


def network_comment(plan: Plan, framework: str) -> str:
    """What the network is, and where a reader has the own one from."""
    origin = plan.said.provenance
    if plan.is_written:
        kind = "dense"
    elif origin.kind == TASK:
        kind = "small"
    else:
        kind = "import" if not origin.kind and origin.framework == framework else "own"
    return block(comment(say(f"code.network.{kind}")), IMPORT if kind == "import" else "")


def loss_name(plan: Plan, framework: str) -> str:
    """The name of the loss; a network that stands for another has logits, never probabilities."""
    name = plan.said.provenance.loss or ("cross-entropy" if plan.classifies else "squared error")
    return name if any(plan.imported(framework)) else name.removesuffix(".probabilities")


def own_network(plan: Plan, framework: str) -> str:
    """The user's own network of this framework, as it is imported; "" where it is another's."""
    (line, made), origin = plan.imported(framework), plan.said.provenance
    if not line:
        return ""
    place = origin.place or line.split()[1]
    asked = say("code.network.needs", names=origin.needs) if origin.needs else ""
    return block(comment(say("code.network.model", place=place), asked), f"model = {made}")


def batches(plan: Plan) -> str:
    """The indices of the batches, a generator."""
    if plan.strategy.replacement:
        return block(
            "def batches():",
            f'    """{say("code.batches.with")}"""',
            "    while True:",
            "        yield rng.integers(len(x), size=BATCH_SIZE)",
        )
    return block(
        "def batches():",
        f'    """{say("code.batches")}"""',
        "    row = rng.permutation(len(x))",
        "    while True:",
        "        while len(row) < BATCH_SIZE:",
        "            row = np.concatenate([row, rng.permutation(len(x))])",
        "        yield row[:BATCH_SIZE]",
        "        row = row[BATCH_SIZE:]",
    )


def factor(plan: Plan) -> str:
    """The schedule: a function of the step, counted from 0."""
    if plan.schedule is None:
        return ""
    names = plan.schedule.split("+")
    if "schedule" in plan.said.own or not all(name.partition(":")[0] in FACTORS for name in names):
        return missing("schedule", plan.schedule)
    factors = [_factor(name) for name in names]
    lines = [line for lines, _ in factors for line in lines]
    product = " * ".join(expression for _, expression in factors)
    return "\n".join(
        [
            "def factor(step):",
            f'    """{say("code.schedule", name=plan.schedule)}"""',
            *(f"    {line}" for line in lines),
            f"    return {product}",
        ]
    )


FACTORS = ("constant", "step", "cosine", "warm-up", "one-cycle", "wsd")
"""The schedules that are written."""


def _factor(name: str) -> tuple[list[str], str]:
    """(lines before, the expression) of one schedule by its name."""
    kind, *numbers = name.split(":")
    if kind == "step":
        every, fall = int(float(numbers[0])), float(numbers[1]) if len(numbers) > 1 else 0.1
        return [], f"{fall!r} ** (step // {every})"
    if kind == "cosine":
        last = float(numbers[0]) if numbers else 0.0
        half = "(1 + math.cos(math.pi * step / STEPS)) / 2"
        return [], f"({last!r} + {worked_out(1 - last)} * {half})" if last else half
    if kind == "warm-up":
        return [], f"min((step + 1) / {int(float(numbers[0]))}, 1.0)"
    if kind == "one-cycle":
        peak = float(numbers[0]) if numbers else 0.3
        return [
            "first, last = 1 / 25, 1 / 250_000",
            f"top = max({peak!r} * STEPS - 1, 1e-9)",
            "start, end, part = first, 1.0, min(step / top, 1.0)",
            "if step > top:",
            "    start, end, part = 1.0, last, min((step - top) / max(STEPS - 1 - top, 1e-9), 1.0)",
        ], "(end + (start - end) * (1 + math.cos(math.pi * part)) / 2)"
    if kind == "wsd":
        part = float(numbers[0]) if numbers else 0.2
        return [], f"min((STEPS - step) / ({part!r} * STEPS), 1.0)"
    assert kind == "constant"
    return [], "1.0"


def average_weight(plan: Plan) -> str:
    """The expression of the weight of the iterate after `step` in the average; `step` counts from 0."""
    kind, *numbers = (plan.average.name if plan.average else "polyak").split(":")
    if kind == "exponential":
        decay = float(numbers[0])
        return f"(1 - {decay!r}) / (1 - {decay!r} ** (step + 1))"
    start = int(float(numbers[0])) if numbers else 1
    if start == 1:
        return "1 / (step + 1)"
    return f"1 / max(step - {start - 2}, 1)" if start > 2 else "1 / max(step, 1)"


def σ(plan: Plan) -> str:
    """The spread of the initial values, as a formula for a comment."""
    kind = (plan.said.initializer or "").partition(":")[0].removesuffix("_uniform")
    spreads = {"he": "σ = √(2/n₁)", "xavier": "σ = √(2/(n₁ + n₂))", "lecun": "σ = √(1/n₁)"}
    return spreads.get(kind, "")


def initial_comment(plan: Plan, *more: str) -> str:
    """What the initial values are, and what a framework calls otherwise."""
    name = plan.said.initializer or plan.said.own["initializer"]
    if name in ("own", "given"):
        return comment(say(f"code.initial.{name}"))
    spread = f" ({σ(plan)})" if σ(plan) else ""
    return comment(say("code.initial", name=f"{name}{spread}"), *more)


def number_of(plan: Plan) -> float:
    """The number behind the name of the initial values, "normal:0.1"; that of kobai where none stands."""
    return float(plan.initializer.scale) if plan.initializer else math.nan


def half_width(plan: Plan) -> float:
    """Of a uniform distribution of the standard deviation behind the name."""
    return math.sqrt(3) * number_of(plan)


def clip_settings(plan: Plan) -> str:
    """The bound of the gradient, under its name in the programs."""
    clip = plan.clip
    if clip is None:
        return ""
    if clip.first:
        return f"PERCENTILE, FIRST = {float(clip.percentile)!r}, {int(clip.first)}"
    return f"CLIP = {float(clip.value if clip.value < math.inf else clip.norm)!r}"


def clip_comment(plan: Plan, *more: str) -> str:
    clip = plan.clip
    if clip is None:
        return ""
    kind = "percentile" if clip.first else "value" if clip.value < math.inf else "norm"
    return comment(say(f"code.clip.{kind}"), say("code.clip.finite"), *more)


def own_optimizer(plan: Plan, framework: str) -> str:
    """What stands in place of an optimizer that is not written for a framework."""
    if plan.rule is None:
        return missing("optimizer", plan.name)
    if plan.update_rule is None:
        sentence = say("code.minimizer", name=plan.name)
    elif plan.from_optax is not None:
        sentence = say("code.optax", name=plan.name, call=optax_call(plan))
    else:
        sentence = say("code.rule.untranslated", name=plan.name, framework=framework)
    return refusal(sentence)


def optax_call(plan: Plan) -> str:
    """The call of optax that makes the rule."""
    return call(plan.name, **plan.fields)
