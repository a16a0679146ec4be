"""What a row of the engine holds: the one place that knows which number stands in which column.

A row is what an evaluation of a cell leaves behind::

    loss sum | loss | metric | lost | loss, metric of the first average | … | count of the first part | …

The program writes it (`Columns.row`), and whoever reads it asks for a number by its name (`Rows`).
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array, Whole

LOSS_SUM, LOSS, METRIC, LOST = range(4)
FIRST_AVERAGE = 4


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of a program's rows.

    Fields:
      averages: how many averages are evaluated beside the iterate: a loss and a metric for each.
      counts: the names of what the parts of a strategy count.
    """

    averages: int = 0
    counts: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """How many columns there are."""
        return FIRST_AVERAGE + 2 * self.averages + len(self.counts)

    @property
    def evaluations(self) -> list[int]:
        """The columns of what is measured on data: loss and metric, of the iterate and of each average."""
        return [LOSS, METRIC, *range(FIRST_AVERAGE, FIRST_AVERAGE + 2 * self.averages)]

    def row(
        self,
        loss_sum: Array,
        evaluations: Sequence[Array],
        lost: Array,
        counts: Sequence[Whole],
        dtype: np.dtype,
    ) -> jax.Array:
        """A row, or one for each cell of a population, from its numbers.

        Args:
          loss_sum: the sum of the training losses since the last evaluation.
          evaluations: the loss and the metric of the iterate, then those of each average.
          lost: whether the parameters are no longer finite.
          counts: what the parts count, in the order of `counts`.
        """
        loss, metric, *of_averages = evaluations
        return stacked((loss_sum, loss, metric, lost, *of_averages, *counts), dtype)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows [..., columns] of a program, with a name for every column: a view that can be assigned to."""

    table: np.ndarray
    columns: Columns = Columns()

    @property
    def loss_sum(self) -> np.ndarray:
        """The training losses added up since the evaluation before."""
        return self.table[..., LOSS_SUM]

    @property
    def loss(self) -> np.ndarray:
        """The loss on the validation data."""
        return self.table[..., LOSS]

    @property
    def metric(self) -> np.ndarray:
        """The metric on the validation data."""
        return self.table[..., METRIC]

    @property
    def lost(self) -> np.ndarray:
        """Whether the parameters were no longer finite: 1, or else 0."""
        return self.table[..., LOST]

    def average(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """The loss and the metric of average i on the validation data."""
        column = FIRST_AVERAGE + 2 * i
        return self.table[..., column], self.table[..., column + 1]

    def count(self, name: str) -> np.ndarray:
        """What a part has counted so far under this name."""
        return self.table[..., FIRST_AVERAGE + 2 * self.columns.averages + self.columns.counts.index(name)]

    @property
    def evaluations(self) -> np.ndarray:
        """[..., 2 + 2·averages]: what was measured, in the order of `Columns.row`."""
        return self.table[..., self.columns.evaluations]


def stacked(numbers: Sequence[Array | Whole], dtype: np.dtype) -> jax.Array:
    """Numbers, or arrays of equal shape, in one array with a last axis for them."""
    return jnp.stack([number.astype(dtype) for number in numbers], axis=-1)
