"""A module of Equinox as a network: of one example, and so mapped over the batch.

A module that carries a state comes with it, as `equinox.nn.make_with_state` makes them: ``(model, state)``.
"""

from typing import TypeAlias

import equinox
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.own_code import told
from kobai.networks.network import Inputs, Network
from kobai.tasks.frameworks.calls import called, draws, taken

Model: TypeAlias = equinox.Module | tuple[equinox.Module, equinox.nn.State]


def network_of(model: Model, inputs: Inputs) -> Network:
    """The network of a module: its dropout draws for each example, in inference mode nothing is drawn."""
    module, state = model if isinstance(model, tuple) else (model, None)
    takes_key = "key" in taken(type(module).__call__)
    axis = next(iter(_axes(module)), "batch")

    def apply(
        parameters: equinox.Module, x: Inputs, state: PyTree, training: bool, key: jax.Array | None = None
    ) -> tuple[PyTree, PyTree]:
        whole = equinox.nn.inference_mode(parameters, value=not training)
        examples = len(jax.tree.leaves(x)[0])
        keys = jax.random.split(key, examples) if takes_key and training and key is not None else None

        def one(x: Inputs, state: PyTree, key: jax.Array | None) -> PyTree:
            more = {"key": key} if takes_key else {}
            if state is None:
                return called(whole, x, **more), None
            return called(lambda *x, **named: whole(*x, state, **named), x, **more)

        axes = (0, None, None if keys is None else 0)
        return jax.vmap(one, in_axes=axes, out_axes=(0, None), axis_name=axis)(x, state, keys)

    with told(every=True):
        is_random = takes_key and draws(lambda key: apply(module, inputs, state, True, key)[0])
    return Network(module, state, apply, layout=None, random=is_random, model=_trained)


def _trained(module: equinox.Module, state: PyTree) -> Model:
    """The module with arrays of JAX, in inference mode; with its state, where it has one."""
    arrays = jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, module)
    whole = equinox.nn.inference_mode(arrays)
    return whole if state is None else (whole, state)


def values(model: Model, parameters: PyTree) -> PyTree:  # noqa: ARG001 - as every framework has it
    """What another module of the kind has in place of these parameters: itself."""
    return model[0] if isinstance(model, tuple) else model


def _axes(module: equinox.Module) -> list[str]:
    """What the layers call the axis of the batch, over which they take their statistics."""
    parts = jax.tree.leaves(module, is_leaf=lambda part: isinstance(part, equinox.nn.BatchNorm))
    return [part.axis_name for part in parts if isinstance(part, equinox.nn.BatchNorm)]
