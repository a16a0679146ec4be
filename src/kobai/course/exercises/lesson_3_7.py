"""The exercises of lesson 3_7: squared error, a two-layer network forward and backward."""

from functools import partial

import numpy as np

from kobai.course.cases import refreshed
from kobai.course.exercise import Exercise, function

random = np.random.default_rng(37)


def parameters(inputs, hidden, outputs):
    shapes = {"W1": (inputs, hidden), "b1": (hidden,), "W2": (hidden, outputs), "b2": (outputs,)}
    return {key: random.normal(size=shape) for key, shape in shapes.items()}


P, P1 = parameters(2, 4, 3), parameters(1, 3, 1)
X, X1 = random.normal(size=(5, 2)), random.normal(size=(2, 1))
Y, T = random.normal(size=(5, 3)), random.normal(size=(5, 3))


def squared_error(y, t, *, loss_mean=True, gradient_mean=True, two=True, sign=1.0, over_outputs=False):
    count = y.size if over_outputs else len(y)
    error = y - t
    loss = (error**2).sum() / (count if loss_mean else 1)
    return loss, sign * (2 if two else 1) * error / (count if gradient_mean else 1)


def squared_error_halved(y, t):
    loss, dy = squared_error(y, t)
    return loss / 2, dy / 2


def forward(params, x, *, bias=True, f=np.tanh, last=lambda y: y):
    h = f(x @ params["W1"] + (params["b1"] if bias else 0))
    return h, last(h @ params["W2"] + (params["b2"] if bias else 0))


def forward_before(params, x):
    h, y = forward(params, x)
    return x @ params["W1"] + params["b1"], y


def backward(params, x, h, dy, *, slope=lambda h: 1 - h**2, mean=False):
    da = (dy @ params["W2"].T) * slope(h)
    grads = {"W1": x.T @ da, "b1": da.sum(axis=0), "W2": h.T @ dy, "b2": dy.sum(axis=0)}
    return {key: g / len(x) for key, g in grads.items()} if mean else grads


def backward_through_outputs(params, x, h, dy):
    """W₂ multiplied twice with the slope: its gradient is taken after the activation."""
    grads = backward(params, x, h, dy)
    return {**grads, "W2": (h * (1 - h**2)).T @ dy}


def backward_bias_mean(params, x, h, dy):
    grads = backward(params, x, h, dy)
    return {**grads, "b1": grads["b1"] / len(x), "b2": grads["b2"] / len(x)}


def backward_bias_without_slope(params, x, h, dy):
    return {**backward(params, x, h, dy), "b1": (dy @ params["W2"].T).sum(axis=0)}


def backward_signed(params, x, h, dy):
    return {key: -g for key, g in backward(params, x, h, dy).items()}


BACKWARD = [(P, X, forward(P, X)[0], Y), (P1, X1, forward(P1, X1)[0], np.array([[0.3], [-0.8]]))]


def fresh_backward_cases(cases, seed):
    """With other numbers; h is still what the forward pass gives, which an answer may compute again."""
    return [(params, x, forward(params, x)[0], dy) for params, x, _, dy in refreshed(cases, seed)]


EXERCISES: dict[str, Exercise] = {
    "squared_error": function(
        "squared_error",
        squared_error,
        [(Y, T), (T[:2, :1], Y[:2, :1])],
        no_mean=partial(squared_error, loss_mean=False, gradient_mean=False),
        gradient_no_mean=partial(squared_error, gradient_mean=False),
        loss_no_mean=partial(squared_error, loss_mean=False),
        no_two=partial(squared_error, two=False),
        sign=partial(squared_error, sign=-1.0),
        over_outputs=partial(squared_error, over_outputs=True),
        halved=squared_error_halved,
    ),
    "forward": function(
        "forward",
        forward,
        [(P, X), (P1, X1)],
        no_bias=partial(forward, bias=False),
        no_activation=partial(forward, f=lambda h: h),
        last_activation=partial(forward, last=np.tanh),
        sigmoid=partial(forward, f=lambda h: 1 / (1 + np.exp(-h))),
        before_activation=forward_before,
        only_y=lambda params, x: forward(params, x)[1],
        order=lambda params, x: forward(params, x)[::-1],
    ),
    "backward": function(
        "backward",
        backward,
        BACKWARD,
        fresh=fresh_backward_cases,
        inseparable=("params", "x", "h"),
        no_slope=partial(backward, slope=lambda h: 1),
        slope_sigmoid=partial(backward, slope=lambda h: h * (1 - h)),
        slope_twice=partial(backward, slope=lambda h: 1 - np.tanh(h) ** 2),
        slope_no_square=partial(backward, slope=lambda h: 1 - h),
        w2_slope=backward_through_outputs,
        mean=partial(backward, mean=True),
        bias_mean=backward_bias_mean,
        bias_no_slope=backward_bias_without_slope,
        sign=backward_signed,
    ),
}
