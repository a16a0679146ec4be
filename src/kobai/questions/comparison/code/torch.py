"""The recommended training for PyTorch."""

import ast
from importlib.resources import files

from kobai.questions.comparison.code import beside, common, convolutional, recurrent, torch_loop
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import Code, Program, block, call, comment, missing, program
from kobai.study.facts import CLASSES
from kobai.words import say


def written(plan: Plan) -> Program:
    """The whole program."""
    imports = ["import numpy as np", "import torch", "from torch import nn", *common.of_kobai(plan)]
    if line := plan.imported("torch")[0]:
        imports.append(line)
    sections = {
        "settings": common.settings(plan, "torch.manual_seed(0)"),
        "data": common.data(plan, framework="torch"),
        "tensors": _tensors(plan),
        "network": _network(plan),
        "initial": _initial(plan),
        "width": _width(plan),
        "rule": _rule(plan),
        "factor": common.factor(plan),
        "optimizer": _optimizer(plan),
        "clip": _clip(plan),
        "mask": beside.torch_mask(plan),
        "batches": common.batches(plan),
        "evaluation": torch_loop.evaluation(plan),
        "training": torch_loop.training(plan),
    }
    return program(common.title(plan, "PyTorch"), imports, sections)


def _tensors(plan: Plan) -> str:
    loss = plan.said.provenance.loss
    is_binary = "binary" in loss
    labels = ".float()" if is_binary else ".long()" if plan.examples.labels == CLASSES else ""
    return block(
        "x, x_validation = torch.as_tensor(x), torch.as_tensor(x_validation)",
        f"y, y_validation = torch.as_tensor(y){labels}, torch.as_tensor(y_validation){labels}",
    )


LOSSES = {
    "cross-entropy": "nn.CrossEntropyLoss()",
    "binary cross-entropy": "nn.BCEWithLogitsLoss()",
    "binary cross-entropy.probabilities": "nn.BCELoss()",
    "squared error": "nn.MSELoss()",
    "absolute error": "nn.L1Loss()",
    "huber": "nn.HuberLoss()",
}
"""The losses of a user's own network, as PyTorch has them."""


BY_POSITION = "nn.functional.cross_entropy(outputs.flatten(0, -2), y.flatten())"
"""The cross-entropy of a class for each position; PyTorch's own has the classes on the second axis."""


def _loss(plan: Plan) -> str:
    name = common.loss_name(plan, "torch")
    if plan.examples.positions:
        return f"\n\ndef loss_of(outputs, y):\n    return {BY_POSITION}"
    if name in LOSSES:
        return f"loss_of = {LOSSES[name]}"
    if name == "cross-entropy.probabilities":
        return "\n\n\ndef loss_of(outputs, y):\n    return nn.functional.nll_loss(torch.log(outputs), y)"
    return missing("loss", name)


def _network(plan: Plan) -> str:
    own = common.own_network(plan, "torch")
    if own:
        return f"{own}\n{_loss(plan)}"
    if plan.said.recurrent:
        return block(
            common.network_comment(plan, "torch"), recurrent.torch(plan, plan.said.recurrent), _loss(plan)
        )
    layers = convolutional.torch(plan.said.convolutional) if plan.said.convolutional else _dense(plan)
    return block(
        common.network_comment(plan, "torch"),
        "model = nn.Sequential(",
        *(f"    {layer}," for layer in layers),
        ")",
        _loss(plan),
    )


def _dense(plan: Plan) -> list[str]:
    dense = plan.dense
    layers = ["nn.Flatten()"] if len(plan.examples.inputs) != 1 else []
    *hidden, last = zip(dense.widths, dense.widths[1:], strict=False)
    for before, after in hidden:
        norm, act = f"nn.BatchNorm1d({after})", convolutional.TORCH_ACTIVATIONS[dense.activation]
        bias = ", bias=False" if dense.batch_norm == "before" else ""
        behind = {"off": [act], "before": [norm, act], "after": [act, norm]}[dense.batch_norm]
        layers += [f"nn.Linear({before}, {after}{bias})", *behind]
    return [*layers, "nn.Linear({}, {})".format(*last)]


def _initial(plan: Plan) -> str:
    text = block(
        comment(say("code.weights.torch")),
        "weights = [parameter for parameter in model.parameters() if parameter.ndim >= 2]",
    )
    if plan.initializer is None:
        return block(text, missing("initializer", plan.said.own["initializer"]))
    if plan.initializer.is_of_model:
        return block(text, common.initial_comment(plan))
    biases = [
        comment(say("code.initial.biases")),
        "for name, parameter in model.named_parameters():",
        '    if name.endswith("bias"):',
        "        nn.init.zeros_(parameter)",
    ]
    if plan.said.recurrent:
        biases = recurrent.torch_biases(plan.said.recurrent)
    stacked = (not plan.is_written or plan.said.recurrent) and plan.draws_by_matrix
    return block(
        text,
        MATRICES.format(say("code.initial.matrices")) if stacked else "",
        common.initial_comment(plan, say("code.initial.torch")),
        "for weight in matrices():" if stacked else "for weight in weights:",
        f"    {_draw(plan)}",
        *(biases if plan.is_written else [comment(say("code.initial.biases.own"))]),
    )


