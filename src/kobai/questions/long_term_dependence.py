"""Long-term dependence: how much of a change of a recurrent network's state is left many steps later.

The gradient of a loss at the end reaches the step t through ∂h_T/∂h_t, a product of T − t Jacobians. Where
these shrink what they meet the gradient vanishes, and what happened long ago cannot be learned; where they
stretch it, it explodes (Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013, arXiv 1211.5063)::

    print(kobai.long_term_dependence())                      # against the spectral radius
    kobai.long_term_dependence(cell="gru").figures["norms"]
    gradient_through_time("elman", gates, x)                 # of a network of your own
"""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jax.typing import ArrayLike

from kobai.basics.checks import check_count, check_name, check_seed, check_several, is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.initializers import generator_of, orthogonal
from kobai.networks import recurrent
from kobai.networks.network import ACTIVATIONS
from kobai.report import cut, panels
from kobai.report.result import call
from kobai.report.sheet import Sheet, SheetResult
from kobai.words import current, say
from kobai.words import language as speaking

if TYPE_CHECKING:
    import plotly.graph_objects as go

Gates = Mapping[str, Mapping[str, Any]]
"""The arrays of each gate, by name: inputs [in, n], recurrent [n, n], biases [n]."""

KNOWN = {**ACTIVATIONS, "linear": lambda x: x}
DRIVE = 0.1
"""Standard deviation of what the inputs bring to a node, so that it moves and does not saturate by itself."""


@guard
def gradient_through_time(cell: str, gates: Gates, x: ArrayLike, *, activation: str = "tanh") -> np.ndarray:
    """‖∂h_T/∂h_t‖ for t = 0 … T along the sequences `x`: the largest factor that any change is stretched by.

    h is the whole state, of an LSTM also its memory c. For a linear Elman network it is ‖W^(T − t)‖₂ whatever
    the inputs; in general |f'| ≤ 1 makes it at most ‖W‖₂^(T − t).

    Args:
      cell: "elman", "lstm" or "gru".
      gates: its parameters, as `kobai.networks.recurrent.parameters` makes them.
      x: [examples, time, in].
      activation: "relu", "tanh", "sigmoid" or "linear".

    Returns:
      Spectral norms, the geometric mean over the examples, [time + 1]; the last is 1.
    """
    recurrent.check_cell(cell)
    check_name("kind.activation", activation, KNOWN)
    x = _sequences(x, _inputs(cell, gates))
    jacobians = np.asarray(_jacobians(cell, gates, x, activation), np.float64)
    product = np.broadcast_to(np.eye(jacobians.shape[-1]), jacobians.shape[1:])
    norms = [product]
    for jacobian in jacobians[::-1]:  # ∂h_T/∂h_t = ∂h_T/∂h_t₊₁ · ∂h_t₊₁/∂h_t
        product = product @ jacobian
        norms.append(product)
    with np.errstate(divide="ignore"):  # all of a ReLU network may be dead: then the norm is 0
        return np.exp(np.log(np.linalg.norm(norms[::-1], ord=2, axis=(-2, -1))).mean(axis=1))


def _inputs(cell: str, gates: Gates) -> int:
    """How many numbers the network reads at a time. Raises `UsageError` for gates of another cell."""
    try:
        forms = [[np.shape(gates[gate][kind]) for kind in recurrent.KINDS] for gate in recurrent.GATES[cell]]
        [inputs, nodes], *_ = forms[0]
        if all(form == [(inputs, nodes), (nodes, nodes), (nodes,)] for form in forms):
            return int(inputs)
    except (TypeError, KeyError, IndexError, ValueError):
        pass
    names = ", ".join(recurrent.GATES[cell])
    raise UsageError("error.gates", cell=cell, gates=names, value=quoted(gates)) from None


def _sequences(x: ArrayLike, inputs: int) -> jax.Array:
    try:
        sequences = np.asarray(x)
    except ValueError:  # ragged
        sequences = np.empty(0)
    fits = sequences.ndim == 3 and sequences.shape[-1] == inputs and 0 not in sequences.shape
    if not fits or sequences.dtype.kind not in "iuf" or not np.isfinite(sequences).all():
        raise UsageError("error.sequences", inputs=inputs, value=quoted(x))
    return jnp.asarray(sequences, jnp.result_type(float))


