"""Which results of a traced function are zero whatever its arguments are: those behind a `stop_gradient`.

A program of JAX is read from top to bottom: a sum of zeros is zero, so is a product with one, and what a loop
carries is zero where it begins as zero and the body keeps it so.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var

from kobai.tasks.origins import parts_of_scan

WITH_ONE = {"mul", "dot_general", "conv_general_dilated"}
"""Zero where any operand is."""

WITH_ALL: dict[str, slice] = {
    **dict.fromkeys(
        (
            *("add", "add_any", "sub", "neg", "copy", "copy_p", "real", "imag", "concatenate", "pad", "rev"),
            *("broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "slice", "reduce_sum"),
            *("convert_element_type", "reduce_precision", "cumsum", "reduce_window_sum", "stop_gradient"),
        ),
        slice(None),
    ),
    "div": slice(1),
    "gather": slice(1),
    "dynamic_slice": slice(1),
    "dynamic_update_slice": slice(2),
    "scatter-add": slice(0, 3, 2),
    "scatter": slice(0, 3, 2),
    "select_n": slice(1, None),
    "split": slice(1),
}
"""Zero where these operands are; the others are indices and the like."""


def zeros(program: ClosedJaxpr, arguments: Sequence[bool]) -> list[bool]:
    """Whether each result of the program is zero, where `arguments` says which of its arguments are."""
    jaxpr = program.jaxpr
    constants = [_is_zero(value) for value in program.consts]
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

    def of(variable: Var | Literal) -> bool:
        if isinstance(variable, Literal):
            return bool(np.all(np.asarray(variable.val) == 0))
        return known.get(variable, False)

    for equation in jaxpr.eqns:
        known |= zip(equation.outvars, _results(equation, [of(v) for v in equation.invars]), strict=True)
    return [of(variable) for variable in jaxpr.outvars]


def _is_zero(constant: Any) -> bool:
    """Whether a constant is the number 0; a random key is none."""
    if jax.dtypes.issubdtype(jax.dtypes.result_type(constant), jax.dtypes.extended):
        return False
    return np.ndim(constant) == 0 and bool(np.all(constant == 0))


def _results(equation: JaxprEqn, operands: list[bool]) -> list[bool]:
    """Whether the results of one line of a program are zero."""
    name, parameters = equation.primitive.name, equation.params
    if name in WITH_ONE:
        return [any(operands)]
    if name in WITH_ALL:
        return [all(operands[WITH_ALL[name]])] * len(equation.outvars)
    if name == "scan":
        return _loop(parameters["jaxpr"], operands, *parts_of_scan(equation))
    if name == "while":
        first = parameters["cond_nconsts"]
        constants = parameters["body_nconsts"]
        carried = len(operands) - first - constants
        return _loop(parameters["body_jaxpr"], operands[first:], constants, carried)
    if name == "cond":
        branches = [zeros(branch, operands[1:]) for branch in parameters["branches"]]
        return [all(results) for results in zip(*branches, strict=True)]
    inner = next((parameters[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in parameters), None)
    if inner is None or len(operands) != len(inner.jaxpr.invars if hasattr(inner, "jaxpr") else inner.invars):
        return [False] * len(equation.outvars)
    return zeros(inner if hasattr(inner, "jaxpr") else ClosedJaxpr(inner, ()), operands)


def _loop(body: ClosedJaxpr, operands: list[bool], constants: int, carried: int) -> list[bool]:
    """The results of a loop: what it carries at the end, and what it stacks."""
    carry = operands[constants : constants + carried]
    while True:
        results = zeros(body, [*operands[:constants], *carry, *operands[constants + carried :]])
        common = [before and after for before, after in zip(carry, results, strict=False)]
        if common == carry:
            return [*carry, *results[carried:]]
        carry = common
