"""Where a network's units are, found in its traced program, whatever framework wrote it.

A unit is what comes out of tanh, of the logistic function, or of max(x, 0); and what a loop carries along is
the state of a recurrent network. `observed` reads a program equation by equation, as the engine's own
rewriting does, and gives beside its results the values at these sites. A shift that is added at a site, zero,
makes ∂L/∂(value there) an ordinary derivative: how much of the error's gradient gets there.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal
from jaxtyping import PyTree

from kobai.engine.convolutions.rewriting import bound
from kobai.tasks.origins import parts_of_scan

RELU, TANH, SIGMOID, STATE = "relu", "tanh", "sigmoid", "state"
KINDS = {"tanh": TANH, "logistic": SIGMOID}
CALLS = {
    "pjit": "jaxpr",
    "jit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
}
"""Equations that stand for a program, which is read in their place."""


class Site(NamedTuple):
    """A place in a program where units are.

    Fields:
      kind: "relu", "tanh", "sigmoid", or "state" of a loop.
      gate: whether its values are factors of others, as those of an LSTM's gates: they may well be 0 or 1.
      time: whether its values have a leading axis of a loop's steps.
      backward: whether that loop goes from the last position to the first.
    """

    kind: str
    gate: bool = False
    time: bool = False
    backward: bool = False


@dataclasses.dataclass
class _Watch:
    """What is added at the sites still to come, and what was seen at those that came."""

    shifts: list[Any] | None
    values: list[Any]

    def seen(self, value: Any) -> Any:
        """The value at the next site, with its shift."""
        if self.shifts is not None:
            value = value + self.shifts.pop(0)
        self.values.append(value)
        return value

    def inner(self, count: int) -> list[Any] | None:
        """The shifts of so many sites inside a loop."""
        if self.shifts is None:
            return None
        first, self.shifts = self.shifts[:count], self.shifts[count:]
        return first


class Observed(NamedTuple):
    """A program whose sites are known.

    Fields:
      sites: in the order in which the program comes to them.
      run: ``run(shifts, *arguments) -> (results, values)``; shifts: arrays like the values, or None.
    """

    sites: list[Site]
    run: Callable[..., tuple[PyTree, list[jax.Array]]]


def observed(function: Callable[..., PyTree], *arguments: PyTree) -> Observed:
    """The function as a program that shows what is at its sites; traced with arguments of these shapes."""
    program, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
    structure = jax.tree.structure(shape)

    def run(shifts: Sequence[Any] | None, *arguments: PyTree) -> tuple[PyTree, list[jax.Array]]:
        watch = _Watch(None if shifts is None else list(shifts), [])
        results = _results(program.jaxpr, program.consts, jax.tree.leaves(arguments), watch)
        return jax.tree.unflatten(structure, results), watch.values

    return Observed(_sites(program.jaxpr, set()), run)


def titles(sites: Sequence[Site]) -> list[str]:
    """What sites are called: "relu 2", the second of its kind."""
    kinds = [site.kind for site in sites]
    return [f"{kind} {kinds[: i + 1].count(kind)}" for i, kind in enumerate(kinds)]


def with_units(sites: Sequence[Site], shapes: Sequence[Any], examples: int) -> list[int]:
    """Which sites, whose values have these shapes, have several units and a row, or column, an example."""
    kept = []
    for i, (site, shape) in enumerate(zip(sites, shapes, strict=True)):
        own = shape.shape[1:] if site.time else shape.shape
        rows = len(own) >= 2 and own[0] == examples and own[-1] > 1
        columns = len(own) == 2 and own[1] == examples and own[0] > 1
        if rows or columns:
            kept.append(i)
    return kept


# Which sites there are


def _sites(program: Jaxpr, factors: set[Any]) -> list[Site]:
    """The sites of a program in order; `factors`: which of its variables are factors outside of it."""
    factors = factors | _factors(program)
    found: list[Site] = []
    for equation in program.eqns:
        kind = _kind(program, equation)
        outvar = equation.outvars[0] if equation.outvars else None
        if kind is not None:
            found.append(Site(kind, kind != RELU and outvar in factors))
        elif (inner := _called(equation)) is not None:
            pairs = zip(inner.jaxpr.outvars, equation.outvars, strict=True)
            found += _sites(inner.jaxpr, {own for own, outer in pairs if outer in factors})
        elif equation.primitive.name == "scan":
            body = _sites(equation.params["jaxpr"].jaxpr, set())
            if body:
                carried = [Site(STATE)] * len(_carried(equation))
                backward = equation.params["reverse"]
                found += [site._replace(time=True, backward=backward) for site in carried + body]
    return found


def _factors(program: Jaxpr) -> set[Any]:
    """The variables that are multiplied by others of their shape: gates."""
    pairs = [equation.invars for equation in program.eqns if equation.primitive.name == "mul"]
    return {
        variable
        for pair in pairs
        if not any(isinstance(each, Literal) for each in pair) and _shape(pair[0]) == _shape(pair[1])
        for variable in pair
    }


def _kind(program: Jaxpr, equation: JaxprEqn) -> str | None:
    """Which kind of site an equation is; None: none."""
    name = equation.primitive.name
    if name == "custom_jvp_call":  # a relu with a derivative of its own at 0
        inner = equation.params["call_jaxpr"]
        alone = len(equation.invars) == 1 and len(equation.outvars) == 1
        same = alone and _shape(equation.invars[0]) == _shape(equation.outvars[0])
        kinds = [site.kind for site in _sites(inner.jaxpr, set())] if same else []
        return kinds[0] if len(kinds) == 1 and _is_last(inner.jaxpr) else None
    if name == "max" and any(_is_zero(program, variable) for variable in equation.invars):
        return RELU
    return KINDS.get(name)


def _is_last(program: Jaxpr) -> bool:
    """Whether nothing is done in a program with what comes out of its only site."""
    last = program.eqns[-1]
    inner = _called(last)
    return _is_last(inner.jaxpr) if inner is not None else _kind(program, last) is not None


def _is_zero(program: Jaxpr, variable: Any) -> bool:
    if isinstance(variable, Literal):
        return bool(np.all(np.asarray(variable.val) == 0))
    for equation in program.eqns:
        if variable in equation.outvars and equation.primitive.name in (
            "broadcast_in_dim",
            "convert_element_type",
        ):
            return _is_zero(program, equation.invars[0])
    return False


def _called(equation: JaxprEqn) -> ClosedJaxpr | None:
    """The program that an equation stands for; None: it stands for itself."""
    key = CALLS.get(equation.primitive.name)
    if key is None:
        return None
    inner = equation.params[key]
    return inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())


def _carried(equation: JaxprEqn) -> list[int]:
    """Which of what a loop carries is a state of units: numbers in two or more dimensions."""
    first, count = parts_of_scan(equation)
    carry = equation.invars[first : first + count]
    avals: list[Any] = [variable.aval for variable in carry]
    return [i for i, aval in enumerate(avals) if aval.ndim >= 2 and jnp.issubdtype(aval.dtype, jnp.floating)]


def _shape(variable: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = variable.aval.shape
    return shape


# The program, run with its sites


def _results(program: Jaxpr, constants: Sequence[Any], values: Sequence[Any], watch: _Watch) -> list[Any]:
    """The results of a program for these arguments."""
    known = dict(zip([*program.constvars, *program.invars], [*constants, *values], strict=True))

    def of(variable: Any) -> Any:
        return variable.val if isinstance(variable, Literal) else known[variable]

    for equation in program.eqns:
        operands = [of(variable) for variable in equation.invars]
        known |= zip(equation.outvars, _result(program, equation, operands, watch), strict=True)
    return [of(variable) for variable in program.outvars]


def _result(program: Jaxpr, equation: JaxprEqn, operands: list[Any], watch: _Watch) -> Sequence[Any]:
    if _kind(program, equation) is not None:
        [value] = bound(equation, operands)
        return [watch.seen(value)]
    inner = _called(equation)
    if inner is not None and _sites(inner.jaxpr, set()):
        return _results(inner.jaxpr, inner.consts, operands, watch)
    if equation.primitive.name == "scan" and _sites(equation.params["jaxpr"].jaxpr, set()):
        return _loop(equation, operands, watch)
    return bound(equation, operands)


def _loop(equation: JaxprEqn, operands: list[Any], watch: _Watch) -> Sequence[Any]:
    """A loop, with the sites of its body at every step; first what it carries along, before each step."""
    params = equation.params
    body: ClosedJaxpr = params["jaxpr"]
    (constants, carries), states = parts_of_scan(equation), _carried(equation)
    end = constants + carries
    count = len(states) + len(_sites(body.jaxpr, set()))

    def step(carry: list[Any], each: tuple[list[Any], list[Any] | None]) -> tuple[list[Any], tuple]:
        x, shifts = each
        inside = _Watch(None if shifts is None else list(shifts), [])
        carry = [inside.seen(value) if i in states else value for i, value in enumerate(carry)]
        results = _results(body.jaxpr, body.consts, [*operands[:constants], *carry, *x], inside)
        return results[:carries], (results[carries:], inside.values)

    carry, (ys, values) = lax.scan(
        step,
        list(operands[constants:end]),
        (list(operands[end:]), watch.inner(count)),
        length=params["length"],
        reverse=params["reverse"],
    )
    watch.values += values
    return [*carry, *ys]
