"""A module of Flax Linen as a network: `init` makes its variables, and `apply` is a pure function of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from flax import linen
from jaxtyping import PyTree

from kobai.basics.leaf import FROZEN, Leaf, Role, leaves
from kobai.basics.own_code import told
from kobai.networks.network import Inputs, Network
from kobai.tasks.frameworks.calls import called, changed, draws, mode
from kobai.tasks.frameworks.layers import role

PARAMS = "params"
"""The collection that is trained; all others are the state, or stay."""


def network_of(model: linen.Module, inputs: Inputs) -> Network:
    """The network of a module; its own values are those of `init`."""
    modules: dict[tuple[str, ...], linen.Module] = {}

    def begin(seed: int) -> dict[str, PyTree]:
        keys = dict(zip((PARAMS, "dropout"), jax.random.split(jax.random.key(seed)), strict=True))
        begun = called(partial(model.init, keys), inputs, **mode(type(model).__call__, True))
        return jax.tree.map(np.asarray, dict(begun))

    def watched(
        run: Callable[..., Any], args: Any, kwargs: Any, context: linen.module.InterceptorContext
    ) -> Any:
        modules[context.module.path] = context.module
        return run(*args, **kwargs)

    with told(every=True), linen.intercept_methods(watched):
        variables = begin(0)
    trained = variables.pop(PARAMS, {})

    def run(
        trained: PyTree, others: PyTree, x: Inputs, training: bool, key: jax.Array | None
    ) -> tuple[PyTree, PyTree]:
        """(outputs, every other collection afterwards)."""
        rngs = (
            {} if key is None else {"dropout": key, PARAMS: key}
        )  # streams of other names fall back to that
        more = mode(type(model).__call__, training)
        mutable = list(others) if training else False
        function = partial(model.apply, {PARAMS: trained, **others}, rngs=rngs, mutable=mutable)
        result = called(function, x, **more)
        return result if training else (result, others)

    def after_training(values: list[jax.Array]) -> list[jax.Array]:
        others = jax.tree.unflatten(jax.tree.structure(variables), values)
        return jax.tree.leaves(run(trained, others, inputs, True, jax.random.key(0))[1])

    with told(every=True):
        moved = changed(after_training, [jax.numpy.asarray(leaf) for leaf in jax.tree.leaves(variables)])
    marks = jax.tree.unflatten(jax.tree.structure(variables), moved)
    # A collection of which nothing moves stays among the parameters, frozen.
    state = {name: tree for name, tree in variables.items() if any(jax.tree.leaves(marks[name]))}
    fixed = {name: tree for name, tree in variables.items() if name not in state}

    def apply(
        parameters: PyTree, x: Inputs, state: PyTree, training: bool, key: jax.Array | None = None
    ) -> tuple[PyTree, PyTree]:
        others = {name: parameters[name] for name in fixed} | (state or {})
        outputs, after = run(parameters[PARAMS], others, x, training, key)
        return outputs, {name: after[name] for name in state} if state else None

    parameters = {PARAMS: trained, **fixed}

    def own(seed: int) -> PyTree:
        drawn = begin(seed)
        return {name: drawn[name] for name in parameters}

    return Network(
        parameters,
        state or None,
        apply,
        roles=_roles(parameters, modules),
        random=draws(lambda key: apply(parameters, inputs, state or None, True, key)[0]),
        own=own,
        model=lambda parameters, state: {**parameters, **(state or {})},
    )


def _roles(parameters: PyTree, modules: dict[tuple[str, ...], linen.Module]) -> PyTree:
    """The role of every array, or None where its module does not tell."""

    def of(leaf: Leaf) -> Role | None:
        collection, *place, name = leaf.path
        module = modules.get(tuple(place))
        if collection != PARAMS:
            return Role(FROZEN)
        return None if module is None else role(module, name, leaf.shape, modules.get(tuple(place[:-1])))

    return jax.tree.unflatten(jax.tree.structure(parameters), [of(leaf) for leaf in leaves(parameters)])
