"""A graph of torch's, run with JAX: node after node, while JAX traces what is done.

What an operator is stands in the table (`operators`). Here is what surrounds it: names and views and writing
(`memory`), random keys, the dtypes that torch has noted, graphs inside graphs, and for an operator that the
table lacks what torch itself makes of it out of simpler ones.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch
from jax import lax
from torch._decomp import core_aten_decompositions, get_decompositions
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg
from torch.utils._pytree import tree_map

from kobai.basics.arrays import Array, Key
from kobai.tasks.frameworks.torch.memory import Order, Tensor, View
from kobai.tasks.frameworks.torch.operators import OPERATORS
from kobai.tasks.frameworks.torch.operators.table import Operator
from kobai.tasks.frameworks.torch.tensors import array_of, dtype_of

ELSEWHERE = ("device", "layout", "pin_memory", "memory_format", "non_blocking")
"""What operators are told about the memory of torch's, which has no meaning here."""

CHECKS = ("_assert_", "_functional_assert", "sym_constrain_range", "_guards_fn")
"""How the operators begin that check something and compute nothing."""


class Interpreter:
    """One run of a graph.

    Args:
      key: for what is drawn at random; None where nothing is.
      lacking: collects the operators that have no translation.
    """

    def __init__(self, key: Key | None, lacking: set[str]) -> None:
        self.lacking, self.draws = lacking, 0
        self._key = key

    def draw(self) -> Key:
        """Another random key at each call."""
        self.draws += 1
        key = jax.random.key(0) if self._key is None else self._key
        return jax.random.fold_in(key, self.draws)

    def run(self, module: GraphModule, inputs: Sequence[Any], *, derived: bool = True) -> Any:
        """The outputs of a graph, as `Tensor` and numbers; without derivatives if they are not `derived`."""
        values: dict[Node, Any] = {}
        rest: Iterator[Any] = iter(inputs)
        for node in module.graph.nodes:
            if node.op == "placeholder":
                values[node] = next(rest)
            elif node.op == "get_attr":
                part = functools.reduce(getattr, node.target.split("."), module)
                values[node] = Tensor(array_of(part)) if isinstance(part, torch.Tensor) else part
            elif node.op == "output":
                return map_arg(node.args[0], values.__getitem__)
            else:
                values[node] = self._called(node, values, derived)
        return None

    def _called(self, node: Node, values: dict[Node, Any], derived: bool) -> Any:
        target = node.target
        args, kwargs = map_arg((node.args, node.kwargs), values.__getitem__)
        if isinstance(target, torch._ops.HigherOrderOperator):
            name = target.name()
            if name in HIGHER:
                return HIGHER[name](self, derived, *args, **kwargs)
            return self._without(f"higher_order.{name}", node)
        if not isinstance(target, torch._ops.OpOverload):  # of Python, on numbers and lists
            return target(*tree_map(_number, args), **tree_map(_number, kwargs))
        name = target._schema.name.removeprefix("aten::")
        if name.startswith(CHECKS):
            return None
        translation = OPERATORS.get(name) or OPERATORS.get(name.removesuffix("_"))
        if translation is None or _is_beyond(name, node):
            return self._composed(node, values, args, kwargs, derived)
        out = kwargs.get("out")
        if isinstance(out, Tensor):
            rest = {name: value for name, value in kwargs.items() if name != "out"}
            result = self._applied(translation, (), node, args, rest, derived)
            out.write(result.read() if derived else lax.stop_gradient(result.read()))
            return out
        writes = ((0,) if target._schema.is_mutable else ()) + translation.writes
        return self._applied(translation, writes, node, args, kwargs, derived)

    def _applied(
        self,
        translation: Operator,
        writes: Sequence[int],
        node: Node,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        derived: bool,
    ) -> Any:
        """The result of an operator that the table has."""
        named = {name: _told(value) for name, value in kwargs.items() if name not in ELSEWHERE}
        if translation.draws:
            named["draw"] = self.draw
        is_last = _is_last(translation, args)
        lone = is_last and translation.space is not None and args[0].ndim == translation.space + 1

        def read(value: Any, position: int) -> Any:
            if not isinstance(value, Tensor):
                return _told(value)
            if translation.order is Order.LAST and position > 0:
                return value.read()  # weights, statistics
            if lone:
                return jnp.moveaxis(value.read()[None], 1, -1)
            return value.read(last=is_last and value.ndim > 2 - (translation.order is Order.LAST))

        arrays = [tree_map(functools.partial(read, position=i), value) for i, value in enumerate(args)]
        result = translation.function(*arrays, **named)
        if translation.writes:
            result, *others = result
            for position, array in zip(translation.writes, others, strict=True):
                if array is not None:
                    args[position].write(array)
        if lone:
            result, is_last = tree_map(lambda array: jnp.moveaxis(array, -1, 1)[0], result), False
        if writes and writes[0] == 0:
            args[0].write(result if derived else lax.stop_gradient(result), is_last=is_last)
            return args[0]

        def view(base: Array, which: int | None = None) -> Array:
            array = translation.function(base, *arrays[1:], **named)
            return array if which is None else array[which]

        return _wrapped(result, node, args, is_last, view, derived)

    def _composed(
        self, node: Node, values: dict[Node, Any], args: Sequence[Any], kwargs: dict[str, Any], derived: bool
    ) -> Any:
        """The result of an operator out of the simpler ones that torch makes it of."""
        target = node.target
        assert isinstance(target, torch._ops.OpOverload)
        name = target._schema.name.removeprefix("aten::")
        leaves: list[Tensor] = []

        def stand_in(of: Node) -> Any:
            value = values[of]
            if not isinstance(value, Tensor):
                return value
            leaves.append(value)
            return torch.empty(value.shape, dtype=of.meta["val"].dtype)

        try:
            with FakeTensorMode(), torch.no_grad():
                args, kwargs = map_arg((node.args, node.kwargs), stand_in)
                tensors, rebuilt = _apart((args, kwargs))

                def call(*arguments: torch.Tensor) -> Any:
                    again, named = rebuilt(arguments)
                    return target(*again, **named)

                rules = {**core_aten_decompositions(), **get_decompositions([target])}
                graph = make_fx(call, decomposition_table=rules)(*tensors)
        except Exception:  # no rule, or one that asks for numbers
            return self._without(name, node)
        inside = [each.target for each in graph.graph.nodes if each.op == "call_function"]
        if target in inside or target._schema.is_mutable or _is_beyond(name, node):
            return self._without(name, node)
        result = self.run(graph, leaves, derived=derived)
        return list(result) if isinstance(result, tuple) else result

    def _without(self, name: str, node: Node) -> Any:
        """Note an operator that has no translation, and go on with zeros of the right shape."""
        self.lacking.add(name)

        def zeros(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            return Tensor(jnp.zeros([_size(n) for n in value.shape], dtype_of(value.dtype)))

        return tree_map(zeros, node.meta.get("val"))


def _size(n: Any) -> int:
    """A length that the graph leaves open as it was in the example."""
    return n if isinstance(n, int) else n.node.hint or 1


def _apart(tree: Any) -> tuple[list[torch.Tensor], Callable[[Sequence[Any]], Any]]:
    """The tensors in nested arguments, and how others are put in their places."""
    tensors: list[torch.Tensor] = []
    tree_map(lambda each: tensors.append(each) if isinstance(each, torch.Tensor) else None, tree)

    def rebuilt(others: Sequence[Any]) -> Any:
        left = iter(others)
        return tree_map(lambda each: next(left) if isinstance(each, torch.Tensor) else each, tree)

    return tensors, rebuilt


def _is_beyond(name: str, node: Node) -> bool:
    """Whether how many numbers come out hangs on numbers, which no compiled program can have: x[mask]."""
    if name != "index":
        return False
    return any(each is not None and each.meta["val"].dtype in MASKS for each in node.args[1])


MASKS = (torch.bool, torch.uint8)


def _number(value: Any) -> Any:
    return value.read() if isinstance(value, Tensor) and value.ndim == 0 else value


def _told(value: Any) -> Any:
    """An argument as the functions of the table take it."""
    if isinstance(value, Tensor):
        return value.read()
    return dtype_of(value) if isinstance(value, torch.dtype) else value


def _is_last(translation: Operator, args: Sequence[Any]) -> bool:
    """Whether an operator works on arrays with the channels last: always, or if they are, all of one rank."""
    if translation.order is Order.LAST:
        return args[0].ndim > 2 or translation.space == 1
    if translation.order is Order.PLAIN:
        return False
    tensors = [each for each in args if isinstance(each, Tensor) and each.ndim > 0]
    return any(each.is_last for each in tensors) and len({each.ndim for each in tensors}) == 1


def _wrapped(
    result: Any, node: Node, args: Sequence[Any], is_last: bool, view: Callable, derived: bool
) -> Any:
    """Results as tensors: in the dtypes that the graph has noted, and as views where torch's share memory."""
    noted = node.meta.get("val")
    if isinstance(noted, list | tuple):
        each = zip(result, noted, range(len(noted)), strict=False)
        return [_tensor(array, like, node, args, is_last, view, derived, i) for array, like, i in each]
    return _tensor(result, noted, node, args, is_last, view, derived)


def _tensor(
    array: Any,
    noted: Any,
    node: Node,
    args: Sequence[Any],
    is_last: bool,
    view: Callable[..., Array],
    derived: bool,
    which: int | None = None,
) -> Any:
    if not isinstance(noted, torch.Tensor):  # a length, or a number
        return array
    dtype = dtype_of(noted.dtype)

    def cast(array: Array) -> Array:
        array = jnp.asarray(array, dtype)
        return array if derived else lax.stop_gradient(array)

    if not _shares(node, noted):
        return Tensor(cast(array), is_last=is_last)

    def part(base: Array) -> Array:
        return cast(view(base, which)) if isinstance(base, jax.core.Tracer) else view(base, which)

    looked: View = part
    return Tensor(cast(array), is_last=is_last, base=args[0], view=looked)


def _shares(node: Node, noted: torch.Tensor) -> bool:
    """Whether a result lies in the memory of the first argument."""
    first = node.args[0] if node.args else None
    base = first.meta.get("val") if isinstance(first, Node) else None
    if not isinstance(base, torch.Tensor):
        return False
    return noted.untyped_storage()._cdata == base.untyped_storage()._cdata


# Graphs inside graphs.


def _without_gradient(
    run: Interpreter, derived: bool, enabled: bool, graph: GraphModule, *inputs: Any, **_: Any
) -> Any:
    """What stands under torch.no_grad()."""
    return run.run(graph, inputs, derived=derived and enabled)


def _autocast(
    run: Interpreter,
    derived: bool,
    device: str,
    dtype: torch.dtype | None,
    enabled: bool,
    cached: bool | None,
    graph: GraphModule,
    *inputs: Any,
    **_: Any,
) -> Any:
    """What stands under torch.autocast: the dtypes are noted in the graph."""
    return run.run(graph, inputs, derived=derived)


def _checkpointed(run: Interpreter, derived: bool, graph: GraphModule, *inputs: Any, **_: Any) -> Any:
    """What torch computes again in its backward pass, instead of keeping it."""
    return run.run(graph, inputs, derived=derived)


def _pure(run: Interpreter, graph: GraphModule, derived: bool) -> Callable[..., list[Array]]:
    """A graph as a function from arrays to arrays."""

    def function(*arrays: Any) -> list[Array]:
        inputs = [Tensor(each) if isinstance(each, Array) else each for each in arrays]
        return [_told(each) for each in run.run(graph, inputs, derived=derived)]

    return function


def _tensors(arrays: Sequence[Array]) -> list[Tensor]:
    return [Tensor(array) for array in arrays]


def _cond(
    run: Interpreter,
    derived: bool,
    condition: Any,
    yes: GraphModule,
    no: GraphModule,
    operands: Sequence[Any] = (),
) -> Any:
    branches = [_pure(run, graph, derived) for graph in (yes, no)]
    return _tensors(lax.cond(jnp.asarray(_told(condition)).astype(bool), *branches, *map(_told, operands)))


def _while(
    run: Interpreter,
    derived: bool,
    condition: GraphModule,
    body: GraphModule,
    carried: Sequence[Any],
    others: Sequence[Any] = (),
) -> Any:
    goes_on, step = _pure(run, condition, derived), _pure(run, body, derived)
    rest = [_told(each) for each in others]
    start = [jnp.asarray(_told(each)) for each in carried]
    return _tensors(
        lax.while_loop(
            lambda state: goes_on(*state, *rest)[0].astype(bool), lambda state: step(*state, *rest), start
        )
    )


def _scan(
    run: Interpreter,
    derived: bool,
    body: GraphModule,
    start: Sequence[Any],
    along: Sequence[Any],
    others: Sequence[Any] = (),
) -> Any:
    step, rest, carried = _pure(run, body, derived), [_told(each) for each in others], len(start)

    def both(state: list[Array], row: list[Array]) -> tuple[list[Array], list[Array]]:
        results = step(*state, *row, *rest)
        return results[:carried], results[carried:]

    ends, outputs = lax.scan(both, [_told(each) for each in start], [_told(each) for each in along])
    return _tensors([*ends, *outputs])


def _map(
    run: Interpreter, derived: bool, body: GraphModule, along: Sequence[Any], others: Sequence[Any] = ()
) -> Any:
    function, rest = _pure(run, body, derived), [_told(each) for each in others]
    return _tensors(lax.map(lambda row: function(*row, *rest), [_told(each) for each in along]))


HIGHER: dict[str, Callable[..., Any]] = {
    "wrap_with_set_grad_enabled": _without_gradient,
    "wrap_with_autocast": _autocast,
    "tag_activation_checkpoint": _checkpointed,
    "cond": _cond,
    "while_loop": _while,
    "scan": _scan,
    "map_impl": _map,
}
"""Operators that are given graphs."""
