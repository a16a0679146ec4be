"""The table of methods: name -> where its class lives. Needs no jax, so that it answers at once.

Common tests, the command line and the documentation all iterate this table. The one-line description of
`name` is `words.say("optimizer." + name)`.
"""

from importlib import import_module

OPTIMIZERS = {
    "sgd": "SGD",
    "momentum": "Momentum",
    "nesterov": "Nesterov",
    "nesterov_definition": "NesterovDefinition",
    "adagrad": "AdaGrad",
    "adadelta": "AdaDelta",
    "rmsprop": "RMSProp",
    "adam": "Adam",
    "adamw": "AdamW",
    "lion": "Lion",
}
"""Each class lives in ``kobai.optimizers.<name>``."""

DEFAULT_OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam")
"""What is compared when nobody says otherwise: both Nesterov forms follow one path, one is enough."""

MINIMIZERS = {
    "newton": "Newton",
    "newton_cg": "NewtonCG",
    "conjugate_gradient": "ConjugateGradient",
    "bfgs": "BFGS",
    "lbfgs": "LBFGS",
    "coordinate_descent": "CoordinateDescent",
}
"""Each class lives in ``kobai.minimizers.<name>``."""

STABILIZERS = {
    "clip_value": "stabilizers.clipping",
    "clip_norm": "stabilizers.clipping",
    "clip_percentile": "stabilizers.clipping",
    "polyak": "stabilizers.averaging",
    "exponential": "stabilizers.averaging",
    "l1": "stabilizers.regularization",
    "l2": "stabilizers.regularization",
    "weight_decay": "stabilizers.regularization",
    "early_stopping": "stabilizers.early_stopping",
    "batch_norm": "layers",
}
"""Each is a function in the module of kobai that stands beside it."""

SCHEDULES = ("constant", "step", "cosine", "warm_up", "one_cycle")
"""Each is a function in ``kobai.schedules``."""

TASKS = ("digits", "digits-cnn", "mnist1d", "sine", "adding", "copy")
"""Each is a function in ``kobai.tasks.<name>``, with underscores for dashes."""

LANDSCAPES = {
    "bowl": "classic",
    "rosenbrock": "classic",
    "beale": "classic",
    "himmelblau": "classic",
    "booth": "classic",
    "matyas": "classic",
    "rastrigin": "classic",
    "ackley": "classic",
    "styblinski_tang": "classic",
    "saddle": "difficulties",
    "monkey_saddle": "difficulties",
    "plateau": "difficulties",
    "cliff": "difficulties",
    "two_level": "difficulties",
    "noisy": "difficulties",
    "discontinuous": "difficulties",
    "ill_conditioned": "difficulties",
    "resource_allocation": "resource_allocation",
    "least_resistance": "least_resistance",
    "shortest_path": "shortest_path",
}
"""Each is a function of its name in the module of ``kobai.landscapes`` that stands beside it."""


def optimizer_class(name: str) -> type:
    """The class registered as `name`."""
    return getattr(import_module(f"kobai.optimizers.{name}"), OPTIMIZERS[name])


def minimizer_class(name: str) -> type:
    """The class registered as `name`."""
    return getattr(import_module(f"kobai.minimizers.{name}"), MINIMIZERS[name])
