"""Right answers in unusual forms pass: the check looks at what an answer does, and at nothing else."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from kobai.course.cases import AUTHORS
from kobai.course.exercises import of_lesson
from kobai.course.judge import judge
from kobai.course.mutants import surroundings
from kobai.course.source import answer_code, lesson_names
from kobai.words import say

EXERCISES = {name: exercise for lesson in lesson_names() for name, exercise in of_lesson(lesson).items()}


@pytest.mark.parametrize("seed", [AUTHORS, 11])
@pytest.mark.parametrize("name", [name for name in EXERCISES if answer_code(name)[0]])
def test_the_answer_in_the_lesson_passes(name, seed):
    code, defined = answer_code(name)
    namespace = surroundings(code)
    exec(code, namespace)
    verdict = judge(name, EXERCISES[name], {defined: namespace[defined]}, seed=seed)
    assert verdict.message == say("course.verdict.passed")


UNUSUAL = """
# 3_9.cg_step
def cg_step(A, x, g, d):
    a = -(g @ d) / (d @ A @ d)
    x = x + a * d
    new = g + a * A @ d
    b = new @ A @ d / (d @ A @ d)
    return x, new, -new + b * d
# 3_7.backward
def backward(params, x, h, dy):
    h = np.tanh(x @ params["W1"] + params["b1"])
    dz = (dy @ params["W2"].T) * (1 - h**2)
    return {"W1": x.T @ dz, "b1": dz.sum(0), "W2": h.T @ dy, "b2": dy.sum(0)}
# 3_1.sgd
class SGD:
    def __init__(self, learning_rate):
        self.rate = learning_rate
    def update(self, params, grads):
        for name, p in params.items():
            np.subtract(p, self.rate * grads[name], out=p)
# 3_1.momentum
class Momentum:
    def __init__(self, learning_rate=0.01, momentum=0.9):
        self.__dict__.update(vars())
        self.v = None
    def update(self, params, grads):
        if self.v is None:
            self.v = {k: 0.0 for k in params}
        self.v = {k: self.momentum * self.v[k] - self.learning_rate * grads[k] for k in params}
        for k in params:
            params[k][...] = params[k] + self.v[k]
# 3_1.adam
class Adam:
    def __init__(self, learning_rate=1e-3, decay_1=0.9, decay_2=0.999, epsilon=1e-8):
        self.s, self.h = [0, {}, {}], (learning_rate, decay_1, decay_2, epsilon)
    def update(self, params, grads):
        a, b1, b2, e = self.h
        self.s[0] += 1
        t, m, v = self.s
        for k, g in grads.items():
            m[k] = m.get(k, 0) + (1 - b1) * (g - m.get(k, 0))
            v[k] = v.get(k, 0) + (1 - b2) * (g ** 2 - v.get(k, 0))
            params[k] -= a * (m[k] / -math.expm1(t * math.log(b1))) / ((v[k] / (1 - b2 ** t)) ** 0.5 + e)
# 3_1.adagrad
class AdaGrad:
    def __init__(self, learning_rate=0.01, epsilon=1e-10):
        self.learning_rate, self.epsilon, self.all = learning_rate, epsilon, []
    def update(self, params, grads):
        self.all.append({k: g.copy() for k, g in grads.items()})
        for k in grads:
            h = sum(g[k] ** 2 for g in self.all)
            params[k] += -self.learning_rate * grads[k] / (self.epsilon + h ** 0.5)
# 3_1.arrival
def arrival(values, tolerance):
    first = stays = float("inf")
    for step, value in enumerate(list(values), 1):
        if value < tolerance:
            first, stays = min(first, step), min(stays, step)
        else:
            stays = float("inf")
    return [first, stays]
# 3_1.nesterov_path
def nesterov_path(gradient, start, learning_rate, momentum, steps):
    path, v = [np.array(start, float)], [np.zeros(len(start))]
    while len(path) <= steps:
        v.append(momentum * v[-1] - learning_rate * np.asarray(gradient(path[-1] + momentum * v[-1])))
        path.append(path[-1] + v[-1])
    return np.stack(path[1:]), np.stack(v[1:])
# 3_2.affine_forward
def affine_forward(x, W, b):
    return np.einsum("ni,ij->nj", x, W) + b[None]
# 3_2.affine_forward
def affine_forward(x, W, b):
    return jnp.asarray(x) @ W + b
# 3_2.affine_backward
def affine_backward(dy, x, W):
    return np.dot(dy, W.T), sum(np.outer(a, d) for a, d in zip(x, dy)), np.ones(len(dy)) @ dy
# 3_2.softmax_loss
def softmax_loss(scores, t):
    z = scores - np.max(scores, 1)[:, None]
    log_p = z - np.log(np.sum(np.exp(z), 1))[:, None]
    n = scores.shape[0]
    return -sum(log_p[i, t[i]] for i in range(n)) / n, (np.exp(log_p) - np.eye(scores.shape[1])[t]) / n
