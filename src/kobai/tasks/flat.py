"""θ: the trained arrays of a pytree as one vector, and back."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import is_weight

Spans = tuple[tuple[int, bool], ...]
"""How many entries of θ each trained array has, in order, and whether they are weights."""


def flatten(parameters: Any) -> np.ndarray:
    """θ: every trained array of `parameters` in one vector, in single precision or, under x64, in theirs.

    Half precision is for the network alone: in it 0.999 is 1, and Adam loses its memory.
    """
    trained = [np.ravel(leaf) for leaf in jax.tree.leaves(parameters) if is_trained(leaf)]
    double = any(leaf.dtype == np.float64 for leaf in trained)
    dtype = jax.dtypes.canonicalize_dtype(np.float64 if double else np.float32)
    return np.concatenate([leaf.astype(dtype) for leaf in trained])


def spans(parameters: Any) -> Spans:
    """The spans of the trained arrays of `parameters`."""
    trained = [leaf for leaf in jax.tree.leaves(parameters) if is_trained(leaf)]
    return tuple((leaf.size, is_weight(leaf)) for leaf in trained)


def arrays(parameters: Any, θ: Any) -> list[Any]:
    """The trained arrays of `parameters`, in tree order, with the values in the vector θ."""
    trained = [leaf for leaf in jax.tree.leaves(parameters) if is_trained(leaf)]
    # The gradient of one split is one concatenation; of slices it is a sum of padded vectors.
    pieces = jax.lax.split(jnp.asarray(θ), [leaf.size for leaf in trained])
    dtypes = [jax.dtypes.canonicalize_dtype(leaf.dtype) for leaf in trained]
    return [
        piece.reshape(leaf.shape).astype(dtype)
        for piece, leaf, dtype in zip(pieces, trained, dtypes, strict=True)
    ]


def with_arrays(parameters: Any, arrays: Iterable[Any]) -> Any:
    """The pytree `parameters` with these in place of its trained arrays."""
    new = iter(arrays)
    return jax.tree.map(lambda leaf: next(new) if is_trained(leaf) else leaf, parameters)


def is_trained(leaf: Any) -> bool:
    """Whether `leaf` is a floating-point array."""
    return hasattr(leaf, "dtype") and hasattr(leaf, "shape") and jnp.issubdtype(leaf.dtype, jnp.floating)
