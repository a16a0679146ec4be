"""What makes a training steadier, whatever its update rule; each in a file of its own.

    clipping         a gradient that is too long is cut before it is used
    averaging        the mean of the iterates in place of the last one
    regularization   L1 and L2 in the loss, weight decay beside the step
    masking          of an update only what goes down the gradient
    early_stopping   the end when validation no longer improves, and the best weights back

The table of names is in `kobai.basics.registry`. In a comparison each is an axis, whose effect is measured
paired by seed: ``kobai.compare("digits", clip=["none", "norm:1"])``.
"""

from kobai.stabilizers.averaging import Averaging, exponential, polyak
from kobai.stabilizers.clipping import Clip, clip_norm, clip_percentile, clip_value
from kobai.stabilizers.early_stopping import EarlyStopping, early_stopping
from kobai.stabilizers.masking import Mask, cautious
from kobai.stabilizers.regularization import Penalty, WeightDecay, l1, l2, weight_decay

__all__ = [
    "Averaging",
    "Clip",
    "EarlyStopping",
    "Mask",
    "Penalty",
    "WeightDecay",
    "cautious",
    "clip_norm",
    "clip_percentile",
    "clip_value",
    "early_stopping",
    "exponential",
    "l1",
    "l2",
    "polyak",
    "weight_decay",
]
