"""Shampoo (Gupta, Koren and Singer 2018, arXiv 1802.09568, algorithms 1 and 2)."""

from typing import ClassVar

from kobai.basics.arrays import Array, Matrix, Whole, namespace, zeros_like
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

    The roots are taken anew at the first ten steps and then at every 10th, since they cost more than a
    gradient: by eigenvalues, those below ε set to ε.

    Args:
      learning_rate: η ≥ 0.
      epsilon: ε ≥ 0.
    """

    learning_rate: float = 0.1
    epsilon: float = 1e-4

    every: ClassVar[int] = 10
    """Steps between two roots."""

    def begin(self, θ: Array, weight: bool) -> Memory:
        xp, ε = namespace(θ), self.epsilon
        if θ.ndim < 2:
            return {"h": zeros_like(θ) + ε}
        memory: Memory = {}
        for k, size in enumerate(θ.shape):
            one = xp.eye(size, dtype=θ.dtype)
            memory |= {f"sum_{k}": ε * one, f"root_{k}": one}
        return memory

    def formula(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: bool) -> tuple[Array, Memory]:
        η, xp = self.learning_rate, namespace(g)
        if g.ndim < 2:
            h = memory["h"] + g * g
            return -η * g / xp.sqrt(xp.where(h > 0, h, 1)), {"h": h}
        sums = {f"sum_{k}": memory[f"sum_{k}"] + unfolded(g, k) @ unfolded(g, k).T for k in range(g.ndim)}

        def anew(_: Memory, sums: Memory) -> Memory:
            power = -1 / (2 * g.ndim)
            return {
                f"root_{k}": xp.asarray(self.power(sums[f"sum_{k}"], power), memory[f"root_{k}"].dtype)
                for k in range(g.ndim)
            }

        def as_before(roots: Memory, _: Memory) -> Memory:
            return roots

        roots = {f"root_{k}": memory[f"root_{k}"] for k in range(g.ndim)}
        roots = when((t <= self.every) | (t % self.every == 0), anew, as_before, roots, sums)
        Δ = g
        for k in range(g.ndim):
            Δ = xp.moveaxis(xp.tensordot(roots[f"root_{k}"], Δ, axes=(1, k)), 0, k)
        return -η * Δ, sums | roots

    def power(self, matrix: Matrix, exponent: float) -> Matrix:
        """A symmetric matrix to a power, by its eigenvalues."""
        xp = namespace(matrix)
        values, vectors = xp.linalg.eigh(matrix)
        values = xp.maximum(values, self.epsilon)
        return (vectors * values**exponent) @ vectors.T


def unfolded(array: Array, axis: int) -> Matrix:
    """The array as a matrix whose rows are one dimension."""
    return namespace(array).moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
