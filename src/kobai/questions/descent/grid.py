"""From the methods that the user named to the variants that are tried on a landscape.

An update rule needs a learning rate. It is, in this order: what the user says (``learning_rates``, a
hyperparameter, an instance), what the landscape names for the rule, or the best of `RATES`, found by trying
them all. A minimizer needs none.
"""

import dataclasses
from collections.abc import Sequence

from kobai.basics import registry
from kobai.candidates import grid as candidates
from kobai.candidates.named import Choice, Methods, distinct
from kobai.landscapes.landscape import Landscape

DEFAULT = (*registry.DEFAULT_OPTIMIZERS, "bfgs")
"""What is tried when nobody says otherwise."""

RATES = tuple(float(f"{10 ** (k / 4):.3g}") for k in range(-16, 5))
"""Learning rates from 0.0001 to 10, a quarter of a decade apart, of which the best is shown."""


@dataclasses.dataclass(frozen=True)
class DescentCandidate(candidates.Candidate):
    """A method under one name, with one instance for each combination of its hyperparameters."""

    searched: bool = False
    """Whether only the best variant is to be shown."""


def grid(
    landscape: Landscape,
    methods: Methods | None = None,
    learning_rates: Sequence[float] | None = None,
    hyperparameters: candidates.Grids | None = None,
) -> list[DescentCandidate]:
    """The candidates of a descent.

    Args:
      landscape: names learning rates of its own for some rules.
      methods: names, classes or instances of update rules and minimizers, or a single one; else `DEFAULT`.
      learning_rates: for every update rule.
      hyperparameters: further grids, ``{"momentum.momentum": [0.5, 0.9]}``: by method and hyperparameter.

    Raises `UsageError` for what cannot be meant.
    """
    choices = candidates.choices_of("methods", DEFAULT if methods is None else methods, "method")
    names = distinct([choice.name for choice in choices])
    further = candidates.checked_hyperparameters(hyperparameters, names)
    rates = candidates.checked_rates(learning_rates, choices, names)
    return [
        _candidate(landscape, name, choice, rates, candidates.grid_of(name, choice.method, further))
        for name, choice in zip(names, choices, strict=True)
    ]


def _candidate(
    landscape: Landscape, name: str, choice: Choice, rates: list[float] | None, further: candidates.Grid
) -> DescentCandidate:
    best = landscape.learning_rates.get(name)
    usual = RATES if best is None else (best,)
    searched = (
        bool(choice.learning_rates) and rates is None and "learning_rate" not in further and best is None
    )
    return DescentCandidate(name, candidates.variants(choice, usual, rates, further), searched)
