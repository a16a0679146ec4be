"""The network of lesson 3_2 for any number of layers, in NumPy: what later lessons start from."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray
Initial = Callable[[int, int, np.random.Generator], Array]

ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
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
        found = [x]
        for i in range(1, self.layers + 1):
            h = found[-1] @ self.params[f"W{i}"] + self.params[f"b{i}"]
            found.append(self.f(h) if i < self.layers else h)
        return found

    def scores(self, x: Array) -> Array:
        """What the last layer says."""
        return self.activations(x)[-1]

    def loss(self, x: Array, t: Array) -> float:
        """The mean loss."""
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

    def __init__(self, rule: Any) -> None:
        self.rule = rule
        self.state: Any = None

    def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        """One step of the rule."""
        self.state = self.rule.init(params) if self.state is None else self.state
        updates, self.state = self.rule.update(grads, self.state, params)
        for key in params:
            params[key] += updates[key]


def train(
    network: Network, rule: Any, x: Array, t: Array, *, steps: int = 300, batch: int = 64, seed: int = 0
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
