"""Maximum likelihood and surrogate losses: what is minimized when a network learns, and why that.

A likelihood is a product over examples, and underflows; its logarithm is a sum, and does not
(`log_likelihood`). Its maximum is found by kobai's own minimizers (`maximum_likelihood`) and, for the normal
distribution, compared with the closed form (`fit_normal`)::

    print(kobai.fit_normal([1, 2, 3, 4, 10]))               # mean 4, variance 10
    likelihoods([1, 2, 3, 4, 10], {"A": (4, 10), "B": (7, 4)})
    print(kobai.surrogate())                                # why not minimize the error rate itself
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from kobai.columns import columns
from kobai.errors import UsageError, check_count, is_number
from kobai.minimizers.base import Minimizer
from kobai.minimizers.solve import Solution, minimize
from kobai.minimizers.tree import Tree, flattened
from kobai.spelling import check_number
from kobai.words import current, say
from kobai.words import language as speaking

if TYPE_CHECKING:
    import plotly.graph_objects

# Likelihoods


def normal_log_density(x: Any, mean: Any, variance: Any) -> Any:
    """log p(x) of the normal distribution: −(x − μ)²/2σ² − ½ log 2πσ²."""
    # The square of the ratio, not the ratio of squares, which leave the range of numbers first.
    return -(((x - mean) / jnp.sqrt(variance)) ** 2) / 2 - (math.log(2 * math.pi) + jnp.log(variance)) / 2


def log_likelihood(log_densities: Any) -> Any:
    """The logarithm of the likelihood of all examples: the sum of theirs, [examples] to a scalar.

    The likelihood itself is a product, and of many examples no number any more: 0.3¹⁰⁰ is zero in single
    precision. A sum over examples is also what a mini-batch can estimate.
    """
    return jnp.sum(jnp.asarray(log_densities))


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
        raise UsageError("error.likelihood.candidates", value=repr(candidates))
    rows: list[tuple] = []
    for name, candidate in candidates.items():
        try:
            mean, variance = candidate
        except (TypeError, ValueError):
            raise UsageError("error.likelihood.candidate", name=name, value=repr(candidate)) from None
        if not (is_number(mean) and math.isfinite(mean)):
            raise UsageError("error.likelihood.mean", name=name, value=repr(mean))
        if not (is_number(variance) and 0 < variance < math.inf):
            raise UsageError("error.likelihood.variance", name=name, value=repr(variance))
        with jax.enable_x64(True):
            total = float(log_likelihood(normal_log_density(x, mean, variance)))
        rows.append((name, float(mean), float(variance), _exponential(total), total))
    names = ["name", "mean", "variance", "likelihood", "log_likelihood"]
    return pl.DataFrame(rows, names, orient="row").sort("log_likelihood", descending=True)


def _exponential(x: float) -> float:
    """eˣ, infinite where it is beyond the largest number."""
    with np.errstate(over="ignore"):
        return float(np.exp(x))


def maximum_likelihood(
    log_density: Callable[[Any, Any], Any],
    start: Any,
    data: Any,
    *,
    method: Minimizer | str | None = None,
    gtol: float | None = None,
    scale: Any = None,
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
        _mean_negative(log_density),
        tree.restored(x / units),
        method=method,
        args=(data, tree.restored(units)),
        gtol=gtol,
    )
    found, _ = flattened("start", solution.value)
    return replace(solution, value=tree.restored(found * units))


def _units(scale: Any, x: np.ndarray, tree: Tree) -> np.ndarray:
    """The unit of each parameter [n], in the dtype of x."""
    if scale is None:
        sizes = np.abs(x)
        return np.where((sizes > 0) & np.isfinite(sizes), sizes, 1).astype(x.dtype)
    units, held = flattened("scale", scale)
    if (held.structure, held.shapes) != (tree.structure, tree.shapes):
        raise UsageError("error.likelihood.scale.shape", value=repr(scale))
    if not (np.isfinite(units) & (units > 0)).all():
        raise UsageError("error.likelihood.scale", value=repr(scale))
    return units.astype(x.dtype)


@dataclass(frozen=True)
class _mean_negative:
    """−1/m Σ log p, of θ / units. A class, so that one log_density is one function and compiles once."""

    log_density: Callable[[Any, Any], Any]

    def __call__(self, ratio: Any, data: Any, units: Any) -> Any:
        return -jnp.mean(self.log_density(jax.tree.map(jnp.multiply, ratio, units), data))


def _standardized(θ: Any, x: Any) -> Any:
    return normal_log_density(x, θ["mean"], jnp.exp(θ["log_variance"]))


@dataclass(frozen=True, repr=False)
class NormalFit:
    """A normal distribution fitted to numbers by a minimizer, beside the closed form."""

    mean: float
    variance: float
    log_likelihood: float
    solution: Solution
    """In units of the data moved and scaled to about one."""
    table: pl.DataFrame
    """Rows "minimizer", "closed" (Σ(x − μ)²/n) and "unbiased" (n − 1 in place of n)."""
    language: str | None = None
    """That it speaks; None: the one in use when it is shown."""

    def __repr__(self) -> str:
        with speaking(self.language):
            return self._text()

    def _text(self) -> str:
        rows = [[say(f"likelihood.column.{name}") for name in self.table.columns]]
        for way, *values in self.table.iter_rows():
            rows.append([say(f"likelihood.{way}"), *(f"{value:.6g}" for value in values)])
        title = say("likelihood.title", steps=self.solution.steps)
        return "\n".join([title, "", *columns(rows, left=1), "", say("likelihood.note")])


def fit_normal(
    data: Sequence[float] | np.ndarray,
    *,
    method: Minimizer | str | None = None,
    language: str | None = None,
) -> NormalFit:
    """Fit a normal distribution by maximum likelihood: with a minimizer, and by the closed form beside it.

    The closed form is μ = Σx/n, σ² = Σ(x − μ)²/n. Dividing by n − 1 is unbiased, which is another aim: it is
    not the maximum. Of 1, 2, 3, 4, 10: μ = 4, σ² = 10, not 12.5.

    Args:
      data: two or more numbers, not all equal.
      method: a minimizer or its name; default BFGS.
      language: "en" or "ja", for what this call says and returns. Default: the language in use.

    Raises:
      UsageError: for numbers that have no maximum: equal ones make the likelihood grow without end; and for
        numbers so far apart, or so close, that their variance is none of float64.
    """
    with speaking(language):
        return _fitted(data, method)


def _fitted(data: Any, method: Minimizer | str | None) -> NormalFit:
    x = _numbers(data)
    if len(x) < 2 or np.min(x) == np.max(x):
        raise UsageError("error.likelihood.equal", value=x.tolist()[:3])
    # Moved and scaled by what needs no fit, so that the minimizer starts within reach of any data.
    with np.errstate(over="ignore"):
        middle, scale = float(np.median(x)), float(np.ptp(x))
    if not (1e-150 < scale < 1e150 and math.isfinite(middle)):
        raise UsageError("error.likelihood.range", value=x.tolist()[:3])
    z = (x - middle) / scale
    start = {"mean": 0.0, "log_variance": 0.0}
    solution = maximum_likelihood(_standardized, start, z, method=method)
    mean = middle + scale * float(solution.value["mean"])
    variance = scale**2 * math.exp(float(solution.value["log_variance"]))
    ways = {
        "minimizer": (mean, variance),
        "closed": (middle + scale * z.mean(), scale**2 * z.var()),
        "unbiased": (middle + scale * z.mean(), scale**2 * z.var(ddof=1)),
    }
    best = likelihoods(x, {way: (float(mean), float(variance)) for way, (mean, variance) in ways.items()})
    order = pl.DataFrame({"name": list(ways)}).join(best, on="name", maintain_order="left")
    table = order.select(way="name", mean="mean", variance="variance", log_likelihood="log_likelihood")
    return NormalFit(mean, variance, table["log_likelihood"][0], solution, table, current())


def _numbers(data: Any) -> np.ndarray:
    try:
        x = np.asarray(data, np.float64)
    except (TypeError, ValueError):
        x = np.empty((0, 0))
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise UsageError("error.likelihood.data", value=repr(data))
    return x


# A surrogate for the error rate


@dataclass(frozen=True, eq=False, repr=False)
class Surrogate:
    """Error rate and cross-entropy as objectives. Printed, a table; `figure()` draws both along a line.

    Fields:
      line: along a straight line through weight space: ``position``, ``error_rate``, ``cross_entropy`` and
        the size of their gradients, ``error_rate_gradient``, ``cross_entropy_gradient``.
      descent: the error rate after each step of gradient descent on either: ``step``, ``error_rate`` (on
        itself), ``cross_entropy`` (on the surrogate).
      language: that it speaks; None: the one in use when it is shown.
    """

    line: pl.DataFrame
    descent: pl.DataFrame
    language: str | None = None

    def __repr__(self) -> str:
        with speaking(self.language):
            return self._text()

    def _text(self) -> str:
        rows = [[say(f"surrogate.column.{name}") for name in ("objective", "values", "flat", "start", "end")]]
        for name in ("error_rate", "cross_entropy"):
            flat = np.mean(self.line[f"{name}_gradient"].to_numpy() == 0)
            values, errors = self.line[name].n_unique(), self.descent[name]
            shown = [str(values), f"{float(flat):.0%}", f"{errors[0]:.2f}", f"{errors[-1]:.2f}"]
            rows.append([say(f"surrogate.{name}"), *shown])
        title = say("surrogate.title", points=len(self.line), steps=len(self.descent) - 1)
        return "\n".join([title, "", *columns(rows, left=1), "", say("surrogate.note")])

    def figure(self) -> "plotly.graph_objects.Figure":
        """Both objectives along the line."""
        with speaking(self.language):
            return self._figure()

    def _figure(self) -> "plotly.graph_objects.Figure":
        import plotly.graph_objects as go

        figure = go.Figure()
        for name, shape in (("error_rate", "hv"), ("cross_entropy", "linear")):
            label = say(f"surrogate.{name}")
            figure.add_trace(
                go.Scatter(x=self.line["position"], y=self.line[name], name=label, line_shape=shape)
            )
        return figure.update_layout(
            title=say("surrogate.figure"), xaxis_title=say("surrogate.position"), yaxis_rangemode="tozero"
        )


def surrogate(
    *,
    examples: int = 10,
    points: int = 201,
    steps: int = 100,
    rate: float = 1.0,
    language: str | None = None,
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

    Raises:
      UsageError: for anything that cannot be.
    """
    with speaking(language):
        return _compared(examples, points, steps, rate)


