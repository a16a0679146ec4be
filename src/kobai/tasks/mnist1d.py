"""MNIST-1D: ten classes of curves of 40 points, a benchmark that tells kinds of networks apart.

Data: Greydanus and Kobak, Scaling Down Deep Learning with MNIST-1D, arXiv 2011.14439 (ICML 2024), in its
default form; the last 500 of the 4,000 training examples are for validation. See data/README.md.
"""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from kobai.basics.checks import check_name
from kobai.basics.errors import UsageError
from kobai.networks import cnn, mlp, rnn
from kobai.networks.network import OFF, Network, check_batch_norm, widths, within_fan_in
from kobai.tasks.of_network import classification
from kobai.tasks.task import Task

LENGTH, CLASSES = 40, 10
TRAIN, VALIDATION = 3500, 500
PADDING = 1
"""Zeros at either end before each convolution, as in the paper's code: of 40 points 19 are left, 10, 5."""

HIDDEN = {"logistic": (), "mlp": (100, 100), "cnn": (25, 25, 25), "gru": (12,)}
ACTIVATION = {"logistic": "relu", "mlp": "relu", "cnn": "relu", "gru": "tanh"}
TARGETS = {
    "logistic": (0.28, 0.25, 0.3),
    "mlp": (0.55, 0.45, 0.6),
    "cnn": (0.8, 0.6, 0.9),
    "gru": (0.7, 0.5, 0.8),
}


def mnist1d(
    *,
    model: str = "mlp",
    hidden: int | Sequence[int] | None = None,
    activation: str | None = None,
    batch_norm: bool | str = False,
    batch_size: int = 100,
    target: float | Sequence[float] | None = None,
) -> Task:
    """Classify the curves by cross-entropy; the metric is accuracy.

    Args:
      model: "logistic" (no hidden layer), "mlp", "cnn" (the published one: convolutions of 5, 3, 3, …
        points, with stride 2 and one zero at either end; its initial values "own" are those of the paper,
        uniform within ±1/√fan_in, biases too) or "gru" (one layer in each direction, whose states
        at all points are seen).
      hidden: nodes of each hidden layer, channels of each convolution, nodes of the recurrent layer in each
        direction. Default: 100, 100; 25, 25, 25; 12.
      activation: "relu", "tanh" or "sigmoid". Default: relu, and tanh for the GRU.
      batch_norm: batch normalization in every hidden layer of the MLP or the CNN, as in `digits`.
      batch_size: examples in a batch.
      target: validation accuracy to reach, in [0, 1]; of several the first decides. Default: by model.
    """
    check_name("kind.model", model, HIDDEN)
    network = _network(
        model,
        HIDDEN[model] if hidden is None else widths(hidden),
        ACTIVATION[model] if activation is None else activation,
        batch_norm,
    )
    return classification(
        network,
        name="mnist1d" if model == "mlp" else f"mnist1d {model}",
        classes=CLASSES,
        target=TARGETS[model] if target is None else target,
        batch_size=batch_size,
        **parts(),
    )


def _network(model: str, hidden: Sequence[int], activation: str, batch_norm: bool | str) -> Network:
    if model in ("logistic", "mlp"):
        if model == "logistic" and hidden:
            raise UsageError("error.mnist1d.logistic", value=list(hidden))
        return mlp.network((LENGTH, *hidden, CLASSES), activation, batch_norm)
    if model == "cnn":
        kernels = [5, *[3] * (len(hidden) - 1)]
        network = cnn.network((LENGTH,), hidden, kernels, CLASSES, activation, batch_norm, padding=PADDING)
        return network._replace(own=within_fan_in(network.parameters))
    if check_batch_norm(batch_norm) != OFF:
        raise UsageError("error.recurrent.batch_norm", value=batch_norm)
    return rnn.both_ways(LENGTH, rnn.nodes(hidden), CLASSES, cell="gru", activation=activation)


def parts() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The curves [n, 40] and labels [n] of "train", "validation" and "test"."""
    with files("kobai.tasks.data").joinpath("mnist1d.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        x, y = arrays["curves"].astype(np.float32), arrays["labels"].astype(np.int32)
    places = np.split(np.arange(len(y)), [TRAIN, TRAIN + VALIDATION])
    return {
        name: (x[rows], y[rows]) for name, rows in zip(("train", "validation", "test"), places, strict=True)
    }
