"""Muon (Jordan and others 2024, kellerjordan.github.io/posts/muon; scaled as in Liu and others 2025)."""

from kobai.basics.arrays import Array, Flag, Matrix, Whole, namespace, zeros_like
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.by_array import ByArray, Memory, norm

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""a, b and c of the Newton–Schulz step: Jordan's quintic, steep at 0; singular values end in 0.7 … 1.2."""
ITERATIONS = 5
SMALLEST = 1e-8
"""What is added to the norm of a matrix before it divides."""


@hyperparameters
class Muon(ByArray):
    """Steps of matrices with all singular values alike: a momentum made orthogonal. AdamW for the rest.

    For weights of two dimensions (n, m) between the ends of the network:
    M ← αM + (1−α) G
    N = (αM + (1−α) G) without its singular values: X = N/‖N‖, five times X ← aX + (bXXᵀ + c(XXᵀ)²) X
    Δ = −η 0.2 √max(n, m) X − ηλθ
    For embeddings, the last layer, biases, scales and arrays of other dimensions AdamW, with a rate of its
    own η', ρ₁ = 0.9, ρ₂ = 0.999, ε = 1e-8, and the same λ for weights.

    0.2 √max(n, m) (arXiv 2502.16982) gives a step the size of AdamW's, so that the two rates are alike;
    Jordan's own scale is √max(1, out/in). M as a mean or as a sum is the same: X does not see its length.
    It is not corrected for starting at zero, where `optax.contrib.muon` corrects it. Embeddings and the last
    layer, which the authors leave to AdamW, cannot be told from a tree. A comparison finds them in the traced
    loss (`kobai.tasks.ends`); where you call `init` and `update`, `weights` says "outer" of them, and without
    it they are made orthogonal, too.

    Args:
      learning_rate: η ≥ 0, for matrices.
      adamw_learning_rate: η' ≥ 0, for the rest. A comparison by name has η' = η, if nothing is said; that
        of an instance, ``Muon([0.1, 0.2])``, keeps what the instance has.
      momentum: α in [0, 1).
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.001
    adamw_learning_rate: float = 0.001
    momentum: float = 0.95
    weight_decay: float = 0.0

    decays_within = True
    ends = True

    def begin(self, θ: Array, weight: Flag) -> Memory:
        if is_matrix(θ, weight):
            return {"M": zeros_like(θ)}
        return {"m": zeros_like(θ), "v": zeros_like(θ)}

    def formula(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: Flag) -> tuple[Array, Memory]:
        η, α = self.learning_rate, self.momentum
        if "M" not in memory:
            return self.adamw(g, θ, t, memory, weight)
        M = α * memory["M"] + (1 - α) * g
        X = orthogonal(α * M + (1 - α) * g)
        return -η * (0.2 * max(g.shape) ** 0.5 * X + self.weight_decay * θ), {"M": M}

    def adamw(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: Flag) -> tuple[Array, Memory]:
        """AdamW on what is no matrix."""
        η, ρ1, ρ2, ε = self.adamw_learning_rate, 0.9, 0.999, 1e-8
        m = ρ1 * memory["m"] + (1 - ρ1) * g
        v = ρ2 * memory["v"] + (1 - ρ2) * g * g
        Δ = -η * (m / (1 - ρ1**t)) / (namespace(g).sqrt(v / (1 - ρ2**t)) + ε)
        return Δ - η * self.weight_decay * θ if weight else Δ, {"m": m, "v": v}


def is_matrix(θ: Array, weight: Flag) -> bool:
    """Whether an array is one of Muon's: a weight of two dimensions, at no end of the network."""
    return weight is True and θ.ndim == 2 and θ.size > 0


def orthogonal(N: Matrix) -> Matrix:
    """UVᵀ of N = USVᵀ, nearly: by Newton–Schulz iterations of the shorter side."""
    a, b, c = COEFFICIENTS
    tall = N.shape[0] > N.shape[1]
    X = N.T if tall else N
    X = X / (norm(X) + SMALLEST)
    for _ in range(ITERATIONS):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T if tall else X
