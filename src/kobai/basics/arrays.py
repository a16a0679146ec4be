"""What formulas ask of an array, whether it is NumPy's or JAX's."""

from typing import Any

import jax
import numpy as np


def is_weight(array: Any) -> bool:
    """Whether an array holds weights: biases and scales have fewer than two dimensions."""
    return np.ndim(array) >= 2


def narrow(value: Any, like: Any) -> Any:
    """`value` in the dtype of `like` where it came out wider.

    It does from ρᵗ, a float64 of NumPy's beside a float32 array, and from float32 hyperparameters beside
    bfloat16 parameters.
    """
    if not hasattr(like, "dtype") or not jax.dtypes.issubdtype(like.dtype, np.floating):
        return value
    return value.astype(like.dtype) if value.dtype.itemsize > like.dtype.itemsize else value


def zeros_like(array: Any) -> Any:
    """Zeros of the shape, dtype and library (NumPy, JAX) of `array`."""
    return namespace(array).zeros_like(array)


def namespace(array: Any) -> Any:
    """The library that `array` belongs to: a formula written with it runs on NumPy and JAX arrays alike."""
    return array.__array_namespace__() if hasattr(array, "__array_namespace__") else np
