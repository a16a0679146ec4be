"""The recommended training as PyTorch has it: an optimizer with what belongs to a step, and its schedule.

Importing this imports torch.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch

from kobai.basics.errors import UsageError
from kobai.basics.leaf import Role
from kobai.basics.notices import notice
from kobai.engine.strategy import Strategy
from kobai.optimizers.base import Optimizer
from kobai.stabilizers.clipping import Clip
from kobai.study.axes import strategy
from kobai.study.study import Study, Trial
from kobai.tasks.frameworks.torch import optimizer_of
from kobai.tasks.frameworks.torch.optimizers import ROLE, Parameters

OUTSIDE = ("average", "early_stopping", "mask")
"""What no optimizer of torch's can do."""


def optimizer(study: Study, trial: Trial, parameters: Parameters) -> torch.optim.Optimizer:
    """The optimizer of a trial: see `ComparisonResult.optimizer`."""
    rule, parts = trial.variant, strategy(trial.parts, ())
    if not isinstance(rule, Optimizer):
        raise UsageError("error.torch.minimizer", name=trial.candidate.name)
    decay = parts.weight_decay
    result = optimizer_of(
        rule,
        parameters,
        decay=None if decay is None else float(decay.rate),
        biases=decay is not None and decay.biases,
        scheduled=parts.schedule is not None,
        roles=_roles(study, trial),
    )
    for hook in (Penalties(parts), Clipping(parts.clip)):
        if hook:
            result.register_step_pre_hook(hook)
    outside = [f"{name} {trial.named[name]}" for name in OUTSIDE if trial.parts.get(name) is not None]
    if outside:
        notice("notice.optimizer.outside", names=", ".join(outside))
    return result


def scheduler(study: Study, trial: Trial, of: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LambdaLR:
    """The schedule of a trial: see `ComparisonResult.scheduler`."""
    schedule = strategy(trial.parts, ()).schedule
    factors = np.ones(study.steps) if schedule is None else schedule.factors(0, study.steps, study.steps)
    return torch.optim.lr_scheduler.LambdaLR(of, lambda step: float(factors[min(step, study.steps - 1)]))


def _roles(study: Study, trial: Trial) -> Mapping[str, Role] | None:
    """What each parameter of the module is, by name, in the module's order; None where it is no module."""
    task = study.variants[trial.task]
    if not isinstance(task.parameters, Mapping):
        return None
    by_name = dict(zip(sorted(task.parameters), task.every_role, strict=False))
    return {name: by_name[name] for name in task.parameters}


class Penalties:
    """Before each step: the gradient of λ₁|w| + ½λ₂w² is added."""

    def __init__(self, parts: Strategy) -> None:
        self.penalties = [each for each in (parts.l1, parts.l2) if each.l1 or each.l2]

    def __bool__(self) -> bool:
        return bool(self.penalties)

    @torch.no_grad()
    def __call__(self, of: torch.optim.Optimizer, *_: object) -> None:
        for penalty in self.penalties:
            for group in of.param_groups:
                if penalty.biases or group[ROLE] == "weights":
                    for w in group["params"]:
                        if w.grad is not None:
                            w.grad.add_(float(penalty.l1) * w.sign() + float(penalty.l2) * w)


class Clipping:
    """Before each step: the gradient is clipped; one that is not finite becomes zero."""

    def __init__(self, clip: Clip) -> None:
        self.clip, self.norms = clip, list[float]()

    def __bool__(self) -> bool:
        return self.clip != Clip()

    @torch.no_grad()
    def __call__(self, of: torch.optim.Optimizer, *_: object) -> None:
        clip = self.clip
        gradients = [w.grad for group in of.param_groups for w in group["params"] if w.grad is not None]
        norm = float(torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients])))
        is_measured = bool(clip.first) and len(self.norms) == clip.first
        bound = float(np.percentile(self.norms, float(clip.percentile))) if is_measured else float(clip.norm)
        for g in gradients:
            if not math.isfinite(norm):
                g.zero_()
            elif norm > bound:
                g.mul_(bound / norm)
            g.clamp_(-float(clip.value), float(clip.value))
        if math.isfinite(norm) and len(self.norms) < clip.first:
            self.norms.append(norm)
