"""The parts of a program in JAX that takes its network, of more than dense layers, from the task.

A network may carry statistics beside its parameters, and may draw at random in training. The program has
arguments for these where the network asks for them, and only then.
"""

from kobai.questions.comparison.code import common
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import block, comment, missing
from kobai.words import say


def carried(plan: Plan) -> list[str]:
    """What goes through the steps beside parameters and optimizer."""
    return ["statistics"] if plan.by_task and plan.said.has_state else []


def drawn(plan: Plan) -> list[str]:
    """What a step draws with."""
    return ["key"] if plan.by_task and plan.said.is_random else []


def arguments(plan: Plan) -> str:
    """Those of the loss of a batch."""
    return ", ".join(["params", *carried(plan), "x", "y", *drawn(plan)])


def batch(plan: Plan) -> str:
    """What a step of the loop says for x, y and the key."""
    return ", ".join(["x[batch]", "y[batch]", *("jax.random.key(step)" for _ in drawn(plan))])


def loss(plan: Plan) -> str:
    """The loss of a batch, with the statistics afterwards where there are any."""
    state = ["state=statistics" for _ in carried(plan)]
    key = ["key=key" for _ in drawn(plan)]
    call = ", ".join(["task.with_arrays(params)", "(x, y)", *state, *key])
    return block(
        comment(say("code.task.network")),
        f"def loss_of({arguments(plan)}):",
        f"    return task.loss({call})",
    )


def initial(plan: Plan) -> str:
    """Parameters as a list of arrays, drawn or given, and the statistics at their start."""
    if plan.initializer is None:
        return missing("initializer", plan.said.own["initializer"])
    start = f'kobai.initializers.parse("{plan.said.initializer}")'
    is_of_model = plan.initializer.is_of_model
    return block(
        common.initial_comment(plan) if not is_of_model else "",
        f"params = task.trained(task.filled({start}, 0))",
        "statistics = task.state" if carried(plan) else "",
    )


def weights() -> str:
    """Which of the arrays are weights."""
    return "weights = [role.is_weight for role in task.every_role if role.is_trained]"


def evaluation(plan: Plan) -> str:
    """Loss and metric of the task."""
    names = ", ".join(["params", *carried(plan)])
    state = "statistics" if carried(plan) else "None"
    return block(
        "@jax.jit",
        f"def evaluate({names}):",
        f'    """{say("code.evaluation.task")}"""',
        f"    return task.evaluate(task.with_arrays(params), {state}, task.validation)",
    )
