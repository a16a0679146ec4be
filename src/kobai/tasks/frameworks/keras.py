"""A model of Keras 3 as a network, by `stateless_call` on the JAX backend."""

from collections.abc import Callable, Mapping

import jax
import keras
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, is_float
from kobai.basics.errors import UsageError
from kobai.basics.leaf import FROZEN, Role
from kobai.basics.own_code import told
from kobai.networks.network import Inputs, Network
from kobai.tasks.frameworks.calls import changed, draws, taken
from kobai.tasks.frameworks.layers import role
from kobai.tasks.frameworks.makers import seeded

STREAM = "seed_generator_state"
"""How the variable is called that says where a stream of random numbers is."""

Values = Mapping[str, Array]
"""Variables of a model by name, those that are trained first."""


def network_of(model: keras.Model, inputs: Inputs) -> Network:
    """The network of a model, which stays as it is.

    The variables that a call in training moves are its state. Streams of random numbers begin with the key of
    each step. What else is not trained, of frozen layers, is among the parameters and stays.
    """
    if keras.backend.backend() != "jax":
        raise UsageError("error.keras.backend", value=keras.backend.backend())
    if not model.built:
        arguments, named = _arguments(model, inputs)
        with told(every=True):
            model(*arguments, **named)
    names = _names(model)
    trained = [names[id(each)] for each in model.trainable_variables]
    others = [names[id(each)] for each in model.non_trainable_variables]
    streams = [name for name in others if name.endswith(STREAM)]
    every = _every(model, names)

    def run(values: Values, x: Inputs, training: bool) -> tuple[PyTree, dict[str, Array]]:
        """(outputs, every variable that is not trained, afterwards), from all variables."""
        arguments, named = _arguments(model, x)
        more = {"training": training} if "training" in taken(model.call) else {}
        variables = [values[name] for name in trained], [values[name] for name in others]
        outputs, after = model.stateless_call(*variables, *arguments, **named, **more)
        return outputs, dict(zip(others, after, strict=True))

    def after_training(values: list[Array]) -> list[Array]:
        after = run({**every, **dict(zip(others, values, strict=True))}, inputs, True)[1]
        return [after[name] for name in others]

    with told(every=True):
        moved = changed(after_training, [every[name] for name in others])
    moving = [name for name, moves in zip(others, moved, strict=True) if moves and name not in streams]
    parameters = {name: value for name, value in every.items() if name not in (*moving, *streams)}
    state = {name: every[name] for name in moving} or None

    def apply(
        parameters: Values, x: Inputs, state: PyTree, training: bool, key: jax.Array | None = None
    ) -> tuple[PyTree, PyTree]:
        begun = _begun(streams, jax.random.key(0) if key is None else key)  # in inference nobody draws
        outputs, after = run({**parameters, **(state or {}), **begun}, x, training)
        return outputs, {name: after[name] for name in moving} or None

    roles = _roles(model, names)
    return Network(
        parameters,
        state,
        apply,
        roles={name: roles[name] for name in parameters},
        random=draws(lambda key: apply(parameters, inputs, state, True, key)[0]),
        own=_own(model, parameters, inputs),
        model=lambda parameters, state: _trained(model, inputs, {**every, **parameters, **(state or {})}),
    )


def values(model: keras.Model, parameters: Values) -> Values:
    """These parameters, but for those that are trained what another model of the kind has, made anew."""
    drawn = [np.asarray(each.value) for each in model.trainable_variables]
    return {**parameters, **dict(zip(parameters, drawn, strict=False))}


def _names(model: keras.Model) -> dict[int, str]:
    """The name of each variable, by its identity: its path, without what all have in common."""
    every = [*model.trainable_variables, *model.non_trainable_variables]
    paths = [each.path.removeprefix(f"{model.name}/") for each in every]
    names = [path if paths.count(path) == 1 else f"{i}/{path}" for i, path in enumerate(paths)]
    return {id(each): name for each, name in zip(every, names, strict=True)}


def _every(model: keras.Model, names: Mapping[int, str]) -> dict[str, np.ndarray]:
    every = [*model.trainable_variables, *model.non_trainable_variables]
    return {names[id(each)]: np.asarray(each.value) for each in every}


def _arguments(model: keras.Model, x: Inputs) -> tuple[tuple[Inputs, ...], dict[str, Array]]:
    """How the model takes its inputs: several as one structure, by position, or by name."""
    asked = taken(model.call) - {"training", "mask"}
    if isinstance(x, Mapping) and asked >= set(x):
        return (), dict(x)
    if isinstance(x, tuple) and len(asked) >= len(x) > 1:
        return x, {}
    return (x,), {}


def _begun(streams: list[str], key: jax.Array) -> dict[str, jax.Array]:
    """The random streams at their beginning, each with a key of its own."""
    keys = [jax.random.fold_in(key, number) for number in range(len(streams))]
    return {name: jax.random.key_data(own) for name, own in zip(streams, keys, strict=True)}


def _roles(model: keras.Model, names: Mapping[int, str]) -> dict[str, Role | None]:
    """The role of every variable, or None where its layer does not tell; what is not trained is frozen."""
    roles: dict[str, Role | None] = dict.fromkeys(names.values())
    for layer in model._flatten_layers():  # the outer one first, so that the inner one has the last word
        for variable in layer.variables:
            if id(variable) in names:
                name = names[id(variable)]
                roles[name] = role(layer, variable.name, variable.shape) or roles[name]
    for variable in model.non_trainable_variables:
        if is_float(variable.value):
            roles[names[id(variable)]] = Role(FROZEN)
    return roles


def _own(model: keras.Model, parameters: Values, inputs: Inputs) -> Callable[[int], PyTree] | None:
    """The model's own initial values for a seed: those of a copy made anew; None where none can be made."""

    def own(seed: int) -> PyTree:
        with seeded(seed):
            return values(_anew(model, inputs), parameters)

    try:
        own(0)
    except UNMADE:
        return None
    return own


UNMADE = (NotImplementedError, TypeError, ValueError)
"""What Keras raises of a model whose class does not say how it is made."""


def _anew(model: keras.Model, inputs: Inputs) -> keras.Model:
    """The model made once more, with initial values of its own."""
    fresh = keras.models.clone_model(model)
    if not fresh.built:
        arguments, named = _arguments(fresh, inputs)
        fresh(*arguments, **named)
    return fresh


def _trained(model: keras.Model, inputs: Inputs, values: Values) -> keras.Model:
    """The model made once more, with these values of its variables."""
    try:
        fresh = _anew(model, inputs)
    except UNMADE as problem:
        raise UsageError("error.keras.clone", name=type(model).__name__) from problem
    # By their order: the name of a layer that has none of its own counts the layers so far.
    every = (*fresh.trainable_variables, *fresh.non_trainable_variables)
    for variable, name in zip(every, _names(model).values(), strict=True):
        variable.assign(values[name])
    return fresh
