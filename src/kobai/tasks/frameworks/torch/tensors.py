"""Torch's tensors as arrays, and arrays as torch's tensors. Memory is copied, never shared."""

import jax
import jax.numpy as jnp
import numpy as np
import torch


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """A copy of a tensor's numbers in its own dtype, bfloat16 too, which NumPy knows from JAX."""
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(jnp.bfloat16).copy()
    return tensor.numpy().copy()


def tensor_of(array: np.ndarray | jax.Array, like: torch.Tensor) -> torch.Tensor:
    """A tensor with these numbers, of the dtype and on the device of another."""
    array = np.asarray(array)
    if array.dtype == jnp.bfloat16:
        array = array.astype(np.float32)  # exact, and bfloat16 again below
    return torch.tensor(array).to(dtype=like.dtype, device=like.device)


def dtype_of(dtype: torch.dtype) -> np.dtype:
    """The dtype in which JAX computes what torch computes in this one: 32 bits of 64, without x64."""
    return np.dtype(jax.dtypes.canonicalize_dtype(jnp.dtype(str(dtype).removeprefix("torch."))))
