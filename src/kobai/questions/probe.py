"""What initial values do to a network: activations and gradients, layer by layer, before any training.

`probe` passes numbers through a stack of dense layers and back, or takes the first batch of a task; the
result prints itself as a table and draws the histograms::

    print(kobai.probe("normal:1"))                        # tanh saturates: 85 % beyond ±0.95
    kobai.probe("he", activation="relu").figures["histograms"]
    kobai.probe("xavier", task=kobai.tasks.digits())
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from kobai.basics.arrays import Array, Scalar
from kobai.basics.checks import check_seed, check_several, is_whole
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.engine import draws
from kobai.initializers import Initializer, parse
from kobai.networks.mlp import ACTIVATIONS, check_activation
from kobai.optimizers.base import Optimizer
from kobai.questions.coordinates import CoordinatesResult, coordinates
from kobai.questions.curvature import first_batches
from kobai.report import cut, panels
from kobai.report.panels import Attributes
from kobai.report.result import call
from kobai.report.sheet import Sheet, SheetResult
from kobai.tasks.check import check_task
from kobai.tasks.load import TaskSource, load
from kobai.tasks.task import Task
from kobai.words import current, say
from kobai.words import language as speaking

if TYPE_CHECKING:
    import plotly.graph_objects as go

Histogram = tuple[np.ndarray, np.ndarray]
"""(counts [bins], edges [bins + 1]) of the finite values."""

BINS = 50

WIDTHS = (100,) * 6
"""Nodes of the inputs and of every layer, where nobody says otherwise."""

SATURATED = {
    "tanh": lambda a: np.abs(a) > 0.95,
    "sigmoid": lambda a: (a < 0.05) | (a > 0.95),
    "relu": lambda a: a == 0,
}
BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
"""Where an activation is bounded, every layer's histogram has these ends, so that layers can be compared."""

SHARES = ("saturated", "zero_gradients", "not_finite")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ProbeResult(SheetResult):
    """Statistics of a network at its initial values. Printed, it is a table.

    The table has one row a layer or a parameter array; its columns are described at `probe`.

    Fields:
      histograms: what is counted ("activations", "weights", "gradients") -> one histogram a row of the table.
      title: key and values of the sentence above the table.
      note: key of the sentence below it.
    """

    histograms: Mapping[str, Sequence[Histogram]]
    title: tuple[str, Mapping[str, object]]
    note: str

    files = {
        "probe.html": "html",
        "probe.json": "to_json",
        "table.parquet": "table",
        "histograms.parquet": "bins",
    }

    @property
    def bins(self) -> pl.DataFrame:
        """Every bin of every histogram: row (of the table, from 0), of what, low, high, count."""
        return pl.concat(
            pl.DataFrame({"row": i, "of": name, "low": edges[:-1], "high": edges[1:], "count": counts})
            for name, histograms in self.histograms.items()
            for i, (counts, edges) in enumerate(histograms)
        )

    def _places(self) -> list[int]:
        """The rows of the table whose histograms are shown."""
        return cut.spread(range(len(self.table)))

    def _figures(self) -> "dict[str, go.Figure]":
        """The histograms: a row of panels for each layer or parameter array."""
        first, places = self.table.columns[0], self._places()
        labels = [say(f"probe.row.{first}", value=self.table[first][i]) for i in places]
        count = len(self.histograms)
        names = [say(f"probe.panel.{name}") for name in self.histograms]
        titles = [panels.text(f"{label}: {name}") for label in labels for name in names]
        plain: list[Attributes] = [{}] * len(titles)
        figure = panels.figure(titles, plain, plain, height=110, columns=(count, 1), margin={"t": 80})
        for column, histograms in enumerate(self.histograms.values()):
            for row, (counts, edges) in enumerate(histograms[i] for i in places):
                panel = 1 + row * count + column
                figure.add_bar(
                    x=(edges[:-1] + edges[1:]) / 2,
                    y=counts,
                    width=np.diff(edges),
                    marker={"color": panels.colour(column), "line_width": 0},
                    name=names[column],
                    xaxis=panels.axis("x", panel),
                    yaxis=panels.axis("y", panel),
                )
        figure.update_layout(title=panels.text(self._title()), showlegend=False, bargap=0)
        return {"histograms": figure}

    def _content(self) -> dict[str, object]:
        places = self._places()
        missing = cut.word("rows", len(places), len(self.table))
        return {
            **{name: _own(value) for name, value in self.title[1].items()},
            "rows": self.table[places].to_dicts(),
            "histograms": {
                name: [{"counts": histograms[i][0], "edges": histograms[i][1]} for i in places]
                for name, histograms in self.histograms.items()
            },
            "notes": missing,
        }

    def _sheet(self) -> Sheet:
        """The table; its column "not finite" only where it says something."""
        table = self.table if self._some_not_finite() else self.table.drop("not_finite")
        heads = [say(f"probe.column.{name}") for name in table.columns]
        rows = [[_cell(name, value) for name, value in row.items()] for row in table.iter_rows(named=True)]
        return Sheet(self._title(), heads, rows, self._notes())

    def _title(self) -> str:
        key, values = self.title
        return say(key, **values)

    def _notes(self) -> list[str]:
        keys = [self.note, f"probe.note.std.{self.table.columns[0]}"]
        if self._some_not_finite():
            keys.append("probe.note.not_finite")
        return [say(key) for key in keys]

    def _some_not_finite(self) -> bool:
        return bool((self.table["not_finite"] > 0).any())


