"""A module's graphs, as torch.export traces them: one for training, one for inference, for every batch size.

The graph is the one before torch's own decompositions ("training IR"): a recurrent layer is one operator in
it, and what is detached or under no_grad is so still. The first axis of every input is left open; where a
module does not allow that (an `if` on the number of examples), or an input comes in another shape, it is
traced once more for that shape.
"""

import contextlib
import copy
import inspect
import io
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import jax
import numpy as np
import torch
from jaxtyping import PyTree
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import InputKind

from kobai.basics.arrays import Array
from kobai.basics.errors import UsageError
from kobai.basics.own_code import place, told
from kobai.tasks.frameworks.loaders import LABELS
from kobai.tasks.frameworks.torch.interpreter import Interpreter
from kobai.tasks.frameworks.torch.memory import Tensor
from kobai.tasks.frameworks.torch.tensors import array_of, dtype_of

Shapes = tuple[tuple[int, ...], ...]
"""The shape of every input."""


@dataclass(frozen=True)
class Graph:
    """A graph, with what its inputs are.

    Fields:
      exported: what torch.export made.
      sources: for each input of the graph, what it is: ("parameter", name), ("buffer", name), an array that
        never changes, or None for the next input of the module.
      rebuilt: the outputs of the module, of those of the graph.
    """

    exported: ExportedProgram
    sources: Sequence[tuple[str, str] | np.ndarray | None]
    rebuilt: Callable[[Sequence[Any]], PyTree]

    def fits(self, shapes: Shapes) -> bool:
        """Whether the graph is right for inputs of these shapes: by its symbols, their ranges, its guards."""
        symbols: dict[Any, int] = {}
        for like, shape in zip(self._inputs, shapes, strict=True):
            if len(like.shape) != len(shape):
                return False
            for noted, n in zip(like.shape, shape, strict=True):
                expression = noted if isinstance(noted, int) else noted.node.expr
                if getattr(expression, "is_Symbol", False):
                    if symbols.setdefault(expression, n) != n:
                        return False
                elif int(expression) != n:
                    return False
        for symbol, bounds in self.exported.range_constraints.items():
            if symbol in symbols and not bounds.lower <= symbols[symbol] <= bounds.upper:
                return False
        return all(bool(guard.subs(symbols)) for guard in self._guards)

    @property
    def _inputs(self) -> list[torch.Tensor]:
        names = set(self.exported.graph_signature.user_inputs)
        nodes = self.exported.graph.nodes
        return [node.meta["val"] for node in nodes if node.op == "placeholder" and node.name in names]

    @property
    def _guards(self) -> list[Any]:
        """What torch took for granted of the symbols while it traced."""
        for like in self._inputs:
            for n in like.shape:
                if not isinstance(n, int):
                    environment = n.node.shape_env
                    return [environment.replace(guard.expr) for guard in environment.guards]
        return []

    def run(
        self,
        parameters: Mapping[str, Array],
        buffers: Mapping[str, Array],
        leaves: Sequence[Array],
        interpreter: Interpreter,
    ) -> tuple[PyTree, dict[str, Array], list[str]]:
        """(outputs, the buffers that were written to, the parameters that were)."""
        kinds = {"parameter": parameters, "buffer": buffers}
        known: dict[tuple[str, str], Tensor] = {}
        rest = iter(leaves)
        inputs = []
        for source in self.sources:
            if isinstance(source, tuple):
                kind, name = source  # tied weights are one tensor
                inputs.append(known.setdefault(source, Tensor(kinds[kind][name])))
            else:
                inputs.append(Tensor(next(rest) if source is None else source))
        results = interpreter.run(self.exported.graph_module, inputs)
        outputs = self.rebuilt([each.read() if isinstance(each, Tensor) else each for each in results])
        written = {
            kind: {
                name: tensor.read() for (k, name), tensor in known.items() if k == kind and tensor.writings
            }
            for kind in kinds
        }
        return outputs, written["buffer"], list(written["parameter"])


