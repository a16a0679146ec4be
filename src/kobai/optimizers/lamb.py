"""LAMB (You and others 2020, arXiv 1904.00962, algorithm 2)."""

from kobai.basics.arrays import Array, Flag, Whole, namespace, zeros_like
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.by_array import ByArray, Memory, norm


@hyperparameters
class LAMB(ByArray):
    """Adam's direction, with each array moved by a part of its own length: for very large batches.

    m, v, m̂, v̂ as in Adam
    u = m̂ / (√v̂ + ε) + λθ
    Δ = −η ‖θ‖/‖u‖ u    for each array; where one of the norms is 0, −ηu

    The paper's φ is the identity, as in optax. Biases and scales have a ratio too, but no decay.

    Args:
      learning_rate: η ≥ 0: the part of its length that an array moves by.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.01
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-6
    weight_decay: float = 0.0

    decays_within = True

    def begin(self, θ: Array, weight: Flag) -> Memory:
        return {"m": zeros_like(θ), "v": zeros_like(θ)}

    def formula(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: Flag) -> tuple[Array, Memory]:
        η, ρ1, ρ2, ε = self.learning_rate, self.decay_1, self.decay_2, self.epsilon
        xp = namespace(g)
        m = ρ1 * memory["m"] + (1 - ρ1) * g
        v = ρ2 * memory["v"] + (1 - ρ2) * g * g
        u = m / (1 - ρ1**t) / (xp.sqrt(v / (1 - ρ2**t)) + ε)
        if weight:
            u = u + self.weight_decay * θ
        whole, step = norm(θ), norm(u)
        ratio = xp.where((whole > 0) & (step > 0), whole / xp.where(step > 0, step, 1), 1)
        return -η * ratio * u, {"m": m, "v": v}
