"""What each leaf of a task's parameters is, or the question that only the user can answer.

What stands in `kobai.basics.roles` is told from the parameters alone. A task has a loss too, and that tells
which arrays stand behind a `stop_gradient`: their gradient is zero whatever the numbers are, and they are
frozen. An array that cannot be told is asked for.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from kobai.basics.arrays import Scalar, on_device
from kobai.basics.errors import UsageError
from kobai.basics.leaf import FROZEN, Layout, Leaf, Role, leaves
from kobai.basics.roles import Roles, choices, roles
from kobai.tasks.zeros import zeros

LossOfLeaves: TypeAlias = Callable[[list[PyTree]], Scalar]
"""The loss of a batch by the leaves of the parameters."""


def roles_of(
    task: str, parameters: PyTree, said: Roles | None, layout: Layout | None, loss: LossOfLeaves
) -> tuple[Role, ...]:
    """The role of every leaf of the parameters.

    Args:
      task: its name, for what is told.
      said, layout: of the user: see `kobai.basics.roles.roles`.
      loss: the loss of a batch by the leaves of the parameters.

    Raises:
      UsageError: for what cannot be trained, or told.
    """
    for part in jax.tree.leaves(parameters, is_leaf=is_stateful):
        if is_stateful(part):
            raise UsageError("error.task.nnx", task=task, value=type(part).__name__)
    every, every_role = leaves(parameters), roles(parameters, said, layout)
    silent = [choice is None for choice in choices(every, parameters, said)]
    trained = [role is None or role.is_trained for role in every_role]
    behind = _stopped(loss, [leaf.value for leaf in every], trained)
    told = [
        Role(FROZEN) if stopped and unsaid else role
        for role, stopped, unsaid in zip(every_role, behind, silent, strict=True)
    ]
    unknown = [leaf for leaf, role in zip(every, told, strict=True) if role is None]
    if unknown:
        shapes = ", ".join(f"{leaf.name or 'parameters'} {leaf.shape}" for leaf in unknown)
        raise UsageError("error.task.roles", task=task, shapes=shapes, argument=_argument(unknown))
    known = tuple(role for role in told if role)
    for leaf, role in zip(every, known, strict=True):
        if role.is_trained and jnp.issubdtype(leaf.value.dtype, jnp.complexfloating):
            raise UsageError(
                "error.task.complex", task=task, name=leaf.name or "parameters", value=leaf.value.dtype
            )
    return known


def is_stateful(part: object) -> bool:
    """Whether `part` is a module of Flax NNX, which holds its running statistics and random keys itself."""
    return any(
        f"{kind.__module__}.{kind.__qualname__}" == "flax.nnx.module.Module" for kind in type(part).__mro__
    )


def _argument(unknown: Sequence[Leaf]) -> str:
    """What to write where `unknown` are weights."""
    if not unknown[0].path:
        return 'roles="weight"'
    return "roles={" + ", ".join(f'"{leaf.name}": "weight"' for leaf in unknown) + "}"


def _stopped(loss: LossOfLeaves, values: list[PyTree], trained: Sequence[bool]) -> list[bool]:
    """Which leaves stand behind a `stop_gradient`: whose gradient is zero whatever the numbers are.

    None does where the loss cannot be traced: the check of the task says why.
    """
    places = [i for i, flag in enumerate(trained) if flag]

    def of_trained(arrays: list[jax.Array]) -> Scalar:
        every = list(values)
        for i, array in zip(places, arrays, strict=True):
            every[i] = array
        return loss(every)

    behind = [False] * len(values)
    arrays = [on_device(values[i]) for i in places]
    try:
        if "stop_gradient" not in str(jax.make_jaxpr(of_trained)(arrays)):
            return behind
        gradient = jax.make_jaxpr(jax.grad(of_trained))(arrays)
    except Exception:  # of the user's own function
        return behind
    for i, zero in zip(places, zeros(gradient, [False] * len(arrays)), strict=True):
        behind[i] = zero
    return behind
