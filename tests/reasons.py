"""A task whose layers' gradients differ in scale as asked, and measurements that never were made."""

import numpy as np

import kobai
from kobai.questions.range.bounds import Bound
from kobai.questions.why.measure import Look, Measured


def two_layers(scale):
    """y = scale·(x·a) + x'·b, whose gradients by a and by b differ by a factor of up to scale².

    What is to be reached is that both are near their true values, each in its own units.
    """
    draw = np.random.default_rng(0)
    x = draw.standard_normal((256, 8)).astype(np.float32)
    truth = {name: np.sign(draw.standard_normal((4, 1))).astype(np.float32) for name in "ab"}

    def outputs(parameters, x):
        return scale * x[:, :4] @ parameters["a"] + x[:, 4:] @ parameters["b"]

    def loss(parameters, batch):
        return 0.5 * ((outputs(parameters, batch[0]) - batch[1]) ** 2).mean()

    def distance(parameters, batch):  # noqa: ARG001
        return sum(((parameters[name] - truth[name]) ** 2).mean() for name in "ab") / 2

    data = (x, outputs(truth, x))
    return kobai.Task(
        parameters={name: np.zeros((4, 1), np.float32) for name in "ab"},
        loss=loss,
        metric=distance,
        train=data,
        validation=data,
        target=0.05,
        batch_size=64,
        roles={"a": "weight", "b": "weight"},
        name="two layers",
    )


def look(first=1.0, last=1.0, common=0.5, rare=0.0, activations=()):
    return Look(1.0, {"0.weights": first, "1.weights": last}, list(activations), common, rare)


def measured(starts=None, end=None, at_start=0.5, at_end=0.4):
    limits = [
        None if rate is None else Bound("plain", "2/λ", 2 / rate, rate, 40) for rate in (at_start, at_end)
    ]
    usual = {name: look() for name in ("he", "xavier", "normal:0.01")}
    return Measured(usual | (starts or {}), end, *limits, gradients=100)
