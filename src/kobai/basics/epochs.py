"""Steps that are written as epochs: in "5epochs" every example comes five times.

An epoch is as many steps as there are batches in the training examples, and need not be a whole number of
them: so many epochs are the steps, rounded up, in which every example has come so often.
"""

import math
import re
from fractions import Fraction

EPOCHS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:epochs?|エポック)")


def is_epochs(value: object) -> bool:
    """Whether `value` is a number of epochs, written as a text: "5epochs", "0.5 epochs", "1エポック"."""
    return isinstance(value, str) and EPOCHS.fullmatch(value.strip()) is not None


def mentions_epochs(value: object) -> bool:
    """Whether a text says epochs anywhere, as "warm-up:1epoch+cosine" does."""
    return isinstance(value, str) and EPOCHS.search(value) is not None


def in_steps(text: str, epoch: Fraction) -> str:
    """The text with steps in place of its epochs: "warm-up:1epoch" -> "warm-up:12".

    Args:
      epoch: the steps of one: examples ÷ batch size.
    """
    return EPOCHS.sub(lambda match: str(max(1, math.ceil(Fraction(match[1]) * epoch))), text)