def _compared(examples: int, points: int, steps: int, rate: float) -> Surrogate:
    for name, value in (("examples", examples), ("points", points), ("steps", steps)):
        check_count(name, value)
    check_number("surrogate", "rate", rate, "rule.positive", lambda η: 0 < η < math.inf)
    # RandomState, because NumPy promises its stream for ever: the data never change.
    y = np.where(np.arange(examples) % 2 == 0, 1.0, -1.0)
    x = np.random.RandomState(0).standard_normal((examples, 2)) + 1.5 * y[:, None]
    objectives = {"error_rate": partial(_error_rate, x, y), "cross_entropy": partial(_cross_entropy, x, y)}
    start, good = np.array([-1.0, 0.6]), np.array([1.0, 1.0])
    with jax.enable_x64(True):
        positions = np.linspace(0, 1.5, points)
        line = {"position": positions}
        descent: dict[str, Any] = {"step": np.arange(steps + 1)}
        for name, f in objectives.items():
            along = start + positions[:, None] * (good - start)
            values, gradients = jax.jit(jax.vmap(jax.value_and_grad(f)))(along)
            line |= {name: np.asarray(values), f"{name}_gradient": np.linalg.norm(gradients, axis=1)}
            descent[name] = np.asarray(_errors_on_the_way(f, partial(_error_rate, x, y), start, steps, rate))
    names = ["position", *objectives, *(f"{name}_gradient" for name in objectives)]
    return Surrogate(pl.DataFrame(line).select(names), pl.DataFrame(descent), current())


def _error_rate(x: Any, y: Any, weights: Any) -> Any:
    return jnp.mean(jnp.where(y * (x @ weights) > 0, 0.0, 1.0))


def _cross_entropy(x: Any, y: Any, weights: Any) -> Any:
    """log(1 + exp(−y·score)): the logistic loss of labels ±1."""
    return jnp.mean(jnp.logaddexp(0, -y * (x @ weights)))


def _errors_on_the_way(f: Any, error_rate: Any, start: Any, steps: int, rate: float) -> Any:
    """The error rate at the start and after each step of gradient descent on `f`."""

    def step(weights: Any, _: None) -> tuple[Any, Any]:
        weights = weights - rate * jax.grad(f)(weights)
        return weights, error_rate(weights)

    _, errors = jax.lax.scan(step, jnp.asarray(start), length=steps)
    return jnp.concatenate([error_rate(start)[None], errors])
