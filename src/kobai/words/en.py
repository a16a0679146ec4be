"""English."""

WORDS = {
    # mistakes
    "error.language": "language '{value}' is not known; choose one of: {known}",
    "error.unknown": "there is no {kind} '{value}'; choose one of: {known}",
    "error.unknown.near": "there is no {kind} '{value}'; did you mean '{near}'?",
    "error.range": "{owner}: {name} must be {rule}, got {value}",
    "rule.rate": "a finite number of at least 0",
    "rule.decay": "a number in [0, 1)",
    "rule.epsilon": "a finite number of at least 0",
    "kind.optimizer": "optimizer",
    "kind.initializer": "initializer",
    "kind.task": "task",
    "kind.field": "field",
    "kind.activation": "activation",
    "kind.command": "command",
    "kind.option": "option",
    # initial values
    "rule.finite": "a finite number",
    "kind.layout": "layout",
    "initializer.constant": "every weight the same value: shows how symmetry kills a layer",
    "initializer.normal": "normal with a given standard deviation",
    "initializer.uniform": "uniform with a given standard deviation",
    "initializer.xavier": "normal, σ = √(2/(n₁+n₂)): for sigmoid and tanh (Glorot)",
    "initializer.xavier_uniform": "uniform form of xavier, of the same variance",
    "initializer.he": "normal, σ = √(2/n₁): for ReLU (Kaiming)",
    "initializer.he_uniform": "uniform form of he, of the same variance",
    "initializer.lecun": "normal, σ = √(1/n₁): a linear layer keeps the variance",
    "initializer.lecun_uniform": "uniform form of lecun, of the same variance",
    "initializer.orthogonal": "orthonormal columns times a gain: lengths are kept",
    "error.initializer.value": "initializer '{name}' takes no value, got '{value}'; write '{name}'",
    "error.fans": "an array of shape {shape} has no fans; weights need two or more dimensions",
    "error.layout": "layout: the function must give (fan_in, fan_out), two positive numbers; "
    "for the shape {shape} it gave {value}",
    "error.orthogonal.axis": "orthogonal: it is not known which axis of the shape {shape} counts the outputs; "
    "use the layout 'in_out' or 'out_in'",
    "error.seed": "a seed must be a whole number of at least 0, got {value}",
    "error.probe.widths": "probe: widths must be two or more whole numbers of at least 1, "
    "the number of inputs first, got {value}",
    "error.probe.inputs": "probe: inputs must be a number of examples of at least 1 "
    "or an array [examples, {features}] (widths begins with {features}), got {value}",
    "probe.title.network": "{initializer}: {layers} layers of {activation}, {examples} inputs, seed {seed}",
    "probe.title.task": "{initializer}: {task} at its start, loss {loss} on {examples} examples, seed {seed}",
    "probe.column.layer": "layer",
    "probe.column.nodes": "nodes",
    "probe.column.activation_mean": "mean",
    "probe.column.activation_std": "std",
    "probe.column.saturated": "saturated",
    "probe.column.gradient_std": "gradient std",
    "probe.column.weight_gradient_std": "of weights",
    "probe.column.array": "array",
    "probe.column.shape": "shape",
    "probe.column.weight_std": "std",
    "probe.column.zero_gradients": "zero gradients",
    "probe.column.not_finite": "not finite",
    "probe.row.layer": "layer {value}",
    "probe.row.array": "{value}",
    "probe.panel.activations": "activations",
    "probe.panel.gradients": "gradients",
    "probe.panel.weights": "weights",
    "probe.note.tanh": "saturated: an activation beyond ±0.95",
    "probe.note.sigmoid": "saturated: an activation within 0.05 of 0 or 1",
    "probe.note.relu": "saturated: an activation of exactly 0",
    "probe.note.task": "zero gradients: the share that is exactly 0",
    "probe.note.not_finite": "not finite: infinite or no number, left out of the other columns",
    # statistics
    "error.unpaired": "{count} runs cannot be paired with the reference's {expected}; "
    "run every candidate on the same seeds",
    "error.unrestricted": "a time to the target must be finite here; "
    "count runs that never arrive as the budget (restricted) first",
    "error.auto_target": "tuning has not improved the metric (start {start}, best median {best}), "
    "so no target can be derived; "
    "state one with 'target', or widen the learning rates",
    "kind.reference": "reference",
}
