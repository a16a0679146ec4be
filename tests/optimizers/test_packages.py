"""Rules that optax has otherwise or not at all, step by step beside packages for PyTorch, in float64.

Oracles: `pytorch_optimizer` 4.1.0, and `torch.optim` for Muon. Muon's iterations, which both compute in
bfloat16, are let compute in float64; what else stands in float32 there is said beside the tolerance. A wrong
variant of each rule is held against the same oracle, which must see it.
"""

import functools

import numpy as np
import pytest

import kobai
from trajectories import CURVATURE, NOISE, SQUARE, START, STEPS, flat, path
from wrong_rules import (
    MuonWithoutNesterov,
    ProdigyOfTheNewRate,
    SAMOfTheFirstGradient,
    SOAPThatDecaysFirst,
    SophiaOfTheOldCurvature,
)

torch = pytest.importorskip("torch")
package = pytest.importorskip("pytorch_optimizer")

MATRICES = {name: START[name] for name in ("a", "c", "d")}


@pytest.fixture(autouse=True)
def _double(monkeypatch):
    """Numbers, and Muon's iterations, in float64: the package's by its own argument."""
    from pytorch_optimizer.optimizer.muon import base

    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    double = functools.partial(base.zero_power_via_newton_schulz_5, dtype=torch.float64)
    monkeypatch.setattr(base, "zero_power_via_newton_schulz_5", double)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def path_of(make, start=START):
    """The points of an optimizer of PyTorch that `make` makes of groups: the matrices, and the vectors."""
    θ = {name: torch.tensor(array, requires_grad=True) for name, array in start.items()}
    groups = [{"params": [p for p in θ.values() if (p.ndim > 1) == is_matrix]} for is_matrix in (True, False)]
    optimizer = make(groups if groups[1]["params"] else groups[:1])
    points = [start]
    for step in range(STEPS):

        def closure(step=step):
            """The gradients, which can be derived once more."""
            loss = sum(
                (torch.tensor(CURVATURE[n]) * p**2 / 2 + torch.tensor(NOISE[step][n]) * p).sum()
                for n, p in θ.items()
            )
            for p, g in zip(
                θ.values(), torch.autograd.grad(loss, [*θ.values()], create_graph=True), strict=True
            ):
                p.grad = g
            return loss.detach()

        closure()
        optimizer.step(closure) if isinstance(optimizer, package.SAM) else optimizer.step()
        points.append({name: p.detach().numpy().copy() for name, p in θ.items()})
    return flat(points)


def decayed(make, λ):
    """With weight decay of the matrices alone."""

    def of_groups(groups):
        for group, each in zip(groups, (λ, 0.0), strict=False):
            group["weight_decay"] = each
        return make(groups)

    return of_groups


def of_muon(groups):
    own = ({"use_muon": True, "lr": 0.1, "weight_decay": 0.1}, {"use_muon": False, "lr": 0.02})
    groups = [group | each for group, each in zip(groups, own, strict=False)]
    return package.Muon(groups, momentum=0.9, use_adjusted_lr=True, adamw_betas=(0.9, 0.999), adamw_eps=1e-8)


def of_torch_muon(groups):
    return torch.optim.Muon(groups, 0.1, 0.1, 0.9, adjust_lr_fn="match_rms_adamw")


def of_sophia(groups):
    """Cut at γ and not at 1, so that γ is in its rate (η/γ), in ε (ε/γ) and in λ (λγ). The signs of its own
    estimate are others, which a Hessian that is diagonal does not see."""
    made = functools.partial(
        package.SophiaH, lr=0.1 / 0.5, betas=(0.8, 0.7), p=0.5, eps=2e-12, hessian_distribution="rademacher"
    )
    return decayed(made, 0.1 * 0.5)(groups)


class ShampooOfEveryStep(kobai.Shampoo):
    every = 1


RULES = {
    "soap": (
        kobai.SOAP(0.1, 0.9, 0.8, 1e-8, 0.1),
        decayed(functools.partial(package.SOAP, lr=0.1, betas=(0.9, 0.8), eps=1e-8), 0.1),
        SQUARE,
        2e-4,  # a basis in float32
    ),
    "adan": (
        kobai.Adan(0.1, 0.8, 0.7, 0.99, 1e-3, 0.1),
        decayed(
            functools.partial(package.Adan, lr=0.1, betas=(0.8, 0.7, 0.99), eps=1e-3, weight_decouple=True),
            0.1,
        ),
        START,
        1e-11,
    ),
    "prodigy": (
        kobai.Prodigy(2.0, 0.8, 0.99, 1e-3),
        functools.partial(package.Prodigy, lr=2.0, betas=(0.8, 0.99), eps=1e-3, bias_correction=True),
        START,
        1e-9,
    ),
    "sam": (
        kobai.SAM(0.02, 0.8, 0.5),
        functools.partial(
            package.SAM, base_optimizer=torch.optim.SGD, rho=0.5, perturb_eps=0.0, lr=0.02, momentum=0.8
        ),
        START,
        1e-7,  # a norm in float32
    ),
    "sophia": (kobai.Sophia(0.1, 0.8, 0.7, 0.5, 1e-12, 0.1), of_sophia, START, 1e-11),
    "muon": (kobai.Muon(0.1, 0.02, 0.9, 0.1), of_muon, START, 1e-6),  # what is added to the norm
    "torch's muon": (kobai.Muon(0.1, 0.02, 0.9, 0.1), of_torch_muon, MATRICES, 1e-6),
    # The package takes roots every so many steps from the last of them on; of every step both are the same.
    # A vector has a matrix there, and is AdaGrad's here, as in the paper's experiments.
    "shampoo": (
        ShampooOfEveryStep(0.1, 1e-4),
        functools.partial(package.Shampoo, lr=0.1, matrix_eps=1e-4),
        MATRICES,
        1e-9,
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_trajectories_equal_the_package(name):
    ours, theirs, start, tolerance = RULES[name]
    found = path(ours, start)
    np.testing.assert_allclose(found, path_of(theirs, start), rtol=0, atol=tolerance)
    assert np.abs(found[-1] - found[0]).max() > 1e-6  # it moves


class AdanOfTheOtherFactor(kobai.Adan):
    def rule(self, g, t, m, v, n, before):  # optax's 1 − ρ₂ beside the change
        Δ, new = super().rule(g, t, m, v, n, before)
        v_hat, n_hat = new[1] / (1 - self.decay_2**t), new[2] / (1 - self.decay_3**t)
        more = (1 - 2 * self.decay_2) * v_hat / (np.sqrt(n_hat) + self.epsilon)
        return Δ - self.learning_rate * more, new


class ShampooOfTheHalfPower(ShampooOfEveryStep):
    def power(self, matrix, exponent):
        return super().power(matrix, 2 * exponent)


WRONG = {
    "soap": SOAPThatDecaysFirst,
    "adan": AdanOfTheOtherFactor,
    "prodigy": ProdigyOfTheNewRate,
    "sam": SAMOfTheFirstGradient,
    "sophia": SophiaOfTheOldCurvature,
    "muon": MuonWithoutNesterov,
    "torch's muon": MuonWithoutNesterov,
    "shampoo": ShampooOfTheHalfPower,
}


@pytest.mark.parametrize("name", RULES)
def test_the_package_sees_planted_mistakes(name):
    right, theirs, start, tolerance = RULES[name]
    wrong = path(WRONG[name](**vars(right)), start)
    assert np.isfinite(wrong).all()
    assert np.abs(wrong - path_of(theirs, start)).max() > max(5 * tolerance, 1e-6)
