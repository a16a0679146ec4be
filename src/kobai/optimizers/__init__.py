"""First-order update rules: one file each, formula and code on one screen.

The contract is `base.Optimizer`; optimizers of optax come in through `from_optax`. The rules are those of
`kobai.basics.registry.OPTIMIZERS`, each under the name of its class: ``kobai.optimizers.Adam``.
"""

from typing import Any

from kobai.basics import registry
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer, State
from kobai.optimizers.from_optax import from_optax

__all__ = ["Optimizer", "State", "from_optax", "hyperparameters"]


def __getattr__(name: str) -> Any:
    return registry.member(__name__, name, registry.OPTIMIZERS)


def __dir__() -> list[str]:
    return sorted([*globals(), *(entry.attribute for entry in registry.OPTIMIZERS.values())])