@functools.partial(jax.jit, static_argnames=("cell", "activation"))  # one program for all radii
def _jacobians(cell: str, gates: Gates, x: jax.Array, activation: str) -> jax.Array:
    """∂h_t₊₁/∂h_t along the run of every example, [time, examples, n, n]."""
    nodes = gates[recurrent.GATES[cell][0]]["recurrent"].shape[0]
    W, f = recurrent.beside(cell, gates, "recurrent"), KNOWN[activation]

    def step(state: jax.Array, brought: jax.Array) -> jax.Array:
        parts = tuple(jnp.split(state, len(state) // nodes))
        return jnp.concatenate(recurrent.STEPS[cell](W, parts, brought, f))

    def along(brought: jax.Array) -> jax.Array:
        def both(state: jax.Array, brought: jax.Array) -> tuple[jax.Array, jax.Array]:
            return step(state, brought), jax.jacfwd(step)(state, brought)

        return jax.lax.scan(both, jnp.zeros(nodes * recurrent.STATES[cell], brought.dtype), brought)[1]

    brought = x @ recurrent.beside(cell, gates, "inputs") + recurrent.beside(cell, gates, "biases")
    return jax.vmap(along, out_axes=1)(brought)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DependenceResult(SheetResult):
    """‖∂h_T/∂h_t‖ against the spectral radius. Printed, it is a table of some of the steps.

    The columns of ``table``: ``radius``, ``steps_back`` (T − t) and ``norm``.

    Fields:
      title: the values of the sentence above the table.
    """

    title: Mapping[str, object]

    files = {"dependence.html": "html", "dependence.json": "to_json", "table.parquet": "table"}

    def _figures(self) -> "dict[str, go.Figure]":
        """The norms as lines over the steps back, on a logarithmic axis."""
        across = {"title_text": say("dependence.steps_back")}
        up = {"title_text": "‖∂h_T/∂h_t‖", "type": "log", "exponentformat": "power"}
        figure = panels.figure([""], [across], [up], height=320, margin={"t": 60})
        curves = self._curves()
        for i, (radius, rows) in enumerate(curves.items()):
            name = f"ρ {radius:g}"
            points = panels.points(rows["steps_back"], rows["norm"], len(curves))
            figure.add_scatter(**points, name=name, meta=name, mode="lines", line=panels.stroke(i))
        return {"norms": figure.update_layout(title=panels.text(say("dependence.title", **self.title)))}

    def _curves(self) -> dict[float, pl.DataFrame]:
        """The rows of each radius, or of as many radii as a figure shows."""
        radii = self.table["radius"].unique(maintain_order=True).to_list()
        return {radius: self.table.filter(radius=radius) for radius in cut.spread(radii)}

    def _content(self) -> dict[str, object]:
        curves = self._curves().values()
        rows = pl.concat(cut.curves(curve, ["norm"], cut.POINTS // len(curves)) for curve in curves)
        missing = cut.word("points", len(rows), len(self.table))
        return {**self.title, "rows": rows.to_dicts(), "notes": missing}

    def _sheet(self) -> Sheet:
        wide = self.table.pivot("radius", index="steps_back", values="norm")
        length = wide["steps_back"][-1]
        some = wide.filter(pl.col("steps_back").is_in(sorted({1, length // 4, length // 2, length})))
        heads = [say("dependence.steps_back"), *(f"ρ {float(radius):g}" for radius in wide.columns[1:])]
        rows = [[str(steps), *(f"{norm:.2g}" for norm in norms)] for steps, *norms in some.iter_rows()]
        lines = cut.word("lines", len(self._curves()), len(heads) - 1)
        notes = [*lines, say("dependence.note")]
        return Sheet(say("dependence.title", **self.title), heads, rows, notes, left=0)


@guard
def long_term_dependence(
    radii: Sequence[float] = (0.5, 0.9, 1.0, 1.1, 1.5),
    *,
    cell: str = "elman",
    activation: str = "tanh",
    length: int = 50,
    nodes: int = 32,
    seed: int = 0,
    language: str | None = None,
    command: str | None = None,
) -> DependenceResult:
    """‖∂h_T/∂h_t‖ against the spectral radius ρ of the recurrent weights, before any training.

    The recurrent weights of every gate are ρ times an orthogonal matrix, all of whose eigenvalues have the
    modulus 1: a linear Elman network then shows ρ^(T − t) exactly. The inputs are small normal numbers.

    Args:
      radii: spectral radii, finite numbers of at least 0.
      cell: "elman", "lstm" or "gru".
      activation: "relu", "tanh", "sigmoid" or "linear".
      length: steps T.
      nodes: of the recurrent layer.
      seed: of the weights and inputs, the same for every radius.
      language: "en" or "ja", for what this call says and returns. Default: the language in use.
      command: what the page says reproduces it. Default: this call.

    Returns:
      A `DependenceResult`: prints a table, holds a frame, a figure and a page.

    Raises:
      UsageError: for anything that cannot be.
    """
    command = command or call(long_term_dependence, locals(), {})
    with speaking(language):
        recurrent.check_cell(cell)
        check_count("length", length)
        check_count("nodes", nodes)
        check_seed("seed", seed)
        check_several("radii", radii)
        for radius in radii:
            if not is_number(radius) or not 0 <= radius < math.inf:
                raise UsageError("error.dependence.radius", value=quoted(radius))
        title = {"cell": cell, "activation": activation, "nodes": nodes, "length": length}
        table = pl.concat(_norms(radii, cell, activation, length, nodes, seed))
        return DependenceResult(table=table, title=title, command=command, language=current())


def _norms(
    radii: Sequence[float], cell: str, activation: str, length: int, nodes: int, seed: int
) -> Iterator[pl.DataFrame]:
    """The norms of each radius, on the same inputs and the same orthogonal matrices."""
    x = generator_of(seed).standard_normal((10, length, 1)).astype(np.float32)
    gates = recurrent.parameters(cell, 1, nodes)
    for radius in radii:
        filled = orthogonal().fill(gates, seed)
        for gate in filled.values():
            gate["recurrent"] *= radius
            gate["inputs"] = np.full_like(gate["inputs"], DRIVE)
        norms = gradient_through_time(cell, filled, x, activation=activation)[::-1]
        yield pl.DataFrame({"radius": float(radius), "steps_back": range(length + 1), "norm": norms})