class Graphs:
    """The graphs of a module, traced as they are asked for.

    Args:
      module: stays as it is. What is traced is a copy that shares its memory.
      inputs: an example of a batch: an array, a tuple of arrays (by position), or a dict (by name).
    """

    def __init__(self, module: nn.Module, inputs: PyTree) -> None:
        shared: dict[int, Any] = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
        self.inputs, self.tree = jax.tree.flatten(inputs)
        self.names = {
            id(tensor): name
            for named in (module.named_parameters(), module.named_buffers())
            for name, tensor in named
        }
        self.module = copy.deepcopy(module, shared)
        self.dtypes = [
            torch.from_numpy(np.zeros(0, _wide(leaf.dtype))).dtype for leaf in jax.tree.leaves(inputs)
        ]
        self.precision = next((p.dtype for p in module.parameters() if p.dtype.is_floating_point), None)
        self._was_training = module.training
        self._graphs: dict[bool, list[Graph]] = {True: [], False: []}
        self._lock = threading.Lock()

    def leaves(self, inputs: PyTree) -> list[Array]:
        """The arrays of a batch: floating-point ones in the precision of the module."""
        return [
            leaf.astype(dtype_of(self.precision))
            if self.precision is not None and jax.numpy.issubdtype(leaf.dtype, np.floating)
            else leaf
            for leaf in jax.tree.leaves(inputs)
        ]

    def graph(self, training: bool, shapes: Shapes) -> Graph:
        """The graph for inputs of these shapes. Raises `UsageError` where torch cannot trace one."""
        with self._lock:
            graphs = self._graphs[training]
            for graph in graphs:
                if graph.fits(shapes):
                    return graph
            open_ = [shape[0] > 1 if shape else False for shape in shapes]
            graph = self._traced(training, shapes, open_)
            if not graph.fits(shapes):
                graph = self._traced(training, shapes, [False] * len(shapes))
            graphs.append(graph)
            return graph

    def _traced(self, training: bool, shapes: Shapes, open_: Sequence[bool]) -> Graph:
        examples = [self._example(shape, dtype) for shape, dtype in zip(shapes, self.dtypes, strict=True)]
        dynamic = tuple({0: Dim.AUTO} if each else None for each in open_)
        call = _Call(self.module, self.tree)
        was = {module: module.training for module in self.module.modules()}
        if not training:
            self.module.eval()
        elif not self._was_training:
            self.module.train()  # else what stands in inference mode is meant to
        call.training = training
        ignored: list[str] = []
        try:
            with _quiet(ignored):
                exported = torch.export.export(
                    call, tuple(examples), dynamic_shapes=(dynamic,) if examples else None, strict=False
                )
        except Exception as problem:
            self._raise(call, examples, problem)
        finally:
            for module, mode in was.items():
                module.training = mode
        if ignored:
            raise UsageError("error.torch.gradient", names=", ".join(sorted(set(ignored))))
        return Graph(exported, self._sources(call, exported), call.outputs.rebuilt)

    def _example(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        if dtype.is_floating_point and self.precision is not None:
            dtype = self.precision
        return torch.zeros(shape, dtype=dtype)

    def _sources(self, call: "_Call", exported: ExportedProgram) -> list[Any]:
        sources: list[tuple[str, str] | np.ndarray | None] = []
        for spec in exported.graph_signature.input_specs:
            target = str(spec.target)
            if spec.kind is InputKind.USER_INPUT:
                sources.append(None)
            elif spec.kind is InputKind.PARAMETER:
                sources.append(("parameter", self.names[id(call.get_parameter(target))]))
            elif spec.kind is InputKind.BUFFER:
                sources.append(("buffer", self.names[id(call.get_buffer(target))]))
            else:
                sources.append(_canonical(array_of(exported.constants[target])))
        return sources

    def _raise(self, call: "_Call", examples: Sequence[torch.Tensor], problem: Exception) -> None:
        """Tell why a module could not be traced: it cannot be called either, or torch refuses."""
        if isinstance(problem, UsageError):
            raise problem
        batches = [f"({', '.join(map(str, ('n', *example.shape[1:])))})" for example in examples]
        with told("error.torch.forward", every=True, shapes=", ".join(batches)), self._tried():
            call(*self._as_given(examples))
        # Of torch's long message the first line says what; where, the innermost line of the user's own.
        what, where = str(problem).strip().partition("\n")[0], place(problem)
        sentence = f"{what} ({where[0]}:{where[1]})" if where else what
        raise UsageError("error.torch.export", problem=sentence) from problem

    def _as_given(self, examples: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """The first examples of the data, in the place of zeros of their shapes: lengths of 0 are none."""
        given = [
            torch.as_tensor(np.array(leaf)).to(like.dtype)
            for leaf, like in zip(self.inputs, examples, strict=True)
        ]
        is_alike = all(each.shape == like.shape for each, like in zip(given, examples, strict=True))
        return given if is_alike else examples

    @contextlib.contextmanager
    def _tried(self) -> Iterator[None]:
        """Call the module and leave no trace."""
        before = [(buffer, buffer.clone()) for buffer in self.module.buffers()]
        with torch.no_grad(), _untouched(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield
            finally:
                for buffer, numbers in before:
                    buffer.copy_(numbers)


class _Call(nn.Module):
    """A module as a function of arrays in a row, to arrays in a row."""

    def __init__(self, module: nn.Module, tree: Any) -> None:
        super().__init__()
        self.module, self.tree = module, tree
        self.outputs = _Outputs()

    def forward(self, *leaves: torch.Tensor) -> list[Any]:
        inputs = jax.tree.unflatten(self.tree, leaves)
        self.outputs.tensors = []
        self.outputs.structure = self.outputs.apart(_result(self.module, inputs))
        return self.outputs.tensors


def _result(module: nn.Module, inputs: PyTree) -> Any:
    """What a module gives for inputs by position, or by name, or for one that is itself a tuple or a dict."""
    signature = inspect.signature(module.forward)
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    if isinstance(inputs, Mapping):
        kwargs = dict(inputs)
        # A model that takes the labels too, for a loss of its own, gets none: the loss is kobai's.
        needed = {each.name for each in signature.parameters.values() if each.default is each.empty}
        kwargs |= dict.fromkeys(needed.intersection(LABELS) - set(inputs))
    else:
        args = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as problem:
        taken = [name for name in signature.parameters if name not in LABELS]
        if isinstance(inputs, Mapping) and set(taken) & set(inputs):  # by name is what was meant
            values = {"inputs": ", ".join(inputs), "taken": ", ".join(taken)}
            raise UsageError("error.torch.inputs", **values) from problem
        args, kwargs = (inputs,), {}
    return module(*args, **kwargs)


class _Outputs:
    """The outputs of a module, taken apart: what is no tensor is kept as it is."""

    def __init__(self) -> None:
        self.tensors: list[torch.Tensor] = []
        self.structure: Callable[[Iterator[Any]], PyTree] = tuple

    def rebuilt(self, arrays: Sequence[Any]) -> PyTree:
        return self.structure(iter(arrays))

    def apart(self, value: Any) -> Callable[[Iterator[Any]], PyTree]:
        """How a value is made again of arrays. A mapping, or an object with fields, becomes a dict."""
        if isinstance(value, torch.Tensor):
            self.tensors.append(value)
            return next
        if is_dataclass(value) and not isinstance(value, type | Mapping):
            value = {field.name: getattr(value, field.name) for field in fields(value)}
        if isinstance(value, Mapping):
            parts = {str(key): self.apart(part) for key, part in value.items() if part is not None}
            return lambda arrays: {key: part(arrays) for key, part in parts.items()}
        if isinstance(value, tuple | list):
            every = [self.apart(part) for part in value]
            make = type(value)._make if hasattr(value, "_make") else type(value)
            return lambda arrays: make([part(arrays) for part in every])
        if value is None or isinstance(value, bool | int | float | torch.SymInt | torch.SymFloat):
            return lambda _: value
        raise UsageError("error.torch.output", value=type(value).__name__)


@contextlib.contextmanager
def _quiet(ignored: list[str]) -> Iterator[None]:
    """Trace without a word, without torch's random numbers, and without ways round its operators.

    A gradient of the user's own (an `autograd.Function`, a hook) leaves no trace in a graph: `ignored` gets
    their names.
    """
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # torch logs a traceback of what it then raises
    function, hook = torch.autograd.Function.apply, torch.Tensor.register_hook
    fast = torch.backends.mha.get_fastpath_enabled()

    def noted(kind: type, *args: Any, **kwargs: Any) -> Any:
        if not kind.__module__.startswith("torch."):
            ignored.append(kind.__name__)
        return function.__func__(kind, *args, **kwargs)

    def hooked(*_: object) -> None:
        ignored.append("register_hook")

    # torch prints the graph of what it then raises.
    silent = contextlib.redirect_stderr(io.StringIO())
    with _untouched(), warnings.catch_warnings(), torch.enable_grad(), silent:
        warnings.simplefilter("ignore")
        torch.backends.mha.set_fastpath_enabled(False)
        torch.autograd.Function.apply = classmethod(noted)
        torch.Tensor.register_hook = hooked
        try:
            yield
        finally:
            logging.disable(level)
            torch.Tensor.register_hook = hook
            torch.autograd.Function.apply = function
            torch.backends.mha.set_fastpath_enabled(fast)


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """Leave torch's random numbers as they are."""
    with torch.random.fork_rng(devices=[]):
        yield


def _wide(dtype: np.dtype) -> np.dtype:
    """Whole numbers have 64 bits in torch, but for bytes, which hold images."""
    if dtype in (np.bool_, np.uint8):
        return np.dtype(dtype)
    return np.dtype(np.int64) if np.issubdtype(dtype, np.integer) else np.dtype(np.float32)


def _canonical(array: np.ndarray) -> np.ndarray:
    return array.astype(jax.dtypes.canonicalize_dtype(array.dtype))
