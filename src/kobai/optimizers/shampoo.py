"""Shampoo (Gupta, Koren and Singer 2018, arXiv 1802.09568, algorithms 1 and 2)."""

import math
from typing import ClassVar

import numpy as np

from kobai.basics.arrays import Array, Flag, Matrix, Whole, namespace, zeros_like
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.by_array import ByArray, Memory, when


@hyperparameters
class Shampoo(ByArray):
    """AdaGrad with a matrix for each dimension of an array in the place of one number for each entry.

    For a matrix, with L = R = εI at first:
    L ← L + GGᵀ,  R ← R + GᵀG
    Δ = −η L^−¼ G R^−¼
    For an array of k dimensions k such matrices, of its unfoldings, to the power −1/(2k).
    For vectors and numbers AdaGrad: h ← h + g⊙g, Δ = −ηg/√h with h = ε at first.
    A side longer than 10 000 has no matrix, and does not count in k.

    The roots are taken anew at the first ten steps and then at every 10th, since they cost more than a
    gradient: by eigenvalues, those below ε set to ε.

    Args:
      learning_rate: η ≥ 0.
      epsilon: ε > 0.
    """

    learning_rate: float = 0.1
    epsilon: float = 1e-4

    ranges = {"epsilon": ("rule.positive", lambda x: 0 < x < math.inf)}
    every: ClassVar[int] = 10
    """Steps between two roots."""
    largest: ClassVar[int] = 10_000
    """The longest side that has a matrix."""

    def begin(self, θ: Array, weight: Flag) -> Memory:
        xp, ε = namespace(θ), self.epsilon
        axes = sides(θ, self.largest)
        if not axes:
            return {"h": zeros_like(θ) + ε}
        memory: Memory = {}
        for k in axes:
            one = xp.eye(θ.shape[k], dtype=θ.dtype)
            memory |= {f"sum_{k}": ε * one, f"root_{k}": one}
        return memory

    def formula(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: Flag) -> tuple[Array, Memory]:
        η, xp = self.learning_rate, namespace(g)
        axes = sides(g, self.largest)
        if not axes:
            h = memory["h"] + g * g
            return -η * g / xp.sqrt(xp.where(h > 0, h, 1)), {"h": h}
        sums = {f"sum_{k}": memory[f"sum_{k}"] + unfolded(g, k) @ unfolded(g, k).T for k in axes}

        def anew(_: Memory, sums: Memory) -> Memory:
            power = -1 / (2 * len(axes))
            return {
                f"root_{k}": xp.asarray(self.power(sums[f"sum_{k}"], power), memory[f"root_{k}"].dtype)
                for k in axes
            }

        def as_before(roots: Memory, _: Memory) -> Memory:
            return roots

        roots = {f"root_{k}": memory[f"root_{k}"] for k in axes}
        roots = when((t <= self.every) | (t % self.every == 0), anew, as_before, roots, sums)
        Δ = g
        for k in axes:
            Δ = xp.moveaxis(xp.tensordot(roots[f"root_{k}"], Δ, axes=(1, k)), 0, k)
        return -η * Δ, sums | roots

    def power(self, matrix: Matrix, exponent: float) -> Matrix:
        """A symmetric matrix to a power, by its eigenvalues."""
        xp = namespace(matrix)
        values, vectors = eigen(matrix)
        values = xp.maximum(values, self.epsilon)
        return (vectors * values**exponent) @ vectors.T


def sides(array: Array, largest: int) -> list[int]:
    """The dimensions of an array that have a matrix: of two or more, those that are not too long."""
    if array.ndim < 2 or array.size == 0:
        return []
    return [k for k, size in enumerate(array.shape) if size <= largest]


def eigen(matrix: Matrix) -> tuple[Array, Matrix]:
    """Eigenvalues and eigenvectors of a symmetric matrix; of one that is not finite NaN, as JAX has it."""
    if namespace(matrix) is np and not np.isfinite(matrix).all():
        return np.full_like(matrix[0], np.nan), np.full_like(matrix, np.nan)
    return namespace(matrix).linalg.eigh(matrix)


def unfolded(array: Array, axis: int) -> Matrix:
    """The array as a matrix whose rows are one dimension."""
    return namespace(array).moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
