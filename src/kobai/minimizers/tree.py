"""Trees of arrays as flat vectors and back: between what a person holds and what a minimizer sees."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Scalar, Structure, Vector
from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.own_code import told
from kobai.minimizers.base import Objective

DTYPES = ("float32", "float64")


@dataclasses.dataclass(frozen=True)
class Tree:
    """The shape of a pytree of numbers. Hashable: a static argument of a compiled function."""

    structure: Structure
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    kept_by: tuple[str, ...]
    """Whose array each leaf was: "numpy" or "jax"."""

    @property
    def dtype(self) -> str:
        """The dtype of the flat vector: the widest of all leaves."""
        return max(self.dtypes)

    def unravel(self, x: Vector) -> PyTree:
        """The tree whose numbers stand in x [n]; leaves of x's library."""
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in self.shapes])
        starts = [0, *ends[:-1]]
        return self.structure.unflatten(
            x[a:b].reshape(shape).astype(dtype)
            for a, b, shape, dtype in zip(starts, ends, self.shapes, self.dtypes, strict=True)
        )

    def restored(self, x: np.ndarray) -> PyTree:
        """The tree of x [n], each leaf an array of the library that it came from."""
        leaves = self.structure.flatten_up_to(self.unravel(x))
        with jax.enable_x64("float64" in self.dtypes):
            return self.structure.unflatten(
                jnp.asarray(leaf) if owner == "jax" else leaf
                for leaf, owner in zip(leaves, self.kept_by, strict=True)
            )


def with_arrays(name: str, tree: PyTree) -> PyTree:
    """The tree with (nested) lists of Python's and NumPy's numbers as arrays of float64, wherever they stand.

    Raises `UsageError` for lists of several lengths, which make no array; in it the tree is called `name`.
    """

    def listed(entry: object) -> bool:
        if isinstance(entry, list | tuple) and not hasattr(entry, "_fields"):
            return len(entry) > 0 and all(map(listed, entry))
        return is_number(entry)

    def array(path: tuple, entry: object) -> object:
        if not isinstance(entry, list | tuple) or not listed(entry):
            return entry
        try:
            return np.asarray(entry, np.float64)
        except ValueError:
            place = name + jax.tree_util.keystr(path)
            raise UsageError("error.minimize.ragged", name=place, value=quoted(entry)) from None

    return jax.tree_util.tree_map_with_path(array, tree, is_leaf=listed)


def flattened(name: str, tree: PyTree) -> tuple[np.ndarray, Tree]:
    """The numbers of `tree` in one vector [n], and its shape.

    A tree of float32 is computed in float32. NumPy's and Python's own numbers are float64, and so is what is
    computed with them, whether JAX's 64-bit mode is on or not. A list of numbers is a vector, and lists
    of lists of one length are a matrix.
    Raises `UsageError`, in which the tree is called `name`.
    """
    tree = with_arrays(name, tree)
    leaves, structure = jax.tree.flatten(tree)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        raise UsageError("error.minimize.traced", name=name)
    arrays = [np.float64(leaf) if type(leaf) in (int, float) and is_number(leaf) else leaf for leaf in leaves]
    for array in arrays:
        if str(getattr(array, "dtype", None)) not in DTYPES:
            kind = quoted(array) if type(array) is int else type(array).__name__  # too large for a float
            held = getattr(array, "dtype", kind)
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


def objective(fun: Callable[..., Scalar], tree: Tree, args: tuple) -> Objective:
    """``fun(tree, *args)`` as a function of the flat vector. Raises `UsageError` if it is no scalar."""

    def flat(x: Vector) -> Scalar:
        with function_told():
            value = fun(tree.unravel(x), *args)
        dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
        if shape != () or dtype is None or not jnp.issubdtype(dtype, jnp.floating):
            held = type(value).__name__ if shape is None else f"{dtype}{list(shape)}"
            raise UsageError("error.minimize.scalar", value=held)
        return value.astype(x.dtype)

    return Objective(flat)
