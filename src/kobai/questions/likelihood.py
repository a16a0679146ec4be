"""Maximum likelihood: what is minimized when a network learns, and why that.

A likelihood is a product over examples, and underflows; its logarithm is a sum, and does not
(`log_likelihood`). Its maximum is found by kobai's own minimizers (`maximum_likelihood`) and, for the normal
distribution, compared with the closed form (`fit_normal`)::

    print(kobai.fit_normal([1, 2, 3, 4, 10]))               # mean 4, variance 10
    likelihoods([1, 2, 3, 4, 10], {"A": (4, 10), "B": (7, 4)})
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jax.typing import ArrayLike
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Data, Number, Scalar
from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.minimizers.base import Minimizer
from kobai.minimizers.solve import Solution, minimize
from kobai.minimizers.tree import Tree, flattened
from kobai.report import panels
from kobai.report.colours import DASHES
from kobai.report.result import call
from kobai.report.sheet import Sheet, SheetResult
from kobai.words import current, say
from kobai.words import language as speaking

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Likelihoods

LogDensity: TypeAlias = Callable[[PyTree, Data], Array]
"""θ and data -> the logarithm of the density of each example, [examples]."""


def normal_log_density(x: Array, mean: Number, variance: Number) -> Array:
    """log p(x) of the normal distribution: −(x − μ)²/2σ² − ½ log 2πσ²."""
    # The square of the ratio, not the ratio of squares, which leave the range of numbers first.
    return -(((x - mean) / jnp.sqrt(variance)) ** 2) / 2 - (math.log(2 * math.pi) + jnp.log(variance)) / 2


def log_likelihood(log_densities: ArrayLike) -> jax.Array:
    """The logarithm of the likelihood of all examples: the sum of theirs, [examples] to a scalar.

    The likelihood itself is a product, and of many examples no number any more: 0.3¹⁰⁰ is zero in single
    precision. A sum over examples is also what a mini-batch can estimate.
    """
    try:
        return jnp.sum(jnp.asarray(log_densities, jnp.result_type(float)))
    except (TypeError, ValueError, OverflowError):
        raise UsageError("error.log_likelihood", value=quoted(log_densities)) from None


@guard
def likelihoods(
    data: Sequence[float] | np.ndarray, candidates: Mapping[str, tuple[float, float]]
) -> pl.DataFrame:
    """How well normal distributions fit: which of them makes the data most probable.

    Args:
      data: numbers [examples].
      candidates: (mean, variance) by name.

    Returns:
      One row a candidate, best first: ``name``, ``mean``, ``variance``, ``likelihood`` (the product of the
      densities, which may underflow to 0, or overflow) and ``log_likelihood`` (which decides).
    """
    x = _numbers(data)
    if not isinstance(candidates, Mapping):
        raise UsageError("error.likelihood.candidates", value=quoted(candidates))
    rows: list[tuple] = []
    for name, candidate in candidates.items():
        try:
            mean, variance = candidate
        except (TypeError, ValueError):
            raise UsageError("error.likelihood.candidate", name=name, value=quoted(candidate)) from None
        if not (is_number(mean) and math.isfinite(mean)):
            raise UsageError("error.likelihood.mean", name=name, value=quoted(mean))
        if not (is_number(variance) and 0 < variance < math.inf):
            raise UsageError("error.likelihood.variance", name=name, value=quoted(variance))
        with jax.enable_x64(True):
            total = float(log_likelihood(normal_log_density(x, mean, variance)))
        rows.append((name, float(mean), float(variance), _exponential(total), total))
    names = ["name", "mean", "variance", "likelihood", "log_likelihood"]
    return pl.DataFrame(rows, names, orient="row").sort("log_likelihood", descending=True)


def _exponential(x: float) -> float:
    """eˣ, infinite where it is beyond the largest number."""
    with np.errstate(over="ignore"):
        return float(np.exp(x))


@guard
def maximum_likelihood(
    log_density: LogDensity,
    start: PyTree,
    data: Data,
    *,
    method: Minimizer | str | None = None,
    gtol: float | None = None,
    scale: PyTree = None,
) -> Solution:
    """θ_ML = argmax Σ log p(example; θ), by a minimizer of the mean of −log p.

    Dividing the sum by the number of examples moves no maximum, and keeps the gradient of one size. Each
    parameter is varied in a unit of its own, so that it does not matter in which unit the data are measured.

    Args:
      log_density: ``log_density(θ, data) -> [examples]``, differentiable by JAX. A parameter with bounds (a
        variance, a probability) is best written without: as its logarithm, its log-odds.
      start: θ at the start, a pytree of numbers and arrays.
      data: a pytree of arrays.
      method: a minimizer or its name; default BFGS.
      gtol: stop where no derivative of the mean of −log p by θ / scale is larger; by default the criterion
        without a unit of `kobai.minimize`.
      scale: the unit of each parameter, a tree like `start` of numbers above 0; by default its size at the
        start, or 1 where that is 0.

    Returns:
      The `Solution` of `kobai.minimize`: its value is θ_ML, its objective −1/m of the log-likelihood there,
      its gradient that by θ / scale.

    Raises:
      UsageError: for a start, a scale or data that hold anything but finite numbers, and as `kobai.minimize`.
    """
    x, tree = flattened("start", start)
    units = _units(scale, x, tree)
    solution = minimize(
        _MeanNegative(log_density),
        tree.restored(x / units),
        method=method,
        args=(data, tree.restored(units)),
        gtol=gtol,
    )
    ratio, _ = flattened("start", solution.value)
    return replace(solution, value=tree.restored(ratio * units))


def _units(scale: PyTree, x: np.ndarray, tree: Tree) -> np.ndarray:
    """The unit of each parameter [n], in the dtype of x."""
    if scale is None:
        sizes = np.abs(x)
        return np.where((sizes > 0) & np.isfinite(sizes), sizes, 1).astype(x.dtype)
    units, held = flattened("scale", scale)
    if (held.structure, held.shapes) != (tree.structure, tree.shapes):
        raise UsageError("error.likelihood.scale.shape", value=quoted(scale))
    if not (np.isfinite(units) & (units > 0)).all():
        raise UsageError("error.likelihood.scale", value=quoted(scale))
    return units.astype(x.dtype)


@dataclass(frozen=True)
class _MeanNegative:
    """−1/m Σ log p, of θ / units. A class, so that one log_density is one function and compiles once."""

    log_density: LogDensity

    def __call__(self, ratio: PyTree, data: Data, units: PyTree) -> Scalar:
        return -jnp.mean(self.log_density(jax.tree.map(jnp.multiply, ratio, units), data))


def _standardized(θ: Mapping[str, Array], x: Array) -> Array:
    return normal_log_density(x, θ["mean"], jnp.exp(θ["log_variance"]))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NormalFit(SheetResult):
    """A normal distribution fitted to numbers by a minimizer, beside the closed form.

    The rows of ``table``: "minimizer", "closed" (Σ(x − μ)²/n) and "unbiased" (n − 1 in place of n).

    Fields:
      solution: of the minimizer, in units of the data moved and scaled to about one.
    """

    mean: float
    variance: float
    log_likelihood: float
    solution: Solution

    files = {"likelihood.html": "html", "likelihood.json": "to_json", "table.parquet": "table"}

    def _figures(self) -> "dict[str, go.Figure]":
        """The density of each row."""
        reach = 4 * math.sqrt(self.table["variance"].max())  # type: ignore[arg-type]
        x = np.linspace(self.mean - reach, self.mean + reach, 201)
        across, up = {"title_text": "x"}, {"title_text": "p(x)", "rangemode": "tozero"}
        figure = panels.figure([""], [across], [up], height=320, margin={"t": 12})
        for i, row in enumerate(self.table.iter_rows(named=True)):
            name = say(f"likelihood.{row['way']}")
            with jax.enable_x64(True):
                p = np.exp(normal_log_density(x, row["mean"], row["variance"]))
            line = {"color": panels.colour(i), "dash": DASHES[i]}
            figure.add_scatter(
                x=x.tolist(), y=panels.listed(p), name=name, meta=name, mode="lines", line=line
            )
        return {"densities": figure}

    def _content(self) -> dict[str, object]:
        return {"steps": self.solution.steps, "rows": self.table.to_dicts()}

    def _sheet(self) -> Sheet:
        heads = [say(f"likelihood.column.{name}") for name in self.table.columns]
        rows = [
            [say(f"likelihood.{way}"), *(f"{value:.6g}" for value in values)]
            for way, *values in self.table.iter_rows()
        ]
        title = say("likelihood.title", steps=self.solution.steps)
        return Sheet(title, heads, rows, [say("likelihood.note")])


@guard
def fit_normal(
    data: Sequence[float] | np.ndarray,
    *,
    method: Minimizer | str | None = None,
    language: str | None = None,
    command: str | None = None,
) -> NormalFit:
    """Fit a normal distribution by maximum likelihood: with a minimizer, and by the closed form beside it.

    The closed form is μ = Σx/n, σ² = Σ(x − μ)²/n. Dividing by n − 1 is unbiased, which is another aim: it is
    not the maximum. Of 1, 2, 3, 4, 10: μ = 4, σ² = 10, not 12.5.

    Args:
      data: two or more numbers, not all equal.
      method: a minimizer or its name; default BFGS.
      language: "en" or "ja", for what this call says and returns. Default: the language in use.
      command: what the page says reproduces it. Default: this call.

    Raises:
      UsageError: for numbers that have no maximum: equal ones make the likelihood grow without end; and for
        numbers so far apart, or so close, that their variance is none of float64.
    """
    command = command or call(fit_normal, locals(), {"data": "data", "method": "method"})
    with speaking(language):
        x = _numbers(data)
        middle, scale = _place(x)
        z = (x - middle) / scale
        mean, variance, solution = _by_minimizer(z, method)
        closed = float(z.mean())
        standard = {
            "minimizer": (mean, variance),
            "closed": (closed, float(z.var())),
            "unbiased": (closed, float(z.var(ddof=1))),
        }
        ways = {way: (middle + scale * μ, scale**2 * σσ) for way, (μ, σσ) in standard.items()}
        mean, variance = ways["minimizer"]
        order = pl.DataFrame({"name": list(ways)})
        best = order.join(likelihoods(x, ways), on="name", maintain_order="left")
        table = best.select(way="name", mean="mean", variance="variance", log_likelihood="log_likelihood")
        return NormalFit(
            mean=mean,
            variance=variance,
            log_likelihood=table["log_likelihood"][0],
            solution=solution,
            table=table,
            command=command,
            language=current(),
        )


def _place(x: np.ndarray) -> tuple[float, float]:
    """Where the numbers lie and how far they spread. Refuses those whose variance is no number, or 0."""
    if len(x) < 2 or np.min(x) == np.max(x):
        raise UsageError("error.likelihood.equal", value=x.tolist()[:3])
    with np.errstate(over="ignore"):
        middle, scale = float(np.median(x)), float(np.ptp(x))
    if not (1e-150 < scale < 1e150 and math.isfinite(middle)):
        raise UsageError("error.likelihood.range", value=x.tolist()[:3])
    return middle, scale


def _by_minimizer(z: np.ndarray, method: Minimizer | str | None) -> tuple[float, float, Solution]:
    """Mean, variance, and how the minimizer came to them, of numbers within reach of 0 and 1."""
    start = {"mean": 0.0, "log_variance": 0.0}
    solution = maximum_likelihood(_standardized, start, z, method=method)
    return float(solution.value["mean"]), math.exp(float(solution.value["log_variance"])), solution


def _numbers(data: Sequence[float] | np.ndarray) -> np.ndarray:
    try:
        x = np.asarray(data, np.float64)
    except (TypeError, ValueError, OverflowError):
        x = np.empty((0, 0))
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise UsageError("error.likelihood.data", value=quoted(data))
    return x
