"""A measure of a network's outputs, as a loss or a metric of a task."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

from jaxtyping import PyTree

from kobai.basics.arrays import Array, Parameters, Scalar
from kobai.networks.network import Inputs, Network

Measure: TypeAlias = Callable[[Array, Array], Scalar]
"""Of outputs and y: a loss or a metric."""

Examples: TypeAlias = tuple[Inputs, Array]
"""x and y."""


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """``measurement(parameters, (x, y))``: what a measure gives for a network.

    Fields:
      network: its outputs are measured.
      measure: of outputs and y.
      training: whether the network is applied as in training. `shared` always applies it in inference mode.
    """

    network: Network
    measure: Measure
    training: bool = False

    def __call__(self, parameters: Parameters, data: Examples, state: PyTree = None) -> Scalar:
        x, y = data
        return self.measure(self.network.apply(parameters, x, state, self.training)[0], y)


def shared(
    loss: Any, metric: Any, parameters: Parameters, data: Examples, state: PyTree
) -> tuple[Scalar, Scalar] | None:
    """Both on a whole part of the data, with the outputs computed once; None: they are not of one network."""
    measurements = isinstance(loss, Measurement) and isinstance(metric, Measurement)
    if not measurements or loss.network.apply is not metric.network.apply:
        return None
    x, y = data
    outputs = loss.network.apply(parameters, x, state, False)[0]
    return loss.measure(outputs, y), metric.measure(outputs, y)
