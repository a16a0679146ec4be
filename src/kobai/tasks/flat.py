"""θ: the trained arrays of a pytree as one vector, and back."""

from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Flag, Vector, on_device
from kobai.basics.leaf import Role

Spans = tuple[tuple[int, bool], ...]
"""How many entries of θ each trained array has, in order, and whether they are weights."""


def trained(parameters: PyTree, roles: Sequence[Role]) -> list[Array]:
    """The arrays of `parameters` that are trained, in tree order; `roles` has one for every leaf."""
    leaves = jax.tree.leaves(parameters)
    return [leaf for leaf, role in zip(leaves, roles, strict=True) if role.is_trained]


def flatten(arrays: Sequence[Array]) -> np.ndarray:
    """θ: these arrays in one vector, in single precision or, under x64, in theirs.

    Half precision is for the network alone: in it 0.999 is 1, and Adam loses its memory.
    """
    double = any(array.dtype == np.float64 for array in arrays)
    dtype = jax.dtypes.canonicalize_dtype(np.float64 if double else np.float32)
    return np.concatenate([np.ravel(array).astype(dtype) for array in arrays])


def split(like: Sequence[Array], θ: Vector) -> list[jax.Array]:
    """The vector θ as arrays of the shapes and dtypes of `like`."""
    dtypes = [jax.dtypes.canonicalize_dtype(array.dtype) for array in like]
    if isinstance(θ, np.ndarray):  # on the host, where nothing is compiled for it
        ends = np.cumsum([array.size for array in like])[:-1]
        return [
            on_device(piece.reshape(array.shape).astype(dtype))
            for piece, array, dtype in zip(np.split(θ, ends), like, dtypes, strict=True)
        ]
    # The gradient of one split is one concatenation; of slices it is a sum of padded vectors.
    pieces = jax.lax.split(jnp.asarray(θ), [array.size for array in like])
    return [
        piece.reshape(array.shape).astype(dtype)
        for piece, array, dtype in zip(pieces, like, dtypes, strict=True)
    ]


def with_arrays(parameters: PyTree, roles: Sequence[Role], arrays: Iterable[Array]) -> PyTree:
    """The pytree `parameters` with these in place of its trained arrays."""
    leaves, tree = jax.tree.flatten(parameters)
    return jax.tree.unflatten(tree, _replaced(leaves, roles, arrays))


def alone(parameters: PyTree, roles: Sequence[Role], arrays: Iterable[Array | Flag]) -> PyTree:
    """The pytree `parameters` with these in place of its trained arrays, and None for every other leaf."""
    leaves, tree = jax.tree.flatten(parameters)
    return jax.tree.unflatten(tree, _replaced([None] * len(leaves), roles, arrays))


def _replaced(leaves: Sequence[object], roles: Sequence[Role], arrays: Iterable[object]) -> list[object]:
    new = iter(arrays)
    return [next(new) if role.is_trained else leaf for leaf, role in zip(leaves, roles, strict=True)]
