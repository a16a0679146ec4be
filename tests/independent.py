"""Update rules of papers worked out in plain NumPy: oracles that share nothing with kobai.

Each is made with its hyperparameters and gives step(θ, gradient_at, t, state) -> θ, where θ is a dict of
arrays, t counts from 1, and `state` is a dict of its own that it fills. Weight decay is that of arrays of two
dimensions.
"""

import math

import numpy as np


def adan(lr, b1, b2, b3, eps, decay):
    """Xie and others 2022, algorithm 1, with β = 1 − b, and decay beside the step."""
    β1, β2, β3 = 1 - b1, 1 - b2, 1 - b3

    def step(θ, gradient_at, t, state):
        g, new = gradient_at(θ), {}
        for name in θ:
            m, v, n, before = state.get(name, (0.0, 0.0, 0.0, g[name]))
            change = g[name] - before
            m = (1 - β1) * m + β1 * g[name]
            v = (1 - β2) * v + β2 * change
            n = (1 - β3) * n + β3 * (g[name] + (1 - β2) * change) ** 2
            state[name] = m, v, n, g[name]
            rate = lr / (np.sqrt(n / (1 - (1 - β3) ** t)) + eps)
            u = m / (1 - (1 - β1) ** t) + (1 - β2) * v / (1 - (1 - β2) ** t)
            shrunk = (1 - lr * decay) if θ[name].ndim > 1 else 1
            new[name] = shrunk * θ[name] - rate * u
        return new

    return step


def sam(lr, momentum, radius):
    """Foret and others 2021, algorithm 1, over SGD with momentum."""

    def step(θ, gradient_at, t, state):
        g = gradient_at(θ)
        length = math.sqrt(sum(float((array**2).sum()) for array in g.values()))
        worst = gradient_at({name: θ[name] + radius * g[name] / length for name in θ})
        for name in θ:
            state[name] = momentum * state.get(name, 0.0) + lr * worst[name]
        return {name: θ[name] - state[name] for name in θ}

    return step


def sophia(lr, b1, b2, gamma, eps, decay, hessian):
    """Liu and others 2023, algorithm 3, where the Hessian is diagonal: u ⊙ Hu is its diagonal for signs u."""

    def step(θ, gradient_at, t, state):
        g, new = gradient_at(θ), {}
        for name in θ:
            m, h = state.get(name, (0.0, 0.0))
            m = b1 * m + (1 - b1) * g[name]
            if t % 10 == 1:
                h = b2 * h + (1 - b2) * hessian[name]
            state[name] = m, h
            shrunk = θ[name] * (1 - lr * decay) if θ[name].ndim > 1 else θ[name]
            new[name] = shrunk - lr * np.clip(m / np.maximum(gamma * h, eps), -1, 1)
        return new

    return step


def shampoo(lr, eps):
    """Gupta and others 2018, algorithm 1, with roots by singular values; vectors as AdaGrad."""

    def root(matrix):
        u, s, vt = np.linalg.svd(matrix)
        return u @ np.diag(s**-0.25) @ vt

    def step(θ, gradient_at, t, state):
        g, new = gradient_at(θ), {}
        for name in θ:
            G = g[name]
            if G.ndim == 1:
                state[name] = state.get(name, eps) + G**2
                new[name] = θ[name] - lr * G / np.sqrt(state[name])
                continue
            if name not in state:
                state[name] = [eps * np.eye(G.shape[0]), eps * np.eye(G.shape[1]), None, None]
            L, R, left, right = state[name]
            L, R = L + G @ G.T, R + G.T @ G
            if t <= 10 or t % 10 == 0:
                left, right = root(L), root(R)
            state[name] = [L, R, left, right]
            new[name] = θ[name] - lr * left @ G @ right
        return new

    return step


