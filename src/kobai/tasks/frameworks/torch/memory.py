"""A tensor of torch's while a graph runs: an array that may be a view of another, and may be written to.

JAX's arrays never change; in torch ``x[:, 0] = 0`` changes x and everything that looks into it. Here every
tensor is a name for an array: writing gives the name another array, and a view is read off its base anew
after the base was written to.

Images are kept with the channels on the last axis, [examples, *space, channels], for as long as only
operators follow that can work on that (`Order`): convolutions are several times as fast on it.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array

View: TypeAlias = Callable[[Array], Array]
"""What is seen of an array: the same numbers, or some of them, in another shape."""


class Order(Enum):
    """Which order of axes the arrays have that an operator is given."""

    PLAIN = "torch's own: [examples, channels, *space]"
    ANY = "whichever they have, as long as all have the same"
    LAST = "channels last: [examples, *space, channels]"


class Tensor:
    """An array by name, which can be read and written.

    Args:
      array: its numbers, in torch's order of axes or with the channels last.
      is_last: whether the channels are last.
      base, view: what it is a view of, and how it is read off that.
    """

    def __init__(
        self,
        array: Array,
        *,
        is_last: bool = False,
        base: "Tensor | None" = None,
        view: View | None = None,
    ) -> None:
        self._array, self._is_last, self._base, self._view = array, is_last, base, view
        self._root: Tensor = self if base is None else base._root
        self.writings = 0
        """How often it was written to."""
        self._seen = self._root.writings

    @property
    def is_last(self) -> bool:
        self._look()
        return self._is_last

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """In torch's order of axes."""
        shape = self._array.shape
        return (shape[0], shape[-1], *shape[1:-1]) if self._is_last else shape

    def read(self, *, last: bool = False) -> Array:
        """Its numbers, with the channels last if asked for, else in torch's order."""
        self._look()
        if self._is_last == last:
            return self._array
        ends = (1, -1) if last else (-1, 1)
        return jnp.moveaxis(self._array, *ends)

    def write(self, array: Array, *, is_last: bool = False) -> None:
        """Give it these numbers, of any shape that can be broadcast to its own, and its base too."""
        shape, dtype = (self._array.shape if is_last == self._is_last else self.shape), self._array.dtype
        array = jnp.broadcast_to(array, shape).astype(dtype)
        if self._base is None or self._view is None:
            self._array, self._is_last = array, is_last
            self.writings += 1
            return
        plain = jnp.moveaxis(array, -1, 1) if is_last else array
        self._base.write(_written(self._base.read(), self._view, plain))
        self._look()

    def _look(self) -> None:
        """Read a view anew if what it looks into was written to."""
        if self._base is not None and self._view is not None and self._seen != self._root.writings:
            self._array, self._is_last = self._view(self._base.read()), False
            self._seen = self._root.writings


def _written(base: Array, view: View, array: Array) -> Array:
    """The base after its view was given these numbers.

    Which places of the base the view sees, it tells itself: it is shown an array of their numbers.
    """
    places = np.arange(base.size).reshape(base.shape)
    with jax.ensure_compile_time_eval():
        visible = np.asarray(view(places))
    if visible.size == base.size and np.array_equal(visible.ravel(), places.ravel()):
        return array.reshape(base.shape)
    flat = jnp.reshape(base, -1).at[visible.ravel()].set(jnp.reshape(array, -1), unique_indices=True)
    return flat.reshape(base.shape)
