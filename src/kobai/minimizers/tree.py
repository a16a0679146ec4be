"""Trees of arrays as flat vectors and back: between what a person holds and what a minimizer sees."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError
from kobai.basics.own_code import told
from kobai.minimizers.base import Objective

DTYPES = ("float32", "float64")


@dataclasses.dataclass(frozen=True)
class Tree:
    """The shape of a pytree of numbers. Hashable: a static argument of a compiled function."""

    structure: Any
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    kept_by: tuple[str, ...]
    """Whose array each leaf was: "numpy" or "jax"."""

    @property
    def dtype(self) -> str:
        """The dtype of the flat vector: the widest of all leaves."""
        return max(self.dtypes)

    def unravel(self, x: Any) -> Any:
        """The tree whose numbers stand in x [n]; leaves of x's library."""
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in self.shapes])
        starts = [0, *ends[:-1]]
        return self.structure.unflatten(
            x[a:b].reshape(shape).astype(dtype)
            for a, b, shape, dtype in zip(starts, ends, self.shapes, self.dtypes, strict=True)
        )

    def restored(self, x: np.ndarray) -> Any:
        """The tree of x [n], each leaf an array of the library that it came from."""
        leaves = self.structure.flatten_up_to(self.unravel(x))
        with jax.enable_x64("float64" in self.dtypes):
            return self.structure.unflatten(
                jnp.asarray(leaf) if owner == "jax" else leaf
                for leaf, owner in zip(leaves, self.kept_by, strict=True)
            )


def as_array(tree: Any) -> Any:
    """(Nested) lists of Python's and NumPy's numbers as one array of float64; anything else as it is."""

    def listed(entry: Any) -> bool:
        if isinstance(entry, list | tuple):
            return len(entry) > 0 and all(map(listed, entry))
        return is_number(entry)

    if not isinstance(tree, list | tuple) or not listed(tree):
        return tree
    try:
        return np.asarray(tree, np.float64)
    except ValueError:  # lists of several lengths: a tree
        return tree


def flattened(name: str, tree: Any) -> tuple[np.ndarray, Tree]:
    """The numbers of `tree` in one vector [n], and its shape.

    A tree of float32 is computed in float32. NumPy's and Python's own numbers are float64, and so is what is
    computed with them, whether JAX's 64-bit mode is on or not. A list of numbers is a vector, and lists
    of lists of one length are a matrix.
    Raises `UsageError`, in which the tree is called `name`.
    """
    tree = as_array(tree)
    leaves, structure = jax.tree.flatten(tree)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        raise UsageError("error.minimize.traced", name=name)
    arrays = [np.float64(leaf) if type(leaf) in (int, float) and is_number(leaf) else leaf for leaf in leaves]
    for array in arrays:
        if str(getattr(array, "dtype", None)) not in DTYPES:
            held = getattr(array, "dtype", type(array).__name__)
            raise UsageError("error.minimize.dtype", name=name, value=held)
    shape = Tree(
        structure,
        tuple(np.shape(array) for array in arrays),
        tuple(str(array.dtype) for array in arrays),
        tuple("jax" if isinstance(array, jax.Array) else "numpy" for array in arrays),
    )
    if not sum(array.size for array in arrays):
        raise UsageError("error.minimize.empty", name=name)
    return np.concatenate([np.asarray(array, shape.dtype).ravel() for array in arrays]), shape


@contextlib.contextmanager
def function_told() -> Iterator[None]:
    """What a person's function raises as theirs; but what JAX could not trace has sentences of its own."""
    try:
        with told("error.minimize.raises", every=True):
            yield
    except UsageError as problem:
        if isinstance(problem.__cause__, jax.errors.JAXTypeError | jax.errors.UnexpectedTracerError):
            raise problem.__cause__ from None
        raise


def objective(fun: Callable[..., Any], tree: Tree, args: tuple) -> Objective:
    """``fun(tree, *args)`` as a function of the flat vector. Raises `UsageError` if it is no scalar."""

    def flat(x: Any) -> Any:
        with function_told():
            value = fun(tree.unravel(x), *args)
        dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
        if shape != () or dtype is None or not jnp.issubdtype(dtype, jnp.floating):
            held = type(value).__name__ if shape is None else f"{dtype}{list(shape)}"
            raise UsageError("error.minimize.scalar", value=held)
        return value.astype(x.dtype)

    return Objective(flat)
