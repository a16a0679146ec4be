"""Pure optimisation: a budget to be divided among projects whose returns diminish."""

from collections.abc import Sequence

import numpy as np

from kobai.basics.arrays import Scalar, Vector, namespace
from kobai.basics.errors import UsageError
from kobai.landscapes.landscape import Landscape, finite


def resource_allocation(
    returns: Sequence[float] = (1.0, 2.0, 3.0, 4.0),
    saturation: Sequence[float] = (1.0, 1.0, 2.0, 3.0),
    budget: float = 10.0,
) -> Landscape:
    """f(z) = −Σ aᵢ log(1 + xᵢ/cᵢ) with the shares x = B softmax(z).

    Softmax reaches every division of the budget that leaves no project empty, so that a method that knows of
    no constraint can be used. Where the best division leaves one empty, f comes near its bound and never
    reaches it.

    Args:
      returns: a > 0, how much a project can yield.
      saturation: c > 0, from which amount on the yield of a project flattens.
      budget: B > 0.
    """
    sound = finite(returns) and finite(saturation) and finite([budget])
    equally = sound and len(returns) == len(saturation) >= 2
    if not (equally and min(*returns, *saturation, budget) > 0):
        raise UsageError("error.allocation", returns=returns, saturation=saturation, budget=budget)
    a, c = np.asarray(returns, float), np.asarray(saturation, float)

    def objective(z: Vector) -> Scalar:
        xp = namespace(z)
        weights = xp.exp(z - z.max())
        x = budget * weights / weights.sum()
        return -(a * xp.log1p(x / c)).sum()

    best = water_filling(a, c, budget)
    z = np.log(best) if (best > 0).all() else None
    return Landscape(
        name="resource_allocation",
        objective=objective,
        start=(0.0,) * a.size,
        minima=() if z is None else (tuple((z - z.mean()).tolist()),),
        least=-float((a * np.log1p(best / c)).sum()),
        source="water-filling; Boyd and Vandenberghe 2004, Convex Optimization, example 5.2",
    )


def water_filling(a: np.ndarray, c: np.ndarray, budget: float) -> np.ndarray:
    """The division x ≥ 0, Σx = B with the greatest Σ aᵢ log(1 + xᵢ/cᵢ), from its optimality conditions.

    A project that gets something has the marginal return aᵢ/(cᵢ + xᵢ) = ν, one that gets nothing has no more
    than ν to offer. Projects are filled in the order of their first returns aᵢ/cᵢ.
    """
    order = np.argsort(-a / c)
    for count in range(len(a), 0, -1):
        filled = order[:count]
        ν = a[filled].sum() / (budget + c[filled].sum())
        if (a[filled] / ν > c[filled]).all():
            break
    x = np.zeros(len(a))
    x[filled] = a[filled] / ν - c[filled]
    return x
