"""Adafactor (Shazeer and Stern 2018, arXiv 1804.04235, algorithms 4 to 6)."""

from kobai.basics.arrays import Array, Flag, Whole, namespace, zeros_like
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.by_array import ByArray, Memory

EPSILON = 1e-30
"""ε₁: what is added to squares."""
SMALLEST = 1e-3
"""ε₂: the least size that an array is taken to have."""
LONGEST = 1.0
"""d: the longest step, as a root mean square."""


@hyperparameters
class Adafactor(ByArray):
    """RMSProp that remembers of a matrix of squares only the means of its rows and of its columns.

    ρ = 1 − t^−k    t = 1, 2, …
    r ← ρr + (1−ρ) row means of (g⊙g + ε₁),  c likewise for columns
    v = r cᵀ / mean(r)    for arrays of two or more dimensions; of others v ← ρv + (1−ρ) (g⊙g + ε₁)
    u = g / √v
    Δ = −η max(ε₂, rms(θ)) u / max(1, rms(u))

    η is relative to the size of the array. Of three or more dimensions the two longest are rows and columns.
    ε₁ = 1e-30, ε₂ = 1e-3. As in optax, no momentum, and no decay.

    Args:
      learning_rate: η ≥ 0: the part of its size that an array moves by.
      exponent: k ≥ 0: how fast the memory grows long.
    """

    learning_rate: float = 0.01
    exponent: float = 0.8

    def begin(self, θ: Array, weight: Flag) -> Memory:
        axes = longest(θ.shape)
        if axes is None:
            return {"v": zeros_like(θ)}
        down, across = axes
        return {"rows": zeros_like(θ.mean(axis=across)), "columns": zeros_like(θ.mean(axis=down))}

    def formula(self, g: Array, θ: Array, t: Whole, memory: Memory, weight: Flag) -> tuple[Array, Memory]:
        η = self.learning_rate
        xp = namespace(g)
        ρ = 1 - (1.0 * t) ** -self.exponent
        squares = g * g + EPSILON
        axes = longest(g.shape)
        if axes is None:
            v = ρ * memory["v"] + (1 - ρ) * squares
            u, memory = g / xp.sqrt(v), {"v": v}
        else:
            down, across = axes
            r = ρ * memory["rows"] + (1 - ρ) * squares.mean(axis=across)
            c = ρ * memory["columns"] + (1 - ρ) * squares.mean(axis=down)
            rows, columns = xp.expand_dims(r, across), xp.expand_dims(c, down)
            u = g / xp.sqrt(rows / rows.mean(axis=down, keepdims=True)) / xp.sqrt(columns)
            memory = {"rows": r, "columns": c}
        u = u / xp.maximum(1, rms(u) / LONGEST)
        return -η * xp.maximum(SMALLEST, rms(θ)) * u, memory


def longest(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """The two longest dimensions, the second longest first; None where there are no two of at least 2."""
    order = sorted(range(len(shape)), key=lambda axis: shape[axis])
    if len(shape) < 2 or shape[order[-2]] < 2:
        return None
    return order[-2], order[-1]


def rms(array: Array) -> Array:
    """√ of the mean square; of no numbers 0."""
    xp = namespace(array)
    return xp.sqrt(xp.sum(array * array) / max(1, array.size))
