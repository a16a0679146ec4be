"""Handwritten digits: ten classes, 8×8 pixels, 1,797 examples.

Data: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
doi 10.24432/C50P49, CC BY 4.0; the copy that scikit-learn ships, with one fixed split. See data/README.md.
"""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from kobai.networks import mlp
from kobai.networks.network import widths
from kobai.tasks.of_network import classification
from kobai.tasks.task import Task

TRAIN, VALIDATION, TEST = range(3)


def digits(
    *,
    hidden: int | Sequence[int] = 100,
    activation: str = "relu",
    batch_norm: bool | str = False,
    batch_size: int = 128,
    target: float | Sequence[float] | None = (0.95, 0.9, 0.97),
) -> Task:
    """Classify handwritten digits with a dense network, by cross-entropy; the metric is accuracy.

    Args:
      hidden: nodes of the hidden layer, or of each of several.
      activation: "relu", "tanh" or "sigmoid".
      batch_norm: batch normalization in every hidden layer: False ("off"), True ("on"), which is "before" the
        activation, or "after" it.
      batch_size: examples in a batch.
      target: validation accuracy to reach, in [0, 1]; of several the first decides.
    """
    network = mlp.network((64, *widths(hidden), 10), activation, batch_norm)
    return classification(network, name="digits", classes=10, target=target, batch_size=batch_size, **parts())


def parts() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The images [n, 64] and labels [n] of "train", "validation" and "test"."""
    images, labels, split = load()
    parts = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
    return {name: (images[split == part], labels[split == part]) for name, part in parts.items()}


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(images [1797, 64] in [0, 1], labels [1797], split [1797]: 0 train, 1 validation, 2 test)."""
    with files("kobai.tasks.data").joinpath("digits.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        return arrays["images"].astype(np.float32) / 16, arrays["labels"].astype(np.int32), arrays["split"]
