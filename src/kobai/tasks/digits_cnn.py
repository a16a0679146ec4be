"""The handwritten digits once more, by convolution: the same data and split as `digits`."""

from collections.abc import Sequence

from kobai.networks import cnn
from kobai.networks.network import widths
from kobai.tasks.digits import parts
from kobai.tasks.of_network import classification
from kobai.tasks.task import Task


def digits_cnn(
    *,
    hidden: int | Sequence[int] = (8, 16),
    activation: str = "relu",
    batch_norm: bool | str = False,
    batch_size: int = 128,
    target: float | Sequence[float] | None = (0.95, 0.9, 0.97),
) -> Task:
    """Classify handwritten digits by convolutions of 3×3 pixels and stride 2; the metric is accuracy.

    Args:
      hidden: channels of each convolution.
      activation: "relu", "tanh" or "sigmoid".
      batch_norm: batch normalization of every channel: False ("off"), True ("on"), which is "before" the
        activation, or "after" it.
      batch_size: examples in a batch.
      target: validation accuracy to reach, in [0, 1]; of several the first decides.
    """
    channels = widths(hidden)
    network = cnn.network((8, 8), channels, [3] * len(channels), 10, activation, batch_norm)
    return classification(
        network, name="digits-cnn", classes=10, target=target, batch_size=batch_size, **parts()
    )
