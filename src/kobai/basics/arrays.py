"""What formulas ask of an array, whether it is NumPy's or JAX's; and what types call it.

The aliases say what a reader needs to know of an array beside its library: its shape. A type checker sees
`Array` in each of them, since no type checker counts dimensions.
"""

from collections.abc import Iterable
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, PyTree, Shaped, UInt32

Array: TypeAlias = jax.Array | np.ndarray
"""An array of either library; inside a compiled program one that is traced."""

Scalar: TypeAlias = Shaped[Array, ""]
"""An array of no dimensions."""

Number: TypeAlias = float | Shaped[Array, ""]
"""A number of Python's, or an array of no dimensions: a hyperparameter, traced or not."""

Whole: TypeAlias = np.integer | Int[Array, ""]
"""A whole number, as a counter of steps is."""

Truth: TypeAlias = np.bool_ | Bool[Array, "*cells"]
"""True or False, for one cell or for each of a population."""

Vector: TypeAlias = Float[Array, " n"]
"""Numbers in a row: θ, a gradient, a row of hyperparameters."""

Integers: TypeAlias = Int[Array, " n"]
"""Whole numbers in a row: the examples of a batch, the steps of evaluations."""

Matrix: TypeAlias = Float[Array, "m n"]
"""Numbers in rows and columns."""

Key: TypeAlias = UInt32[Array, "2"]
"""A random key, as the two numbers that it is made of."""

Parameters: TypeAlias = PyTree[Array]
"""A pytree of arrays: parameters, their gradients and updates."""

Data: TypeAlias = PyTree[Shaped[Array, "examples ..."]]
"""A pytree of arrays of equal length along the first axis, often a tuple (x, y)."""

ModelState: TypeAlias = PyTree[Array | complex]
"""What a model carries beside its parameters (running statistics): arrays and numbers, or None."""

Flag: TypeAlias = bool | str
"""Whether a whole array is a weight; "outer": one at an end of the network, an embedding or the last one."""

Weights: TypeAlias = PyTree[Array | Flag]
"""A pytree like the parameters that says what is a weight: True or False for a whole array, or 1 and 0; where
a rule asks for the ends of a network, also "outer"."""


class Structure(Protocol):
    """The structure of a pytree, as `jax.tree.flatten` gives it beside the leaves."""

    def unflatten(self, leaves: Iterable[object], /) -> PyTree:
        """The pytree of this structure with these leaves."""

    def flatten_up_to(self, tree: PyTree, /) -> list[PyTree]:
        """What stands in `tree` where this structure has leaves."""


def is_float(leaf: object) -> bool:
    """Whether `leaf` is an array of real or complex floating-point numbers."""
    return hasattr(leaf, "dtype") and hasattr(leaf, "shape") and jax.dtypes.issubdtype(leaf.dtype, np.inexact)


def is_movable(leaf: object) -> bool:
    """Whether a rule can move `leaf`: floating-point numbers, in an array or Python's own."""
    return is_float(leaf) or (isinstance(leaf, int | float | complex) and not isinstance(leaf, bool))


def on_device(array: Any) -> jax.Array:
    """``jnp.asarray(array)``, which compiles a program for each shape of NumPy's arrays: here none is."""
    # A copy, as there: `device_put` may share the memory of what it is given, whatever `may_alias` says.
    return jax.device_put(array.copy()) if isinstance(array, np.ndarray) else jnp.asarray(array)


def narrow(value: Any, like: Any) -> Any:
    """`value` in the dtype of `like` where it came out wider.

    It does from ρᵗ, a float64 of NumPy's beside a float32 array, from float32 hyperparameters beside bfloat16
    parameters, and from formulas in half precision, which are computed in single (`wide`).
    """
    if not is_float(like):
        return value
    return value.astype(like.dtype) if value.dtype.itemsize > like.dtype.itemsize else value


def wide(array: Any) -> Any:
    """`array`, in single precision where it has less: there squares of small numbers are zero."""
    return array.astype(np.float32) if is_float(array) and array.dtype.itemsize < 4 else array


def conj(array: Array) -> Array:
    """The complex conjugate, so that g·conj(g) is |g|²; an array of real numbers is its own."""
    return namespace(array).conj(array) if np.iscomplexobj(array) else array


def zeros_like(array: Array) -> Array:
    """Zeros of the shape and library (NumPy, JAX) of `array`, and of its dtype, but at least float32."""
    return namespace(array).zeros_like(wide(array))


def namespace(array: object) -> ModuleType:
    """The library that `array` belongs to: a formula written with it runs on NumPy and JAX arrays alike."""
    if isinstance(array, jax.Array):  # a random key too, which by itself names no library
        return jax.numpy
    return array.__array_namespace__() if hasattr(array, "__array_namespace__") else np
