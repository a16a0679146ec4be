"""The forms that the loss and the metric of a task may have, for a type checker and for who reads.

What is called by name depends on the task: `state=` where its model carries one, `key=` where its loss draws
at random. Only in training a state is given back.
"""

from typing import Protocol, TypeAlias

import jax
from jaxtyping import PyTree

from kobai.basics.arrays import Data, ModelState, Number


class Evaluation(Protocol):
    """A number from parameters and data: the mean loss of a batch, a metric on a whole part."""

    def __call__(self, parameters: PyTree, data: Data, /) -> Number: ...


class StatefulEvaluation(Protocol):
    """The same in inference mode, with what the model carries beside its parameters."""

    def __call__(self, parameters: PyTree, data: Data, /, *, state: ModelState) -> Number: ...


class RandomLoss(Protocol):
    """A loss that draws at random, as dropout does."""

    def __call__(self, parameters: PyTree, batch: Data, /, *, key: jax.Array) -> Number: ...


class StatefulLoss(Protocol):
    """A loss that gives the model's next state beside the number."""

    def __call__(
        self, parameters: PyTree, batch: Data, /, *, state: ModelState
    ) -> tuple[Number, ModelState]: ...


class RandomStatefulLoss(Protocol):
    """A loss that does both."""

    def __call__(
        self, parameters: PyTree, batch: Data, /, *, state: ModelState, key: jax.Array
    ) -> tuple[Number, ModelState]: ...


Loss: TypeAlias = Evaluation | RandomLoss | StatefulLoss | RandomStatefulLoss
"""What is minimized."""

Metric: TypeAlias = Evaluation | StatefulEvaluation
"""What is measured in inference mode."""
