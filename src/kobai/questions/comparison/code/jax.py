"""What the programs for optax and for kobai share: a network in plain JAX, its loss, its evaluation."""

from kobai.questions.comparison.code import of_task
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import block, comment
from kobai.words import say

IMPORTS = ("import jax", "import jax.numpy as jnp", "import numpy as np")

ACTIVATIONS = {"relu": "jax.nn.relu", "tanh": "jnp.tanh", "sigmoid": "jax.nn.sigmoid"}


def network(plan: Plan) -> str:
    """Parameters as a list of dicts, and the function that applies them."""
    if plan.by_task:
        return ""
    dense = plan.dense
    norm = "" if dense.batch_norm == "off" else say("code.network.batch_norm")
    sentence = say("code.network.dense" if plan.said.dense else "code.network.own")
    flat = [] if len(plan.examples.inputs) == 1 else ["    x = x.reshape(len(x), -1)"]
    return "\n".join(
        [
            comment(sentence, norm),
            "params = [",
            '    {"weights": jnp.zeros((n1, n2)), "biases": jnp.zeros(n2)}',
            f"    for n1, n2 in zip({list(dense.widths[:-1])}, {list(dense.widths[1:])})",
            "]",
            "",
            "",
            "def model(params, x):",
            *flat,
            "    for layer in params[:-1]:",
            f'        x = {ACTIVATIONS[dense.activation]}(x @ layer["weights"] + layer["biases"])',
            '    return x @ params[-1]["weights"] + params[-1]["biases"]',
        ]
    )


def loss(plan: Plan) -> str:
    """The loss of a batch."""
    if plan.by_task:
        return of_task.loss(plan)
    value = "jnp.mean((outputs - y) ** 2)"
    if plan.classifies:
        value = "-jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], axis=-1))"
    return block("def loss_of(params, x, y):", "    outputs = model(params, x)", f"    return {value}")


def weights(plan: Plan) -> str:
    """Which arrays are weights, where they alone decay."""
    if plan.by_task:
        penalties = [each for each in (plan.strategy.l1, plan.strategy.l2) if each.l1 or each.l2]
        of_all = [penalty.biases for penalty in penalties] + ([plan.decay.biases] if plan.decay else [])
        of_all += [False] if plan.update_rule is not None and plan.update_rule.roles else []
        return "" if all(of_all) else of_task.weights()
    if plan.decay is None or plan.decay.biases:
        return ""
    return block(
        comment(say("code.weights.jax")),
        "weights = jax.tree.map(lambda leaf: leaf.ndim >= 2, params)",
    )


def evaluation(plan: Plan) -> str:
    """Loss and accuracy on the validation data."""
    if plan.by_task:
        return of_task.evaluation(plan)
    accuracy = [
        "    outputs = model(params, x_validation)",
        "    accuracy = jnp.mean(jnp.argmax(outputs, axis=-1) == y_validation)",
        "    return loss_of(params, x_validation, y_validation), accuracy",
    ]
    return block(
        "@jax.jit",
        "def evaluate(params):",
        f'    """{say("code.evaluation.classes" if plan.classifies else "code.evaluation.numbers")}"""',
        *(accuracy if plan.classifies else ["    return (loss_of(params, x_validation, y_validation),)"]),
    )


def loop(plan: Plan, *, before: list[str], step: list[str], average: list[str], seen: str) -> str:
    """The loop over the steps: what stands before it, what a step does, how the average moves."""
    stopping, within, after = plan.strategy.early_stopping, [], []
    all_of_it = ", ".join(["params", *of_task.carried(plan)])
    seen = ", ".join([seen, *of_task.carried(plan)])
    if stopping:
        best = f"({all_of_it})" if of_task.carried(plan) else "params"
        before = [
            *before,
            comment(say("code.stopping")),
            f"PATIENCE, MINIMUM_CHANGE = {int(stopping.patience)}, {float(stopping.minimum_change)!r}",
            f"best_loss, waited, best = evaluate({all_of_it})[0], 0, {best}",
        ]
        within = [
            f"loss = evaluate({all_of_it})[0]",
            "waited += 1",
            "if loss < best_loss - MINIMUM_CHANGE:",
            f"    best_loss, waited, best = loss, 0, {best}",
            "if waited == PATIENCE:",
            "    break",
        ]
        after = [f"{all_of_it} = best"]
    return block(
        *before,
        "for step, batch in zip(range(STEPS), batches()):",
        *(f"    {line}" for line in step),
        *(f"    {line}" for line in average),
        "    if (step + 1) % EVALUATE_EVERY == 0 or step + 1 == STEPS:",
        f"        print(step + 1, *map(float, evaluate({seen})))",
        *(f"        {line}" for line in within),
        *after,
    )
