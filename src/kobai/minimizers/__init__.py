"""Minimizers of a full objective: no learning rate to choose. One file each, formula and code on one screen.

The contract is `base.Minimizer`; `descent` is what BFGS, L-BFGS and conjugate gradients share, with one
`line_search`; `solve.minimize` drives a method to its end, `many.minimize_many` from many starts; `tree` is
the edge between trees and flat vectors. The table of names is `kobai.basics.registry.MINIMIZERS`.
"""

from kobai.minimizers.base import Evaluations, Minimizer, Objective, Point, State
from kobai.minimizers.bfgs import BFGS
from kobai.minimizers.conjugate_gradient import ConjugateGradient, linear_conjugate_gradient
from kobai.minimizers.coordinate_descent import CoordinateDescent
from kobai.minimizers.lbfgs import LBFGS
from kobai.minimizers.many import minimize_many
from kobai.minimizers.newton import Newton
from kobai.minimizers.newton_cg import NewtonCG
from kobai.minimizers.solve import Solution, minimize

__all__ = [
    "BFGS",
    "LBFGS",
    "ConjugateGradient",
    "CoordinateDescent",
    "Evaluations",
    "Minimizer",
    "Newton",
    "NewtonCG",
    "Objective",
    "Point",
    "Solution",
    "State",
    "linear_conjugate_gradient",
    "minimize",
    "minimize_many",
]
