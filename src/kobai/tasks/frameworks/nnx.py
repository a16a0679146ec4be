"""A module of Flax NNX as a network, taken apart by `split` and put together again by `merge`."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import PyTree

from kobai.basics.arrays import Array
from kobai.basics.leaf import FROZEN, Role
from kobai.basics.own_code import told
from kobai.networks.network import Inputs, Network
from kobai.tasks.frameworks.calls import called, changed, draws, mode
from kobai.tasks.frameworks.layers import role

Arrays = dict[str, Array]
"""Arrays by the names of their variables: "layers.0.kernel"."""


def network_of(model: nnx.Module, inputs: Inputs) -> Network:
    """The network of a module, which stays as it is.

    What is a `Param` is trained. Of the other variables those that a call in training changes (`BatchStat`)
    are the state, and the rest stay. Random streams (`Rngs`) begin with the key of each step.
    """
    graph, params, streams, rest = nnx.split(model, nnx.Param, nnx.RngState, ...)
    trained, others = _by_name(params), _by_name(rest)

    def run(
        trained: Arrays, others: Arrays, x: Inputs, training: bool, key: jax.Array | None
    ) -> tuple[PyTree, Arrays]:
        """(outputs, every variable that is not trained, afterwards)."""
        begun = streams if key is None else _begun(streams, key)
        copy = nnx.merge(graph, _with(params, trained), begun, _with(rest, others), copy=True)
        copy.train() if training else copy.eval()
        outputs = called(copy, x, **mode(type(copy).__call__, training))
        return outputs, _by_name(nnx.split(copy, nnx.Param, nnx.RngState, ...)[3])

    def after_training(values: list[Array]) -> list[Array]:
        variables = dict(zip(others, values, strict=True))
        after = run(trained, variables, inputs, True, jax.random.key(0))[1]
        return [after[name] for name in others]

    with told(every=True):
        moved = changed(after_training, list(others.values()))
    state = {name: others[name] for name, moves in zip(others, moved, strict=True) if moves}
    fixed = {name: others[name] for name in others if name not in state}

    def apply(
        parameters: Arrays, x: Inputs, state: PyTree, training: bool, key: jax.Array | None = None
    ) -> tuple[PyTree, PyTree]:
        own = {name: parameters[name] for name in trained}
        variables = {name: parameters[name] for name in fixed} | (state or {})
        outputs, after = run(own, variables, x, training, key if training else None)
        return outputs, {name: after[name] for name in state} if state else None

    def trained_model(parameters: Arrays, state: PyTree) -> nnx.Module:
        own = {name: parameters[name] for name in trained}
        every = {**parameters, **(state or {})}
        copy = nnx.merge(graph, _with(params, own), streams, _with(rest, every), copy=True)
        copy.eval()
        return copy

    parameters = {**trained, **fixed}
    roles = _roles(model) | dict.fromkeys(fixed, Role(FROZEN))
    return Network(
        jax.tree.map(np.asarray, parameters),
        jax.tree.map(np.asarray, state) or None,
        apply,
        roles=roles,
        random=bool(jax.tree.leaves(streams))
        and draws(lambda key: apply(parameters, inputs, state or None, True, key)[0]),
        model=trained_model,
    )


def values(model: nnx.Module, parameters: Arrays) -> Arrays:
    """What another module of the kind has in place of these parameters."""
    _, params, _, rest = nnx.split(model, nnx.Param, nnx.RngState, ...)
    every = _by_name(params) | _by_name(rest)
    return {name: np.asarray(every[name]) for name in parameters}


def _paths(state: nnx.State) -> list[tuple[str, ...]]:
    """Where each variable stands, in the order of the leaves: ("layers", "0", "kernel")."""
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(state)[0]]
    # The last step leads into the variable, and is none of the user's.
    return [tuple(jax.tree_util.keystr((step,), simple=True) for step in path[:-1]) for path in paths]


def _by_name(state: nnx.State) -> Arrays:
    names = (".".join(path) for path in _paths(state))
    return dict(zip(names, jax.tree.leaves(state), strict=True))


def _with(state: nnx.State, arrays: Arrays) -> nnx.State:
    """A state of this structure with these arrays, as JAX's: a layer assigns to them."""
    every = [jnp.asarray(arrays[".".join(path)]) for path in _paths(state)]
    return jax.tree.unflatten(jax.tree.structure(state), every)


def _begun(streams: nnx.State, key: jax.Array) -> nnx.State:
    """The random streams at their beginning, each with a key of its own."""

    def begin(number: int, leaf: jax.Array) -> jax.Array:
        if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jnp.zeros_like(leaf)  # the count of what was drawn
        own = jax.random.fold_in(key, number)
        return jax.random.split(own, leaf.shape) if leaf.shape else own

    arrays, tree = jax.tree.flatten(streams)
    return jax.tree.unflatten(tree, [begin(number, leaf) for number, leaf in enumerate(arrays)])


def _roles(model: nnx.Module) -> dict[str, Role | None]:
    """The role of every parameter, or None where its module does not tell."""
    modules = {tuple(map(str, path)): module for path, module in nnx.iter_modules(model)}
    roles: dict[str, Role | None] = {}
    params = nnx.split(model, nnx.Param, ...)[1]
    for path, array in zip(_paths(params), jax.tree.leaves(params), strict=True):
        *place, name = path
        module = modules.get(tuple(place))
        holder = modules.get(tuple(place[:-1])) if place else None
        roles[".".join(path)] = None if module is None else role(module, name, array.shape, holder)
    return roles
