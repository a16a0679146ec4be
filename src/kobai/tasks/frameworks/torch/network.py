"""A module of torch's as a network: its parameters and buffers as arrays, its graphs as a function of JAX."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import torch
from jaxtyping import PyTree
from torch import nn

from kobai.basics.arrays import Array, Key
from kobai.basics.errors import UsageError
from kobai.networks.network import Network
from kobai.tasks.frameworks.torch.export import Graphs
from kobai.tasks.frameworks.torch.interpreter import Interpreter
from kobai.tasks.frameworks.torch.roles import NORMS, roles
from kobai.tasks.frameworks.torch.tensors import array_of, tensor_of

LAYOUT = "out_in"


def network_of(module: nn.Module, inputs: PyTree) -> Network:
    """A module as a `Network`: a copy of its parameters, and ``apply`` as a pure function of JAX.

    The module stays as it is: its mode, its numbers, torch's random numbers.

    Args:
      module: any `nn.Module` that torch.export can trace.
      inputs: an example of a batch: an array, a tuple of arrays (the arguments of `forward` by position), or
        a dict (by name). Floating-point ones are given to the module in its own precision.

    Raises:
      UsageError: for a module that cannot be called on these inputs or traced, for operators without
        a translation (all at once), and for gradients of the user's own, which no graph holds.
    """
    _check(module)
    graphs = Graphs(module, inputs)
    parameters = {name: array_of(tensor) for name, tensor in module.named_parameters()}
    buffers = {name: _canonical(array_of(tensor)) for name, tensor in module.named_buffers()}
    moved, draws = _tried(graphs, parameters, buffers, inputs)
    state = {name: buffers[name] for name in sorted(moved)} or None
    fixed = {name: array for name, array in buffers.items() if name not in moved}

    def apply(
        parameters: Mapping[str, Array], x: PyTree, state: PyTree, training: bool, key: Key | None = None
    ) -> tuple[PyTree, PyTree]:
        if training and draws and key is None:
            raise UsageError("error.torch.key")
        leaves = graphs.leaves(x)
        graph = graphs.graph(training, tuple(leaf.shape for leaf in leaves))
        outputs, written, _ = graph.run(parameters, fixed | (state or {}), leaves, Interpreter(key, set()))
        new = None if state is None else {name: written.get(name, old) for name, old in state.items()}
        return outputs, new

    return Network(
        parameters,
        state,
        apply,
        LAYOUT,
        roles=roles(module),
        random=draws,
        own=own_values(module),
        pretrained=is_pretrained(module),
        model=lambda parameters, state: trained(module, {**buffers, **parameters, **(state or {})}),
    )


def is_pretrained(module: nn.Module) -> bool:
    """Whether a module shows that it was trained: by its name in a store, or by what its layers began with.

    Normalization begins with one number for all scales and for all shifts, and counts its batches.
    """
    config = getattr(module, "config", None)
    if any(getattr(of, name, "") for of in (module, config) for name in ("name_or_path", "_name_or_path")):
        return True
    return any(_has_moved(part) for part in module.modules() if isinstance(part, NORMS))


def _has_moved(norm: nn.Module) -> bool:
    numbers = [tensor for tensor in norm.parameters(recurse=False) if tensor.numel()]
    batches = getattr(norm, "num_batches_tracked", None)
    return any(bool((each != each.flatten()[0]).any()) for each in numbers) or bool(batches)


def trained(module: nn.Module, arrays: Mapping[str, Array]) -> nn.Module:
    """A copy of a module with these parameters and buffers, in inference mode."""
    model = copy.deepcopy(module).eval()
    with torch.no_grad():
        for named in _named(model):
            for name, tensor in named:
                tensor.copy_(tensor_of(arrays[name], tensor))
    return model


def state_dict(
    module: nn.Module, parameters: Mapping[str, Array], state: Mapping[str, Array] | None = None
) -> dict[str, torch.Tensor]:
    """The `state_dict` of a module with these parameters and statistics: for ``module.load_state_dict``."""
    arrays = {**parameters, **(state or {})}
    tensors = {name: tensor for named in _named(module) for name, tensor in named}
    names = {id(tensor): name for named in _named(module) for name, tensor in named}
    every = dict(module.state_dict(keep_vars=True))

    def trained(tensor: torch.Tensor) -> torch.Tensor:
        name = names.get(id(tensor))
        if name not in arrays:
            return tensor.detach().clone()
        return tensor_of(arrays[name], tensors[name])

    return {
        name: trained(tensor) if isinstance(tensor, torch.Tensor) else tensor
        for name, tensor in every.items()
    }


def own_values(module: nn.Module) -> Callable[[int], dict[str, np.ndarray]] | None:
    """The module's own initial values for a seed: its ``reset_parameters``, each part's before the whole's.

    What no `reset_parameters` draws keeps its value. None where there is none at all.
    """
    if not any(_reset(part) for part in module.modules()):
        return None
    pristine = copy.deepcopy(module)

    def values(seed: int) -> dict[str, np.ndarray]:
        drawn = copy.deepcopy(pristine)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            drawn.apply(lambda part: (_reset(part) or (lambda: None))() and None)
        return {name: array_of(tensor) for name, tensor in drawn.named_parameters()}

    return values


def values(module: nn.Module, parameters: Mapping[str, Array]) -> dict[str, np.ndarray]:
    """What another module of the kind has in place of these parameters."""
    every = dict(module.named_parameters())
    return {name: array_of(every[name]) for name in parameters}


def _reset(part: nn.Module) -> Callable[[], Any] | None:
    """How a module draws its initial values anew, if it can; a frozen one never does."""
    own = list(part.parameters())
    if own and not any(parameter.requires_grad for parameter in own):
        return None
    return next(
        (getattr(part, name) for name in ("reset_parameters", "_reset_parameters") if hasattr(part, name)),
        None,
    )


def _named(module: nn.Module) -> tuple[Any, Any]:
    return module.named_parameters(), module.named_buffers()


def _check(module: nn.Module) -> None:
    """Refuse what stands in no graph: modules of torch.jit, lazy parameters, hooks on gradients."""
    if isinstance(module, torch.jit.ScriptModule):
        raise UsageError("error.torch.scripted")
    for name, parameter in module.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise UsageError("error.torch.lazy", name=name)
    hooked = [
        type(part).__name__ for part in module.modules() if part._backward_hooks or part._backward_pre_hooks
    ]
    hooked += [name for name, parameter in module.named_parameters() if parameter._backward_hooks]
    if hooked:
        raise UsageError("error.torch.gradient", names=", ".join(hooked))


def _tried(
    graphs: Graphs, parameters: Mapping[str, Array], buffers: Mapping[str, Array], inputs: PyTree
) -> tuple[set[str], bool]:
    """(the buffers that are written to, whether training draws at random): both graphs, once."""
    leaves = graphs.leaves(inputs)
    shapes = tuple(leaf.shape for leaf in leaves)
    lacking: set[str] = set()
    moved: set[str] = set()
    frozen: set[str] = set()
    draws = {}
    for training in (True, False):
        interpreter = Interpreter(None, lacking)
        graph = graphs.graph(training, shapes)

        def once(parameters: PyTree, buffers: PyTree, leaves: PyTree) -> PyTree:
            outputs, written, changed = graph.run(parameters, buffers, leaves, interpreter)  # noqa: B023
            moved.update(written)
            frozen.update(changed)
            return outputs

        jax.eval_shape(once, parameters, buffers, leaves)
        draws[training] = interpreter.draws > 0
    lacking |= {f"{name} (written to in forward)" for name in frozen}
    if lacking:
        raise UsageError("error.torch.operators", names=", ".join(sorted(lacking)))
    return moved, draws[True]


def _canonical(array: np.ndarray) -> np.ndarray:
    """Whole numbers of 64 bits as JAX has them."""
    return array.astype(jax.dtypes.canonicalize_dtype(array.dtype))
