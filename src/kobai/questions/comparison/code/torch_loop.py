"""The training for PyTorch: the loop, and what it does beside the rule."""

from kobai.optimizers import translation
from kobai.questions.comparison.code import common
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import block, comment
from kobai.words import say


def form_of(plan: Plan) -> translation.Call | None:
    """The call that makes the rule in PyTorch; None: it has none."""
    rule = plan.rule_in(translation.TORCH)
    return None if rule is None or plan.from_optax else translation.torch(rule, plan.schedule is not None)


def is_adamw(plan: Plan) -> bool:
    """Whether PyTorch's AdamW is the rule with the decay beside it."""
    form = form_of(plan)
    is_adam = form is not None and form.function == "torch.optim.Adam"
    return is_adam and plan.decay is not None and not plan.is_shaped


def evaluation(plan: Plan) -> str:
    accuracy = [
        "    accuracy = (outputs.argmax(-1) == y_validation).double().mean().item()",
        "    return loss_of(outputs, y_validation).item(), accuracy",
    ]
    return block(
        "def evaluate(network):",
        f'    """{say("code.evaluation.classes" if plan.classifies else "code.evaluation.numbers")}"""',
        "    network.eval()",
        "    with torch.no_grad():",
        "        outputs = network(x_validation)",
        "    network.train()",
        *(accuracy if plan.classifies else ["    return (loss_of(outputs, y_validation).item(),)"]),
    )


def training(plan: Plan) -> str:
    stopping, average = plan.strategy.early_stopping, plan.average
    seen = "averaged" if average else "model"
    before, after, within = [], [], []
    if average:
        before += [comment(say("code.average")), "averaged = copy.deepcopy(model)"]
    if stopping:
        before += [
            comment(say("code.stopping")),
            f"PATIENCE, MINIMUM_CHANGE = {int(stopping.patience)}, {float(stopping.minimum_change)!r}",
            "best_loss, waited, best = evaluate(model)[0], 0, copy.deepcopy(model.state_dict())",
        ]
        within = [
            "loss = evaluate(model)[0]",
            "waited += 1",
            "if loss < best_loss - MINIMUM_CHANGE:",
            "    best_loss, waited, best = loss, 0, copy.deepcopy(model.state_dict())",
            "if waited == PATIENCE:",
            "    break",
        ]
        after = ["model.load_state_dict(best)"]
    return block(
        *before,
        "for step, batch in zip(range(STEPS), batches()):",
        *_gradient(plan),
        "    clip(loss)" if plan.clip else "",
        *_decay(plan),
        "    optimizer.step()" if plan.strategy.mask is None else "    masked_step()",
        "    scheduler.step()" if plan.schedule else "",
        *_average(plan),
        "    if (step + 1) % EVALUATE_EVERY == 0 or step + 1 == STEPS:",
        f"        print(step + 1, *evaluate({seen}))",
        *(f"        {line}" for line in within),
        *after,
    )


def _gradient(plan: Plan) -> list[str]:
    """The gradient of a batch, or the mean of those of several, one after the other."""
    if plan.said.accumulate == 1:
        loss = "    loss = loss_of(model(x[batch]), y[batch])"
        return [loss, *_penalty(plan), "    optimizer.zero_grad()", "    loss.backward()"]
    within = (f"    {line}" for line in _penalty(plan))
    return [
        "    optimizer.zero_grad()",
        "    losses = []",
        "    for part in np.split(batch, ACCUMULATE):",
        "        loss = loss_of(model(x[part]), y[part])",
        *within,
        "        (loss / ACCUMULATE).backward()",
        "        losses.append(loss.detach())",
        "    loss = sum(losses) / ACCUMULATE",
    ]


def _penalty(plan: Plan) -> list[str]:
    lines = []
    for name, penalty in (("l1", plan.strategy.l1), ("l2", plan.strategy.l2)):
        strength = getattr(penalty, name)
        if strength:
            over = "model.parameters()" if penalty.biases else "weights"
            term = "w.abs().sum()" if name == "l1" else "(w * w).sum()"
            half = " / 2" if name == "l2" else ""
            lines.append(f"    loss = loss + {strength!r}{half} * sum({term} for w in {over})")
    return [comment(say("code.penalty"), indent=4), *lines] if lines else []


def _decay(plan: Plan) -> list[str]:
    decay = plan.decay
    if decay is None or is_adamw(plan):
        return []
    rate = 'optimizer.param_groups[0]["lr"]'
    if plan.said.growth:  # whose groups have rates of their own, which the decay does not follow
        rate = f"LEARNING_RATE{' * factor(step)' if plan.schedule else ''}"
    return [
        comment(say("code.decay"), indent=4),
        "    with torch.no_grad():",
        f"        for weight in {'model.parameters()' if decay.biases else 'weights'}:",
        f"            weight.mul_(1 - {rate} * {decay.rate!r})",
    ]


def _average(plan: Plan) -> list[str]:
    if not plan.average:
        return []
    return [
        "    with torch.no_grad():",
        "        for mean, now in zip(averaged.parameters(), model.parameters()):",
        f"            mean.lerp_(now, {common.average_weight(plan)})",
        "        for mean, now in zip(averaged.buffers(), model.buffers()):",
        "            mean.copy_(now)",
    ]
