"""The network of lesson 3_2 for any number of layers, in NumPy: what later lessons start from.

`Network` is made of dense layers; `NormalizedNetwork` has batch normalization before every ReLU. `train`
takes either.
"""

from collections.abc import Callable, Sequence

import numpy as np

from kobai.optimizers.base import Optimizer, State

Array = np.ndarray
Initial = Callable[[int, int, np.random.Generator], Array]

NEW_BATCH = 0.1
"""The weight of a new batch in the statistics that batch normalization keeps."""
EPSILON = 1e-5

ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (lambda h: np.maximum(h, 0), lambda a: (a > 0).astype(float)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "sigmoid": (lambda h: 1 / (1 + np.exp(-h)), lambda a: a * (1 - a)),
}
"""Each with its derivative, as a function of its value."""


def normal(std: float) -> Initial:
    """Initial weights of this standard deviation, whatever the size of the layer."""
    return lambda n1, n2, random: std * random.standard_normal((n1, n2))


def constant(value: float) -> Initial:
    """All initial weights equal."""
    return lambda n1, n2, random: np.full((n1, n2), float(value))  # noqa: ARG005


class Network:
    """Dense layers; softmax with cross-entropy for labels (integers), squared error for numbers.

    Args:
      widths: nodes of the inputs and of each layer.
      activation: "relu", "tanh" or "sigmoid", in every layer but the last.
      initial: ``initial(n₁, n₂, random) -> weights [n₁, n₂]``; default: He's. Biases start at 0.
      seed: of the initial weights.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 50, 10),
        activation: str = "relu",
        initial: Initial | None = None,
        seed: int = 0,
    ) -> None:
        random = np.random.default_rng(seed)
        self.f, self.slope = ACTIVATIONS[activation]
        self.layers = len(widths) - 1
        self.params: dict[str, Array] = {}
        for i, (n1, n2) in enumerate(zip(widths, widths[1:], strict=False), start=1):
            make = initial or normal(np.sqrt(2 / n1))
            self.params[f"W{i}"] = np.array(make(n1, n2, random), float)
            self.params[f"b{i}"] = np.zeros(n2)

    def activations(self, x: Array) -> list[Array]:
        """The inputs, the activations of every hidden layer, and the scores."""
        activations = [x]
        for i in range(1, self.layers + 1):
            h = activations[-1] @ self.params[f"W{i}"] + self.params[f"b{i}"]
            activations.append(self.f(h) if i < self.layers else h)
        return activations

    def scores(self, x: Array) -> Array:
        """What the last layer says."""
        return self.activations(x)[-1]

    def loss(self, x: Array, t: Array) -> float:
        """The mean loss of a batch."""
        return _loss(self.scores(x), t)[0]

    def accuracy(self, x: Array, t: Array) -> float:
        """The share of right labels."""
        return float((self.scores(x).argmax(axis=1) == t).mean())

    def gradient(self, x: Array, t: Array) -> tuple[float, dict[str, Array]]:
        """(mean loss, name -> gradient)."""
        a = self.activations(x)
        loss, dh = _loss(a[-1], t)
        grads = {}
        for i in range(self.layers, 0, -1):
            grads[f"W{i}"] = a[i - 1].T @ dh
            grads[f"b{i}"] = dh.sum(axis=0)
            if i > 1:
                dh = (dh @ self.params[f"W{i}"].T) * self.slope(a[i - 1])
        return loss, {key: grads[key] for key in self.params}


class NormalizedNetwork:
    """Dense layers with batch normalization before each ReLU, and softmax with cross-entropy.

    Its scale starts at 1, its shift (the bias of a layer, which the mean would cancel) at 0.

    Args:
      widths: nodes of the inputs and of each layer.
      seed: of the initial weights, which are He's.
    """

    def __init__(self, widths: Sequence[int] = (64, 50, 10), seed: int = 0) -> None:
        plain = Network(widths, "relu", None, seed)
        self.layers = plain.layers
        hidden = range(1, self.layers)
        self.params = {**plain.params, **{f"scale{i}": np.ones(widths[i]) for i in hidden}}
        self.means = {i: np.zeros(widths[i]) for i in hidden}
        self.variances = {i: np.ones(widths[i]) for i in hidden}

    def scores(self, x: Array) -> Array:
        """What the last layer says in inference, with the statistics kept during training."""
        for i in range(1, self.layers):
            h = x @ self.params[f"W{i}"]
            x = self._activation(i, (h - self.means[i]) / np.sqrt(self.variances[i] + EPSILON))
        return x @ self.params[f"W{self.layers}"] + self.params[f"b{self.layers}"]

    def _activation(self, i: int, normalized: Array) -> Array:
        return np.maximum(self.params[f"scale{i}"] * normalized + self.params[f"b{i}"], 0)

    def loss(self, x: Array, t: Array) -> float:
        """The mean loss in inference."""
        return _loss(self.scores(x), t)[0]

    def accuracy(self, x: Array, t: Array) -> float:
        """The share of right labels in inference."""
        return float((self.scores(x).argmax(axis=1) == t).mean())

    def gradient(self, x: Array, t: Array) -> tuple[float, dict[str, Array]]:
        """(mean loss, name -> gradient) with the statistics of this batch, which also enter the kept ones."""
        p, a, normalized, deviations = self.params, [x], {}, {}
        for i in range(1, self.layers):
            h = a[-1] @ p[f"W{i}"]
            self.means[i] = (1 - NEW_BATCH) * self.means[i] + NEW_BATCH * h.mean(axis=0)
            self.variances[i] = (1 - NEW_BATCH) * self.variances[i] + NEW_BATCH * h.var(axis=0, ddof=1)
            deviations[i] = np.sqrt(h.var(axis=0) + EPSILON)
            normalized[i] = (h - h.mean(axis=0)) / deviations[i]
            a.append(self._activation(i, normalized[i]))
        loss, dh = _loss(a[-1] @ p[f"W{self.layers}"] + p[f"b{self.layers}"], t)
        grads = {}
        for i in range(self.layers, 0, -1):
            if i < self.layers:
                z, dy = normalized[i], dh * (a[i] > 0)
                grads[f"scale{i}"], grads[f"b{i}"] = (dy * z).sum(axis=0), dy.sum(axis=0)
                dz = dy * p[f"scale{i}"]  # mean and deviation depend on the batch as well
                dh = (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / deviations[i]
            else:
                grads[f"b{i}"] = dh.sum(axis=0)
            grads[f"W{i}"] = a[i - 1].T @ dh
            dh = dh @ p[f"W{i}"].T
        return loss, {key: grads[key] for key in p}


def _loss(scores: Array, t: Array) -> tuple[float, Array]:
    """(mean loss, its gradient by the scores)."""
    count = len(scores)
    if not np.issubdtype(t.dtype, np.integer):
        error = scores - t.reshape(scores.shape)
        return float((error**2).mean()), 2 * error / error.size
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = (np.arange(count), t)
    ds = np.exp(log_p)
    ds[right] -= 1
    return float(-log_p[right].mean()), ds / count


class InPlace:
    """A rule of kobai's in the form of lesson 3_1: ``update(params, grads)`` on dicts changed in place."""

    def __init__(self, rule: Optimizer) -> None:
        self.rule = rule
        self.state: State | None = None

    def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        """One step of the rule."""
        self.state = self.rule.init(params) if self.state is None else self.state
        updates, self.state = self.rule.update(grads, self.state, params)
        for key in params:
            params[key] += updates[key]


def train(
    network: Network | NormalizedNetwork,
    rule: Optimizer,
    x: Array,
    t: Array,
    *,
    steps: int = 300,
    batch: int = 64,
    seed: int = 0,
) -> list[float]:
    """Train with one of kobai's rules (`kobai.Adam(…)`); the loss of every batch before its update."""
    random = np.random.default_rng(seed)
    optimizer = InPlace(rule)
    losses = []
    with np.errstate(all="ignore"):  # a run that diverges is a result
        for _ in range(steps):
            chosen = random.choice(len(x), min(batch, len(x)), replace=False)
            loss, grads = network.gradient(x[chosen], t[chosen])
            optimizer.update(network.params, grads)
            losses.append(loss)
    return losses


def standardized(train: Array, *others: Array) -> list[Array]:
    """Arrays [examples, features] shifted and scaled by mean and deviation of the first; constants stay 0."""
    mean, std = train.mean(axis=0), train.std(axis=0)
    return [(x - mean) / np.where(std == 0, 1, std) for x in (train, *others)]
