"""Where the values of a traced function come from: which are numbers of the data, and which only count.

A program of JAX is evaluated equation by equation, and each value carries along what is known of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, DebugInfo, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun

from kobai.basics.arrays import Array

OWN, DERIVED = "own", "derived"
"""A number as it stands in the data; one that follows from such numbers by arithmetic of whole numbers."""

MOVES = {
    *("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "slice", "rev", "copy", "copy_p"),
    *("convert_element_type", "stop_gradient", "reduce_precision", "split", "concatenate"),
}
"""What gives the numbers that it gets, elsewhere."""


@dataclass(frozen=True, eq=False)
class Value:
    """A value of the program, and what is known of where it comes from."""

    array: Any
    kind: str | None = None
    """Of a number of the data: `OWN` or `DERIVED`."""
    number: Any = None
    """Of an index: what it was before the negative ones were counted from the end."""
    axis: int | None = None
    """Along which it counts 0, 1, 2, … and is constant along the others."""
    equation: JaxprEqn | None = None
    operands: tuple["Value", ...] = ()

    @property
    def raw(self) -> Any:
        return self.array if self.number is None else self.number


def constant(value: Any) -> Value:
    """A constant, and along which of its axes it counts 0, 1, 2, …"""
    if isinstance(value, jax.core.Tracer) or not _is_whole(value):
        return Value(value)
    array = np.asarray(value)
    for axis, size in enumerate(array.shape):
        if size > 1 and array.size <= 10**6:
            positions = np.arange(size).reshape([-1 if k == axis else 1 for k in range(array.ndim)])
            if np.array_equal(array, np.broadcast_to(positions, array.shape)):
                return Value(value, axis=axis)
    return Value(value)


def bound(equation: JaxprEqn, values: Sequence[Value]) -> list[Value]:
    """The results of an equation as JAX has it, with what is known of them."""
    places = {variable: i for i, variable in enumerate(equation.invars) if not isinstance(variable, Literal)}
    names = [str(variable) for variable in places], [str(variable) for variable in equation.outvars]
    source = DebugInfo("bound", __name__, *map(tuple, names))
    alone = Jaxpr([], list(places), equation.outvars, [equation], equation.effects, source)
    computed = jaxpr_as_fun(ClosedJaxpr(alone, ()))
    arrays = computed(*(values[i].array for i in places.values()))
    numbers = [None] * len(arrays)
    if equation.primitive.name in MOVES and any(value.number is not None for value in values):
        numbers = computed(*(values[i].raw for i in places.values()))
    axis = _axis(equation, values)
    return [
        Value(array, _kind(equation, values, array), number, axis, equation, tuple(values))
        for array, number in zip(arrays, numbers, strict=True)
    ]


def _kind(equation: JaxprEqn, values: Sequence[Value], result: Array) -> str | None:
    kinds = {value.kind for value in values} - {None}
    if equation.primitive.name in MOVES:
        return OWN if OWN in kinds else next(iter(kinds), None)
    whole = all(_is_whole(array) for array in (result, *(value.array for value in values)))
    return DERIVED if kinds and whole else None


def _is_whole(array: Any) -> bool:
    dtype = jax.dtypes.result_type(array)
    return any(jax.dtypes.issubdtype(dtype, kind) for kind in (np.bool_, np.integer))


def _axis(equation: JaxprEqn, values: Sequence[Value]) -> int | None:
    """Along which axis the result of an equation counts 0, 1, 2, …"""
    if equation.primitive.name == "iota":
        return int(equation.params["dimension"])
    before = values[0].axis if values else None
    if before is None:
        return None
    if equation.primitive.name == "convert_element_type":
        return before
    if equation.primitive.name == "broadcast_in_dim":
        return int(equation.params["broadcast_dimensions"][before])
    if equation.primitive.name == "reshape":
        shape = equation.params["new_sizes"]
        return shape.index(max(shape)) if math.prod(shape) == max(shape) else None
    return None


def parts_of_scan(equation: JaxprEqn) -> tuple[int, int]:
    """How many arguments of a scan are constants, and how many are carried along; the others are its rows.

    Read off the shapes, since the parameters that hold these numbers depend on the version of JAX: only rows
    have one dimension more outside the body than in it.
    """
    body = equation.params["jaxpr"]

    def alike(outside: Sequence[Any], inside: Sequence[Any]) -> int:
        return sum(len(a.aval.shape) == len(b.shape) for a, b in zip(outside, inside, strict=True))

    carried = alike(equation.outvars, body.out_avals)
    return alike(equation.invars, body.in_avals) - carried, carried


def is_constant_along(value: Value, axis: int) -> bool:
    """Whether an array is the same all along an axis: of size 1, or spread along it."""
    if value.array.shape[axis] == 1:
        return True
    if value.equation is None or value.equation.primitive.name != "broadcast_in_dim":
        return False
    axes = value.equation.params["broadcast_dimensions"]
    return axis not in axes or value.operands[0].array.shape[list(axes).index(axis)] == 1


def counts_from_the_end(values: Sequence[Value]) -> bool:
    """Whether a choice is what JAX makes of an index i: i + n where i < 0, else i."""
    if len(values) != 3:
        return False
    which, index, shifted = values
    if not (_is(which, "lt", index) and _is(shifted, "add", index)):
        return False
    limit = which.operands[1].array
    return isinstance(limit, int | np.generic | np.ndarray) and bool(np.all(limit == 0))


def _is(value: Value, name: str, operand: Value) -> bool:
    equation = value.equation
    return equation is not None and equation.primitive.name == name and value.operands[0] is operand