def soap(lr, b1, b2, eps, decay):
    """Vyas and others 2024, as their code has it: the first gradient makes the bases, and moves nothing."""

    def step(θ, gradient_at, t, state):
        g, new = gradient_at(θ), {}
        for name in θ:
            G = g[name]
            if t == 1:
                L, R = (1 - b2) * G @ G.T, (1 - b2) * G.T @ G
                bases = [np.linalg.eigh(side)[1][:, ::-1] for side in (L, R)]
                state[name] = [np.zeros_like(G), np.zeros_like(G), L, R, *bases]
                new[name] = θ[name]
                continue
            m, v, L, R, QL, QR = state[name]
            k = t - 1
            m = b1 * m + (1 - b1) * G
            v = b2 * v + (1 - b2) * (QL.T @ G @ QR) ** 2
            u = QL @ (QL.T @ m @ QR / (np.sqrt(v) + eps)) @ QR.T
            rate = lr * math.sqrt(1 - b2**k) / (1 - b1**k)
            new[name] = (θ[name] - rate * u) * (1 - lr * decay)
            L, R = b2 * L + (1 - b2) * G @ G.T, b2 * R + (1 - b2) * G.T @ G
            if k % 10 == 0:
                left = np.argsort(-np.diag(QL.T @ L @ QL))
                right = np.argsort(-np.diag(QR.T @ R @ QR))
                v = v[left][:, right]
                QL, QR = (np.linalg.qr((side @ Q)[:, o])[0] for side, Q, o in ((L, QL, left), (R, QR, right)))
            state[name] = [m, v, L, R, QL, QR]
        return new

    return step


def prodigy(lr, b1, b2, eps, decay):
    """Mishchenko and Defazio 2023, algorithm 4, with the bias correction of its implementations."""

    def step(θ, gradient_at, t, state):
        g = gradient_at(θ)
        if not state:
            state.update(d=1e-6, r=0.0, start=dict(θ), m={}, v={}, s={})
        d, β3 = state["d"], math.sqrt(b2)
        rate = lr * d * math.sqrt(1 - b2**t) / (1 - b1**t)
        for name in θ:
            state["m"][name] = b1 * state["m"].get(name, 0.0) + (1 - b1) * d * g[name]
            state["v"][name] = b2 * state["v"].get(name, 0.0) + (1 - b2) * d**2 * g[name] ** 2
            state["s"][name] = β3 * state["s"].get(name, 0.0) + rate * d / 1e-6 * g[name]
        inner = sum(float((g[name] * (state["start"][name] - θ[name])).sum()) for name in θ)
        state["r"] = β3 * state["r"] + rate * d / 1e-6 * inner
        state["d"] = max(d, state["r"] / sum(float(np.abs(s).sum()) for s in state["s"].values()))
        new = {}
        for name in θ:
            u = state["m"][name] / (np.sqrt(state["v"][name]) + state["d"] * eps)
            new[name] = θ[name] - rate * (u + (decay * θ[name] if θ[name].ndim > 1 else 0))
        return new

    return step


def muon(lr, lr_adamw, momentum, decay):
    """Jordan's code (the momentum as a mean, Nesterov's form), with Moonlight's scale; AdamW for vectors."""

    def orthogonal(G):
        X = (G.T if len(G) > len(G[0]) else G) / (np.linalg.norm(G) + 1e-8)
        for _ in range(5):
            A = X @ X.T
            X = 3.4445 * X - 4.7750 * A @ X + 2.0315 * A @ A @ X
        return X.T if len(G) > len(G[0]) else X

    def step(θ, gradient_at, t, state):
        g, new = gradient_at(θ), {}
        for name in θ:
            if g[name].ndim == 1:
                m, v = state.get(name, (0.0, 0.0))
                m, v = 0.9 * m + 0.1 * g[name], 0.999 * v + 0.001 * g[name] ** 2
                state[name] = m, v
                new[name] = θ[name] - lr_adamw * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
                continue
            M = momentum * state.get(name, 0.0) + (1 - momentum) * g[name]
            state[name] = M
            X = orthogonal(momentum * M + (1 - momentum) * g[name])
            new[name] = θ[name] * (1 - lr * decay) - lr * 0.2 * math.sqrt(max(X.shape)) * X
        return new

    return step
