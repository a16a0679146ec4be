"""Regularization: large weights cost something, so that the network is no more complicated than it needs be.

In the loss (`Penalty`), whose gradient every rule then treats like any other::

    L + λ₁ ‖w‖₁ + ½ λ₂ ‖w‖²,    gradient + λ₁ sign(w) + λ₂ w        (L1: Tibshirani 1996; L2: ridge, 1970)

Beside the step (`WeightDecay`; Loshchilov and Hutter 2019, arXiv 1711.05101)::

    Δ − ηλw        η the learning rate of that step

For SGD the two are the same with λ₂ = λ. For a rule that divides by its gradients (Adam) they are not.
w are the weights; biases and scales are left alone unless asked for. Which arrays are weights a tree of
parameters tells (`kobai.basics.roles`); what it calls frozen never pays. With ½λ₂, λ₂ is what PyTorch calls
weight_decay; Keras's l2 has no ½ and is half of it. Of complex weights |w| counts.
"""

import dataclasses
import math

import jax

from kobai.basics.arrays import Array, Number, Parameters, Weights, conj, namespace, narrow, wide
from kobai.basics.checks import check_fields, check_number
from kobai.basics.errors import UsageError, quoted, said
from kobai.basics.hyperparameters import hyperparameters
from kobai.basics.roles import weights as weights_of
from kobai.optimizers.base import decayed

STRENGTH = ("rule.rate", lambda x: 0 <= x < math.inf)
"""What a strength may be: the key of the rule in words, and the rule."""


@hyperparameters
class Penalty:
    """λ₁ ‖w‖₁ + ½ λ₂ ‖w‖² in the loss.

    `biases`: whether biases and scales pay too.
    """

    l1: Number = 0.0
    l2: Number = 0.0
    biases: bool = dataclasses.field(default=False, metadata={"static": True})

    def __post_init__(self) -> None:
        _check(self, "l1", "l2")

    @property
    def name(self) -> str:
        """How tables call it: "0.0001"."""
        return _called(self.l1 or self.l2, self.biases)

    def loss(self, params: Parameters) -> Number:
        """What is added to the loss."""
        pays = jax.tree.leaves(weights_of(params, biases=self.biases))
        arrays = [wide(w) for w, flag in zip(jax.tree.leaves(params), pays, strict=True) if flag]
        return sum(
            self.l1 * namespace(w).sum(namespace(w).abs(w))
            + self.l2 / 2 * namespace(w).sum(namespace(w).real(w * conj(w)))
            for w in arrays
        )

    def gradient(
        self, gradient: Parameters, params: Parameters, weights: Weights | None = None
    ) -> Parameters:
        """The gradient of loss and penalty from the gradient of the loss.

        `weights`: a pytree like `params` of True and False, or of arrays of 1 and 0: which entries pay.
        """
        if weights is None:
            weights = weights_of(params, biases=self.biases)

        def add(g: Array | None, w: Array, pays: Array | bool) -> Array | None:
            if g is None or pays is False:
                return g
            w = wide(w)
            return narrow(g + pays * (self.l1 * namespace(w).sign(w) + self.l2 * w), g)

        return jax.tree.map(add, gradient, params, weights, is_leaf=lambda leaf: leaf is None)


@hyperparameters
class WeightDecay:
    """Δ − ηλw, beside the step of any rule.

    `biases`: whether biases and scales are shrunk too.
    """

    rate: Number = 0.0
    """λ."""
    biases: bool = dataclasses.field(default=False, metadata={"static": True})

    def __post_init__(self) -> None:
        _check(self, "rate")

    @property
    def name(self) -> str:
        """How tables call it: "0.0001"."""
        return _called(self.rate, self.biases)

    def update(
        self,
        update: Parameters,
        params: Parameters,
        learning_rate: Number,
        weights: Weights | None = None,
    ) -> Parameters:
        """The update of a rule at `learning_rate` (η), with the weights shrunk."""
        if weights is None:
            weights = weights_of(params, biases=self.biases)
        return decayed(update, params, learning_rate * self.rate, weights)


def l1(strength: float, biases: bool = False) -> Penalty:
    """λ₁ ‖w‖₁: weights that are not needed become zero."""
    check_number("l1", "strength", strength, *STRENGTH)
    return Penalty(l1=float(strength), biases=biases)


def l2(strength: float, biases: bool = False) -> Penalty:
    """½ λ₂ ‖w‖²: all weights become smaller."""
    check_number("l2", "strength", strength, *STRENGTH)
    return Penalty(l2=float(strength), biases=biases)


def weight_decay(rate: float, biases: bool = False) -> WeightDecay:
    """λ: every step shrinks the weights by ηλ of themselves."""
    check_number("weight_decay", "rate", rate, *STRENGTH)
    return WeightDecay(float(rate), biases)


def _check(part: Penalty | WeightDecay, *strengths: str) -> None:
    check_fields(part, dict.fromkeys(strengths, STRENGTH))
    if not isinstance(part.biases, bool):
        owner, rule = type(part).__name__, said("rule.flag")
        raise UsageError("error.range", owner=owner, name="biases", rule=rule, value=quoted(part.biases))


def _called(strength: Number, biases: bool) -> str:
    return f"{strength!r}".removesuffix(".0") + ("+biases" if biases else "")
