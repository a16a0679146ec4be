"""Programs that differ from an answer in one thing: an operator, axis, constant, argument or index.

The answer is the one in the lesson. `of_code` makes its mutants from the syntax tree; each has the kind of
its change. A wrong answer that does exactly what a mutant does has one such slip somewhere, and the learner
is told of which kind, in any exercise (`like_a_mutant`). And a check that let a mutant pass would let a
learner's slip pass: the tests try them all.
"""

import ast
import contextlib
import functools
import re
from collections.abc import Callable, Iterator

from kobai.course.exercise import Case, Exercise, Mistake, Trace
from kobai.course.source import answer_code
from kobai.course.traces import same

Change = tuple[str, ast.AST]
"""The kind of a change, and what stands in the place then."""

OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotIn: (ast.In,),
}
OTHERS = {
    "mean": ("sum", "std"), "sum": ("mean",), "std": ("var",), "var": ("std",), "cumsum": ("cumprod",),
    "max": ("min",), "min": ("max",), "argmin": ("argmax",), "argmax": ("argmin",), "argsort": ("sort",),
    "maximum": ("minimum",), "minimum": ("maximum",), "abs": ("sign",), "any": ("all",),
    "log": ("log10", "log2", "log1p"), "exp": ("expm1",), "sqrt": ("square",), "tanh": ("sin",),
    "ceil": ("floor", "round"), "zeros_like": ("ones_like",), "zeros": ("ones",), "range": ("enumerate",),
}  # fmt: skip
"""Functions and methods that are taken for one another."""


def like_a_mutant(name: str, exercise: Exercise, trace: Trace, seed: int) -> Mistake | None:
    """The kind of the first mutant of the right answer that does exactly the same.

    None in exercises on JAX, which compiles every new operation: that takes seconds.
    """
    if "jnp." in answer_code(name)[0]:
        return None
    for kind, answer in of_exercise(name):
        if does(exercise, answer, trace, seed):
            return Mistake(f"any.mutant_{kind}")
    return None


def does(exercise: Exercise, answer: object, trace: Trace, seed: int) -> bool:
    """Whether an answer does what is in the trace; given up where it first does not."""
    place = 0
    with contextlib.suppress(Exception):
        for step in exercise.observe(answer, seed):
            if isinstance(step, Case):
                continue
            if place == len(trace) or not same(trace[place], step):
                return False
            place += 1
        return place == len(trace)
    return False


@functools.cache
def of_exercise(name: str) -> tuple[tuple[str, object], ...]:
    """(kind, answer) of each mutant of an exercise's answer ("3_1.adam") that can be defined at all."""
    code, defined = answer_code(name)
    answers = []
    for kind, tree in _trees(ast.parse(code)):
        namespace = surroundings(code)
        with contextlib.suppress(Exception):
            exec(compile(tree, "<mutant>", "exec"), namespace)
            answers.append((kind, namespace[defined]))
    return tuple(answers)


def surroundings(code: str) -> dict[str, object]:
    """The modules that the answers use."""
    import itertools

    import numpy as np

    modules: dict[str, object] = {"np": np, "itertools": itertools}
    if "jnp." in code:
        import jax.numpy as jnp

        modules["jnp"] = jnp
    return modules


def of_code(code: str, *, thorough: bool = False) -> Iterator[tuple[str, str]]:
    """(kind, code) for each single change to the code of an answer, none twice.

    Args:
      thorough: whether every name and call is also negated, doubled, squared, raised by 1, reversed,
        made 0 and made positive.
    """
    tree = ast.parse(code)
    texts = {ast.unparse(tree)}
    for kind, mutant in _trees(tree, thorough=thorough):
        text = ast.unparse(mutant)
        if text not in texts:
            texts.add(text)
            yield kind, text


def _trees(tree: ast.Module, *, thorough: bool = False) -> Iterator[tuple[str, ast.Module]]:
    """(kind, tree) of each mutant; one tree is changed and changed back, and is to be read at once."""
    names = _variables(tree)
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    strings = sorted({value for value in constants if isinstance(value, str)})
    iterated = _iterated(tree)
    yield from _everywhere(tree)
    for put, node in list(_places(tree)):
        changes = [*_changes(node, names, strings), *(_wrapped(node, names) if thorough else ())]
        for kind, other in changes:
            if node in iterated and kind in ENDLESS:
                continue
            put(ast.copy_location(other, node))
            yield kind, ast.fix_missing_locations(tree)
            put(node)


ENDLESS = ("argument", "factor", "number", "term")
"""Changes that are not made to what a loop goes through: it might go through a list that it lengthens."""


def _iterated(tree: ast.AST) -> set[ast.AST]:
    """All nodes of what loops go through."""
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension)]
    return {node for loop in loops for node in ast.walk(loop.iter)}


