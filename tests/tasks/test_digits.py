"""The digits: scikit-learn's data, a fixed split, cross-entropy."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.datasets import load_digits

import kobai
from kobai import initializers
from kobai.tasks.digits import TEST, TRAIN, VALIDATION, load


def test_the_digits_are_scikit_learns():
    images, labels, _ = load()
    expected_images, expected_labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(images * 16, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)


def test_the_split_is_fixed_and_stratified():
    _, labels, split = load()
    assert [int((split == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [1097, 350, 350]
    for part in (TRAIN, VALIDATION, TEST):
        shares = np.bincount(labels[split == part]) / (split == part).sum()
        np.testing.assert_allclose(shares, np.bincount(labels) / 1797, atol=0.005)
    # Anybody's numbers on this split stay comparable only while it stays as it is.
    assert int(np.flatnonzero(split == TEST).sum()) == 329635


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_the_loss_of_digits_is_cross_entropy(activation):
    task = kobai.tasks.digits(hidden=(7, 5), activation=activation)
    parameters = task.filled(initializers.he(), 0)
    x, y = (a[:20] for a in task.train)
    by_hand = {"relu": lambda a: np.maximum(a, 0), "tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a))}
    h = x
    for layer in parameters[:-1]:
        h = by_hand[activation](h @ layer["weights"].T + layer["biases"])
    z = h @ parameters[-1]["weights"].T + parameters[-1]["biases"]
    expected = -log_softmax(z, axis=1)[np.arange(20), y].mean()
    assert float(task.loss(parameters, (x, y))) == pytest.approx(expected, rel=1e-5)
    assert float(task.metric(parameters, (x, y))) == pytest.approx(np.mean(z.argmax(1) == y))
