"""First-order update rules: one file each, formula and code on one screen.

The contract is `base.Optimizer`; the table of names is in `kobai.basics.registry`; optimizers of optax
come in through `from_optax`.
"""

from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.adadelta import AdaDelta
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.base import Optimizer, State
from kobai.optimizers.from_optax import from_optax
from kobai.optimizers.lion import Lion
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.nesterov import Nesterov
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Lion",
    "Momentum",
    "Nesterov",
    "NesterovDefinition",
    "Optimizer",
    "RMSProp",
    "State",
    "from_optax",
    "hyperparameters",
]
