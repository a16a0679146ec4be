"""What the frameworks call their arrays, and how they lay them out: a leaf's role from where it stands.

    Equinox      by the module that holds it: (out, in, *kernel), norms, embeddings, convolutions' biases
    Flax         kernel, bias, scale, embedding; attention kernels are (in, heads, dim) and (heads, dim, out)
    Keras        kernel, bias, gamma, beta, embeddings, moving_mean, depthwise_kernel
    PyTorch      layers.0.weight, weight_ih_l0, running_mean; (out, in, *kernel)
    plain        w1, b1, W_xh, weights, biases in dicts; lists of arrays

A name that nobody knows says nothing, nor does that of a matrix in an Equinox module of the user's own, whose
layout nobody knows: `told` gives None.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import jax

from kobai.basics.arrays import is_float
from kobai.basics.leaf import BIAS, FROZEN, SCALE, WEIGHT, Fans, Layout, Leaf, Role, lineage

TOKENS = {
    WEIGHT: "w[a-z]{0,2}|weights?|kernels?|embeddings?|matrix|inputs|recurrent",
    BIAS: "b[qkvohyz]?|bias|biases|beta|shift|offset|intercept",
    SCALE: "scales?|gamma|gain|slope|temperature",
}
"""The words in names of arrays, by what they say; of several the last decides: recurrent_kernel, bias_hh."""

STATISTICS = re.compile(r"(running|moving)_|num_batches_tracked")
NORM = re.compile(r"(norm|(^|_)(ln|bn|gn))[_\d]*$")
EMBEDDING = re.compile(r"embedding|^w[tp]e$")
EQUINOX_GATES = {"GRUCell": 3, "LSTMCell": 4}
"""How many gates lie below one another in the weights of a cell: each has its own fans."""
EQUINOX_MATRICES = {"Linear", "Embedding", "GRUCell", "LSTMCell"}
EQUINOX_CONVOLUTIONS = {"Conv", "ConvTranspose"}
FLAX_DENSE = re.compile(r"Dense_\d+$")
"""Layers whose weight has a known number of dimensions: more are copies that a transformation stacks."""
EQUINOX_NORMS = {"LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm"}


def told(leaf: Leaf, every: Sequence[Leaf], layout: Layout | None) -> Role | None:
    """The role of a leaf among all of its tree; None for an array that cannot be told."""
    classes = lineage(leaf.owner)
    equinox = {name.rpartition(".")[2] for name in classes if name.startswith("equinox.")}
    if not is_float(leaf.value) or _is_statistic(leaf, classes):
        return Role(FROZEN)
    kind = SCALE if equinox & {"WeightNorm"} and leaf.path[-1] == "g" else _said_by(leaf.title)[0]
    if len(leaf.shape) < 2:
        return Role(SCALE if kind in (SCALE, WEIGHT) else BIAS)
    if kind in (BIAS, SCALE):
        return Role(kind)
    if kind is None:
        return Role(WEIGHT, layout=layout or "in_out") if _is_plain_matrix(leaf, every) else None
    if equinox == {"Module"} and layout is None:  # of the user's own module, laid out in any way
        return None
    copies = _copies(leaf, every, equinox)
    if not copies or callable(layout):
        return _weight(leaf, every, layout, equinox)
    role = _weight(_first(leaf, copies), [_first(other, copies) for other in every], layout, equinox)
    return replace(role, copies=copies) if role and role.is_weight else role


def _copies(leaf: Leaf, every: Sequence[Leaf], equinox: set[str]) -> int:
    """How many of the first axes of a weight count copies of its layer."""
    shape, bias = leaf.shape, _bias_of(leaf, every) or ()
    if equinox & EQUINOX_CONVOLUTIONS:
        return max(len(shape) - 2 - int(getattr(leaf.owner, "num_spatial_dims", len(shape))), 0)
    if equinox & EQUINOX_MATRICES or (leaf.title == "kernel" and FLAX_DENSE.search(leaf.parent)):
        return len(shape) - 2
    copies = len(bias) - 1
    if leaf.title == "kernel" and copies > 0 and len(shape) > len(bias) and shape[-len(bias) :] != bias:
        return copies if (*shape[:copies], shape[-1]) == bias else 0
    return 0


def _first(leaf: Leaf, copies: int) -> Leaf:
    """The leaf of the first copy of a layer; one that has fewer axes has no copies."""
    if not is_float(leaf.value) or len(leaf.shape) <= copies:
        return leaf
    return replace(leaf, value=jax.ShapeDtypeStruct(leaf.shape[copies:], leaf.value.dtype))


def _is_statistic(leaf: Leaf, classes: Sequence[str]) -> bool:
    """Whether an array is no parameter: a running mean, a count, anything but a `Param` of Flax NNX."""
    variable = "flax.nnx.variablelib.Variable" in classes and "flax.nnx.variablelib.Param" not in classes
    indices = any("equinox.nn._stateful.StateIndex" in lineage(holder) for holder in leaf.holders)
    state = indices or "batch_stats" in leaf.path
    return variable or state or bool(STATISTICS.match(leaf.title))


def _weight(leaf: Leaf, every: Sequence[Leaf], layout: Layout | None, equinox: set[str]) -> Role | None:
    """The role of an array of two or more dimensions that is called a weight."""
    shape, name, parent = leaf.shape, leaf.title.lower(), leaf.parent.lower()
    bias = _bias_of(leaf, every)
    if equinox & EQUINOX_NORMS or NORM.search(parent):
        return Role(SCALE)
    if name == "weight" and not equinox and bias == shape:  # PyTorch's LayerNorm; or a layer of one input
        return None if 1 in shape else Role(SCALE)
    if callable(layout):
        return Role(WEIGHT, layout=layout)
    if "Embedding" in equinox or EMBEDDING.search(name):
        return Role(WEIGHT, fans=(shape[-1], math.prod(shape[:-1])))
    gates = next((count for kind, count in EQUINOX_GATES.items() if kind in equinox), 0)
    if gates:
        return Role(WEIGHT, fans=(shape[1], shape[0] // gates), layout="out_in")
    groups = getattr(leaf.owner, "groups", 1) if any(kind.startswith("Conv") for kind in equinox) else 1
    if groups > 1:
        positions = math.prod(shape[2:])
        one = shape[1] * positions, shape[0] // groups * positions
        return Role(WEIGHT, fans=one, layout="out_in")
    if "depthwise" in name:
        positions = math.prod(shape[:-2])
        return Role(WEIGHT, fans=(positions, positions * shape[-1]), layout="in_out")
    fans = _fans_of_several_axes(leaf, every, parent, bias)
    if fans is None and parent.startswith("densegeneral"):
        return None
    out_in = bool(equinox) or (leaf.is_dotted and "weight" in name) or name.startswith("weight_")
    return Role(WEIGHT, fans=fans) if fans else Role(WEIGHT, layout=layout or _layout(shape, bias, out_in))


def _fans_of_several_axes(
    leaf: Leaf, every: Sequence[Leaf], parent: str, bias: tuple[int, ...] | None
) -> Fans | None:
    """The fans of a kernel whose inputs or outputs have several axes, as attention has in Flax and Keras."""
    shape, outputs = leaf.shape, 0
    if len(shape) == 3 and parent in ("query", "key", "value"):
        outputs = 2
    elif len(shape) == 3 and parent in ("out", "attention_output") and _beside(leaf, every, "query"):
        outputs = 1
    elif bias and len(bias) > 1 and 1 not in bias and shape[-len(bias) :] == bias and len(bias) < len(shape):
        outputs = len(bias)
    elif bias and parent.startswith("densegeneral"):
        outputs = 1
    return (math.prod(shape[:-outputs]), math.prod(shape[-outputs:])) if outputs else None


def _layout(shape: tuple[int, ...], bias: tuple[int, ...] | None, out_in: bool) -> Layout:
    """Where the fans are: as a bias beside the weight tells, else as the framework has it."""
    nodes = math.prod(bias) if bias else None
    if nodes == shape[-1] != shape[0]:
        return "in_out"
    if nodes == shape[0] != shape[-1]:
        return "out_in"
    return "out_in" if out_in else "in_out"


def _said_by(name: str) -> tuple[str | None, tuple[str, ...]]:
    """(what a name says, the rest of it, which a weight and its bias have in common)."""
    tokens = re.findall(r"[a-z]+|\d+", name.lower())
    for i in reversed(range(len(tokens))):
        for kind, words in TOKENS.items():
            if re.fullmatch(words, tokens[i]):
                return kind, (*tokens[:i], *tokens[i + 1 :])
    return None, tuple(tokens)


def _bias_of(leaf: Leaf, every: Sequence[Leaf]) -> tuple[int, ...] | None:
    """The shape of the one bias that belongs to a weight, by its name; None where there is none."""
    _, rest = _said_by(leaf.path[-1])
    beside = [other for other in every if other.path[:-1] == leaf.path[:-1] and is_float(other.value)]
    biases = [other.shape for other in beside if _said_by(other.path[-1]) == (BIAS, rest)]
    return biases[0] if len(biases) == 1 else None


def _beside(leaf: Leaf, every: Sequence[Leaf], name: str) -> bool:
    """Whether what holds the leaf's holder holds something of this name."""
    place = (*leaf.path[:-2], name)
    return any(other.path[: len(place)] == place for other in every)


def _is_plain_matrix(leaf: Leaf, every: Sequence[Leaf]) -> bool:
    """Whether an array without a name of its own has the shape of a weight, and of nothing else.

    (1, 64) may be a bias, unless biases have one dimension there; and (8, 16) after a kernel (64, 8, 16).
    """
    if leaf.path and not leaf.path[-1].isdigit():
        return False
    nameless = [other for other in every if other.title == leaf.title and is_float(other.value)]
    place = next(i for i, other in enumerate(nameless) if other is leaf)
    before = nameless[place - 1].shape if place else ()
    if len(before) > len(leaf.shape) and before[-len(leaf.shape) :] == leaf.shape:
        return False
    biases_are_flat = any(len(other.shape) == 1 for other in nameless)
    return biases_are_flat or sum(size > 1 for size in leaf.shape) > 1
