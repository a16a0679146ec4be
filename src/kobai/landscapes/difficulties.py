"""What makes training hard, one landscape for each difficulty (the lecture, section 4)."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kobai.basics.arrays import Array, Scalar, Vector, Whole, namespace
from kobai.basics.checks import check_count, check_seed
from kobai.basics.errors import UsageError, quoted
from kobai.landscapes.landscape import Landscape, check_dimension, finite


def _bowl(p: Vector) -> Scalar:
    x, y = p
    return x**2 / 20 + y**2


WIDE = ((-10.0, 10.0), (-5.0, 5.0))


def saddle() -> Landscape:
    """f = x² − y²: a minimum along x, a maximum along y. It has arrived that has left: f < −1."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return x**2 - y**2

    names = ("sgd", "momentum", "nesterov", "nesterov_definition", "adagrad", "rmsprop", "adam")
    return Landscape(
        name="saddle",
        objective=objective,
        start=(1.0, 1e-6),
        box=((-2.0, 2.0), (-2.0, 2.0)),
        tolerance=-1.0,
        source="the simplest saddle; Dauphin and others 2014, arXiv 1406.2572, on why they matter",
        learning_rates={**dict.fromkeys(names, 0.1), "adadelta": 1.0},
    )


def monkey_saddle() -> Landscape:
    """f = x³ − 3xy²: three ways down and three ways up; at the middle even the Hessian is zero."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return x**3 - 3 * x * y**2

    return Landscape(
        name="monkey_saddle",
        objective=objective,
        start=(1.0, 0.01),
        box=((-2.0, 2.0), (-2.0, 2.0)),
        tolerance=-1.0,
        source="Hilbert and Cohn-Vossen 1932, Anschauliche Geometrie, section 29",
    )


def plateau() -> Landscape:
    """f = 1 − exp(−(x²/4 + y²)/2): a hollow in a plain, where far away there is no slope to feel."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return -namespace(p).expm1(-(x**2 / 4 + y**2) / 2)

    return Landscape(
        name="plateau",
        objective=objective,
        start=(-6.0, 1.5),
        box=((-8.0, 8.0), (-4.0, 4.0)),
        minima=((0.0, 0.0),),
        least=0.0,
        source="a normal density, turned over",
    )


def cliff(steps: int = 50) -> Landscape:
    """The squared error of a recurrent network of one node, over its weight w and its bias b.

    xₜ₊₁ = w σ(xₜ) + b from x₀ = ½, and f = (x₅₀ − 0.7)². Where the recurrence turns from one fixed point to
    another stands a wall, whose gradient throws a plain step far away.
    """
    check_count("cliff: steps", steps, most=10_000)

    def objective(p: Vector) -> Scalar:
        (w, b), xp = p, namespace(p)

        def step(_: Whole | int, x: Scalar) -> Scalar:
            return w * (1 + xp.tanh(x / 2)) / 2 + b

        x = w * sigmoid(0.5) + b
        if xp is not np:  # written out, the fifty steps take minutes to compile
            return (lax.fori_loop(1, steps, step, x) - 0.7) ** 2
        for i in range(1, steps):
            x = step(i, x)
        return (x - 0.7) ** 2

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    return Landscape(
        name="cliff",
        objective=objective,
        start=(6.0, -2.5),
        box=((0.0, 8.0), (-5.0, 0.5)),
        # There x = 0.7 is the fixed point, and fifty steps come to it.
        minima=((2.0, 0.7 - 2 * sigmoid(0.7)),) if steps >= 50 else (),
        least=0.0,
        source="Pascanu, Mikolov and Bengio 2013, arXiv 1211.5063, figure 6",
    )


def two_level() -> Landscape:
    """f = x²/20 + y² + ½ (1 − cos 3x): a slope that leads down, with hollows on the way."""

    def objective(p: Vector) -> Scalar:
        return _bowl(p) + (1 - namespace(p).cos(3 * p[0])) / 2

    return Landscape(
        name="two_level",
        objective=objective,
        start=(-7.0, 2.0),
        box=WIDE,
        minima=((0.0, 0.0),),
        least=0.0,
        source="after Locatelli 2005, On the multilevel structure of global optimization problems",
    )


