"""Pure optimisation: Newton's body of least resistance (Principia 1687, book II, proposition 34).

A body of radius 1 and a given length flies through a thin gas, whose particles hit it once. A surface that
falls by the slope s meets 1/(1 + s²) of the resistance of a flat one.
"""

import math

from kobai.basics.arrays import Scalar, Vector, namespace
from kobai.basics.checks import check_count
from kobai.landscapes.landscape import Landscape, check_positive


def least_resistance(rings: int = 9, length: float = 1.0) -> Landscape:
    """f(z): the resistance of a body with a flat nose and `rings` conical rings behind it, 1 for a plate.

    The nose has the radius r₀ = σ(z₀). The rings are equally wide; ring i takes the part softmax(z₁…)ᵢ of the
    length. f = r₀² + Σ (rᵢ₊₁² − rᵢ²)/(1 + sᵢ²). The start is close to a cone; Newton's shape has a nose.

    Args:
      rings: conical rings; n = rings + 1.
      length: of the body, in radii.
    """
    check_count("rings", rings, most=1000)
    check_positive("length", length)

    def objective(z: Vector) -> Scalar:
        xp = namespace(z)
        nose = (1 + xp.tanh(z[0] / 2)) / 2
        width = (1 - nose) / rings
        weights = xp.exp(z[1:] - z[1:].max())
        slopes = length * weights / weights.sum() / width
        radii = nose + width * xp.arange(rings + 1)
        return nose**2 + ((radii[1:] ** 2 - radii[:-1] ** 2) / (1 + slopes**2)).sum()

    return Landscape(
        name="least_resistance",
        objective=objective,
        start=(-2.0, *(0.0,) * rings),
        least=newton_resistance(length)[1],
        source="Newton 1687, Principia, book II, proposition 34, scholium",
    )


def newton_resistance(length: float) -> tuple[float, float]:
    """(radius of the nose, resistance) of Newton's own body, which no smooth convex one of revolution beats.

    Along it r = r₀(1 + q²)²/(4q), with the slope q growing from 1 at the nose to Q at the rim. The length and
    the resistance are integrals over q in closed form; Q is found by bisection.
    """

    def nose(q: float) -> float:
        return 4 * q / (1 + q * q) ** 2

    def reached(q: float) -> float:
        return nose(q) / 4 * (0.75 * q**4 + q**2 - math.log(q) - 1.75)

    low, high = 1.0, 2.0
    while reached(high) < length:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < length else (low, middle)
    q, r0 = low, nose(low)
    flank = 0.75 * q**4 + 2.5 * q**2 + math.log(q) + 0.5 / q**2 - 3.75
    return r0, r0**2 * (1 + flank / 8)
