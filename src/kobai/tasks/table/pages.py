"""Arrays in memory of their own, which the system has back as soon as an array is let go.

What an allocator frees it often keeps, as holes between what is still held. And memory that is asked for here
is taken only where it is written.
"""

import math
import mmap

import numpy as np
from numpy.typing import DTypeLike


def pages(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> np.ndarray:
    """An array of zeros."""
    size = math.prod(shape)
    memory = mmap.mmap(-1, max(size * np.dtype(dtype).itemsize, 1))
    return np.frombuffer(memory, dtype, size).reshape(shape)
