"""What acts beside the rule on the gradient or on the update, written out: accumulation, the mask, μP.

The factors of μP are numbers, worked out from how each array of the network has grown; where a program has
another network in its place they cannot be given, and it says so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from kobai.networks.network import Recurrent
from kobai.questions.comparison.code import of_task
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import LINE, block, comment, refusal, worked_out
from kobai.questions.comparison.code.recurrent import GATES, TORCH_LAYERS
from kobai.tasks.parametrization import Growth
from kobai.words import say

IN_JAX = "jax.tree.leaves(params)"


def jax_width(plan: Plan) -> str:
    """The factors in JAX, and the initial values times theirs; `by_width` has the tree of the parameters."""
    known = plan.by_task or plan.said.dense is not None
    text = width(plan, list(plan.said.growth) if known else None, IN_JAX)
    if not plan.said.growth or not known:
        return text
    return block(
        text,
        "leaves, tree = jax.tree.flatten(params)",
        "params = tree.unflatten([leaf * factor for leaf, factor in zip(leaves, DEVIATIONS)])",
        "by_width = tree.unflatten(RATES)",
    )


def width(plan: Plan, names: Sequence[str] | None, order: str) -> str:
    """The factors of the arrays, in the `order` in which a program has them; "" where no width counts.

    `names`: of each of these arrays, what kobai calls the one that grew as it did. None: the program has
    another network than the one that was trained.
    """
    growth = plan.said.growth
    if not growth:
        return ""
    if names is None:
        return refusal(say("code.width.other", name=plan.said.parametrization))
    rule, start = plan.update_rule, plan.initializer
    degree = rule.degree if rule is not None and rule.degree is not None else 0
    deviations = [1.0 if start is None else growth[name].deviation(start) for name in names]
    return block(
        comment(say("code.width", name=plan.said.parametrization, order=order)),
        _numbers("DEVIATIONS", deviations),
        _numbers("RATES", [growth[name].rate(degree) for name in names]),
    )


def grown(plan: Plan, of_recurrent: "OfRecurrent", order: str, *deviating: str) -> str:
    """The factors of the arrays of a framework, and the lines that apply those of the initial values."""
    names = names_in(plan, of_recurrent)
    text = width(plan, names, order)
    return text if names is None else block(text, *deviating)


def _numbers(name: str, values: Sequence[float]) -> str:
    plain = [worked_out(value) for value in values]
    line = f"{name} = [{', '.join(plain)}]"
    if len(line) <= LINE:
        return line
    return block(f"{name} = [", *(f"    {value}," for value in plain), "]")


OfRecurrent: TypeAlias = Callable[[Recurrent, Mapping[str, Growth]], list[str]]
"""The names of the arrays of a recurrent network in the order of a framework."""

LAYER = ("weights", "biases", "scale", "shift")
"""The arrays of a layer in the order in which PyTorch and Keras have them: those of a norm come behind."""


def names_in(plan: Plan, of_recurrent: OfRecurrent) -> list[str] | None:
    """Of the arrays of a framework, in its order, what kobai calls them; None: no factors are known."""
    if not plan.is_written or not plan.said.growth:
        return None
    if plan.said.recurrent is not None:
        return of_recurrent(plan.said.recurrent, plan.said.growth)
    names = list(plan.said.growth)
    layers = dict.fromkeys(name.rpartition(".")[0] for name in names)
    every = (f"{layer}.{kind}" for layer in sorted(layers, key=_place) for kind in LAYER)
    return [name for name in every if name in plan.said.growth]


def _place(layer: str) -> tuple[int, str]:
    return (int(layer), "") if layer.isdigit() else (1 << 30, layer)


OUTPUT = ["output.weights", "output.biases"]


def torch_names(network: Recurrent, growth: Mapping[str, Growth]) -> list[str]:
    """Those of a recurrent network in PyTorch, whose gates grow alike; the second bias of a layer of
    PyTorch's own, which stays 0, is given the factors of the first."""
    inputs, states, biases = _of_gate(growth)
    gates = GATES[network.cell]
    is_own = (network.cell, network.activation) in TORCH_LAYERS
    layer = [inputs, states, biases, biases] if is_own else [inputs, biases] * gates + [states] * gates
    return layer * (2 if network.is_both_ways else 1) + OUTPUT


