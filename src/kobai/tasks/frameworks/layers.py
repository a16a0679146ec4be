"""What an array of a layer is, by the layer's class: of Keras and of both forms of Flax.

They lay their weights out alike, (*kernel, in, out), and call their classes by much the same names. A weight
has the fans of what enters one output: gates that lie beside one another have those of each.
"""

import math
from collections.abc import Sequence

from kobai.basics.leaf import BIAS, SCALE, WEIGHT, Role, lineage

BIASES = ("bias", "beta", "hidden_bias", "input_bias")
SCALES = ("scale", "gamma", "alpha", "negative_slope")
NORMS = ("Normalization", "Norm")
WEIGHTS = ("kernel", "embedding", "embeddings", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel")

GATES = {"LSTMCell": 4, "OptimizedLSTMCell": 4, "GRUCell": 3, "ConvLSTMCell": 4}
"""How many gates lie beside one another in the kernels of a cell."""

UNITS = ("units", "hidden_features", "filters", "features")
"""What a cell calls the number of its nodes."""


def role(layer: object, name: str, shape: Sequence[int], holder: object = None) -> Role | None:
    """The role of an array of a layer; None where its class does not tell.

    Args:
      name: of the array in the layer: "kernel".
      holder: the layer that holds this one, where one does.
    """
    kinds = {each.rpartition(".")[2] for each in lineage(layer)}
    known = lineage(layer)[0].startswith(("keras.", "flax."))
    if not known:
        return None
    if name in BIASES:
        return Role(BIAS)
    if name in SCALES or any(kind.endswith(NORMS) for kind in kinds):
        return Role(SCALE)
    if name not in WEIGHTS or len(shape) < 2:
        return None
    return _weight(layer, kinds, name, tuple(shape), holder)


def _weight(layer: object, kinds: set[str], name: str, shape: tuple[int, ...], holder: object) -> Role:
    """A weight with the fans of one gate of a cell, and of one group of a convolution."""
    *kernel, inputs, outputs = shape
    positions = math.prod(kernel)
    if name in ("embedding", "embeddings"):
        return Role(WEIGHT, fans=(shape[-1], shape[0]))
    if name == "depthwise_kernel" or any("DepthwiseConv" in kind for kind in kinds):
        return Role(WEIGHT, fans=(positions, positions * outputs), layout="in_out")
    if _is_transposed(layer, kinds):
        return Role(WEIGHT, fans=(outputs * positions, inputs * positions), layout="kernel_out_in")
    blocks = _gates(layer, holder, shape)
    if any(kind.startswith("Conv") for kind in kinds) or name == "pointwise_kernel":
        blocks *= _groups(layer)
        return Role(WEIGHT, fans=(inputs * positions, outputs // blocks * positions), layout="in_out")
    if blocks > 1:
        return Role(WEIGHT, fans=(inputs, outputs // blocks), layout="in_out")
    axes = _output_axes(layer, kinds, len(shape))
    return Role(WEIGHT, fans=(math.prod(shape[:-axes]), math.prod(shape[-axes:])))


def _is_transposed(layer: object, kinds: set[str]) -> bool:
    """Whether a kernel is (*kernel, out, in): always in Keras, in Flax where it is asked for."""
    if not any(kind.startswith("Conv") and kind.endswith("Transpose") for kind in kinds):
        return False
    return lineage(layer)[0].startswith("keras.") or bool(getattr(layer, "transpose_kernel", False))


def _groups(layer: object) -> int:
    """Into how many groups a convolution divides its channels."""
    every = (getattr(layer, name, 1) for name in ("groups", "feature_group_count"))
    return max(int(count) for count in every if isinstance(count, int))


def _output_axes(layer: object, kinds: set[str], axes: int) -> int:
    """How many of the last axes of a kernel count outputs."""
    if "EinsumDense" in kinds:
        inputs, kernel = str(getattr(layer, "equation")).split("->")[0].split(",")  # noqa: B009
        return sum(letter not in inputs for letter in kernel)
    if "DenseGeneral" in kinds:
        features = getattr(layer, "features")  # noqa: B009
        return len(features) if isinstance(features, Sequence) else 1
    if "LinearGeneral" in kinds:
        return len(getattr(layer, "out_features"))  # noqa: B009
    return min(1, axes)


def _gates(layer: object, holder: object, shape: tuple[int, ...]) -> int:
    """The gates that lie in this very kernel: of the layer itself, or of one that a cell holds."""
    for cell in (layer, holder):
        count = next((n for kind, n in GATES.items() if _is(cell, kind)), 1)
        units = next((n for name in UNITS if isinstance(n := getattr(cell, name, None), int)), 0)
        if count > 1 and shape[-1] == count * units:
            return count
    return 1


def _is(layer: object, kind: str) -> bool:
    return any(name.endswith(f".{kind}") for name in lineage(layer))