def _variables(tree: ast.AST) -> list[str]:
    """Arguments and local variables, in order of their first place; not self, and no list that grows.

    A list put into itself would keep NumPy busy for ever.
    """
    nodes = list(ast.walk(tree))
    names = [node.arg for node in nodes if isinstance(node, ast.arg) and node.arg != "self"]
    names += [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    growing = {ast.unparse(node.value) for node in attributes if node.attr == "append"}
    return [name for name in dict.fromkeys(names) if name not in growing]


def _places(tree: ast.AST) -> Iterator[tuple[Callable[[ast.AST], None], ast.AST]]:
    """(what puts another node there, the node) for each expression and statement in the tree."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.expr) and not (isinstance(parent, ast.Call) and field == "func"):
                yield functools.partial(setattr, parent, field), value
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, ast.expr | ast.stmt):
                        yield functools.partial(value.__setitem__, i), item


def _changes(node: ast.AST, names: list[str], strings: list[str]) -> Iterator[Change]:
    """Every single change of one node."""
    match node:
        case ast.BinOp():
            yield from _of_operation(node)
        case ast.UnaryOp(op=ast.USub()):
            yield "sign", node.operand
        case ast.UnaryOp(op=ast.Invert() | ast.Not()):
            yield "comparison", node.operand
        case ast.Compare(ops=[operator]):
            for other in COMPARISONS.get(type(operator), ()):
                yield "comparison", ast.Compare(node.left, [other()], node.comparators)
        case ast.Constant():
            yield from _of_constant(node, strings)
        case ast.Name(ctx=ast.Load()) if node.id in names:
            for name in names:
                if name != node.id:
                    yield "argument", ast.Name(name, ast.Load())
        case ast.Call():
            yield from _of_call(node)
        case ast.Attribute(attr="T", ctx=ast.Load()):
            yield "transposed", node.value
        case ast.Tuple(ctx=ast.Load()) if len(node.elts) > 1:
            yield "order", ast.Tuple(node.elts[::-1], ast.Load())
            for i in range(len(node.elts)):
                yield "order", ast.Tuple(node.elts[:i] + node.elts[i + 1 :], ast.Load())
        case ast.IfExp():
            yield "condition", node.body
            yield "condition", node.orelse
        case ast.stmt():
            yield from _of_statement(node)


def _everywhere(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """A function or an axis taken for another in all places at once."""
    text = ast.unparse(tree)
    texts = [("axis", re.sub(r"axis=([01])", lambda axis: f"axis={1 - int(axis[1])}", text))]
    texts.append(("axis", re.sub(r"axis=\d, |(, )?axis=\d", "", text)))
    for name, others in OTHERS.items():
        texts += [(_kind(name, other), re.sub(rf"\b{name}\(", f"{other}(", text)) for other in others]
    for kind, other in texts:
        if other != text:
            yield kind, ast.parse(other)


def _kind(name: str, other: str) -> str:
    return "log" if name == "log" and other != "log1p" else "function"


def _wrapped(node: ast.AST, names: list[str]) -> Iterator[Change]:
    """A name or a call with something done to it."""
    if isinstance(node, ast.Call) or (
        isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names
    ):
        two, one = ast.Constant(2), ast.Constant(1)
        yield "sign", ast.UnaryOp(ast.USub(), node)
        yield "factor", ast.BinOp(two, ast.Mult(), node)
        yield "number", ast.BinOp(node, ast.Pow(), two)
        yield "number", ast.BinOp(node, ast.Add(), one)
        yield "number", ast.Subscript(node, ast.Slice(step=ast.UnaryOp(ast.USub(), one)), ast.Load())
        yield "term", ast.BinOp(ast.Constant(0), ast.Mult(), node)
        yield "function", ast.Call(ast.Name("abs", ast.Load()), [node], [])


def _of_operation(node: ast.BinOp) -> Iterator[Change]:
    yield "sign", ast.UnaryOp(ast.USub(), node)
    if not isinstance(node.op, ast.Add | ast.Mult):
        yield "swapped", ast.BinOp(node.right, node.op, node.left)
    for other in OPERATORS.get(type(node.op), ()):
        sign = {type(node.op), other} == {ast.Add, ast.Sub}
        yield "sign" if sign else "operator", ast.BinOp(node.left, other(), node.right)
    yield "term", node.left
    yield "term", node.right
    yield "factor", ast.BinOp(ast.Constant(2), ast.Mult(), node)


def _of_constant(node: ast.Constant, strings: list[str]) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield "number", ast.Constant(not value)
    elif isinstance(value, int):
        for number in {value + 1, value - 1, 2 * value} - {value}:
            yield "number", ast.Constant(number)
    elif isinstance(value, float):
        yield "number", ast.Constant(2 * value)
        yield "number", ast.Constant(value / 2)
    elif isinstance(value, str):
        for string in strings:
            if string != value:
                yield "argument", ast.Constant(string)


def _of_call(node: ast.Call) -> Iterator[Change]:
    yield from _of_function(node)
    if isinstance(node.func, ast.Attribute) and not node.args:  # x.copy() -> x
        yield "left_out", node.func.value
    elif node.args and not isinstance(node.args[0], ast.Starred | ast.GeneratorExp):
        yield "left_out", node.args[0]
    if len(node.args) > 1:
        yield "swapped", ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    for i, keyword in enumerate(node.keywords):
        rest = node.keywords[:i] + node.keywords[i + 1 :]
        yield ("axis" if keyword.arg == "axis" else "number"), ast.Call(node.func, node.args, rest)


def _of_function(node: ast.Call) -> Iterator[Change]:
    """A call of a function that is taken for the one called."""
    function = node.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    for name in OTHERS.get(called, ()):
        other: ast.expr = ast.Name(name, ast.Load())
        if isinstance(function, ast.Attribute):
            other = ast.Attribute(function.value, name, ast.Load())
        yield _kind(called, name), ast.Call(other, node.args, node.keywords)


def _of_statement(node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.AugAssign():
            for other in OPERATORS.get(type(node.op), ())[:1]:
                sign = isinstance(node.op, ast.Add | ast.Sub)
                yield "sign" if sign else "operator", ast.AugAssign(node.target, other(), node.value)
            yield "statement", ast.Pass()
        case ast.Assign() | ast.Expr():
            yield "statement", ast.Pass()
        case ast.If():
            yield "condition", ast.If(ast.Constant(True), node.body, node.orelse)
            yield "condition", ast.If(ast.Constant(False), node.body, node.orelse)
        case ast.For():
            yield "loop", ast.For(node.target, node.iter, [*node.body, ast.Break()], [])