def keras_names(network: Recurrent, growth: Mapping[str, Growth]) -> list[str]:
    """Those of a recurrent network in Keras."""
    return [*_of_gate(growth)] * (2 if network.is_both_ways else 1) + OUTPUT


def _of_gate(growth: Mapping[str, Growth]) -> tuple[str, str, str]:
    """The arrays of the first gate: from the inputs, from the state before, biases."""
    gate = next(name.rpartition(".")[0] for name in growth if name.endswith(".recurrent"))
    return f"{gate}.inputs", f"{gate}.recurrent", f"{gate}.biases"


# Accumulation


def accumulation(plan: Plan, function: str) -> str:
    """In JAX `accumulated`, which gives what `jax.value_and_grad` of a `function` does, as means over batches
    that are looked at one after the other; statistics go through all of them. "" for a single batch."""
    if plan.said.accumulate == 1:
        return ""
    carries = bool(of_task.carried(plan))
    parts = "[array.reshape(ACCUMULATE, -1, *array.shape[1:]) for array in (x, y)]"
    keys = " + [jax.random.split(key, ACCUMULATE)]" if of_task.drawn(plan) else ""
    mean = "jax.tree.map(lambda total, new: total + new / ACCUMULATE, {}, {})"
    add = [
        f"        found = jax.value_and_grad({function})(params, *part)",
        f"        return {mean.format('sums', 'found')}, None",
    ]
    end = ["    return jax.lax.scan(add, sums, parts)[0]"]
    if carries:
        add = [
            "        means, statistics = sums",
            f"        of_part = jax.value_and_grad({function}, has_aux=True)",
            "        (loss, statistics), gradient = of_part(params, statistics, *part)",
            f"        return ({mean.format('means', '(loss, gradient)')}, statistics), None",
        ]
        end = [
            "    ((loss, gradient), statistics), _ = jax.lax.scan(add, (sums, statistics), parts)",
            "    return (loss, statistics), gradient",
        ]
    return "\n".join(
        [
            f"def accumulated({of_task.arguments(plan)}):",
            f'    """{say("code.accumulated")}"""',
            "",
            "    def add(sums, part):",
            *add,
            "",
            f"    parts = {parts}{keys}",
            "    sums = 0.0, jax.tree.map(jnp.zeros_like, params)",
            *end,
        ]
    )


# The mask

OPTAX_MASK = """
{}
def cautious(inner):
    def update(gradient, state, params=None):
        updates, state = inner.update(gradient, state, params)
        masks = jax.tree.map(lambda u, g: jnp.sign(u) * jnp.sign(g) < 0, updates, gradient)
        d = sum(mask.size for mask in jax.tree.leaves(masks))
        scale = d / (sum(mask.sum() for mask in jax.tree.leaves(masks)) + 1)
        return jax.tree.map(lambda u, mask: scale * mask * u, updates, masks), state

    return optax.GradientTransformation(inner.init, update)


"""

TORCH_MASK = """
{}
def masked_step():
    moved = [parameter for parameter in model.parameters() if parameter.grad is not None]
    before = [parameter.detach().clone() for parameter in moved]
    optimizer.step()
    with torch.no_grad():
        updates = [parameter - old for parameter, old in zip(moved, before)]
        masks = [u.sign() * parameter.grad.sign() < 0 for u, parameter in zip(updates, moved)]
        d, nnz = sum(mask.numel() for mask in masks), sum(mask.sum() for mask in masks)
        for parameter, old, u, mask in zip(moved, before, updates, masks):
            parameter.copy_(old + d / (nnz + 1) * mask * u)
"""


def optax_mask(plan: Plan) -> str:
    """What masks the updates of a transformation of optax."""
    return "" if plan.strategy.mask is None else OPTAX_MASK.format(comment(say("code.mask")))


def torch_mask(plan: Plan) -> str:
    """A step of an optimizer of PyTorch whose update is masked."""
    return "" if plan.strategy.mask is None else TORCH_MASK.format(comment(say("code.mask"))).strip("\n")
