"""Whole numbers of the data by which a loss looks something up, and those for which there is nothing.

JAX raises no error for an index out of range: the last is taken instead, a negative one counts from the end,
and a label beyond the classes becomes a row of zeros. `outside` evaluates a function equation by equation,
follows the numbers of the data (`origins`) into every lookup, which is an index, a slice, or a comparison
with 0, 1, 2, …, and says which is out of range. That alone is no fault: padding may be looked up and then
masked. So the function can be evaluated with something else in the place of what such a lookup gives: where
the result stays the same, it does not count.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from kobai.basics.arrays import Number, Parameters, Scalar
from kobai.tasks.origins import (
    OWN,
    Value,
    bound,
    constant,
    counts_from_the_end,
    is_constant_along,
    parts_of_scan,
)

INLINE = {
    *("jit", "pjit", "closed_call", "core_call", "checkpoint", "remat", "remat2"),
    *("custom_jvp_call", "custom_vjp_call", "custom_lin"),
}
"""What calls another program, which is read in its place."""


class Outside(NamedTuple):
    """The first index that is out of range, if any is."""

    exists: Scalar
    number: Scalar
    size: Scalar
    """How many there are to be looked up: from 0 to one less."""


def outside(
    function: Callable[..., Any], arrays: Any, data: Parameters, amount: Number | None = None
) -> tuple[Any, Outside]:
    """What `function(arrays, data)` gives, and the first index of the data that is out of range.

    Where `amount` is 1, something else stands in the place of what such an index looks up; where 0, nothing
    is changed. It is an argument, so that one compiled program gives both, which are compared bit for bit.
    Without it nothing can be changed, and the program is hardly larger than that of the function alone.
    """
    program, shape = jax.make_jaxpr(function, return_shape=True)(arrays, data)
    values = [Value(leaf) for leaf in jax.tree.leaves(arrays)]
    values += [Value(jnp.asarray(leaf), OWN) for leaf in jax.tree.leaves(data)]
    reader = Reader(amount)
    try:
        results = reader.closed(program, values)
    except Exception:  # of an operation that cannot be evaluated by itself: nothing is said of its indices
        return function(arrays, data), Reader(amount).first()
    return jax.tree.unflatten(jax.tree.structure(shape), [each.array for each in results]), reader.first()


class Reader:
    """Evaluates a program equation by equation, and gathers what is out of range."""

    def __init__(self, amount: Number | None):
        self.amount = amount
        self.places: list[Outside] = []

    def first(self) -> Outside:
        """The first that was found."""
        if not self.places:
            return Outside(jnp.asarray(False), jnp.asarray(0), jnp.asarray(0))
        places = Outside(*map(jnp.stack, zip(*self.places, strict=True)))
        return _first(places)

    def closed(self, program: ClosedJaxpr, values: Sequence[Value]) -> list[Value]:
        return self.read(program.jaxpr, [constant(value) for value in program.consts], values)

    def read(self, program: Jaxpr, constants: Sequence[Value], values: Sequence[Value]) -> list[Value]:
        """The results of a program for these arguments."""
        known = dict(zip([*program.constvars, *program.invars], [*constants, *values], strict=True))

        def of(variable: Any) -> Value:
            return Value(variable.val) if isinstance(variable, Literal) else known[variable]

        for equation in program.eqns:
            results = self.results(equation, tuple(of(variable) for variable in equation.invars))
            known |= zip(equation.outvars, results, strict=True)
        return [of(variable) for variable in program.outvars]

    def results(self, equation: JaxprEqn, values: tuple[Value, ...]) -> list[Value]:
        """The results of one equation."""
        name = equation.primitive.name
        if name in INLINE:
            inner = _inner(equation, len(values))
            if inner is not None:
                return self.closed(inner, values)
        if not any(value.kind for value in values):
            return bound(equation, values)
        match name:
            case "scan":
                return self._scan(equation, values)
            case "while":
                return self._while(equation, values)
            case "cond":
                return self._branches(equation, values)
            case "gather":
                return [self._gather(equation, *values)]
            case "dynamic_slice":
                return [self._slice(equation, *values)]
            case "scatter":
                return [self._scatter(equation, *values)]
            case "eq":
                return [self._equal(equation, *values)]
            case "select_n" if counts_from_the_end(values):
                [result] = bound(equation, values)
                return [replace(result, kind=values[1].kind, number=values[1].raw)]
        return bound(equation, values)

    # Lookups.

    def _gather(self, equation: JaxprEqn, operand: Value, indices: Value) -> Value:
        numbers = equation.params["dimension_numbers"]
        shape, window = operand.array.shape, equation.params["slice_sizes"]
        sizes = [shape[axis] - window[axis] + 1 for axis in numbers.start_index_map]
        [result] = bound(equation, (operand, indices))
        if indices.kind:
            lost = self._lost(indices, indices.array, indices.raw, sizes).any(-1)
            axes = [axis for axis in range(result.array.ndim) if axis not in numbers.offset_dims]
            result = self._otherwise(result, lax.broadcast_in_dim(lost, result.array.shape, axes))
        return replace(result, kind=operand.kind)

    def _slice(self, equation: JaxprEqn, operand: Value, *starts: Value) -> Value:
        [result] = bound(equation, (operand, *starts))
        lost: Any = False
        for start, whole, size in zip(starts, operand.array.shape, result.array.shape, strict=True):
            if start.kind:
                lost |= self._lost(start, start.array[None], start.raw[None], [whole - size + 1])[0]
        return replace(self._otherwise(result, lost), kind=operand.kind)

    def _scatter(self, equation: JaxprEqn, operand: Value, indices: Value, updates: Value) -> Value:
        """Only what is set: a sum over segments may drop on purpose what is out of range."""
        numbers = equation.params["dimension_numbers"]
        single = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        windows = iter([updates.array.shape[axis] for axis in numbers.update_window_dims])
        window = [1 if axis in single else next(windows) for axis in range(operand.array.ndim)]
        axes = numbers.scatter_dims_to_operand_dims
        sizes = [operand.array.shape[axis] - window[axis] + 1 for axis in axes]
        if indices.kind:
            lost = self._lost(indices, indices.array, indices.raw, sizes)
            beyond = (indices.array < 0) | (indices.array >= jnp.asarray(sizes, indices.array.dtype))
            elsewhere = jnp.where(beyond, 0, jnp.asarray(sizes, indices.array.dtype))
            if self.amount is not None:
                moved = jnp.where(lost & (self.amount > 0), elsewhere, indices.array)
                indices = replace(indices, array=moved)
        return bound(equation, (operand, indices, updates))[0]

    def _equal(self, equation: JaxprEqn, *values: Value) -> Value:
        """A comparison of the data with 0, 1, 2, … is one-hot: one of these must be equal."""
        [result] = bound(equation, values)
        shape = result.array.shape
        for number, classes in (values, values[::-1]):
            axis = classes.axis
            if number.kind and axis is not None and shape[axis] > 1 and is_constant_along(number, axis):
                lost = ~result.array.any(axis, keepdims=True)
                index = jnp.broadcast_to(number.raw, shape)
                self._note(lost, lax.slice_in_dim(index, 0, 1, axis=axis), shape[axis])
                if self.amount is None:
                    return result
                first = lax.broadcasted_iota(jnp.int32, shape, axis) == 0
                return replace(result, array=result.array | (lost & first & (self.amount > 0)))
        return result

    def _lost(self, indices: Value, array: Any, raw: Any, sizes: Sequence[int]) -> Any:
        """Which indices, of shape (…, axes), are out of range."""
        array = array.astype(jnp.int32) if array.dtype.itemsize < 4 else array
        limits = jnp.asarray(sizes, array.dtype)
        lost = (array < 0) | (array >= limits)
        if indices.kind == OWN:
            lost |= raw < 0
        self._note(lost, raw, jnp.broadcast_to(limits, lost.shape))
        return lost

    def _note(self, lost: Any, index: Any, size: Any) -> None:
        size = jnp.broadcast_to(size, lost.shape)
        self.places.append(_first(Outside(*(each.ravel() for each in (lost, index, size)))))

    def _otherwise(self, result: Value, lost: Any) -> Value:
        """The result with something else where a lookup is lost."""
        if self.amount is None:
            return result
        array = result.array
        if jnp.issubdtype(array.dtype, jnp.inexact):
            pattern = 1 + jnp.arange(math.prod(array.shape)).reshape(array.shape) % 7  # no norm takes it out
            other = array + pattern.astype(array.dtype)
        elif array.dtype == bool:
            other = ~array
        elif jnp.issubdtype(array.dtype, jnp.integer):
            other = array ^ 1
        else:  # random keys
            return result
        return replace(result, array=jnp.where(lost & (self.amount > 0), other, array))

    # Programs inside the program, whose arguments from outside are known as they are.

    def _inside(self, body: ClosedJaxpr, values: Sequence[Value]) -> tuple[list[Any], Outside]:
        reader = Reader(self.amount)
        results = reader.closed(body, values)
        return [result.array for result in results], reader.first()

    def _scan(self, equation: JaxprEqn, values: tuple[Value, ...]) -> list[Value]:
        p = equation.params
        constants, carried = parts_of_scan(equation)
        first = constants + carried
        rows = [replace(value, axis=None, equation=None, operands=()) for value in values[first:]]

        def step(carry: list[Any], row: list[Any]) -> tuple[list[Any], Any]:
            each = [replace(value, array=a, number=n) for value, (a, n) in zip(rows, row, strict=True)]
            results, place = self._inside(p["jaxpr"], [*values[:constants], *map(Value, carry), *each])
            return results[:carried], (results[carried:], place)

        carry, (stacked, places) = lax.scan(
            step,
            [value.array for value in values[constants:first]],
            [(value.array, value.number) for value in rows],
            length=p["length"],
            reverse=p["reverse"],
        )
        self.places.append(_first(places))
        return [Value(array) for array in [*carry, *stacked]]

    def _while(self, equation: JaxprEqn, values: tuple[Value, ...]) -> list[Value]:
        p = equation.params
        tests = values[: p["cond_nconsts"]]
        constants = values[len(tests) : len(tests) + p["body_nconsts"]]

        def goes_on(carry: tuple[list[Any], Outside]) -> Any:
            return self._inside(p["cond_jaxpr"], [*tests, *map(Value, carry[0])])[0][0]

        def step(carry: tuple[list[Any], Outside]) -> tuple[list[Any], Outside]:
            results, place = self._inside(p["body_jaxpr"], [*constants, *map(Value, carry[0])])
            return results, _first(Outside(*map(jnp.stack, zip(carry[1], place, strict=True))))

        start = [value.array for value in values[len(tests) + len(constants) :]]
        results, place = lax.while_loop(goes_on, step, (start, Reader(self.amount).first()))
        self.places.append(place)
        return [Value(array) for array in results]

    def _branches(self, equation: JaxprEqn, values: tuple[Value, ...]) -> list[Value]:
        branches = [
            lambda branch=branch: self._inside(branch, values[1:]) for branch in equation.params["branches"]
        ]
        results, place = lax.switch(values[0].array, branches)
        self.places.append(place)
        return [Value(array) for array in results]


def _first(places: Outside) -> Outside:
    """The first of several in a row."""
    first = jnp.argmax(places.exists)
    index, size = places.number[first].astype(jnp.int32), places.size[first].astype(jnp.int32)
    return Outside(jnp.any(places.exists), index, size)


def _inner(equation: JaxprEqn, arguments: int) -> ClosedJaxpr | None:
    """The program that an equation calls; None where it does not take these arguments."""
    inner = next(
        (equation.params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in equation.params), None
    )
    if inner is None:
        return None
    closed = inner if hasattr(inner, "jaxpr") else ClosedJaxpr(inner, ())
    return closed if len(closed.jaxpr.invars) == arguments else None
