"""SOAP (Vyas and others 2024, arXiv 2409.11321, algorithm 3)."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from kobai.basics.arrays import Array, Flag, Matrix, Whole, namespace, narrow, zeros_like
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.by_array import ByArray, Memory, when
from kobai.optimizers.shampoo import eigen, sides, unfolded


@hyperparameters
class SOAP(ByArray):
    """Adam in the eigenbasis of Shampoo's matrices, which turns slowly.

    For a matrix, with Q_L, Q_R the eigenvectors of L and R:
    m ← ρ₁m + (1−ρ₁) G,  G' = Q_LᵀGQ_R,  m' = Q_LᵀmQ_R
    v ← ρ₂v + (1−ρ₂) G'⊙G'
    Δ = −η √(1−ρ₂ᵗ)/(1−ρ₁ᵗ) Q_L (m' / (√v + ε)) Q_Rᵀ    t = 1, 2, …
    Δ ← Δ − ηλ(θ+Δ)
    L ← ρ₂L + (1−ρ₂) GGᵀ,  R ← ρ₂R + (1−ρ₂) GᵀG
    every 10th step: Q ← orthonormal part of (L Q) by QR, ordered by its eigenvalues; v in the same order

    Before the first step one gradient is spent on L, R and their eigenvectors: it moves nothing, as in the
    authors' code. As there, ε stands beside √v, not beside √v̂, and the parameter that has made its step is
    the one that decays. Arrays of more dimensions have a matrix for each; vectors and numbers have none, and
    are Adam's. Nor has a side longer than 10 000. Biases and scales are not decayed.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.003
    decay_1: float = 0.95
    decay_2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    every: ClassVar[int] = 10
    """Steps between two turns of the basis."""
    largest: ClassVar[int] = 10_000
    """The longest side that has a matrix."""

    def begin(self, θ: Array, weight: Flag) -> Memory:
        memory = {"m": zeros_like(θ), "v": zeros_like(θ)}
        for k in self.sides(θ):
            one = namespace(θ).eye(θ.shape[k], dtype=θ.dtype)
            memory |= {f"sum_{k}": 0 * one, f"basis_{k}": one}
        return memory

    def formula(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: Flag) -> tuple[Array, Memory]:
        xp = namespace(g)

        def looked(old: Memory) -> Memory:
            sums = self.summed(g, old)
            bases = {f"basis_{k}": eigen(sums[f"sum_{k}"])[1][:, ::-1] for k in self.sides(g)}
            return {**old, **sums, **bases, "Δ": 0 * g}

        def stepped(old: Memory) -> Memory:
            Δ, m, v = self.adam(g, t - 1, old)
            new = {**old, "m": m, "v": v, **self.summed(g, old)}
            new = when((t - 1) % self.every == 0, self.turned, dict, new)
            return {**new, "Δ": self.decayed(Δ, θ) if weight else Δ}

        def alike(branch: Callable[[Memory], Memory]) -> Callable[[Memory], Memory]:
            return lambda old: {name: narrow(xp.array(value), g) for name, value in branch(old).items()}

        new = when(t == 1, alike(looked), alike(stepped), memory)
        return new.pop("Δ"), new

    def sides(self, array: Array) -> list[int]:
        return sides(array, self.largest)

    def decayed(self, Δ: Array, θ: Array) -> Array:
        return Δ - self.learning_rate * self.weight_decay * (θ + Δ)

    def adam(self, g: Array, t: Whole, memory: Memory) -> tuple[Array, Array, Array]:
        """Adam in the eigenbasis: (Δ, m, v)."""
        η, ρ1, ρ2, ε = self.learning_rate, self.decay_1, self.decay_2, self.epsilon
        bases = {k: memory[f"basis_{k}"] for k in self.sides(g)}
        transposed = {k: basis.T for k, basis in bases.items()}
        m = ρ1 * memory["m"] + (1 - ρ1) * g
        v = ρ2 * memory["v"] + (1 - ρ2) * turned(g, transposed) ** 2
        u = turned(m, transposed) / (namespace(g).sqrt(v) + ε)
        rate = η * (1 - ρ2**t) ** 0.5 / (1 - ρ1**t)
        return -rate * turned(u, bases), m, v

    def summed(self, g: Array, memory: Memory) -> Memory:
        """L, R and those of further dimensions, with one gradient more."""
        ρ2 = self.decay_2
        return {
            f"sum_{k}": ρ2 * memory[f"sum_{k}"] + (1 - ρ2) * unfolded(g, k) @ unfolded(g, k).T
            for k in self.sides(g)
        }

    def turned(self, memory: Memory) -> Memory:
        """The bases after one step of the power iteration, each by falling eigenvalues, and v with them."""
        v, bases = memory["v"], {}
        xp = namespace(v)
        for k in self.sides(v):
            basis = memory[f"basis_{k}"]
            product = memory[f"sum_{k}"] @ basis
            order = xp.argsort(-xp.sum(basis * product, axis=0))
            v = xp.take(v, order, axis=k)
            bases[f"basis_{k}"] = xp.linalg.qr(product[:, order])[0]
        return {**memory, **bases, "v": v}


def turned(array: Array, matrices: Mapping[int, Matrix]) -> Array:
    """The array with matrices applied to its dimensions."""
    xp = namespace(array)
    for k, matrix in matrices.items():
        array = xp.moveaxis(xp.tensordot(matrix, array, axes=(1, k)), 0, k)
    return array
