"""μP, the maximal update parametrization: initial values and learning rates that go with the width.

Yang, Hu and others (2022), Tensor Programs V, arXiv 2203.03466, table 3: no factor stands in the network. By
r₁ the fan in of an array has grown from a base width, by r₂ its fan out: (1, r) at the input and of biases
and scales, (r, r) between hidden layers, (r, 1) at the output. Then, times what they are at the base width::

    deviation of initial weights    1/√r₁ · min(1, √(r₂/r₁))      1, 1/√r, 1/r
    rate of a rule like SGD         r₂/r₁                          r, 1, 1/r
    rate of a rule like Adam        1/r₁                           1, 1/r, 1/r

The two formulas, for any r₁ and r₂, are the spectral condition of Yang, Simon and Bernstein (2023), arXiv
2310.17813: an array's spectral norm, and that of its change, go with √(fan out / fan in). With (1, r), (r, r)
and (r, 1) they are the columns beside them, which are table 3's. Not scaled are ε, penalties (l1, l2) and
bounds of the gradient, and one base width is that of all hidden layers. An array that is both the first and
the last layer (tied) has one factor.

At the base width all are 1: the network is the one without μP.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from kobai.basics.arrays import Array, Parameters, Structure
from kobai.basics.leaf import Fans, Role
from kobai.initializers import Initializer, fans

ONE: Fans = (1.0, 1.0)


@dataclass(frozen=True)
class Growth:
    """How an array has grown from the base width."""

    base: Fans = ONE
    """Its fans there; of what is no weight 1, and how many entries it has."""
    now: Fans = ONE
    is_weight: bool = False

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Growth":
        """What JSON holds of it, whose lists are tuples."""
        return cls(tuple(content["base"]), tuple(content["now"]), content["is_weight"])

    @property
    def ratios(self) -> Fans:
        """(r₁, r₂)."""
        return self.now[0] / self.base[0], self.now[1] / self.base[1]

    def deviation(self, initializer: Initializer) -> float:
        """What the weights that an initializer draws are multiplied by; 1 for what it does not draw."""
        if not self.is_weight:
            return 1.0
        r1, r2 = self.ratios
        wanted = min(1.0, math.sqrt(r2 / r1))
        if initializer.is_of_model:  # which is taken to go with 1/√fan_in, as those of all frameworks do
            return wanted
        drawn = initializer.spread(*self.now) / initializer.spread(*self.base)
        return wanted / math.sqrt(r1) / drawn

    def rate(self, degree: int) -> float:
        """What multiplies the learning rate of a rule whose step grows with this power of the gradient: 1 as
        SGD's, 0 as Adam's."""
        r1, r2 = self.ratios
        return r2 / r1 if degree == 1 else 1 / r1


def grown(drawn: Parameters, growth: Sequence[Growth], initializer: Initializer) -> Parameters:
    """Parameters as an initializer drew them, with the deviations that the growth asks for."""
    tree: Structure
    leaves, tree = jax.tree.flatten(drawn)
    factors = [each.deviation(initializer) for each in growth]
    return tree.unflatten([x if f == 1 else x * f for x, f in zip(leaves, factors, strict=True)])


def growths(
    roles: Sequence[Role], now: Sequence[Array], of_base: Sequence[Role], base: Sequence[Array]
) -> tuple[Growth, ...]:
    """The growth of each array: `roles` and arrays `now`, and those of the same network at the base width."""
    return tuple(
        Growth(_fans(role_of_base, then), _fans(role, array), role.is_weight)
        for role, array, role_of_base, then in zip(roles, now, of_base, base, strict=True)
    )


def _fans(role: Role, array: Array) -> Fans:
    if not role.is_weight:
        return 1.0, float(max(array.size, 1))
    return role.fans or fans(array.shape[role.copies :], role.layout or "in_out")
