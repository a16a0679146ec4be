"""A network as two functions, as Haiku, Stax and one's own code have them: ``(init, apply)``.

    init(key) -> parameters               or init(key, x); with a state: (parameters, state)
    apply(parameters, x) -> outputs       with a state: apply(parameters, x, state) -> (outputs, state)

`apply` may take the mode (``training``, ``train``, ``deterministic``) and a random ``key`` by name.
"""

import inspect
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.own_code import told
from kobai.networks.network import Inputs, Network
from kobai.tasks.frameworks.calls import draws, mode, taken

Pair = tuple[Callable[..., PyTree], Callable[..., PyTree]]


def network_of(model: Pair, inputs: Inputs) -> Network:
    """The network of two functions; its own values are those of `init`."""
    init, function = model
    carries, takes_key = "state" in taken(function), "key" in taken(function)

    def begin(seed: int) -> PyTree:
        key = jax.random.key(seed)
        takes_x = len(inspect.signature(init).parameters) > 1
        return init(key, inputs) if takes_x else init(key)

    def apply(
        parameters: PyTree, x: PyTree, state: PyTree, training: bool, key: jax.Array | None = None
    ) -> tuple[PyTree, PyTree]:
        more = mode(function, training) | ({"key": key if training else None} if takes_key else {})
        if carries:
            return function(parameters, x, state=state, **more)
        return function(parameters, x, **more), state

    with told(every=True):
        first = begin(0)
    parameters, state = first if carries else (first, None)
    network = Network(
        jax.tree.map(np.asarray, parameters),
        jax.tree.map(np.asarray, state),
        apply,
        layout=None,
        own=(lambda seed: begin(seed)[0]) if carries else begin,
    )
    is_random = takes_key and draws(lambda key: apply(parameters, inputs, state, True, key))
    return network._replace(random=is_random)
