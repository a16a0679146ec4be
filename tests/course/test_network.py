"""The networks that lessons start from: their gradients are those of finite differences."""

import numpy as np
import pytest

from kobai.course.network import Network, NormalizedNetwork

RANDOM = np.random.default_rng(5)
X, LABELS, NUMBERS = RANDOM.normal(size=(7, 4)), np.array([0, 2, 1, 1, 0, 2, 2]), RANDOM.normal(size=(7, 3))


@pytest.mark.parametrize(
    ("network", "t"),
    [
        (Network((4, 5, 6, 3), "tanh"), LABELS),
        (Network((4, 5, 3), "sigmoid"), NUMBERS),
        (NormalizedNetwork((4, 5, 6, 3)), LABELS),
    ],
)
def test_gradients_are_those_of_finite_differences(network, t):
    _, grads = network.gradient(X, t)
    assert grads.keys() == network.params.keys()
    for name, array in network.params.items():
        for place in np.ndindex(array.shape):
            kept, losses = array[place], []
            for moved in (kept + 1e-5, kept - 1e-5):
                array[place] = moved
                losses.append(network.gradient(X, t)[0])
            array[place] = kept
            assert grads[name][place] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-7), name


def test_inference_uses_the_statistics_kept_during_training():
    """After many equal batches they are those of the batch, and a single example can be predicted."""
    network = NormalizedNetwork((4, 5, 3))
    for _ in range(300):
        network.gradient(X, LABELS)
    h = X @ network.params["W1"]
    assert network.means[1] == pytest.approx(h.mean(axis=0))
    assert network.variances[1] == pytest.approx(h.var(axis=0, ddof=1))
    assert network.scores(X)[2] == pytest.approx(network.scores(X[2:3])[0])
