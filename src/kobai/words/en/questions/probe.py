"""`probe`: its table, its figure and its mistakes."""

WORDS: dict[str, str] = {
    # mistakes
    "error.probe.widths": "probe: widths must be two or more whole numbers of at least 1, "
    "the number of inputs first, got {value}",
    "error.probe.inputs": "probe: inputs must be a number of examples of at least 1 "
    "or an array [examples, {features}] (widths begins with {features}), got {value}",
    # the table and the figure
    "probe.title.network": "{initializer}: {layers:layer|layers} of {activation}, {examples:input|inputs}, seed {seed}",
    "probe.title.task": "{initializer}: {task} at its start, loss {loss} on {examples:example|examples}, seed {seed}",
    "probe.percent": "{value:.1f} %",
    "probe.column.layer": "layer",
    "probe.column.nodes": "nodes",
    "probe.column.activation_mean": "mean",
    "probe.column.activation_std": "std",
    "probe.column.saturated": "saturated",
    "probe.column.gradient_std": "gradient",
    "probe.column.weight_gradient_std": "of weights",
    "probe.column.array": "array",
    "probe.column.shape": "shape",
    "probe.column.weight_std": "values",
    "probe.column.zero_gradients": "zero gradients",
    "probe.column.not_finite": "not finite",
    "probe.row.layer": "layer {value}",
    "probe.row.array": "{value}",
    "probe.panel.activations": "activations",
    "probe.panel.gradients": "gradients",
    "probe.panel.weights": "values",
    "probe.note.tanh": "saturated: an activation beyond ±0.95",
    "probe.note.sigmoid": "saturated: an activation within 0.05 of 0 or 1",
    "probe.note.relu": "saturated: an activation of exactly 0",
    "probe.note.std.layer": "gradient (by node), of weights: standard deviations",
    "probe.note.std.array": "values, gradient: standard deviations",
    "probe.note.task": "zero gradients: the share that is exactly 0",
    "probe.note.not_finite": "not finite: infinite or no number, left out of the other columns",
    "report.histograms.title": "How the values are distributed",
    "report.histograms.caption": "One row of panels for each row of the table. What is not finite is left out.",
}