def _width(plan: Plan) -> str:
    """What the initial values and the learning rates of the arrays are multiplied by."""
    return beside.grown(
        plan,
        beside.torch_names,
        "model.parameters()",
        "with torch.no_grad():",
        "    for parameter, deviation in zip(model.parameters(), DEVIATIONS):",
        "        parameter.mul_(deviation)",
    )


MATRICES = """

def matrices():
    \"\"\"{}\"\"\"
    for layer in model.modules():
        for name, array in layer.named_parameters(recurse=False):
            rows = len(array) // getattr(layer, "groups", 1)
            if isinstance(layer, (nn.RNNBase, nn.RNNCellBase)):
                rows = layer.hidden_size
            elif name == "in_proj_weight":
                rows = layer.embed_dim
            if array.ndim >= 2:
                yield from array.detach().split(rows)

"""
"""The matrices that PyTorch keeps below one another in one array, one by one."""


def _draw(plan: Plan) -> str:
    kind, _, number = str(plan.said.initializer).partition(":")
    uniform = "uniform" if kind.endswith("_uniform") else "normal"
    if kind.startswith(("he", "lecun")):
        gain = "relu" if kind.startswith("he") else "linear"
        return f'nn.init.kaiming_{uniform}_(weight, mode="fan_in", nonlinearity="{gain}")'
    if kind.startswith("xavier"):
        return f"nn.init.xavier_{uniform}_(weight)"
    value, half = common.number_of(plan), common.half_width(plan)
    return {
        "normal": f"nn.init.normal_(weight, std={value!r})",
        "uniform": f"nn.init.uniform_(weight, {-half!r}, {half!r})",
        "constant": f"nn.init.constant_(weight, {value!r})",
        "orthogonal": f"nn.init.orthogonal_(weight, gain={value!r})",
    }[kind]


def _rule(plan: Plan) -> str:
    """The source of a rule that PyTorch lacks."""
    form = torch_loop.form_of(plan)
    if form is None or "." in form.function:
        return ""
    source = files("kobai.optimizers").joinpath("torch_rules.py").read_text("utf-8")
    classes = {
        node.name: ast.get_source_segment(source, node)
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }
    return f"{classes['Rule']}\n\n\n{classes[form.function]}"


def _optimizer(plan: Plan) -> str:
    form = torch_loop.form_of(plan)
    if form is None:
        return common.own_optimizer(plan, "PyTorch")
    function, parameters, decay = form.function, "model.parameters()", plan.decay
    more: dict[str, object] = dict(form.arguments)
    groups = ""
    if torch_loop.is_adamw(plan) and decay is not None:
        function = "torch.optim.AdamW"
        if decay.biases:
            more["weight_decay"] = decay.rate
        else:
            parameters = "groups"
            groups = block(
                comment(say("code.decay.groups")),
                "others = [parameter for parameter in model.parameters() if parameter.ndim < 2]",
                f'groups = [{{"params": weights, "weight_decay": {decay.rate!r}}}, '
                '{"params": others, "weight_decay": 0.0}]',
            )
    elif plan.said.growth:
        parameters = "groups"
        each = '{"params": [parameter], "lr": LEARNING_RATE * rate}'
        every = "for parameter, rate in zip(model.parameters(), RATES)"
        groups = block("groups = [", f"    {each}", f"    {every}", "]")
    scheduler = "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)" if plan.schedule else ""
    return block(
        groups,
        comment(*map(str, form.differences)) if form.differences else "",
        f"optimizer = {call(function, parameters, lr=Code('LEARNING_RATE'), **more)}",
        scheduler,
    )


def _clip(plan: Plan) -> str:
    clip = plan.clip
    if clip is None:
        return ""
    measured = bool(clip.first)
    entries = clip.value < float("inf")
    bound = "        bound = np.percentile(norms, PERCENTILE) if len(norms) == FIRST else math.inf"
    cut = ["elif norm > CLIP:", "    gradient.mul_(CLIP / norm)"]
    if measured:
        cut = ["elif norm > bound:", "    gradient.mul_(bound / norm)"]
    if entries:
        cut = ["else:", "    gradient.clamp_(-CLIP, CLIP)"]
    return "\n".join(
        [
            common.clip_comment(plan, "" if entries else say("code.clip.torch")),
            common.clip_settings(plan),
            *(["norms: list[float] = []"] if measured else []),
            "",
            "",
            "def clip(loss):",
            "    gradients = [p.grad for p in model.parameters() if p.grad is not None]",
            "    norm = torch.cat([gradient.ravel() for gradient in gradients]).norm().item()",
            "    finite = math.isfinite(norm) and math.isfinite(loss.item())",
            *([bound[4:]] if measured else []),
            "    for gradient in gradients:",
            "        if not finite:",
            "            gradient.zero_()",
            *(f"        {line}" for line in cut),
            *(["    if finite and len(norms) < FIRST:", "        norms.append(norm)"] if measured else []),
        ]
    )
