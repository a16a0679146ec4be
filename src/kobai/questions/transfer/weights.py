"""How weights are reused: training that gives them, initial values that hold them, rates for each array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.hyperparameters import hyperparameters
from kobai.engine.strategy import weights_of
from kobai.engine.sweep import INITIAL, batches, stream
from kobai.initializers import Initializer, Layout
from kobai.optimizers.base import Optimizer, State
from kobai.tasks.flat import is_trained
from kobai.tasks.task import Task


@dataclass(frozen=True, eq=False)
class Given:
    """Stands where an initializer stands: some trained arrays have given values, the others are drawn.

    What `fresh` draws for an array is what it would draw without the given ones, so that two starts of one
    seed are paired.
    """

    name: str
    fresh: Initializer
    arrays: Sequence[np.ndarray | None]
    """In the order of the tree's trained arrays; None where the value is drawn."""

    def fill(self, parameters: Any, generator: Any, *, layout: Layout = "in_out") -> Any:
        """The pytree `parameters` with these values: see `Initializer.fill`."""
        given = iter(self.arrays)

        def chosen(leaf: Any) -> Any:
            if not is_trained(leaf):
                return leaf
            array = next(given)
            return leaf if array is None else array

        return jax.tree.map(chosen, self.fresh.fill(parameters, generator, layout=layout))


@hyperparameters
class ArrayRates(Optimizer):
    """Another rule whose update of each trained array is multiplied by a factor of its own.

    1 is the rule itself, 0 freezes the array, what lies between slows it. The factors are traced like every
    hyperparameter: cells that freeze and cells that do not are one program.
    """

    rule_of_all: Optimizer
    factors: tuple[float, ...]
    """In the order of the tree's trained arrays."""

    elementwise: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """The rule has checked itself, and the factors come from `transfer`."""

    def init(self, params: Any) -> State:
        return self.rule_of_all.init(params)

    def update(
        self, gradient: Any, state: State, params: Any = None, weights: Any = None
    ) -> tuple[Any, State]:
        update, state = self.rule_of_all.update(gradient, state, params, weights)
        tree: Any
        leaves, tree = jax.tree.flatten(update)
        scaled = [factor * Δ for factor, Δ in zip(self.factors, leaves, strict=True)]
        return tree.unflatten(scaled), state


def trained(
    task: Task, optimizer: Optimizer, initializer: Initializer, seeds: Sequence[int], steps: int
) -> list[list[np.ndarray]]:
    """The trained arrays of `task` after a training with each seed, on the draws that the engine makes.

    The engine keeps what a comparison needs, curves and final numbers; here the weights are the result.
    """
    train = jax.tree.map(jnp.asarray, task.train)
    # θ is one vector, which does not show what of it decays.
    more = {"weights": weights_of(task)} if optimizer.decays else {}
    examples = len(jax.tree.leaves(task.train)[0])

    def loss(θ: Any, rows: Any) -> Any:
        batch = jax.tree.map(lambda array: array[rows], train)
        return task.training_loss(task.unflatten(θ), None, batch, None)[0]

    def run(start_and_rows: tuple[Any, Any]) -> Any:
        θ, rows = start_and_rows

        def step(carry: Any, rows: Any) -> tuple[Any, None]:
            θ, memory = carry
            Δ, memory = optimizer.update(jax.grad(loss)(θ, rows), memory, θ, **more)
            return (θ + Δ, memory), None

        return jax.lax.scan(step, (θ, optimizer.init(θ)), rows)[0][0]

    starts = [
        task.flatten(initializer.fill(task.parameters, stream(seed, INITIAL), layout=task.layout))
        for seed in seeds
    ]
    rows = [batches(seed, 0, steps, task.batch_size, examples) for seed in seeds]
    ends = jax.jit(lambda *given: jax.lax.map(run, given))(np.stack(starts), np.stack(rows))
    return [[np.asarray(array) for array in task.arrays(end)] for end in ends]
