"""The recurrent network of a built-in task, as PyTorch and Keras have it.

kobai has one bias a gate. PyTorch's layers have two, and so has Keras's GRU: the second one stays 0 here. The
gates stand in another order in each framework, which changes no step of a training.
"""

import math

from kobai.networks.network import Recurrent
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import Code, block, call, comment
from kobai.words import say

TORCH_LAYERS = {
    ("elman", "tanh"): "nn.RNN",
    ("elman", "relu"): "nn.RNN",
    ("lstm", "tanh"): "nn.LSTM",
    ("gru", "tanh"): "nn.GRU",
}
"""PyTorch's own layers by cell and activation; with any other activation a cell is written step by step."""

KERAS_LAYERS = {"elman": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}

GATES = {"elman": 1, "lstm": 4, "gru": 3}

SUMS = "(of_x(step) + of_h(h) for of_x, of_h in zip(self.inputs, self.recurrent))"

STEPS = {
    "elman": (f"(state,) = {SUMS}", "h = {f}(state)"),
    "lstm": (
        f"i, forget, o, candidate = {SUMS}",
        "c = torch.sigmoid(forget) * c + torch.sigmoid(i) * {f}(candidate)",
        "h = torch.sigmoid(o) * {f}(c)",
    ),
    "gru": (
        "of_x = [layer(step) for layer in self.inputs]",
        "of_h = [layer(h) for layer in self.recurrent]",
        "r, u = (torch.sigmoid(a + b) for a, b in zip(of_x[:2], of_h[:2]))",
        "h = u * h + (1 - u) * {f}(of_x[2] + r * of_h[2])",
    ),
}
"""One step of each cell."""


def torch(plan: Plan, network: Recurrent) -> str:
    """The class of the network, and `model`."""
    layer = TORCH_LAYERS.get((network.cell, network.activation))
    both = network.is_both_ways
    options: dict[str, object] = {"batch_first": True} if layer else {}
    if layer and both:
        options["bidirectional"] = True
    if layer and network.activation == "relu":
        options["nonlinearity"] = "relu"
    made = call(layer or "Recurrent", f"{network.inputs}", f"{network.nodes}", **options)
    ways = both and not layer
    features = network.nodes * (2 * plan.examples.inputs[0] if both else 1)
    kind = "both" if both else "last"
    return block(
        "" if layer else _torch_steps(network),
        "class Network(nn.Module):",
        f'    """{say(f"code.recurrent.{kind}")}"""\n',
        "    def __init__(self):",
        "        super().__init__()",
        f"        self.recurrent = {made}",
        f"        self.backwards = {made}" if ways else "",
        f"        self.output = nn.Linear({features}, {network.outputs})\n",
        "    def forward(self, x):",
        "        x = x.unsqueeze(-1)" if both else "",
        f"        states{', _' if layer else ''} = self.recurrent(x)",
        "        states = torch.cat([states, self.backwards(x.flip(1)).flip(1)], -1)" if ways else "",
        f"        return self.output(states{_seen(network)})\n\n",
        "model = Network()",
    )


def _seen(network: Recurrent) -> str:
    """The states that the dense layer sees."""
    if network.is_both_ways:
        return ".flatten(1)"
    return "[:, -1]" if network.last == 1 else f"[:, -{network.last} :]"


def _torch_steps(network: Recurrent) -> str:
    """The layer step by step."""
    gates, f = GATES[network.cell], f"torch.{network.activation}"
    return block(
        "class Recurrent(nn.Module):",
        f'    """{say("code.recurrent.steps", activation=network.activation)}"""\n',
        "    def __init__(self, inputs, nodes):",
        "        super().__init__()",
        f"        self.inputs = nn.ModuleList(nn.Linear(inputs, nodes) for _ in range({gates}))",
        "        self.recurrent = nn.ModuleList(",
        f"            nn.Linear(nodes, nodes, bias=False) for _ in range({gates})",
        "        )\n",
        "    def forward(self, x):",
        "        h = x.new_zeros(len(x), self.recurrent[0].in_features)",
        f"        {'c, states = h, []' if network.cell == 'lstm' else 'states = []'}",
        "        for step in x.unbind(1):",
        *(f"            {line.format(f=f)}" for line in STEPS[network.cell]),
        "            states.append(h)",
        "        return torch.stack(states, 1)\n\n",
    )


def torch_biases(network: Recurrent) -> list[str]:
    """Their beginning: 0, but 1 for the gate by which an LSTM forgets."""
    is_own = (network.cell, network.activation) in TORCH_LAYERS
    n, forgets = network.nodes, network.cell == "lstm"
    lines = [
        comment(
            say("code.recurrent.biases.lstm" if forgets else "code.initial.biases"),
            say("code.recurrent.torch") if is_own else "",
        ),
        "for name, parameter in model.named_parameters():",
        '    if "bias" in name:',
        "        nn.init.zeros_(parameter)",
    ]
    if forgets:
        of_forgetting = '"bias_ih" in name' if is_own else 'name.endswith("inputs.1.bias")'
        part = f"[{n} : {2 * n}]" if is_own else ""
        lines += [f"    if {of_forgetting}:", f"        parameter.detach(){part}.fill_(1.0)"]
    if is_own:
        lines += ['    if "bias_hh" in name:', "        parameter.requires_grad_(False)"]
    return lines


ONE_BIAS = """@keras.saving.register_keras_serializable()
class OneBias(keras.constraints.Constraint):
    \"\"\"{}\"\"\"

    def __call__(self, biases):
        return biases * keras.ops.convert_to_tensor([[1.0], [0.0]])

"""


def keras(plan: Plan, network: Recurrent) -> list[str]:
    """The layers of a `keras.Sequential`."""
    length = plan.examples.inputs[0]
    options: dict[str, object] = {} if network.activation == "tanh" else {"activation": network.activation}
    if network.last != 1:
        options["return_sequences"] = True
    if network.cell == "gru":
        options["bias_constraint"] = Code("OneBias()")
    layer = call(f"keras.layers.{KERAS_LAYERS[network.cell]}", f"{network.nodes}", **options)
    shape = ", ".join(map(str, plan.examples.inputs))
    layers = [f"keras.Input(({shape}{',' if network.is_both_ways else ''}))"]
    if network.is_both_ways:
        layers.append(f"keras.layers.Reshape(({length}, 1))")
        layers += [f"keras.layers.Bidirectional({layer})", "keras.layers.Flatten()"]
    else:
        layers.append(layer)
        if network.last != 1:
            layers.append(f"keras.layers.Cropping1D(({length - network.last}, 0))")
    return [*layers, f"keras.layers.Dense({network.outputs})"]


def keras_class(plan: Plan) -> str:
    """What keeps the second bias of Keras's GRU at 0."""
    if plan.said.recurrent is None or plan.said.recurrent.cell != "gru":
        return ""
    measures = plan.clip is not None and plan.clip.value == math.inf
    felt = comment(say("code.recurrent.keras.clip")) if measures else ""
    return block(felt, ONE_BIAS.format(say("code.recurrent.keras")))