def noisy(size: float = 0.5, seed: int = 0) -> Landscape:
    """The bowl, its gradient off by up to `size` in each coordinate, as that of a mini-batch is.

    The value is exact. The noise is uniform and a function of the point: the same `seed` and the same bits of
    x give the same noise, so that every path can be walked again.
    """
    if not (finite([size]) and size >= 0):
        raise UsageError("error.noise", value=quoted(size))
    check_seed("noisy: seed", seed)

    @jax.custom_jvp
    def objective(p: Vector) -> Scalar:
        return _bowl(p)

    @objective.defjvp
    def _(primals: tuple[Vector], tangents: tuple[Vector]) -> tuple[Scalar, Scalar]:
        [p], [direction] = primals, tangents
        gradient = jax.grad(_bowl)(p) + size * uniform(lax.stop_gradient(p), seed)
        return _bowl(p), gradient @ direction

    return Landscape(
        name="noisy",
        objective=objective,
        start=(-7.0, 2.0),
        box=WIDE,
        minima=((0.0, 0.0),),
        least=0.0,
        source="the bowl with the noise of Robbins and Monro 1951",
    )


def uniform(x: Array, seed: int) -> jax.Array:
    """[n] numbers in [−1, 1) that the bits of x [n] decide, each of them as good as drawn."""

    def mixed(h: jax.Array) -> jax.Array:  # the finalizer of Wellons 2018, hash-prospector: 0.17 bits of bias
        h = (h ^ (h >> 16)) * jnp.uint32(0x7FEB352D)
        h = (h ^ (h >> 15)) * jnp.uint32(0x846CA68B)
        return h ^ (h >> 16)

    state = jnp.uint32(seed)
    for word in lax.bitcast_convert_type(x, jnp.uint32).ravel():
        state = mixed(state ^ word)
    draws = mixed(state + jnp.arange(1, x.size + 1, dtype=jnp.uint32))
    return draws.astype(x.dtype) / 2**31 - 1


def discontinuous() -> Landscape:
    """f = b/4 + ⅜⌊2b⌋ with the bowl b: stairs, of whose descent the gradient sees a quarter.

    The minimum is the bowl's. The rest of the way falls in jumps of ⅜, of which no gradient knows.
    """

    def objective(p: Vector) -> Scalar:
        b = _bowl(p)
        return b / 4 + 0.375 * namespace(p).floor(2 * b)

    return Landscape(
        name="discontinuous",
        objective=objective,
        start=(-7.0, 2.0),
        box=WIDE,
        minima=((0.0, 0.0),),
        least=0.0,
        source="the bowl as the error rate of a classifier would show it",
    )


def ill_conditioned(dimension: int = 10, spectrum: Sequence[float] | None = None, seed: int = 0) -> Landscape:
    """f = ½ xᵀAx with the eigenvalues `spectrum`, in directions that no axis follows.

    Args:
      dimension: n; with no spectrum, n eigenvalues from 1 to 1,000, equally far apart on a logarithmic scale.
      spectrum: the eigenvalues of A, positive; their number is n.
      seed: of the directions: Q of the QR of a normal matrix.
    """
    if spectrum is None:
        check_dimension(dimension, 2, 1000)
        spectrum = np.logspace(0, 3, dimension).tolist()
    if not (finite(spectrum) and len(spectrum) and min(spectrum) > 0):
        raise UsageError("error.spectrum", value=quoted(spectrum))
    check_seed("ill_conditioned: seed", seed)
    λ = np.asarray(spectrum, float)
    Q, _ = np.linalg.qr(np.random.RandomState(seed).standard_normal((λ.size, λ.size)))

    def objective(x: Vector) -> Scalar:
        return (λ * (x @ Q) ** 2).sum() / 2

    return Landscape(
        name="ill_conditioned",
        objective=objective,
        start=tuple(Q.sum(axis=1).tolist()),  # 1 in every direction
        minima=((0.0,) * λ.size,),
        least=0.0,
        source="a quadratic with given eigenvalues; Nocedal and Wright 2006, section 5.1",
    )
