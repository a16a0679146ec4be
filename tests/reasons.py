"""Tasks whose gradients differ in scale as asked, and measurements that never were made."""

import numpy as np

import kobai
from kobai.questions.range.bounds import Bound
from kobai.questions.why import sentences
from kobai.questions.why.curved import Curved
from kobai.questions.why.look import Look
from kobai.questions.why.measure import Measured


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


def bowl(curvatures):
    """½ Σ λᵢ wᵢ², one array, whose entries have gradients λᵢwᵢ. All of them are to come near zero."""
    λ = np.array(curvatures, np.float32)[:, None]
    data = np.zeros((64, 1), np.float32)
    return kobai.Task(
        parameters={"w": np.zeros(λ.shape, np.float32)},
        loss=lambda parameters, batch: 0.5 * (λ * parameters["w"] ** 2).sum() + 0 * batch.mean(),
        metric=lambda parameters, batch: (parameters["w"] ** 2).mean(),  # noqa: ARG005
        train=data,
        validation=data,
        target=0.05,
        name="bowl",
    )


def dish(curvature):
    """Σ λ(√(1 + w²) − 1): λ at the bottom, straight far out; too long steps swing there, and do not grow."""
    data = np.zeros((64, 1), np.float32)
    return kobai.Task(
        parameters={"w": np.zeros((16, 1), np.float32)},
        loss=lambda parameters, batch: (
            curvature * ((1 + parameters["w"] ** 2) ** 0.5 - 1).sum() + 0 * batch.mean()
        ),
        metric=lambda parameters, batch: (parameters["w"] ** 2).mean(),  # noqa: ARG005
        train=data,
        validation=data,
        target=0.05,
        name="dish",
    )


def look(first=1.0, last=1.0, common=0.5, rare=0.0, spread=2.0, activations=None):
    arrays = ("0.weights", "1.weights")
    sizes, spreads = (dict(zip(arrays, each, strict=True)) for each in ((first, last), (1.0, spread)))
    return Look(1.0, sizes, spreads, activations or {}, common, rare)


def curved(limit=0.5, ratio=50.0):
    return Curved(4.0, ratio, None, Bound("plain", "2/λ", 2 / limit, limit, 40))


def measured(starts=None, end=None, at_start=0.5, at_end=0.4, **more):
    curves = [None if limit is None else curved(limit) for limit in (at_start, at_end)]
    usual = {name: look() for name in ("he", "xavier", "normal:0.01")}
    averaged = None if end is None else 0.9
    given = {"gradients": 100, "sizes": {"0.weights": 50, "1.weights": 50}} | more
    return Measured(usual | (starts or {}), end, averaged, *curves, **given)


def seldom(part):
    """Sixteen features, of which half are seen in every example, the others in this part of them."""
    draw = np.random.default_rng(0)
    x = np.sign(draw.standard_normal((2048, 16))).astype(np.float32)
    x[:, 8:] *= draw.random((2048, 8)) < part
    truth = np.sign(draw.standard_normal((16, 1))).astype(np.float32)
    return kobai.Task(
        parameters={"w": np.zeros((16, 1), np.float32)},
        loss=lambda parameters, batch: 0.5 * ((batch[0] @ parameters["w"] - batch[1]) ** 2).mean(),
        metric=lambda parameters, batch: ((parameters["w"] - truth) ** 2).mean(),  # noqa: ARG005
        train=(x, x @ truth),
        validation=(x, x @ truth),
        target=0.05,
        batch_size=32,
        roles={"w": "weight"},
        name="seldom",
    )


def turned(curvatures, turn=True):
    """½ (w + 1)ᵀH(w + 1), whose axes are turned: dividing entry by entry does not even it out."""
    λ = np.array(curvatures, float)
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((len(λ), len(λ))))
    H = ((Q * λ) @ Q.T if turn else np.diag(λ)).astype(np.float32)
    data = np.zeros((64, 1), np.float32)

    def loss(parameters, batch):
        w = parameters["w"] + 1
        return 0.5 * (w * (H @ w)).sum() + 0 * batch.mean()

    return kobai.Task(
        parameters={"w": np.zeros((len(λ), 1), np.float32)},
        loss=loss,
        metric=lambda parameters, batch: ((parameters["w"] + 1) ** 2).mean(),  # noqa: ARG005
        train=data,
        validation=data,
        target=0.05,
        name="turned",
    )


def compared(task, optimizers=("sgd", "adam"), **more):
    given = {"initializers": "normal:1", "steps": 150, "seeds": 8, "tuning_seeds": 2, "progress": False}
    return kobai.compare(task, optimizers=list(optimizers), **given | more)


def lead(result):
    """How many times the steps of the adaptive rule the other one needs; infinite where it never arrives."""
    [other] = result.answer.optimizer.alternatives
    if result.answer.optimizer.choice == "sgd":
        return 1 / other.ratio.value
    return float("inf") if other.ratio.value is None else other.ratio.value


def texts(found):
    return {name: sentences.content(found)[name]["text"] for name in sentences.OF}
