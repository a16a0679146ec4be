"""The two ends of a network in its traced loss: what is looked up, and the layer whose products are the last.

Between them stand the matrices that multiply activations: factors of a matrix product or a convolution with
what depends on the data, which another such product follows. All other arrays are at an end: those that
stand in no such product (an embedding, of which rows are looked up; positions, which are added; weights that
multiply entry by entry), and those of the last ones (the output layer). A product with one-hot vectors that
the program makes of whole numbers (`jax.nn.one_hot(x, n) @ table`, ``x[:, None] == jnp.arange(n)``, rows of
`jnp.eye`, ones scattered to their places), or with such vectors times a number, looks rows up, too. A program
of JAX is read from top to bottom: each value carries the parameters of which alone it is made, or, where the
data enter, the products that went into it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import jax
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar, is_float
from kobai.tasks.origins import parts_of_scan

PRODUCTS = ("dot_general", "conv_general_dilated")

Names: TypeAlias = frozenset[int]
Place: TypeAlias = tuple[int, ...]
"""Of an equation: its number in the program, behind those of the equations that call the program."""


COUNTS, ONE_HOT = "counts", "one-hot"

UNCHANGED = (
    *("broadcast_in_dim", "convert_element_type", "copy", "expand_dims", "gather", "reshape", "rev"),
    *("dynamic_slice", "slice", "squeeze", "transpose"),
)
"""What leaves a one-hot vector one, and numbers that count: it moves the entries of its first operand."""

SCATTERED = ("scatter", "scatter-add")
"""What sets constants at places that its second operand says."""

UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
"""What is raised by a loss that asks for the numbers of its batch, as one of a loop of one's own may."""


class Made(NamedTuple):
    """What a value is made of."""

    of: Names = frozenset()
    """The parameters, by their numbers; none of a value in which the data are."""
    products: frozenset[Place] = frozenset()
    """The products of parameters and data that went into it."""
    data: bool = False
    """Whether the data did."""
    kind: str = ""
    """`COUNTS`: 0, 1, 2, … along an axis; `ONE_HOT`: what is equal to these."""

    @property
    def is_constant(self) -> bool:
        """Whether neither parameters nor data are in it."""
        return not self.of and not self.data


@dataclass
class Found:
    """What was met: the parameters of each product, and the products that another one followed."""

    factors: dict[Place, Names] = field(default_factory=dict)
    followed: set[Place] = field(default_factory=set)


def at_ends(
    loss: Callable[[list[PyTree], PyTree], Scalar], values: Sequence[PyTree], batch: PyTree
) -> list[bool]:
    """Whether each leaf of the parameters is at an end of the network; none where the loss cannot be traced.

    What else the loss raises is a mistake in it, and comes out.

    Args:
      loss: of a batch, by the leaves.
      values: the leaves.
    """
    places = [i for i, value in enumerate(values) if is_float(value)]

    def of_arrays(arrays: list[Array], batch: PyTree) -> Scalar:
        every = dict(enumerate(values)) | dict(zip(places, arrays, strict=True))
        return loss(list(every.values()), batch)

    try:
        program = jax.make_jaxpr(of_arrays)([values[i] for i in places], batch)
    except UNTRACEABLE:
        return [False] * len(values)
    found = dict(zip(places, ends(program, len(places)), strict=True))
    return [found.get(i, False) for i in range(len(values))]


def ends(program: ClosedJaxpr, parameters: int) -> list[bool]:
    """Whether each of the first so many arguments of a program, its parameters, is at an end of the network;
    the other arguments are the data."""
    found = Found()
    arguments = [Made(frozenset({i})) for i in range(parameters)]
    arguments += [Made(data=True)] * (len(program.jaxpr.invars) - parameters)
    _read(program, arguments, found, ())
    between = {i for product in found.followed for i in found.factors[product]}
    return [i not in between for i in range(parameters)]


