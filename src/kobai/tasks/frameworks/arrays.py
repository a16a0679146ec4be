"""Arrays of any library as NumPy's: of JAX, PyTorch, pandas, polars, or lists."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import PyTree

from kobai.basics.errors import UsageError
from kobai.basics.leaf import lineage


def arrays_of(data: object, name: str) -> PyTree:
    """Every array in `data` as NumPy's: of one, of a tuple (by position), of a dictionary (by name)."""
    if isinstance(data, tuple):
        return tuple(array_of(each, f"{name}[{i}]") for i, each in enumerate(data))
    if isinstance(data, Mapping):
        return {str(key): array_of(each, f"{name}[{key!r}]") for key, each in data.items()}
    return array_of(data, name)


def array_of(value: Any, name: str) -> np.ndarray:
    """An array of any library as NumPy's. Raises `UsageError` for what is none, and for mixed columns."""
    kinds = lineage(value)
    if "torch.Tensor" in kinds:
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    library = kinds[0].partition(".")[0]
    if library in ("pandas", "polars") and hasattr(value, "columns"):
        _refuse_text(value, name)
    if hasattr(value, "to_numpy"):  # pandas, polars
        value = value.to_numpy()
    try:
        array = np.asarray(value)
    except Exception as problem:  # of whatever the object is
        if isinstance(value, list | tuple):
            raise UsageError("error.of.uneven", name=name) from problem
        raise UsageError("error.of.array", name=name, value=type(value).__name__) from problem
    if array.dtype == object:
        array = _of_objects(array, name)
    if array.dtype.kind not in "biufUS" and not str(array.dtype).startswith(("bfloat", "float")):
        raise UsageError("error.of.array", name=name, value=array.dtype)
    if array.ndim == 0:
        raise UsageError("error.of.array", name=name, value=type(value).__name__)
    return array


def _refuse_text(frame: Any, name: str) -> None:
    """Refuse a frame of columns that are no numbers: a network takes none of them as they are."""
    columns = [str(column) for column in frame.columns if np.asarray(frame[column]).dtype.kind not in "biuf"]
    if columns:
        raise UsageError("error.of.columns", name=name, columns=", ".join(columns))


def _of_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Objects as what they all are: text, or numbers."""
    if array.ndim == 1 and all(isinstance(each, str) for each in array):
        return array.astype(str)
    try:
        return array.astype(np.float32)
    except (TypeError, ValueError):
        raise UsageError("error.of.array", name=name, value="object") from None
