"""kobai: which optimizer, which learning rate, which initial weights for my network, and why?

    import kobai

    result = kobai.compare("digits")                     # tune, confirm, answer
    task = kobai.Task(parameters=…, loss=…, train=…, validation=…)      # a network of your own
    kobai.descend("bowl")                                # the paths of many methods over a landscape
    kobai.minimize(fun, x0)                              # a full objective, no learning rate
    kobai.Adam(learning_rate=0.01)                       # an update rule, in your own loop
    kobai.initializers.he().fill(parameters, 0)          # initial values for your own parameters
    kobai.probe(kobai.initializers.he(), activation="relu")             # what they do, layer by layer

Names are looked up when first used, so that importing kobai costs nothing.
"""

from importlib import import_module
from typing import Any

from kobai.basics.version import __version__

_HOME = {
    "compare": "questions.comparison.ask",
    "Result": "questions.comparison.ask",
    "descend": "questions.descent.ask",
    "Descent": "questions.descent.ask",
    "Landscape": "landscapes.landscape",
    "Task": "tasks.task",
    "probe": "questions.probe",
    "memory": "questions.memory",
    "transfer": "questions.transfer.ask",
    "Pair": "tasks.pairs",
    "fit_normal": "questions.likelihood",
    "surrogate": "questions.likelihood",
    "Optimizer": "optimizers.base",
    "SGD": "optimizers.sgd",
    "Momentum": "optimizers.momentum",
    "Nesterov": "optimizers.nesterov",
    "NesterovDefinition": "optimizers.nesterov_definition",
    "AdaGrad": "optimizers.adagrad",
    "AdaDelta": "optimizers.adadelta",
    "RMSProp": "optimizers.rmsprop",
    "Adam": "optimizers.adam",
    "AdamW": "optimizers.adamw",
    "Lion": "optimizers.lion",
    "from_optax": "optimizers.from_optax",
    "minimize": "minimizers.solve",
    "minimize_many": "minimizers.many",
    "Solution": "minimizers.solve",
    "Minimizer": "minimizers.base",
    "Newton": "minimizers.newton",
    "NewtonCG": "minimizers.newton_cg",
    "ConjugateGradient": "minimizers.conjugate_gradient",
    "BFGS": "minimizers.bfgs",
    "LBFGS": "minimizers.lbfgs",
    "CoordinateDescent": "minimizers.coordinate_descent",
    "clip_value": "stabilizers.clipping",
    "clip_norm": "stabilizers.clipping",
    "clip_percentile": "stabilizers.clipping",
    "Initializer": "initializers",
    "UsageError": "basics.errors",
}
_MODULES = (
    "tasks",
    "landscapes",
    "optimizers",
    "minimizers",
    "initializers",
    "schedules",
    "stabilizers",
    "words",
)

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"kobai.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"kobai.{name}")
    raise AttributeError(f"module 'kobai' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
