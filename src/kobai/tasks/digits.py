"""Handwritten digits: ten classes, 8×8 pixels, 1,797 examples.

Data: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
doi 10.24432/C50P49, CC BY 4.0; the copy that scikit-learn ships, with one fixed split. See data/README.md.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.tasks import mlp
from kobai.tasks.task import Task

TRAIN, VALIDATION, TEST = range(3)


def digits(
    *,
    hidden: int | Sequence[int] = 100,
    activation: str = "relu",
    batch_size: int = 128,
    target: float | Sequence[float] | None = (0.95, 0.9, 0.97),
) -> Task:
    """Classify handwritten digits with a dense network, by cross-entropy; the metric is accuracy.

    Args:
      hidden: nodes of the hidden layer, or of each of several.
      activation: "relu", "tanh" or "sigmoid".
      batch_size: examples in a batch.
      target: validation accuracy to reach, in [0, 1]; of several the first decides.
    """
    mlp.check_activation(activation)
    widths = (64, *mlp.hidden_widths(hidden), 10)

    def loss(parameters: Any, batch: Any) -> Any:
        x, y = batch
        log_p = jax.nn.log_softmax(mlp.forward(parameters, x, activation))
        # A product with the one-hot labels: its gradient is elementwise where an index's is a scatter.
        return -jnp.mean(jnp.sum(log_p * (y[:, None] == jnp.arange(10)), axis=1))

    def accuracy(parameters: Any, data: Any) -> Any:
        x, y = data
        return jnp.mean(jnp.argmax(mlp.forward(parameters, x, activation), axis=1) == y)

    images, labels, split = load()
    parts = [(images[split == part], labels[split == part]) for part in (TRAIN, VALIDATION, TEST)]
    return Task(
        name="digits",
        parameters=mlp.parameters(widths),
        loss=loss,
        train=parts[TRAIN],
        validation=parts[VALIDATION],
        test=parts[TEST],
        metric=accuracy,
        metric_name="accuracy",
        maximize=True,
        metric_range=(0.0, 1.0),
        target=target,
        batch_size=batch_size,
        layout=mlp.LAYOUT,
    )


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(images [1797, 64] in [0, 1], labels [1797], split [1797]: 0 train, 1 validation, 2 test)."""
    with files("kobai.tasks.data").joinpath("digits.npz").open("rb") as file:
        kept = np.load(file, allow_pickle=False)
        return kept["images"].astype(np.float32) / 16, kept["labels"].astype(np.int32), kept["split"]
