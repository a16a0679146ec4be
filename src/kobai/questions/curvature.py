"""How sharply a loss curves: products with its Hessian, and the ends of its spectrum.

Of a network the Hessian is never made: a product H v is a derivative of the gradient, which costs about as
much as two gradients (Pearlmutter 1994). Lanczos' method needs a few of them to see the largest and the
lowest eigenvalue (Golub and Van Loan 2013, section 10.1)::

    loss = training_loss(task, batch)
    low, high = extreme_eigenvalues(loss, θ)

All of it can be traced, so that it stands inside a compiled program as well as by itself. Where only numbers
are wanted, `lanczos` is compiled, and `spectrum_of` takes its small matrix in NumPy. What the largest
eigenvalue has to do with a learning rate is said at `stable_curvature`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Data, Matrix, ModelState, Scalar, Vector, Whole, namespace, on_device
from kobai.engine.draws import mini_batch
from kobai.engine.strategy import Strategy
from kobai.engine.weights import shares, weights
from kobai.minimizers.curvature import tridiagonal
from kobai.tasks.task import Task

STEPS = 20
"""Products with the Hessian: in networks of thousands of parameters the largest eigenvalue is then within a
few per cent, because it stands apart from the others."""

Loss = Callable[[Vector], Scalar]
"""A loss as a function of θ, all trained arrays in one vector."""


def training_loss(
    task: Task,
    batch: Data,
    state: ModelState = None,
    key: jax.Array | None = None,
    strategy: Strategy | None = None,
) -> Loss:
    """The training loss of a task on these examples, as a function of θ.

    Args:
      batch: examples, in the structure of ``task.train``.
      state: the model's. Default: the one that it begins with.
      key: of a loss that draws at random. Default: always the same.
      strategy: whose penalties are part of the loss, as its gradient is what a rule sees. Default: none.
    """
    state = task.state if state is None else state
    key = jax.random.key(0) if key is None and task.random else key

    def loss(θ: Vector) -> Scalar:
        return task.training_loss(task.unflatten(θ), state, batch, key)[0]

    if strategy is None or not (strategy.l1.l1 or strategy.l2.l2):
        return loss
    cost = penalty(task, strategy)
    return lambda θ: loss(θ) + cost(θ)


def penalty(task: Task, strategy: Strategy) -> Loss:
    """What L1 and L2 cost, as a function of θ."""
    λ1, λ2 = strengths(task, strategy)
    return lambda θ: jnp.vdot(λ1, jnp.abs(θ)) + jnp.vdot(λ2, θ**2) / 2


def strengths(task: Task, strategy: Strategy) -> tuple[Vector, Vector]:
    """(λ₁, λ₂) for each parameter: what L1 and L2 cost, λ₁|θ| + ½λ₂θ², where it pays."""
    of_weights = weights(task.spans, jnp.result_type(float))
    pair = (strategy.l1.l1, strategy.l1.biases), (strategy.l2.l2, strategy.l2.biases)
    λ1, λ2 = (strength * shares(of_weights, float(biases)) for strength, biases in pair)
    return λ1, λ2


def first_batches(task: Task, seed: int, count: int) -> Data:
    """The first so many batches of a seed's training, along a first axis of each array of ``task.train``."""
    rows = mini_batch(seed, 0, count, task.examples_a_step, len(jax.tree.leaves(task.train)[0]))
    return jax.tree.map(lambda array: on_device(np.asarray(array)[rows]), task.train)


def first_of(batches: Data) -> Data:
    """The first of several batches; on the host, where nothing is compiled for it."""
    return jax.tree.map(lambda array: on_device(np.asarray(array)[0]), batches)


def hessian_vector_product(loss: Loss) -> Callable[[Vector, Vector], Vector]:
    """``(θ, v) -> H(θ) v``, the derivative of the gradient along v."""
    return lambda θ, v: jax.jvp(jax.grad(loss), (θ,), (v,))[1]


class Spectrum(NamedTuple):
    """What a few products tell of a Hessian's eigenvalues.

    Fields:
      lowest, largest: both come from inside: the largest is never told too large, nor the lowest too low.
      quarter: the size |λ| below which a quarter of the directions curve: that quantile of the density that
        Lanczos' method sees from one random direction (Golub and Welsch 1969). Sizes far below the largest
        merge in it, so that its ratio to the largest is rather told too small.
    """

    lowest: Scalar
    largest: Scalar
    quarter: Scalar


