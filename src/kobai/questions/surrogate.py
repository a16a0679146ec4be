"""A surrogate for the error rate: why a classifier minimizes cross-entropy and not what it is judged by.

A linear classifier of points of two classes in the plane shows both along one line and during gradient
descent::

    print(kobai.surrogate())
    kobai.surrogate().figures["objectives"]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from kobai.basics.checks import check_count, check_number
from kobai.basics.guard import guard
from kobai.report import cut, panels
from kobai.report.result import call
from kobai.report.sheet import Sheet, SheetResult
from kobai.words import current, say
from kobai.words import language as speaking

if TYPE_CHECKING:
    import plotly.graph_objects as go

OBJECTIVES = ("error_rate", "cross_entropy")

Objective = Callable[[jax.Array], jax.Array]
"""Weights -> a scalar."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Surrogate(SheetResult):
    """Error rate and cross-entropy as objectives. Printed, it is a table with one row for each of them.

    The columns of ``table``: ``objective``; ``values``, how many different ones it has along a line;
    ``flat``, the share of its points where the gradient is 0; ``start`` and ``end``, the error rate before
    and after gradient descent on it.

    Fields:
      line: along a straight line through weight space: ``position``, ``error_rate``, ``cross_entropy`` and
        the size of their gradients, ``error_rate_gradient``, ``cross_entropy_gradient``.
      descent: the error rate after each step of gradient descent on either: ``step``, ``error_rate`` (on
        itself), ``cross_entropy`` (on the surrogate).
    """

    line: pl.DataFrame
    descent: pl.DataFrame

    files = {
        "surrogate.html": "html",
        "surrogate.json": "to_json",
        "table.parquet": "table",
        "line.parquet": "line",
        "descent.parquet": "descent",
    }

    @classmethod
    def of(cls, line: pl.DataFrame, descent: pl.DataFrame, command: str) -> "Surrogate":
        """The result of these two tables, in the language in use."""
        rows = [
            {
                "objective": name,
                "values": line[name].n_unique(),
                "flat": float(np.mean(line[f"{name}_gradient"].to_numpy() == 0)),
                "start": descent[name][0],
                "end": descent[name][-1],
            }
            for name in OBJECTIVES
        ]
        return cls(table=pl.DataFrame(rows), command=command, language=current(), line=line, descent=descent)

    def _figures(self) -> "dict[str, go.Figure]":
        """Both objectives along the line."""
        across, up = {"title_text": say("surrogate.position")}, {"rangemode": "tozero"}
        figure = panels.figure([""], [across], [up], height=320, margin={"t": 60})
        for i, (name, shape) in enumerate(zip(OBJECTIVES, ("hv", "linear"), strict=True)):
            label = say(f"surrogate.{name}")
            line = {"color": panels.colour(i), "shape": shape}
            points = panels.points(self.line["position"], self.line[name], len(OBJECTIVES))
            figure.add_scatter(**points, name=label, meta=label, mode="lines", line=line)
        return {"objectives": figure.update_layout(title=say("surrogate.figure"))}

    def _content(self) -> dict[str, object]:
        line, descent = (cut.curves(table, OBJECTIVES) for table in (self.line, self.descent))
        missing = [
            *cut.word("points", len(line), len(self.line), "line.parquet"),
            *cut.word("points", len(descent), len(self.descent), "descent.parquet"),
        ]
        return {
            "rows": self.table.to_dicts(),
            "line": line.to_dicts(),
            "descent": descent.to_dicts(),
            "notes": missing,
        }

    def _sheet(self) -> Sheet:
        heads = [say(f"surrogate.column.{name}") for name in self.table.columns]
        rows = [
            [say(f"surrogate.{name}"), str(values), f"{flat:.0%}", f"{start:.2f}", f"{end:.2f}"]
            for name, values, flat, start, end in self.table.iter_rows()
        ]
        title = say("surrogate.title", points=len(self.line), steps=len(self.descent) - 1)
        return Sheet(title, heads, rows, [say("surrogate.note")])


@guard
def surrogate(
    *,
    examples: int = 10,
    points: int = 201,
    steps: int = 100,
    rate: float = 1.0,
    language: str | None = None,
    command: str | None = None,
) -> Surrogate:
    """Why a classifier minimizes cross-entropy and not its error rate: a small one that shows both.

    A linear classifier of points of two classes in the plane. Its error rate takes only the values 0,
    1/examples, 2/examples, …, so its gradient is zero wherever there is one, and gradient descent stays where
    it is. Cross-entropy is smooth, bounds it from above (up to the factor log 2), and leads to fewer errors.

    Args:
      examples: points, half of them of each class.
      points: along the line through weight space, from a bad classifier to beyond a good one.
      steps: of gradient descent.
      rate: its learning rate, above 0.
      language: "en" or "ja", for what this call says and returns. Default: the language in use.
      command: what the page says reproduces it. Default: this call.

    Raises:
      UsageError: for anything that cannot be.
    """
    command = command or call(surrogate, locals(), {})
    with speaking(language):
        for name, value in (("examples", examples), ("points", points), ("steps", steps)):
            check_count(name, value)
        check_number("surrogate", "rate", rate, "rule.positive", lambda η: 0 < η < math.inf)
        return Surrogate.of(*_along(examples, points, steps, rate), command)


def _along(examples: int, points: int, steps: int, rate: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both objectives along a line, and during gradient descent on them."""
    # RandomState, because NumPy promises its stream for ever: the data never change.
    y = np.where(np.arange(examples) % 2 == 0, 1.0, -1.0)
    x = np.random.RandomState(0).standard_normal((examples, 2)) + 1.5 * y[:, None]
    objectives = {"error_rate": partial(_error_rate, x, y), "cross_entropy": partial(_cross_entropy, x, y)}
    start, good = np.array([-1.0, 0.6]), np.array([1.0, 1.0])
    with jax.enable_x64(True):
        positions = np.linspace(0, 1.5, points)
        line = {"position": positions}
        descent = {"step": np.arange(steps + 1)}
        for name, f in objectives.items():
            along = start + positions[:, None] * (good - start)
            values, gradients = jax.jit(jax.vmap(jax.value_and_grad(f)))(along)
            line |= {name: np.asarray(values), f"{name}_gradient": np.linalg.norm(gradients, axis=1)}
            descent[name] = np.asarray(_errors_on_the_way(f, partial(_error_rate, x, y), start, steps, rate))
    names = ["position", *objectives, *(f"{name}_gradient" for name in objectives)]
    return pl.DataFrame(line).select(names), pl.DataFrame(descent)


def _error_rate(x: np.ndarray, y: np.ndarray, weights: jax.Array) -> jax.Array:
    return jnp.mean(jnp.where(y * (x @ weights) > 0, 0.0, 1.0))


def _cross_entropy(x: np.ndarray, y: np.ndarray, weights: jax.Array) -> jax.Array:
    """log(1 + exp(−y·score)): the logistic loss of labels ±1."""
    return jnp.mean(jnp.logaddexp(0, -y * (x @ weights)))


def _errors_on_the_way(
    f: Objective, error_rate: Objective, start: np.ndarray, steps: int, rate: float
) -> jax.Array:
    """The error rate at the start and after each step of gradient descent on `f`."""

    def step(weights: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        weights = weights - rate * jax.grad(f)(weights)
        return weights, error_rate(weights)

    _, errors = jax.lax.scan(step, jnp.asarray(start), length=steps)
    return jnp.concatenate([error_rate(jnp.asarray(start))[None], errors])