@guard
def probe(
    initializer: Initializer | str,
    *,
    task: TaskSource | None = None,
    widths: Sequence[int] | None = None,
    activation: str = "tanh",
    inputs: int | np.ndarray = 1000,
    optimizer: Optimizer | str | None = None,
    parametrization: str | None = None,
    steps: int | None = None,
    seed: int = 0,
    language: str | None = None,
    command: str | None = None,
) -> ProbeResult | CoordinatesResult:
    """What `initializer` does to a network before training, layer by layer.

    Without a task: `inputs` pass through a stack of dense layers, each followed by the activation and without
    biases, and unit-normal numbers c, one for every output a, are propagated back; "gradient" is the
    derivative of Σ c·a. Two initializers with the same seed meet the same inputs, draws and c. Columns of
    ``frame``, for each layer: ``layer``; ``nodes``; ``activation_mean``, ``activation_std``; ``saturated``,
    the share of activations beyond ±0.95 (tanh), within .05 of 0 or 1 (sigmoid), exactly 0 (relu);
    ``gradient_std`` by the pre-activations of each example; ``weight_gradient_std`` by the weights;
    ``not_finite``, the share that is not finite, and which the other columns leave out, of the activations or
    of one of the gradients, whichever is larger.

    With a task (`activation` and `inputs` are then not used): the loss of the first training batch
    of `seed` at the initial values of `seed`, the very ones that a sweep starts from. Columns, for each
    trained array: ``array``, its path; ``shape``; ``weight_std``; ``gradient_std``; ``zero_gradients``, the
    share that is exactly 0; ``not_finite``.

    With a task and `widths`, the *coordinate check*: the network of the task is made at each width, trained
    for some steps, and the result is a `CoordinatesResult`: how far what each layer gives has moved, by
    width. Under μP that is flat, in the standard form it grows.

    Args:
      initializer: an `Initializer` or its name ("he", "normal:0.1").
      task: a `Task`, the name of a built-in one, a function that makes one, or a file.
      widths: nodes of the inputs and of every layer; default six times 100. With a task that takes `hidden`:
        the nodes of all hidden layers, two or more numbers.
      activation: "relu", "tanh" or "sigmoid".
      inputs: how many unit-normal inputs, or an array [examples, widths[0]].
      optimizer, parametrization, steps: of the coordinate check: an instance or a name (default: "adam"),
        "standard" (the default) or "mup:64" as in `kobai.compare`, and how many steps (default: 5).
      seed: of every draw, a whole number of at least 0.
      language: "en" or "ja", for what this call says and returns. Default: the language in use.
      command: what the page says reproduces it. Default: this call.

    Raises:
      UsageError: for an unknown initializer or activation, widths, inputs or a seed that cannot be, or what
        the coordinate check alone takes.
    """
    names = {"initializer": "initializer", "task": "task", "inputs": "inputs"}
    command = command or call(probe, locals(), names)
    with speaking(language):
        initializer = parse(initializer)
        check_seed("seed", seed)
        if task is not None and widths is not None:
            check = partial(
                coordinates,
                optimizer="adam" if optimizer is None else optimizer,
                parametrization=parametrization,
                steps=5 if steps is None else steps,
            )
            return replace(check(initializer, task, widths, seed=seed), command=command, language=current())
        of_check = {"optimizer": optimizer, "parametrization": parametrization, "steps": steps}
        for name, value in of_check.items():
            if value is not None:
                raise UsageError("error.probe.check", name=name, value=quoted(value))
        if task is not None:
            result = _probe_task(initializer, load(task), seed)
        else:
            widths = WIDTHS if widths is None else widths
            check_activation(activation)
            check_several("widths", widths)
            if len(widths) < 2 or not all(is_whole(width) and width >= 1 for width in widths):
                raise UsageError("error.probe.widths", value=widths)
            result = _probe_network(initializer, tuple(widths), activation, inputs, seed)
        return replace(result, command=command, language=current())


