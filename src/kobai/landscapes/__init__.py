"""Landscapes: functions to try every method on, each an object with what is known of it.

The contract is `landscape.Landscape`; their names are in `kobai.basics.registry`. Classic functions stand in
`classic`, one landscape for each difficulty of training in `difficulties`; three problems of pure
optimisation have a file each.
"""

from kobai.landscapes.classic import (
    ackley,
    beale,
    booth,
    bowl,
    himmelblau,
    matyas,
    rastrigin,
    rosenbrock,
    styblinski_tang,
)
from kobai.landscapes.difficulties import (
    cliff,
    discontinuous,
    ill_conditioned,
    monkey_saddle,
    noisy,
    plateau,
    saddle,
    two_level,
)
from kobai.landscapes.landscape import Landscape, load
from kobai.landscapes.least_resistance import least_resistance
from kobai.landscapes.resource_allocation import resource_allocation
from kobai.landscapes.shortest_path import shortest_path

__all__ = [
    "Landscape",
    "ackley",
    "beale",
    "booth",
    "bowl",
    "cliff",
    "discontinuous",
    "himmelblau",
    "ill_conditioned",
    "least_resistance",
    "load",
    "matyas",
    "monkey_saddle",
    "noisy",
    "plateau",
    "rastrigin",
    "resource_allocation",
    "rosenbrock",
    "saddle",
    "shortest_path",
    "styblinski_tang",
    "two_level",
]
