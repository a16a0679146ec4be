"""Cautious masking: of an update only the entries that go down the gradient, and those longer for it.

Liang, Chen, Liu and Liu (2024), Cautious Optimizers, arXiv 2411.16085, with the scale α that is the default
of their text, for an update Δ = −ηu that is added to the parameters::

    m = 1 where Δ·g < 0, else 0            (u·g > 0)
    Δ ← d / (nnz(m) + 1) · mΔ              d entries, of which nnz(m) stay

That d and nnz are of all arrays together is kobai's choice. Algorithm 1 there, a line of PyTorch, divides
each array by the mean of its own mask plus ε, and its authors' code by that mean, or by 1e-3 where that is
less: of one array the same but for the 1 and the ε. What a rule remembers is not masked.
"""

import jax
import numpy as np

from kobai.basics.arrays import Array, Parameters, Truth, conj, is_movable, namespace, narrow, wide
from kobai.basics.hyperparameters import hyperparameters
from kobai.basics.notation import parse
from kobai.optimizers.base import as_array, is_none

NO_ENTRIES = np.zeros(0, bool)
"""The mask of what no rule moves."""


@hyperparameters
class Mask:
    """The mask; made by `cautious`. In a loop: ``update = mask.update(update, gradient)``.

    Weight decay beside the step is no part of the update: it is added behind the mask.
    """

    @property
    def name(self) -> str:
        """How the command line writes it."""
        return "cautious"

    def update(self, update: Parameters, gradient: Parameters) -> Parameters:
        """The update of a rule, masked by the gradient that the rule got: pytrees of one structure.

        Leaves that are no floating-point arrays, or None, stay as they are and do not count.
        """
        masks = jax.tree.map(_down, update, gradient, is_leaf=is_none)
        every = jax.tree.leaves(masks)
        d, nnz = sum(m.size for m in every), sum(m.sum() for m in every)

        def masked(Δ: Array | None, m: Truth) -> Array | None:
            return Δ if m is NO_ENTRIES else narrow(d / (nnz + 1) * (m * wide(as_array(Δ))), as_array(Δ))

        return jax.tree.map(masked, update, masks, is_leaf=is_none)


def _down(Δ: Array | None, g: Array | None) -> Truth:
    """Where an entry goes down the gradient: by the signs, since a product of small numbers is 0."""
    if not (is_movable(Δ) and is_movable(g)):
        return NO_ENTRIES
    xp = namespace(g)
    return xp.real(xp.sign(conj(as_array(Δ))) * xp.sign(as_array(g))) < 0


def cautious() -> Mask:
    """Only the entries of an update that go down the gradient, longer by d/(nnz + 1)."""
    return Mask()


def masking(text: str | Mask | None) -> Mask | None:
    """The mask written as "cautious"; None for "none"."""
    if text is None or isinstance(text, Mask):
        return text
    return parse("kind.mask", text, {"none": lambda: None, "cautious": cautious})