def _probe_network(
    initializer: Initializer, widths: tuple[int, ...], activation: str, inputs: int | np.ndarray, seed: int
) -> ProbeResult:
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
    return ProbeResult(
        table=pl.DataFrame(rows),
        histograms={
            "activations": [_histogram(a, BOUNDS.get(activation)) for a in layers[0]],
            "gradients": [_histogram(g) for g in layers[1]],
        },
        title=("probe.title.network", title),
        note=f"probe.note.{activation}",
    )


def _examples(inputs: int | np.ndarray, features: int, draw: np.random.Generator) -> np.ndarray:
    """The inputs [examples, features] as float32."""
    if is_whole(inputs):
        if inputs >= 1:
            return draw.standard_normal((int(inputs), features)).astype(np.float32)
    elif np.ndim(inputs) == 2 and np.shape(inputs)[0] >= 1 and np.shape(inputs)[1] == features:
        return np.asarray(inputs, np.float32)
    raise UsageError("error.probe.inputs", features=features, value=np.shape(inputs) or inputs)


@partial(jax.jit, static_argnames="activation")
def _propagate(
    weights: list[jax.Array], inputs: jax.Array, cotangent: jax.Array, activation: str
) -> tuple[list[jax.Array], list[jax.Array], list[jax.Array]]:
    """For every layer its activations, and the derivatives of Σ cotangent·output by its nodes and weights."""
    f = ACTIVATIONS[activation]

    def network(weights: list[jax.Array], shifts: list[jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
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


def _probe_task(initializer: Initializer, task: Task, seed: int) -> ProbeResult:
    check_task(task)
    batch = jax.tree.map(lambda array: array[0], first_batches(task, seed, 1))
    trained = task.trained(task.filled(initializer, draws.stream(seed, draws.INITIAL)))

    def loss(trained: list[Array]) -> Scalar:
        parameters = task.with_arrays(trained)
        return task.training_loss(parameters, task.state, batch, jax.random.key(seed))[0]

    value, gradients = jax.value_and_grad(loss)(trained)
    gradients = jax.tree.map(np.asarray, gradients)
    rows = [
        {
            "array": place.name,
            "shape": "×".join(map(str, place.shape)),
            "weight_std": _std(weights),
            "gradient_std": _std(gradient),
            "zero_gradients": float(np.mean(gradient == 0)),
            "not_finite": _not_finite(weights, gradient),
        }
        for place, weights, gradient in zip(task.places, trained, gradients, strict=True)
    ]
    title = {
        "initializer": initializer,
        "task": task.name,
        "loss": f"{float(value):.4g}",
        "examples": task.batch_size,
        "seed": seed,
    }
    return ProbeResult(
        table=pl.DataFrame(rows),
        histograms={
            "weights": [_histogram(weights) for weights in trained],
            "gradients": [_histogram(gradient) for gradient in gradients],
        },
        title=("probe.title.task", title),
        note="probe.note.task",
    )


def _finite(values: Array) -> np.ndarray:
    """The finite values as float64: the square of a large float32 is not finite."""
    wide = np.asarray(values, np.float64)
    return wide[np.isfinite(wide)]


def _mean(values: Array) -> float:
    finite = _finite(values)
    return float(finite.mean()) if finite.size else np.nan


def _std(values: Array) -> float:
    finite = _finite(values)
    return float(finite.std()) if finite.size else np.nan


def _not_finite(*arrays: Array) -> float:
    return max(1 - _finite(array).size / array.size for array in arrays)


def _histogram(values: Array, bounds: tuple[float, float] | None = None) -> Histogram:
    finite = _finite(values)
    if bounds is None and finite.size:
        low, high = float(finite.min()), float(finite.max())
        # Equal values, or nearly so, would leave the bins no width.
        margin = (
            0.0 if high - low > 1e-9 * max(abs(low), abs(high)) else 0.5 * max(abs(low), abs(high)) or 0.5
        )
        bounds = low - margin, high + margin
    return np.histogram(finite, BINS, bounds)


def _cell(name: str, value: object) -> str:
    """A value of the column `name` as the table prints it."""
    if isinstance(value, float):
        if np.isnan(value):
            return "–"
        return say("probe.percent", value=100 * value) if name in SHARES else f"{value:.3g}"
    return str(value)


def _own(value: object) -> object:
    """What JSON holds of a value in the title: a number as itself, an initializer by its name."""
    return value if isinstance(value, int) else str(value)
