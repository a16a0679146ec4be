"""What is done beside the update rule of a training run.

A `Strategy` belongs to a cell, like its optimizer. What each of its parts does in the compiled program stands
in `kobai.engine.parts`.
"""

import dataclasses

from kobai.schedules import Schedule
from kobai.stabilizers.averaging import Averaging
from kobai.stabilizers.clipping import Clip
from kobai.stabilizers.early_stopping import EarlyStopping
from kobai.stabilizers.masking import Mask
from kobai.stabilizers.regularization import Penalty, WeightDecay


@dataclasses.dataclass(frozen=True)
class Strategy:
    """What is done beside the update rule; as it stands here, nothing.

    In this order: the gradient of `l1` and `l2` is added, the gradient is clipped, the rule makes its step at
    the learning rate that the schedule says, its update is masked, the weights decay. Averages are kept
    beside the iterate, which they do not change, and are evaluated with it. Early stopping looks at the
    validation loss of the iterate.
    """

    clip: Clip = Clip()
    l1: Penalty = Penalty()
    l2: Penalty = Penalty()
    weight_decay: WeightDecay | None = None
    """None: the optimizer's own, if it has one. Given, it stands in its place."""
    mask: Mask | None = None
    schedule: Schedule | None = None
    averages: tuple[Averaging, ...] = ()
    early_stopping: EarlyStopping | None = None
    replacement: bool = False
    """Whether the examples of a batch are drawn with replacement, rather than epoch by epoch."""