def spectrum(
    loss: Loss, θ: Vector, steps: int = STEPS, seed: int | Whole = 0, scale: Vector | None = None
) -> Spectrum:
    """The spectrum of the loss's Hessian at θ, by Lanczos from a random direction.

    Args:
      steps: products with the Hessian; more than there are parameters are not needed.
      seed: of the direction.
      scale: a number s > 0 for each parameter; then the eigenvalues are those of diag(s) H diag(s), which are
        those of diag(s²) H: of a rule that multiplies each gradient by a number of its own.
    """
    return spectrum_of(lanczos(loss, θ, steps, seed, scale))


def lanczos(
    loss: Loss, θ: Vector, steps: int = STEPS, seed: int | Whole = 0, scale: Vector | None = None
) -> Matrix:
    """The matrix [k, k] of k ≤ `steps` products with the Hessian, of which `spectrum_of` tells the spectrum.

    The arguments are those of `spectrum`. Where the directions are used up, the rest is zero.
    """
    s = jnp.ones_like(θ) if scale is None else scale
    _, product = jax.linearize(jax.grad(loss), jnp.asarray(θ))
    start = jax.random.normal(jax.random.key(seed), jnp.shape(θ), jnp.asarray(θ).dtype)
    return tridiagonal(lambda v: s * product(s * v), jnp.asarray(θ), steps, start)


def spectrum_of(T: Matrix) -> Spectrum:
    """What Lanczos' matrix [k, k] tells: in numbers of NumPy's if it is, NaN if it is not finite.

    Of a matrix of JAX's it is LAPACK by way of SciPy, whose import takes longer than all the products.
    """
    numpy = namespace(T)
    if numpy is np and not np.isfinite(T).all():  # of which JAX says the same, and NumPy may raise
        return Spectrum(*np.full(3, np.nan, T.dtype))
    λ, Q = numpy.linalg.eigh(_without_padding(T))  # ascending
    sizes = numpy.argsort(abs(λ))
    share = numpy.cumsum(Q[0, sizes] ** 2)  # of the density, which Q's first row squared weighs
    return Spectrum(λ[0], λ[-1], abs(λ)[sizes][numpy.argmax(share >= 0.25)])


def _without_padding(T: Matrix) -> Matrix:
    """Lanczos' matrix with α₀ on the diagonal where the directions were used up, in place of zero.

    Zero need not lie between the ends of the spectrum: of H = I both are 1. α₀ = v·H v does for any H.
    """
    numpy = namespace(T)
    used = numpy.cumprod(numpy.diag(T, 1) != 0)
    padded = numpy.concatenate([numpy.zeros(1, T.dtype), 1 - used.astype(T.dtype)])
    return T + T[0, 0] * numpy.diag(padded)


def extreme_eigenvalues(
    loss: Loss, θ: Vector, steps: int = STEPS, seed: int = 0, scale: Vector | None = None
) -> tuple[Scalar, Scalar]:
    """(lowest, largest) eigenvalue of the Hessian (see `spectrum`)."""
    λ = spectrum(loss, θ, steps, seed, scale)
    return λ.lowest, λ.largest


def stable_curvature(learning_rate: float, momentum: float = 0.0, nesterov: bool = False) -> float:
    """The largest eigenvalue with which steps of this rate do not grow along a valley's walls.

    On ½λx² gradient descent multiplies x by 1 − ηλ, which stays within ±1 up to λ = 2/η; with momentum α the
    two-step recurrence stays bounded up to 2(1 + α)/η, and Nesterov's, which damps what turns around, up to
    2(1 + α)/((1 + 2α)η) (the roots of z² − (1 + α)(1 − ηλ)z + α(1 − ηλ) reach −1). For a rule that divides
    the gradients by √v the bound is that of the preconditioned Hessian (`scale` = v^-¼): with exponential
    averages of weight 1 − ρ as in Adam it is 2(1 + ρ)/((1 − ρ)η) (Cohen and others, arXiv 2207.14484), and
    1 − ρᵗ times that at its t-th step, where the average is corrected for having begun at zero.
    """
    growth = 1 + momentum
    return 2 * growth / ((1 + 2 * momentum if nesterov else 1) * learning_rate)
