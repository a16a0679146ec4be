"""What initial values do to a network: activations and gradients, layer by layer, before any training.

`probe` passes numbers through a stack of dense layers and back, or takes the first batch of a task; the
`Probe` it gives prints itself as a table and draws the histograms::

    print(kobai.probe("normal:1"))                        # tanh saturates: 85 % beyond ±0.95
    kobai.probe("he", activation="relu").figure()
    kobai.probe("xavier", task=kobai.tasks.digits())
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from rich.cells import cell_len

from kobai.basics.errors import UsageError
from kobai.engine import sweep
from kobai.initializers import Initializer, parse
from kobai.networks.mlp import ACTIVATIONS, check_activation
from kobai.tasks.check import check_task
from kobai.tasks.flat import is_trained
from kobai.tasks.task import Task
from kobai.words import say

if TYPE_CHECKING:
    import plotly.graph_objects

Histogram = tuple[np.ndarray, np.ndarray]
"""(counts [bins], edges [bins + 1]) of the finite values."""

BINS = 50
LINE = 80

SATURATED = {
    "tanh": lambda a: np.abs(a) > 0.95,
    "sigmoid": lambda a: (a < 0.05) | (a > 0.95),
    "relu": lambda a: a == 0,
}
BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
"""Where an activation is bounded, every layer's histogram has these ends, so that layers can be compared."""

SHARES = ("saturated", "zero_gradients", "not_finite")


