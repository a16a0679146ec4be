"""The losses that frameworks bring, by the names that they have here.

Only what is exactly the same has a name: cross-entropy with weights for the classes, smoothed labels or a sum
over the batch has none, and is called what its framework calls it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from jaxtyping import PyTree

from kobai.basics.leaf import lineage
from kobai.basics.own_code import told

Chosen: TypeAlias = str | Callable[..., PyTree] | None
"""How a caller says a loss or metric: its name, a function of (outputs, y), a framework's own; None: by y."""

CROSS_ENTROPY, BINARY, SQUARED, ABSOLUTE, HUBER = (
    "cross-entropy",
    "binary cross-entropy",
    "squared error",
    "absolute error",
    "huber",
)
PROBABILITIES = ".probabilities"
"""Behind the name of a loss that takes probabilities, where it otherwise takes logits."""

NAMES = {
    "torch": {
        "CrossEntropyLoss": CROSS_ENTROPY,
        "cross_entropy": CROSS_ENTROPY,
        "BCEWithLogitsLoss": BINARY,
        "binary_cross_entropy_with_logits": BINARY,
        "BCELoss": BINARY + PROBABILITIES,
        "binary_cross_entropy": BINARY + PROBABILITIES,
        "MSELoss": SQUARED,
        "mse_loss": SQUARED,
        "L1Loss": ABSOLUTE,
        "l1_loss": ABSOLUTE,
        "HuberLoss": HUBER,
        "huber_loss": HUBER,
        "SmoothL1Loss": HUBER,
        "smooth_l1_loss": HUBER,
    },
    "keras": {
        "SparseCategoricalCrossentropy": CROSS_ENTROPY + PROBABILITIES,
        "sparse_categorical_crossentropy": CROSS_ENTROPY + PROBABILITIES,
        "BinaryCrossentropy": BINARY + PROBABILITIES,
        "binary_crossentropy": BINARY + PROBABILITIES,
        "MeanSquaredError": SQUARED,
        "mean_squared_error": SQUARED,
        "MeanAbsoluteError": ABSOLUTE,
        "mean_absolute_error": ABSOLUTE,
        "Huber": HUBER,
        "huber": HUBER,
    },
    "optax": {
        "softmax_cross_entropy_with_integer_labels": CROSS_ENTROPY,
        "sigmoid_binary_cross_entropy": BINARY,
        "squared_error": SQUARED,
        "huber_loss": HUBER,
    },
}
"""What is called so in which framework."""

USUAL: Mapping[str, tuple[Any, ...]] = {
    "weight": (None,),
    "pos_weight": (None,),
    "ignore_index": (-100,),
    "reduction": ("mean", "sum_over_batch_size"),
    "label_smoothing": (0.0,),
    "delta": (1.0,),
    "beta": (1.0,),
}
"""The settings with which a loss is the plain one."""


def name_of(function: Callable[..., PyTree], full: str) -> str | None:
    """The name of a framework's loss, whose full name is `full`; None where it is another one."""
    framework, called = full.partition(".")[0], full.rpartition(".")[2]
    known = NAMES.get(framework, {}).get(called)
    settings = _settings(function)
    for name, usual in USUAL.items():
        if name in settings and not _is_one_of(settings[name], usual):
            return None
    if known is not None and settings.get("from_logits"):
        return known.removesuffix(PROBABILITIES)
    return known


def _settings(function: Any) -> dict[str, Any]:
    """With what a loss was made."""
    of_keras = getattr(function, "_fn_kwargs", {})
    return of_keras | {name: getattr(function, name) for name in USUAL if hasattr(function, name)}


def _is_one_of(value: Any, usual: tuple[Any, ...]) -> bool:
    """Whether a setting is usual; an array never is."""
    return not hasattr(value, "shape") and value in usual


FRAMEWORKS = tuple(f"{framework}." for framework in NAMES)
"""How the names of the losses begin that frameworks bring."""


def instance(function: Chosen) -> Chosen:
    """A loss of a framework that is given as a class, made as it is without arguments."""
    if not isinstance(function, type):
        return function
    with told(every=True):
        return function()


def names(function: Chosen) -> list[str]:
    """The full names of a function, or of the classes of an object that can be called."""
    if isinstance(function, str) or function is None:
        return []
    name = getattr(function, "__qualname__", None)
    return lineage(function) if name is None else [f"{function.__module__}.{name}"]


def is_of_framework(function: Chosen) -> bool:
    """Whether a loss is one that a framework brings, which knows outputs in arrays alone."""
    every = names(function)
    return bool(every) and every[0].startswith(FRAMEWORKS)


def is_binary(function: Chosen) -> bool:
    """Whether it is a framework's loss of two classes with one output."""
    if not is_of_framework(function):
        return False
    framework, _, called = names(function)[0].partition(".")
    return NAMES[framework].get(called.rpartition(".")[2], "").startswith(BINARY)


def is_sum(function: Chosen) -> bool:
    """Whether a framework's loss is the sum over a batch, and no mean."""
    return _settings(function).get("reduction") == "sum"


def left_out(function: Chosen) -> int | None:
    """The label that a loss of PyTorch leaves out."""
    return getattr(function, "ignore_index", None) if is_of_framework(function) else None
