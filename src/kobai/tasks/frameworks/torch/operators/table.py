"""The table of operators: what each of torch's is in JAX, by its name without the overload.

A function has the parameters of the operator's schema and gets arrays for tensors. Precision and promotion
are not its concern: its results are cast to the dtypes that torch has noted in the graph. What it writes
into besides, and that it draws at random, stands beside it in the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import jax

from kobai.tasks.frameworks.torch.memory import Order

Value: TypeAlias = float | jax.Array
"""A number of Python's, or an array."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operator:
    """One operator of torch's.

    Fields:
      function: what it is in JAX.
      order: which order of axes its arrays have.
      space: of an operator on images, how many axes of space there are; an image without an axis of examples
        gets one. None: the number is not fixed.
      draws: whether it takes `draw`, which gives another random key at each call.
      writes: the positions of the arguments into which its results after the first are written.
    """

    function: Callable[..., Any]
    order: Order = Order.PLAIN
    space: int | None = None
    draws: bool = False
    writes: tuple[int, ...] = ()


OPERATORS: dict[str, Operator] = {}


def operator(
    *names: str,
    order: Order = Order.PLAIN,
    space: int | None = None,
    draws: bool = False,
    writes: tuple[int, ...] = (),
) -> Callable[[F], F]:
    """Enter the function below into the table under these names."""

    def entered(function: F) -> F:
        for name in names:
            OPERATORS[name] = Operator(function, order, space, draws, writes)
        return function

    return entered