def _read(program: ClosedJaxpr, arguments: Sequence[Made], found: Found, place: Place) -> list[Made]:
    """What the results of a program are made of."""
    jaxpr = program.jaxpr
    known: dict[Var, Made] = dict(zip(jaxpr.invars, arguments, strict=True))

    def of(variable: Var | Literal) -> Made:
        return Made() if isinstance(variable, Literal) else known.get(variable, Made())

    for i, equation in enumerate(jaxpr.eqns):
        results = _results(equation, [of(v) for v in equation.invars], found, (*place, i))
        known |= zip(equation.outvars, results, strict=True)
    return [of(variable) for variable in jaxpr.outvars]


def _results(equation: JaxprEqn, operands: list[Made], found: Found, place: Place) -> list[Made]:
    name, parameters = equation.primitive.name, equation.params
    if name in PRODUCTS:
        return [_product(operands, found, place)]
    if kind := _kind(name, operands):
        return [_all(operands)._replace(kind=kind)]
    if name == "scan":
        return _loop(parameters["jaxpr"], operands, *parts_of_scan(equation), found, place)
    if name == "while":
        first, constants = parameters["cond_nconsts"], parameters["body_nconsts"]
        carried = len(operands) - first - constants
        return _loop(parameters["body_jaxpr"], operands[first:], constants, carried, found, place)
    if name == "cond":
        branches = [
            _read(branch, operands[1:], found, (*place, i)) for i, branch in enumerate(parameters["branches"])
        ]
        return [_all([operands[0], *results]) for results in zip(*branches, strict=True)]
    inner = next((parameters[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in parameters), None)
    closed = inner if inner is None or hasattr(inner, "jaxpr") else ClosedJaxpr(inner, ())
    if closed is not None and len(closed.jaxpr.invars) == len(operands):
        return _read(closed, operands, found, place)
    return [_all(operands)] * len(equation.outvars)


def _product(operands: list[Made], found: Found, place: Place) -> Made:
    """A product of parameters with data is one of a layer, and follows all that went into the data."""
    for matrix, other in (operands, operands[::-1]):
        if matrix.of and other.data and other.kind == ONE_HOT:
            return Made(products=other.products, data=True)
        if matrix.of and other.data:
            found.factors[place] = found.factors.get(place, frozenset()) | matrix.of
            found.followed |= other.products
            return Made(products=other.products | {place}, data=True)
    return _all(operands)


def _kind(name: str, operands: list[Made]) -> str:
    """What is known of the numbers of a result; "": nothing."""
    if name == "iota":
        return COUNTS
    if name == "eq" and any(operand.kind == COUNTS for operand in operands):
        return ONE_HOT
    if name == "add" and operands[0].kind == COUNTS and all(each.is_constant for each in operands):
        return COUNTS
    if name == "select_n" and operands[0].kind == ONE_HOT and all(each.is_constant for each in operands[1:]):
        return ONE_HOT
    if name == "mul" and any(a.kind == ONE_HOT and b.is_constant for a, b in (operands, operands[::-1])):
        return ONE_HOT
    if name in SCATTERED and operands[0].is_constant and operands[1].data and operands[2].is_constant:
        return ONE_HOT
    return operands[0].kind if name in UNCHANGED else ""


def _loop(
    body: ClosedJaxpr, operands: list[Made], constants: int, carried: int, found: Found, place: Place
) -> list[Made]:
    """The results of a loop: what it carries at the end, and what it stacks."""
    carry = operands[constants : constants + carried]
    while True:
        results = _read(body, [*operands[:constants], *carry, *operands[constants + carried :]], found, place)
        more = [_all(pair) for pair in zip(carry, results, strict=False)]
        if more == carry:
            return [*carry, *results[carried:]]
        carry = more


def _all(values: Iterable[Made]) -> Made:
    """What is made of all of these."""
    every = list(values)
    data = any(value.data for value in every)
    of = frozenset[int]() if data else frozenset[int]().union(*(value.of for value in every))
    return Made(of, frozenset[Place]().union(*(value.products for value in every)), data)
