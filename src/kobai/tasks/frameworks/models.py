"""Which framework a model is of, and its network.

A framework is known by the classes of the model, and imported only then: it is there already.
"""

from importlib import import_module
from typing import Protocol, cast

from jaxtyping import PyTree

from kobai.basics.errors import UsageError
from kobai.basics.leaf import lineage
from kobai.networks.network import Inputs, Network
from kobai.tasks.frameworks import makers
from kobai.tasks.frameworks.makers import Model

BASES = {
    "torch.nn.modules.module.Module": "torch",
    "keras.src.layers.layer.Layer": "keras",
    "flax.nnx.module.Module": "nnx",
    "flax.linen.module.Module": "linen",
    "equinox._module._module.Module": "equinox",
}
"""The class from which all models of a framework come, and the module here that reads them."""

FUNCTIONS = "functions"


class Reader(Protocol):
    """What the module of a framework offers."""

    def network_of(self, model: Model, inputs: Inputs) -> Network:
        """The network of a model; `inputs` are those of some examples."""

    def values(self, model: Model, parameters: PyTree) -> PyTree:
        """What another model of the kind has in place of these parameters."""


def network_of(model: Model, inputs: Inputs) -> Network:
    """The network of a model of any framework, or of a function that makes one.

    Args:
      inputs: those of some examples: an array, a tuple (by position) or a dictionary (by name).

    Raises:
      UsageError: for an object that is no model, and for a model that cannot be translated.
    """
    if isinstance(model, Network):
        return model
    if makers.is_maker(model):
        first = makers.model_of(model, 0)
        network = network_of(first, inputs)
        if isinstance(first, Network) or not hasattr(reader(first), "values"):  # it can draw anew by itself
            return network
        values = reader(first).values
        return network._replace(own=lambda seed: values(makers.model_of(model, seed), network.parameters))
    return reader(model).network_of(model, inputs)


def reader(model: Model) -> Reader:
    """The module that reads models of this framework."""
    return cast(Reader, import_module(f"{__package__}.{framework(model)}"))


def framework(model: object) -> str:
    """The framework of a model. Raises `UsageError` for an object that is none."""
    is_pair = isinstance(model, tuple) and len(model) == 2  # of Equinox a model and its state
    for name in lineage(model[0] if isinstance(model, tuple) and is_pair else model):
        if name in BASES:
            return BASES[name]
    if isinstance(model, tuple) and is_pair and all(map(callable, model)):
        return FUNCTIONS
    raise UsageError("error.of.model", value=type(model).__name__)


def is_model(value: object) -> bool:
    """Whether `value` is a model of a framework that is known."""
    try:
        framework(value)
    except UsageError:
        return isinstance(value, Network)
    return True
