"""Minimizers of a full objective: no learning rate to choose. One file each, formula and code on one screen.

The contract is `base.Minimizer`; `descent` is what BFGS, L-BFGS and conjugate gradients share, with one
`line_search`; `solve.minimize` drives a method to its end, `many.minimize_many` from many starts; `tree` is
the edge between trees and flat vectors. The methods are those of `kobai.basics.registry.MINIMIZERS`, each
under the name of its class: ``kobai.minimizers.BFGS``.
"""

from typing import Any

from kobai.basics import registry
from kobai.minimizers.base import Evaluations, Minimizer, Objective, Point, State
from kobai.minimizers.conjugate_gradient import linear_conjugate_gradient
from kobai.minimizers.many import minimize_many
from kobai.minimizers.solve import Solution, minimize

__all__ = [
    "Evaluations",
    "Minimizer",
    "Objective",
    "Point",
    "Solution",
    "State",
    "linear_conjugate_gradient",
    "minimize",
    "minimize_many",
]


def __getattr__(name: str) -> Any:
    return registry.member(__name__, name, registry.MINIMIZERS)


def __dir__() -> list[str]:
    return sorted([*globals(), *(entry.attribute for entry in registry.MINIMIZERS.values())])
