"""The rules that PyTorch lacks, or has in another form, as optimizers of PyTorch.

`kobai code` copies them as they stand here, `Rule` and the one that is needed, so that each reads alone.
"""

import torch


class Rule(torch.optim.Optimizer):
    """A rule with one memory for each parameter: `update` changes the memory and gives what is added."""

    def __init__(self, params, lr, **hyperparameters):
        super().__init__(params, {"lr": lr, **hyperparameters})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    state = self.state[parameter]
                    if not state:
                        state["memory"] = torch.zeros_like(parameter)
                    parameter.add_(self.update(group, parameter.grad, state["memory"]))
        return loss


class Momentum(Rule):
    """v ← αv − ηg; θ ← θ + v."""

    def update(self, group, g, v):
        v.mul_(group["momentum"]).sub_(group["lr"] * g)
        return v


class Nesterov(Rule):
    """v ← αv − ηg; θ ← θ + αv − ηg."""

    def update(self, group, g, v):
        v.mul_(group["momentum"]).sub_(group["lr"] * g)
        return group["momentum"] * v - group["lr"] * g


class RMSProp(Rule):
    """h ← ρh + (1 − ρ)g²; θ ← θ − ηg / √(ε + h)."""

    def update(self, group, g, h):
        h.mul_(group["decay"]).add_((1 - group["decay"]) * g * g)
        return -group["lr"] * g / torch.sqrt(group["eps"] + h)


class Lion(Rule):
    """θ ← θ − η sign(ρ₁m + (1 − ρ₁)g); m ← ρ₂m + (1 − ρ₂)g."""

    def update(self, group, g, m):
        (decay_1, decay_2), lr = group["betas"], group["lr"]
        change = -lr * torch.sign(decay_1 * m + (1 - decay_1) * g)
        m.mul_(decay_2).add_((1 - decay_2) * g)
        return change
