"""Early stopping: the end when the validation loss no longer improves, with the best weights restored.

Prechelt (1998), Early stopping — but when?, in Neural Networks: Tricks of the Trade; Goodfellow, Bengio,
Courville (2016), Deep Learning, algorithm 7.1::

    loss < best − δ:  best, weights ← loss, θ;  waited ← 0
    otherwise:        waited ← waited + 1;  the end at waited = patience
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from kobai.basics.arrays import Array, Number, Parameters, Truth, Whole, namespace
from kobai.basics.checks import COUNT, check_fields, check_number
from kobai.basics.hyperparameters import hyperparameters
from kobai.basics.notation import parse, written

NUMBERS = (np.ndarray, np.generic, jax.Array, float, complex)


class Best(NamedTuple):
    """The best evaluation so far."""

    loss: Number
    params: Parameters
    """The parameters at it: what is restored at the end."""
    waited: Whole
    """Evaluations since."""


@hyperparameters
class EarlyStopping:
    """The rule: the end after `patience` evaluations without an improvement of more than `minimum_change`.

    In a loop, at every evaluation: ``best = rule.update(loss, params, best)``, and the end where
    ``rule.ends(best)``, with ``best.params`` in place of the last. A loss of NaN is no improvement.
    """

    patience: Number
    minimum_change: Number = 0.0

    def __post_init__(self) -> None:
        change = ("rule.rate", lambda x: 0 <= x < math.inf)
        check_fields(self, {"patience": COUNT, "minimum_change": change})

    @property
    def name(self) -> str:
        """How the command line writes it: "patience:10"."""
        change = [float(self.minimum_change)] if self.minimum_change else []
        return written("patience", float(self.patience), *change)

    def init(self, params: Parameters) -> Best:
        return Best(math.inf, params, np.int32(0))

    def update(self, loss: Number, params: Parameters, best: Best) -> Best:
        """`best` after one more evaluation."""
        xp = namespace(loss)
        better = loss < best.loss - self.minimum_change

        def chosen(new: Array, old: Array) -> Array:
            if isinstance(new, NUMBERS):
                return namespace(new).where(better, new, old)
            # A function, a name, a setting of a module: the same at every evaluation, unless it is seen.
            return old if isinstance(better, bool | np.bool_) and not better else new

        best_params = jax.tree.map(chosen, params, best.params)
        waited = xp.where(better, 0, best.waited + 1).astype(np.int32)
        return Best(xp.where(better, loss, best.loss), best_params, waited)

    def ends(self, best: Best) -> Truth:
        """Whether it is time to stop."""
        return best.waited >= self.patience


def early_stopping(patience: float, minimum_change: float = 0.0) -> EarlyStopping:
    """Stop after `patience` evaluations without an improvement of more than `minimum_change`."""
    check_number("early_stopping", "patience", patience, *COUNT)
    check_number("early_stopping", "minimum_change", minimum_change, "rule.rate", lambda x: 0 <= x < math.inf)
    return EarlyStopping(int(patience), float(minimum_change))


SPELLINGS: dict[str, Callable[..., EarlyStopping | None]] = {"none": lambda: None, "patience": early_stopping}


def stopping(text: str | EarlyStopping | None) -> EarlyStopping | None:
    """The rule written as "patience:10" or "patience:10:0.001"; None for "none"."""
    if text is None or isinstance(text, EarlyStopping):
        return text
    return parse("kind.early_stopping", text, SPELLINGS)