@dataclass(frozen=True, eq=False, repr=False)
class Probe:
    """Statistics of a network at its initial values. Printed, it is a table; in Jupyter too.

    Fields:
      frame: one row a layer or a parameter array; the columns are described at `probe`.
      histograms: what is counted ("activations", "weights", "gradients") -> one histogram a row of `frame`.
      title: key and values of the sentence above the table.
      note: key of the sentence below it.
    """

    frame: pl.DataFrame
    histograms: Mapping[str, Sequence[Histogram]]
    title: tuple[str, Mapping[str, object]]
    note: str

    def __str__(self) -> str:
        head, *rows = self._cells()
        widths = [max(cell_len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        # A long path of an array gives way, so that a line fits the terminal.
        widths[0] = min(widths[0], max(8, LINE - sum(widths[1:]) - 2 * (len(head) - 1)))
        lines = []
        for first, *others in [head, *rows]:
            first = first if cell_len(first) <= widths[0] else "…" + first[1 - widths[0] :]
            right = [" " * (w - cell_len(c)) + c for c, w in zip(others, widths[1:], strict=True)]
            lines.append("  ".join([first + " " * (widths[0] - cell_len(first)), *right]))
        return "\n".join([self._title(), "", *lines, "", *self._notes()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rows = self._cells()

        def row(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        return "\n".join(
            [
                f"<table><caption>{html.escape(self._title())}</caption>",
                f"<thead>{row(head, 'th')}</thead>",
                *(row(cells, "td") for cells in rows),
                "</table>",
                *(f"<p>{html.escape(note)}</p>" for note in self._notes()),
            ]
        )

    def figure(self) -> "plotly.graph_objects.Figure":
        """The histograms as a plotly figure: one row of panels a layer or parameter array."""
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots

        first = self.frame.columns[0]
        labels = [say(f"probe.row.{first}", value=value) for value in self.frame[first]]
        height = 80 + 180 * len(labels)
        figure = make_subplots(
            rows=len(labels),
            cols=len(self.histograms),
            subplot_titles=[
                f"{html.escape(label)}: {say(f'probe.panel.{panel}')}"
                for label in labels
                for panel in self.histograms
            ],
            vertical_spacing=70 / height,
        )
        for column, (panel, histograms) in enumerate(self.histograms.items(), start=1):
            color = "#5470c6" if column == 1 else "#e07b39"
            for row, (counts, edges) in enumerate(histograms, start=1):
                bars = go.Bar(
                    x=(edges[:-1] + edges[1:]) / 2,
                    y=counts,
                    width=np.diff(edges),
                    marker_color=color,
                    marker_line_width=0,
                    name=say(f"probe.panel.{panel}"),
                )
                figure.add_trace(bars, row=row, col=column)
        return figure.update_layout(
            title=self._title(), height=height, showlegend=False, bargap=0, margin={"t": 100, "b": 40}
        ).update_annotations(font_size=12)

    def _title(self) -> str:
        key, values = self.title
        return say(key, **values)

    def _notes(self) -> list[str]:
        keys = [self.note, f"probe.note.std.{self.frame.columns[0]}"]
        if self._some_not_finite():
            keys.append("probe.note.not_finite")
        return [say(key) for key in keys]

    def _some_not_finite(self) -> bool:
        return bool((self.frame["not_finite"] > 0).any())

    def _cells(self) -> Iterator[list[str]]:
        """Header and rows of the table as text; the column "not finite" only where it says something."""
        frame = self.frame if self._some_not_finite() else self.frame.drop("not_finite")
        yield [say(f"probe.column.{name}") for name in frame.columns]
        for row in frame.iter_rows(named=True):
            yield [_shown(name, value) for name, value in row.items()]


def probe(
    initializer: Initializer | str,
    *,
    task: Task | None = None,
    widths: Sequence[int] = (100,) * 6,
    activation: str = "tanh",
    inputs: int | Any = 1000,
    seed: int = 0,
) -> Probe:
    """What `initializer` does to a network before training, layer by layer.

    Without a task: `inputs` pass through a stack of dense layers, each followed by the activation and without
    biases, and unit-normal numbers c, one for every output a, are propagated back; "gradient" is the
    derivative of Σ c·a. Two initializers with the same seed meet the same inputs, draws and c. Columns of
    ``frame``, for each layer: ``layer``; ``nodes``; ``activation_mean``, ``activation_std``; ``saturated``,
    the share of activations beyond ±0.95 (tanh), within .05 of 0 or 1 (sigmoid), exactly 0 (relu);
    ``gradient_std`` by the pre-activations of each example; ``weight_gradient_std`` by the weights;
    ``not_finite``, the share that is not finite, and which the other columns leave out, of the activations or
    of one of the gradients, whichever is larger.

    With a task (`widths`, `activation` and `inputs` are then not used): the loss of the first training batch
    of `seed` at the initial values of `seed`, the very ones that a sweep starts from. Columns, for each
    trained array: ``array``, its path; ``shape``; ``weight_std``; ``gradient_std``; ``zero_gradients``, the
    share that is exactly 0; ``not_finite``.

    Args:
      initializer: an `Initializer` or its name ("he", "normal:0.1").
      task: a `kobai.Task`.
      widths: nodes of the inputs and of every layer.
      activation: "relu", "tanh" or "sigmoid".
      inputs: how many unit-normal inputs, or an array [examples, widths[0]].
      seed: of every draw, a whole number of at least 0.

    Raises:
      UsageError: for an unknown initializer or activation, or widths, inputs or a seed that cannot be.
    """
    initializer = parse(initializer)
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise UsageError("error.seed", value=seed)
    if task is not None:
        return _probe_task(initializer, task, seed)
    check_activation(activation)
    whole = [isinstance(width, int | np.integer) and width >= 1 for width in widths]
    if len(whole) < 2 or not all(whole):
        raise UsageError("error.probe.widths", value=widths)
    return _probe_network(initializer, tuple(widths), activation, inputs, seed)


def _probe_network(
    initializer: Initializer, widths: tuple[int, ...], activation: str, inputs: Any, seed: int
) -> Probe:
    draws = np.random.default_rng(seed).spawn(3)
    examples = _examples(inputs, widths[0], draws[0])
    pairs = zip(widths, widths[1:], strict=False)
    weights = initializer.fill([np.zeros(pair, np.float32) for pair in pairs], draws[1])
    cotangent = draws[2].standard_normal((len(examples), widths[-1])).astype(np.float32)
    layers = jax.tree.map(np.asarray, _propagate(weights, examples, cotangent, activation))
    rows = [
        {
            "layer": number,
            "nodes": a.shape[1],
            "activation_mean": _mean(a),
            "activation_std": _std(a),
            "saturated": float(np.mean(SATURATED[activation](a))),
            "gradient_std": _std(by_node),
            "weight_gradient_std": _std(by_weight),
            "not_finite": _not_finite(a, by_node, by_weight),
        }
        for number, (a, by_node, by_weight) in enumerate(zip(*layers, strict=True), start=1)
    ]
    title = {
        "initializer": initializer,
        "layers": len(rows),
        "activation": activation,
        "examples": len(examples),
        "seed": seed,
    }
    return Probe(
        frame=pl.DataFrame(rows),
        histograms={
            "activations": [_histogram(a, BOUNDS.get(activation)) for a in layers[0]],
            "gradients": [_histogram(g) for g in layers[1]],
        },
        title=("probe.title.network", title),
        note=f"probe.note.{activation}",
    )


def _examples(inputs: Any, features: int, draw: np.random.Generator) -> np.ndarray:
    """The inputs [examples, features] as float32."""
    if isinstance(inputs, int | np.integer):
        if inputs >= 1:
            return draw.standard_normal((int(inputs), features)).astype(np.float32)
    elif np.ndim(inputs) == 2 and len(inputs) >= 1 and np.shape(inputs)[1] == features:
        return np.asarray(inputs, np.float32)
    received = np.shape(inputs) or inputs
    raise UsageError("error.probe.inputs", features=features, value=received)


@partial(jax.jit, static_argnames="activation")
def _propagate(weights: list[Any], inputs: Any, cotangent: Any, activation: str) -> tuple[list[Any], ...]:
    """For every layer its activations, and the derivatives of Σ cotangent·output by its nodes and weights."""
    f = ACTIVATIONS[activation]

    def network(weights: list[Any], shifts: list[Any]) -> tuple[Any, list[Any]]:
        a, activations = inputs, []
        for w, shift in zip(weights, shifts, strict=True):
            a = f(a @ w + shift)
            activations.append(a)
        return a, activations

    # Shifts of 0, for the derivative by each pre-activation.
    shifts = [jnp.zeros((len(inputs), w.shape[1])) for w in weights]
    _, back, activations = jax.vjp(network, weights, shifts, has_aux=True)
    by_weights, by_nodes = back(cotangent)
    return activations, by_nodes, by_weights


def _probe_task(initializer: Initializer, task: Task, seed: int) -> Probe:
    check_task(task)
    examples = len(jax.tree.leaves(task.train)[0])
    [chosen] = sweep.batches(seed, 0, 1, task.batch_size, examples)
    batch = jax.tree.map(lambda part: jnp.asarray(part)[chosen], task.train)
    parameters = initializer.fill(task.parameters, sweep.stream(seed, sweep.INITIAL), layout=task.layout)
    paths, tree = jax.tree_util.tree_flatten_with_path(parameters)
    trained = {i: leaf for i, (_, leaf) in enumerate(paths) if is_trained(leaf)}

    def loss(trained: dict[int, Any]) -> Any:
        leaves = [trained.get(i, leaf) for i, (_, leaf) in enumerate(paths)]
        parameters = jax.tree.unflatten(tree, leaves)
        return task.training_loss(parameters, task.state, batch, jax.random.key(seed))[0]

    value, gradients = jax.value_and_grad(loss)(trained)
    gradients = jax.tree.map(np.asarray, gradients)
    rows = [
        {
            "array": jax.tree_util.keystr(paths[i][0], simple=True, separator="."),
            "shape": "×".join(map(str, weights.shape)),
            "weight_std": _std(weights),
            "gradient_std": _std(gradients[i]),
            "zero_gradients": float(np.mean(gradients[i] == 0)),
            "not_finite": _not_finite(weights, gradients[i]),
        }
        for i, weights in trained.items()
    ]
    title = {
        "initializer": initializer,
        "task": task.name,
        "loss": f"{float(value):.4g}",
        "examples": task.batch_size,
        "seed": seed,
    }
    return Probe(
        frame=pl.DataFrame(rows),
        histograms={
            "weights": [_histogram(weights) for weights in trained.values()],
            "gradients": [_histogram(gradients[i]) for i in trained],
        },
        title=("probe.title.task", title),
        note="probe.note.task",
    )


def _finite(values: np.ndarray) -> np.ndarray:
    """The finite values as float64: the square of a large float32 is not finite."""
    wide = np.asarray(values, np.float64)
    return wide[np.isfinite(wide)]


def _mean(values: np.ndarray) -> float:
    finite = _finite(values)
    return float(finite.mean()) if finite.size else np.nan


def _std(values: np.ndarray) -> float:
    finite = _finite(values)
    return float(finite.std()) if finite.size else np.nan


def _not_finite(*arrays: np.ndarray) -> float:
    return max(1 - _finite(array).size / array.size for array in arrays)


def _histogram(values: np.ndarray, bounds: tuple[float, float] | None = None) -> Histogram:
    finite = _finite(values)
    if bounds is None and finite.size:
        low, high = float(finite.min()), float(finite.max())
        # Equal values, or nearly so, would leave the bins no width.
        margin = (
            0.0 if high - low > 1e-9 * max(abs(low), abs(high)) else 0.5 * max(abs(low), abs(high)) or 0.5
        )
        bounds = low - margin, high + margin
    return np.histogram(finite, BINS, bounds)


def _shown(name: str, value: Any) -> str:
    """A value of the column `name` as the table prints it."""
    if isinstance(value, float):
        if np.isnan(value):
            return "–"
        return f"{100 * value:.1f} %" if name in SHARES else f"{value:.3g}"
    return str(value)
