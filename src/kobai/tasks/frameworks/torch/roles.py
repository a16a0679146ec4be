"""What each parameter of a module is, by the modules that hold them: weights with their fans, biases, scales.

The fans are the truth, where torch's own ``kaiming_normal_`` looks at a shape alone: three matrices, or the
gates of a recurrent layer, that lie below one another have the fans of each, and so has a group of a
convolution.
"""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from kobai.basics.leaf import BIAS, FROZEN, SCALE, WEIGHT, Role

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)
RECURRENT = (nn.RNNBase, nn.RNNCellBase)
MATRICES = (nn.Linear, nn.Bilinear, *EMBEDDINGS, *RECURRENT, _ConvNd, nn.MultiheadAttention)
ORIGINAL = "parametrizations."


def roles(module: nn.Module) -> dict[str, Role]:
    """The role of every parameter that its holder tells, by name; tied ones once. Others are left out."""
    by_name: dict[str, Role] = {}
    holders = dict(module.named_modules())
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            by_name[name] = Role(FROZEN)
            continue
        holder, _, own = name.rpartition(".")
        if ORIGINAL in f"{holder}.":  # "0.parametrizations.weight", "original1"
            role = _parametrized(holders, holder, own, parameter)
        else:
            role = role_of(holders[holder], own, parameter)
        if role is not None:
            by_name[name] = role
    return by_name


def role_of(holder: nn.Module, name: str, parameter: torch.Tensor) -> Role | None:
    """The role of a module's own parameter; None where its class does not tell."""
    if isinstance(holder, (*MATRICES, *NORMS)) and "bias" in name:
        return Role(BIAS)
    if isinstance(holder, (*NORMS, nn.PReLU)):
        return Role(SCALE)
    shape = tuple(parameter.shape)
    if isinstance(holder, _ConvTransposeNd):
        return Role(WEIGHT, fans=_transposed(holder, shape), layout="in_out_kernel")
    for kind, fans in FANS.items():
        if isinstance(holder, kind) and "weight" in name:
            return Role(WEIGHT, fans=fans(holder, shape), layout="out_in")
    return None


def _parametrized(
    holders: dict[str, nn.Module], holder: str, name: str, parameter: torch.Tensor
) -> Role | None:
    """What lies behind a parametrization: of weight_norm a length and a direction, else the array itself."""
    place, _, own = holder.rpartition(ORIGINAL)
    owner = holders[place.removesuffix(".")]
    kinds = {type(each).__name__ for each in holders[holder].children()}
    if "_WeightNorm" in kinds and name == "original0":
        return Role(SCALE)
    return role_of(owner, own, parameter)


def _dense(_: nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """Of a bilinear layer, whose inputs are products, as torch has it."""
    outputs, inputs, *others = shape
    return inputs * math.prod(others), outputs * math.prod(others)


def _table(_: nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """As kobai has it for every framework: what is looked up is an output, its number one input of many."""
    return shape[-1], shape[0]


def _attention(holder: nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """Of `in_proj_weight` one of the three matrices; those that stand alone are (out, in)."""
    return shape[1], min(shape[0], int(holder.embed_dim))


def _gates(holder: nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """Of the matrices of all gates, one; a projection of the state has less rows than there are nodes."""
    return shape[1], min(shape[0], int(holder.hidden_size))


def _convolution(holder: nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """Numbers that enter an output, and outputs that an input enters, of its own group."""
    outputs, inputs, *kernel = shape
    groups = int(holder.groups)
    return inputs * math.prod(kernel), outputs // groups * math.prod(kernel)


def _transposed(holder: nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """As above, of a weight (in, out, *kernel)."""
    inputs, outputs, *kernel = shape
    groups = int(holder.groups)
    return inputs // groups * math.prod(kernel), outputs * math.prod(kernel)


FANS: dict[type[nn.Module] | tuple[type[nn.Module], ...], Callable[..., tuple[float, float]]] = {
    (nn.Linear, nn.Bilinear): _dense,
    EMBEDDINGS: _table,
    nn.MultiheadAttention: _attention,
    RECURRENT: _gates,
    _ConvNd: _convolution,
}
"""The fans of a weight by the class of its holder."""
