"""The interpreter: reads a traced program equation by equation, and traces the faster forms in its place."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, DebugInfo, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun
from jax.stages import Lowered, Wrapped
from jaxtyping import PyTree

from kobai.basics.arrays import Array
from kobai.engine.convolutions.convolution import convolution
from kobai.engine.convolutions.pooling import greatest, place_of_greatest, total
from kobai.engine.convolutions.product import is_slow, turned

FORMS: dict[str, Callable[..., Array | None]] = {
    "conv_general_dilated": convolution,
    "reduce_window_max": greatest,
    "reduce_window_sum": total,
    "select_and_scatter_add": place_of_greatest,
    "dot_general": turned,
}
"""What is rewritten, and how: (operands, parameters of the equation) -> the result, or None: as it stands."""

INLINE = {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
"""What had a derivative of its own: it is read in its place, since nothing is differentiated any more."""


def lowered(function: Callable[..., PyTree], *arguments: PyTree) -> Lowered:
    """``jax.jit(function).lower(*arguments)``; on a CPU with fast forms of what has one (`FORMS`)."""
    return prepared(function, *arguments).lower(*arguments)


def prepared(function: Callable[..., PyTree], *arguments: PyTree) -> Wrapped:
    """``jax.jit(function)`` for such arguments; on a CPU with fast forms of what has one (`FORMS`).

    A program without any is the program that it was.
    """
    jitted = jax.jit(function)
    traced = jitted.trace(*arguments)
    program = traced.jaxpr
    if jax.default_backend() != "cpu" or not _concerned(program.jaxpr):
        return jitted
    structure = jax.tree.structure(traced.out_info)

    def rewritten(*arguments: PyTree) -> PyTree:
        return jax.tree.unflatten(
            structure, _results(program.jaxpr, program.consts, jax.tree.leaves(arguments))
        )

    return jax.jit(rewritten)


def _concerned(program: Jaxpr) -> bool:
    """Whether there is anything to rewrite in a program, or in one inside it."""
    return any(_has_form(equation) or any(map(_concerned, _inside(equation))) for equation in program.eqns)


def _has_form(equation: JaxprEqn) -> bool:
    """Whether an equation may be rewritten; products are many, and few of them are."""
    if equation.primitive.name == "dot_general":
        a, b = (variable.aval for variable in equation.invars)
        return is_slow(a, b, **equation.params)
    return equation.primitive.name in FORMS


def _inside(equation: JaxprEqn) -> list[Jaxpr]:
    """The programs that an equation holds: of a loop, of branches, of a call."""
    values = [each for value in equation.params.values() for each in _each(value)]
    return [each.jaxpr if isinstance(each, ClosedJaxpr) else each for each in values if _is_program(each)]


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (tuple, list)) else (value,)


def _is_program(value: Any) -> bool:
    return isinstance(value, (Jaxpr, ClosedJaxpr))


def _results(program: Jaxpr, constants: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """The results of a program for these arguments."""
    known = dict(zip([*program.constvars, *program.invars], [*constants, *values], strict=True))

    def of(variable: Any) -> Any:
        return variable.val if isinstance(variable, Literal) else known[variable]

    for equation in program.eqns:
        results = _result(equation, [of(variable) for variable in equation.invars])
        known |= zip(equation.outvars, results, strict=True)
    return [of(variable) for variable in program.outvars]


def _result(equation: JaxprEqn, values: Sequence[Any]) -> Sequence[Any]:
    """The results of one equation."""
    name, params = equation.primitive.name, equation.params
    if form := FORMS.get(name):
        result = form(*values, **params)
        if result is not None:
            return [result]
    elif any(map(_concerned, _inside(equation))):
        if name in INLINE:
            inner = params[INLINE[name]]
            return _results(inner.jaxpr, inner.consts, values)
        equation = equation.replace(params={key: _rewritten(value) for key, value in params.items()})
    return bound(equation, values)


def bound(equation: JaxprEqn, values: Sequence[Any]) -> Sequence[Any]:
    """The results of an equation as JAX has it."""
    places = {variable: i for i, variable in enumerate(equation.invars) if not isinstance(variable, Literal)}
    names = [str(variable) for variable in places], [str(variable) for variable in equation.outvars]
    source = DebugInfo("bound", __name__, *map(tuple, names))
    alone = Jaxpr([], list(places), equation.outvars, [equation], equation.effects, source)
    return jaxpr_as_fun(ClosedJaxpr(alone, ()))(*(values[i] for i in places.values()))


def _rewritten(value: Any) -> Any:
    """A parameter of an equation, with the programs in it rewritten."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(_rewritten, value)) if any(map(_is_program, value)) else value
    if not _is_program(value):
        return value
    closed = value if isinstance(value, ClosedJaxpr) else ClosedJaxpr(value, ())
    if not _concerned(closed.jaxpr):
        return value
    shapes = [
        jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=getattr(aval, "weak_type", False))
        for aval in closed.in_avals
    ]
    program = jax.make_jaxpr(lambda *values: _results(closed.jaxpr, closed.consts, values))(*shapes)
    return program if isinstance(value, ClosedJaxpr) else program.jaxpr
