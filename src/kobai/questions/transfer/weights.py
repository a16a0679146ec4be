"""How weights are reused: training that gives them, initial values that hold them, rates for each array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Parameters, Structure, Weights
from kobai.basics.hyperparameters import hyperparameters
from kobai.basics.leaf import Layout, Role
from kobai.basics.roles import Roles, guessed
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.engine.training import Watch
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer, State
from kobai.tasks.task import Task


@dataclass(frozen=True, eq=False)
class ReusedValues:
    """Stands where an initializer stands: some trained arrays take a source's values, others are drawn.

    What `fresh` draws for an array is what it would draw if none were reused, so that two starts of one seed
    are paired.
    """

    name: str
    fresh: Initializer
    arrays: Sequence[Array | None]
    """In the order of the tree's trained arrays; None where the value is drawn."""

    def fill(
        self,
        parameters: Parameters,
        generator: int | np.random.Generator,
        *,
        layout: Layout | None = None,
        roles: Roles | None = None,
    ) -> Parameters:
        """The pytree `parameters` with these values: see `Initializer.fill`."""
        values = iter(self.arrays)

        def value(leaf: PyTree, role: Role) -> PyTree:
            array = next(values) if role.is_trained else None
            return leaf if array is None else array

        leaves, tree = jax.tree.flatten(self.fresh.fill(parameters, generator, layout=layout, roles=roles))
        every_role = guessed(parameters, roles, layout)
        return jax.tree.unflatten(
            tree, [value(leaf, role) for leaf, role in zip(leaves, every_role, strict=True)]
        )


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
    decays: ClassVar[bool] = True  # where the rule of all does

    def __post_init__(self) -> None:
        """The rule has checked itself, and the factors come from `transfer`."""

    def init(self, params: Parameters) -> State:
        return self.rule_of_all.init(params)

    def update(
        self,
        gradient: Parameters,
        state: State,
        params: Parameters | None = None,
        weights: Weights | None = None,
    ) -> tuple[Parameters, State]:
        update, state = self.rule_of_all.update(gradient, state, params, weights)
        tree: Structure
        leaves, tree = jax.tree.flatten(update)
        scaled = [factor * Δ for factor, Δ in zip(self.factors, leaves, strict=True)]
        return tree.unflatten(scaled), state


def trained(
    task: Task,
    optimizer: Optimizer,
    initializer: Initializer,
    seeds: Sequence[int],
    steps: int,
    watch: Watch | None = None,
) -> list[list[Array]]:
    """The trained arrays of `task` after a training with each seed; of one that diverged they are NaN."""
    sweep = Sweep(task, [optimizer], steps=steps, evaluate_every=steps, keep_model=True)
    sweep.pace.watch = watch
    runs = THREADS.runs(sweep, [Cell(optimizer, initializer, seed) for seed in seeds])
    lost: list[Array] = [np.full_like(array, np.nan) for array in task.trained(task.parameters)]
    return [lost if run.model is None else task.trained(run.model.parameters) for run in runs]
