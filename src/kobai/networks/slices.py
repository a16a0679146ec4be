"""A network on all examples of a part, slice by slice: its layers need the memory of one slice."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

NUMBERS = 2**21
"""A layer of so many numbers, 8 MB in single precision, is computed whole."""

PER_SLICE = 2**18
"""Numbers of a layer in a slice, 1 MB: the layers of a slice stay near the processor."""


def in_slices(outputs: Callable[[jax.Array], jax.Array], x: jax.Array, widest: int) -> jax.Array:
    """``outputs(x)``, one row for each of x, of a network that looks at every example by itself.

    Args:
      outputs: the network.
      x: [examples, …].
      widest: the numbers of its widest layer for one example.
    """
    examples = len(x)
    if examples * widest <= NUMBERS:
        return outputs(x)
    rows = max(PER_SLICE // widest, 1)
    # The last slice ends with the last example, and begins among those of the slice before it.
    starts = jnp.minimum(jnp.arange(0, examples, rows), examples - rows)
    y = lax.map(lambda start: outputs(lax.dynamic_slice_in_dim(x, start, rows)), starts)
    before = (len(starts) - 1) * rows
    return jnp.concatenate([y[:-1].reshape(before, *y.shape[2:]), y[-1, before - examples :]])
