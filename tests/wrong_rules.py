"""Update rules with one slip each, which an oracle must see."""

import numpy as np

import kobai
from kobai.optimizers import muon


class ProdigyOfTheNewRate(kobai.Prodigy):
    def formula(self, g, θ, t, weight, **memory):
        _, new = super().formula(g, θ, t, weight, **memory)
        return super().formula(g, θ, t, weight, **{**memory, "d": new["d"]})


class SAMOfTheFirstGradient(kobai.SAM):
    def asked(self, g, θ, t, weight, gradient_at, **memory):
        return super().asked(g, θ, t, weight, lambda _: g, **memory)


class SophiaOfTheOldCurvature(kobai.Sophia):
    def asked(self, g, θ, t, weight, gradient_at, **memory):  # as optax does: the estimate after the step
        _, new = super().asked(g, θ, t, weight, gradient_at, **memory)
        m, h = new["m"], memory["h"]
        Δ = -self.learning_rate * np.clip(m / np.maximum(self.scale * h, self.epsilon), -1, 1)
        return Δ - self.learning_rate * self.weight_decay * weight * θ, new


class SOAPThatDecaysFirst(kobai.SOAP):
    def decayed(self, Δ, θ):  # the parameter that has not made its step
        return Δ - self.learning_rate * self.weight_decay * θ


class MuonWithoutNesterov(kobai.Muon):
    def formula(self, g, θ, t, memory, weight):
        if "M" not in memory:
            return super().formula(g, θ, t, memory, weight)
        M = self.momentum * memory["M"] + (1 - self.momentum) * g
        X = muon.orthogonal(M)
        return -self.learning_rate * (0.2 * max(g.shape) ** 0.5 * X + self.weight_decay * θ), {"M": M}
