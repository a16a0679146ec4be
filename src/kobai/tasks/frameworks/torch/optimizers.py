"""An update rule as an optimizer of torch's that makes the same steps.

What torch has for a rule stands in `kobai.optimizers.translation`, and what it lacks in
`kobai.optimizers.torch_rules`, of which `kobai code` writes too. Momentum has η inside v and torch has it
outside: the same path while η is constant, another one under a schedule.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn

from kobai.basics.errors import UsageError, said
from kobai.basics.leaf import FROZEN, WEIGHT, Role
from kobai.optimizers import torch_rules, translation
from kobai.optimizers.base import Optimizer, refuse_grid
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.tasks.frameworks.torch.roles import roles as roles_of

Parameters: TypeAlias = nn.Module | Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]]
"""A module, its ``parameters()``, or its ``named_parameters()``."""

ROLE, DECAY = "role", "decay_beside"
"""What a group of parameters says beside torch's own options: what they are, and λ of −ηλθ."""


def optimizer_of(
    optimizer: Optimizer,
    parameters: Parameters,
    *,
    decay: float | None = None,
    biases: bool = False,
    scheduled: bool = False,
    roles: Mapping[str, Role] | None = None,
) -> torch.optim.Optimizer:
    """The optimizer of torch's that makes the steps of an update rule.

    Its groups are the weights and the others, biases and scales; what is frozen stands in neither.

    Args:
      optimizer: the rule with its hyperparameters, which are numbers.
      parameters: a module, or its parameters, with or without their names.
      decay: λ of −ηλθ beside the step of the weights, in place of the rule's own.
      biases: whether biases and scales decay too.
      scheduled: whether the learning rate changes from step to step.
      roles: what each parameter is, by name, in the order of the module. Default: what the module tells; of
        parameters alone those of two or more dimensions are weights.

    Raises:
      UsageError: for a grid, and for a rule that torch has no equal for.
    """
    kind, options = _translated(optimizer, scheduled)
    rate = decay if decay is not None else float(getattr(optimizer, "weight_decay", 0.0))
    every = _by_role(parameters, roles)
    groups: list[dict[str, Any]] = [
        {"params": [tensor for tensor, each in every if (each == WEIGHT) == is_weight], ROLE: name}
        for name, is_weight in (("weights", True), ("others", False))
    ]
    is_adam = kind is torch.optim.Adam
    for group, decays in zip(groups, (True, biases), strict=True):
        group["weight_decay" if rate and is_adam else DECAY] = rate if decays else 0.0
    decaying = torch.optim.AdamW if rate and is_adam else kind
    result = decaying([group for group in groups if group["params"]], **options)
    if rate and not is_adam:
        result.register_step_pre_hook(_decay)
    return result


@torch.no_grad()
def _decay(optimizer: torch.optim.Optimizer, *_: object) -> None:
    """θ ← θ − ηλθ, before the step, which does not look at θ."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if group[DECAY] and parameter.grad is not None:
                parameter.mul_(1 - group["lr"] * group[DECAY])


def _translated(optimizer: Optimizer, scheduled: bool) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """The class of torch's and its options, in its own words."""
    name = type(optimizer).__name__
    looks_ahead = isinstance(optimizer, NesterovDefinition)  # its gradient is taken at another point
    if looks_ahead or type(optimizer) not in translation.TORCH:
        remedy = said("remedy.torch.nesterov" if looks_ahead else "remedy.torch.loop")
        raise UsageError("error.torch.optimizer", name=name, remedy=remedy)
    refuse_grid(name, vars(optimizer))
    hyperparameters = {key: float(value) for key, value in vars(optimizer).items()}
    call = translation.torch(type(optimizer)(**hyperparameters), scheduled)
    room, _, kind = call.function.rpartition(".")
    options = {"lr": hyperparameters["learning_rate"], **call.arguments}
    return getattr(torch.optim if room else torch_rules, kind), options


def _by_role(parameters: Parameters, roles: Mapping[str, Role] | None) -> list[tuple[torch.Tensor, str]]:
    """Each parameter that is trained, and what it is."""
    if isinstance(parameters, nn.Module):
        roles = roles_of(parameters) if roles is None else roles
        parameters = parameters.named_parameters()
    items: Sequence[Any] = list(parameters)
    names = [item[0] if isinstance(item, tuple) else None for item in items]
    tensors = [item[1] if isinstance(item, tuple) else item for item in items]
    if names.count(None) and roles is not None and len(roles) == len(items):
        names = list(roles)
    every = []
    for name, tensor in zip(names, tensors, strict=True):
        role = roles.get(name) if roles and name else None
        kind = role.kind if role else WEIGHT if tensor.ndim > 1 else ""
        if tensor.requires_grad and kind != FROZEN:
            every.append((tensor, kind))
    return every
