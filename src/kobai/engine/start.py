"""Cells before their first step, made on the host: what compiles nothing."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array
from kobai.engine.blocks import CellState, Memories, joined
from kobai.engine.rule import Rule, Storage
from kobai.optimizers.base import Optimizer


def start(
    rules: Sequence[Rule],
    sizes: Mapping[str, int],
    optimizers: Sequence[Optimizer],
    θ: np.ndarray,
    state: PyTree,
    kept: Sequence[Memories],
    *,
    on_device: bool,
) -> CellState:
    """Cells that begin at θ [cells, parameters], each with its optimizer; all arrays are [cells, …].

    Args:
      rules: those of the program.
      sizes: of the storage, and "width", of a row of hyperparameters.
      state: the model's.
      kept: what each cell keeps for its parts.
      on_device: whether zeros are made there, rather than sent.
    """
    position = {rule.tree: i for i, rule in enumerate(rules)}
    positions = np.array([position[jax.tree.structure(each)] for each in optimizers], np.int32)
    values = np.zeros((len(θ), sizes["width"]), θ.dtype)
    for row, optimizer in zip(values, optimizers, strict=True):
        leaves = jax.tree.leaves(optimizer)
        row[: len(leaves)] = leaves
    return CellState(
        rule=positions,
        hyperparameters=values,
        θ=θ,
        memory=_memory([rules[i] for i in positions], sizes, values, θ, on_device=on_device),
        state=joined([state] * len(θ), True),
        loss_sum=np.zeros(len(θ), θ.dtype),
        diverged_at=np.zeros(len(θ), np.int32),
        parts=joined(kept, True),
    )


def _memory(
    rules: Sequence[Rule],
    sizes: Mapping[str, int],
    values: np.ndarray,
    θ: np.ndarray,
    *,
    on_device: bool,
) -> Storage:
    """What the rule of each cell remembers: zeros, but where one has an `init` of its own."""
    own = [i for i, rule in enumerate(rules) if rule.own_init]
    xp = jnp if on_device and not own else np
    memory = Storage(
        slots=tuple(xp.zeros(θ.shape, θ.dtype) for _ in range(sizes["slots"])),
        floats=xp.zeros((len(θ), sizes["floats"]), θ.dtype),
        integers=xp.zeros((len(θ), sizes["integers"]), np.int32),
    )
    for i in own:

        def of_cell(array: Array, i: int = i) -> Array:
            return array[i]

        begun = rules[i].init(values[i], θ[i], jax.tree.map(of_cell, memory))
        for array, row in zip(jax.tree.leaves(memory), jax.tree.leaves(begun), strict=True):
            array[i] = row
    return memory