# 3_2.numerical_gradient
def numerical_gradient(f, x, h=0.0001):
    y = x.astype(float)
    g = []
    for i in range(y.size):
        e = np.zeros(y.size)
        e[i] = h
        e = e.reshape(y.shape)
        g.append((f(y + e) - f(y - e)) / 2 / h)
    return np.reshape(g, x.shape)
# 3_2.train
def train(network, optimizer, x, t, batches):
    def one(i):
        loss, g = network.gradient(x[i], t[i])
        optimizer.update(network.params, g)
        return loss
    return np.array([one(i) for i in batches])
# 3_4.layers
def layers(x, weights, f):
    import itertools
    return list(itertools.accumulate(weights, lambda a, W: f(a @ W), initial=x))[1:]
# 3_4.standardize
def standardize(train, others):
    m, s = train.mean(0), train.std(0)
    s[s == 0] = 1.0
    return [(z - m) / s for z in (train, others)]
# 3_6.he
def he(n1, n2, random):
    return random.normal(0.0, 1.0, (n1, n2)) * math.sqrt(2) / math.sqrt(n1)
# 3_7.backward
def backward(params, x, h, dy):
    da = dy @ params["W2"].T
    da -= da * h * h
    return dict(W1=x.T @ da, b1=da.sum(0), W2=h.T @ dy, b2=dy.sum(0))
# 3_8.early_stop
def early_stop(values, patience):
    for stop in range(1, len(values) + 1):
        best = int(np.argmin(values[:stop])) + 1
        if stop - best >= patience:
            break
    return np.array([best, stop])
# 3_8.two_losses
def two_losses(s, y):
    return np.mean(np.sign(s) != y), np.logaddexp(0, -y * s).mean()
# 3_8.mean_gradient
def mean_gradient(gradient, x, t, size):
    parts = len(x) // size
    return sum(gradient(a, b) for a, b in zip(np.split(x, parts), np.split(t, parts))) / parts
# 3_8.log_likelihood
def log_likelihood(x, mean, std):
    return sum(math.log(math.exp(-(((v - mean) / std) ** 2) / 2) / (math.sqrt(2 * math.pi) * std)) for v in x)
# 3_8.fit_normal
def fit_normal(x):
    return sum(x) / len(x), sum(v * v for v in x) / len(x) - (sum(x) / len(x)) ** 2
# 3_9.newton_step
def newton_step(g, H):
    return np.linalg.inv(H) @ -g
# 3_9.bfgs_update
def bfgs_update(H, s, y):
    ys = float(y @ s)
    if not ys > 0:
        return H.copy()
    Hy = H @ y
    return H + (1 + y @ Hy / ys) * np.outer(s, s) / ys - (np.outer(Hy, s) + np.outer(s, Hy)) / ys
# 3_9.two_loops
def two_loops(g, S, Y):
    H = (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1]) * np.eye(len(g))
    for s, y in zip(S, Y):
        V = np.eye(len(g)) - np.outer(y, s) / (y @ s)
        H = V.T @ H @ V + np.outer(s, s) / (y @ s)
    return H @ g
# 3_10.clip
def clip(grads, threshold):
    norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]))
    return {k: g * min(1.0, threshold / norm) for k, g in grads.items()}
# 3_10.nearest
def nearest(ends, minima):
    return np.array([min(range(len(minima)), key=lambda j: math.dist(e, minima[j])) for e in ends])
# 3_10.starts_needed
def starts_needed(share, confidence):
    k = 1
    while 1 - (1 - share) ** k < confidence:
        k += 1
    return k
# 3_10.way_back
def way_back(gradients):
    ratios = sorted(row[0] / row[-1] for row in gradients)
    return (ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2
# 3_11.averages
def averages(iterates, start):
    return np.array([iterates[min(t, start - 1):t + 1].mean(axis=0) for t in range(len(iterates))])
# 3_12.update
def update(params, grads, learning_rate, factors):
    for k in set(params) & set(grads):
        params[k][:] = params[k] - (factors[k] if k in factors else 1) * learning_rate * grads[k]
# 3_13.restricted_mean
def restricted_mean(times, budget):
    return float(np.fmin(times, budget).mean())
# 3_13.update_ratio
def update_ratio(updates, weights):
    steps = [np.linalg.norm(u) / np.linalg.norm(w) for u, w in zip(updates, weights)]
    return float(np.median(steps))
# 3_13.holm
def holm(p):
    rank = sorted(range(len(p)), key=lambda i: p[i])
    out, last = np.zeros(len(p)), 0.0
    for i, j in enumerate(rank):
        last = out[j] = max(last, min(1.0, (len(p) - i) * p[j]))
    return out
"""
ANSWERS = [part.partition("\n")[::2] for part in UNUSUAL.split("\n# ")[1:]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [AUTHORS, 12])
@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=[name for name, _ in ANSWERS])
def test_an_unusual_form_of_a_right_answer_passes(number, seed):
    name, code = ANSWERS[number]
    namespace = {"np": np, "jnp": jnp, "math": math}
    exec(code, namespace)
    assert judge(name, EXERCISES[name], namespace, seed=seed).message == say("course.verdict.passed")
