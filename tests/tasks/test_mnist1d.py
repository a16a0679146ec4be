"""MNIST-1D and the convolutional digits: the data as published, the networks as described."""

import hashlib

import jax
import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.tasks.check import check_start, check_task
from kobai.tasks.mnist1d import HIDDEN, TARGETS, mnist1d, parts

FIRST_LABELS = [2, 6, 4, 5, 6, 6, 6, 0, 3, 1]
DIGEST = "ba10fc76ed0b7d0f"


def filled(task, seed=0):
    return initial_values.he().fill(task.parameters, seed, layout=task.layout)


def size(task):
    return sum(leaf.size for leaf in jax.tree.leaves(task.parameters))


def test_the_data_are_those_that_were_published():
    """4,000 and 1,000 curves of 40 points; the last 500 of the 4,000 are for validation."""
    data = parts()
    assert [data[part][0].shape for part in ("train", "validation", "test")] == [
        (3500, 40),
        (500, 40),
        (1000, 40),
    ]
    x, y = (np.concatenate([data[part][i] for part in data]) for i in (0, 1))
    np.testing.assert_array_equal(np.bincount(y), 500)  # as many of each class
    # The generator ends by making all of it zero on average, with a standard deviation of one.
    assert x.mean() == pytest.approx(0, abs=1e-3)
    assert x.std() == pytest.approx(1, abs=1e-3)
    # Published in this order; half precision, so that the same bytes are kept everywhere.
    assert y[:10].tolist() == FIRST_LABELS
    digest = hashlib.sha256(x.astype("<f2").tobytes() + y.astype("u1").tobytes()).hexdigest()
    assert digest.startswith(DIGEST)


def test_classes_of_validation_and_test_are_about_equal():
    for part, (_, y) in parts().items():
        shares = np.bincount(y) / len(y)
        assert np.abs(shares - 0.1).max() < (0.03 if part == "validation" else 0.02)


def test_the_sizes_of_the_published_networks():
    """Logistic 410, two layers of 100, convolutions of 25 channels: as in the paper's own code."""
    assert size(mnist1d(model="logistic")) == 40 * 10 + 10
    assert size(mnist1d(model="mlp")) == 15210
    assert size(mnist1d(model="cnn")) == 5210
    gru = 2 * 3 * (1 * 6 + 6 * 6 + 6) + 2 * 40 * 6 * 10 + 10
    assert size(mnist1d(model="gru", hidden=6)) == gru


@pytest.mark.parametrize("model", HIDDEN)
def test_every_model_can_be_trained(model):
    task = mnist1d(model=model)
    check_task(task)
    check_start(task, filled(task))
    assert task.targets == TARGETS[model]
    assert task.name == ("mnist1d" if model == "mlp" else f"mnist1d {model}")


def test_a_convolutional_network_does_not_mind_where_a_curve_lies():
    """But for its dense layer: the activations of a shifted curve are shifted activations."""
    from kobai.networks.layers import convolution

    parameters = filled(mnist1d(model="cnn"))
    curve = np.zeros((2, 40, 1), np.float32)
    curve[0, 10:20, 0] = curve[1, 14:24, 0] = np.arange(10)
    y = curve
    for layer in parameters[:2]:
        y = np.maximum(convolution(layer["weights"], y, stride=2), 0)
    np.testing.assert_allclose(y[1, 1:], y[0, :-1], atol=1e-5)


def test_the_convolutional_network_is_the_published_one():
    """Cross-correlations of stride 2 with one zero at either end, by NumPy: 40, 19, 10 and 5 positions."""
    task = mnist1d(model="cnn")
    *layers, last = filled(task)
    x, labels = (array[:7] for array in task.train)
    y = x[..., None]
    for layer, positions in zip(layers, (19, 10, 5), strict=True):
        weights = np.asarray(layer["weights"])
        padded = np.pad(y, ((0, 0), (1, 1), (0, 0)))
        starts = range(0, padded.shape[1] - len(weights) + 1, 2)
        y = np.stack([np.einsum("nki,kio->no", padded[:, i : i + len(weights)], weights) for i in starts], 1)
        y = np.maximum(y + np.asarray(layer["biases"]), 0)
        assert y.shape == (7, positions, 25)
    logits = y.reshape(7, -1) @ np.asarray(last["weights"]) + np.asarray(last["biases"])
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(7), labels]
    loss = task.training_loss([*layers, last], None, (x, labels), None)[0]
    assert loss == pytest.approx(losses.mean(), rel=1e-5)


def test_the_published_network_begins_at_the_values_of_torchs_layers():
    """Weights and biases uniform within ±1/√fan_in; anew for each seed."""
    task = mnist1d(model="cnn", batch_norm="after")
    one, same, other = (task.own(seed) for seed in (0, 0, 1))
    for layer, fan_in in zip(one, (5, 75, 75, 125), strict=True):
        for name in ("weights", "biases"):
            assert np.abs(layer[name]).max() <= fan_in**-0.5
        assert layer["weights"].std() == pytest.approx((3 * fan_in) ** -0.5, rel=0.15)
        assert layer["biases"].any()
    assert jax.tree.all(jax.tree.map(np.array_equal, one, same))
    assert not np.array_equal(one[0]["weights"], other[0]["weights"])
    assert np.array_equal(one[0]["scale"], np.ones(25))
    check_start(task, task.filled(initial_values.own(), 0))
    assert mnist1d(model="mlp").own is None


def test_the_gru_sees_every_point_from_both_sides():
    """The states of one direction know what lies before a point, those of the other what lies behind it."""
    task = mnist1d(model="gru", hidden=3)
    parameters = filled(task)
    x = np.zeros((1, 40), np.float32)
    changed = x.copy()
    changed[0, 20] = 1

    def seen(x):
        from kobai.networks import recurrent

        ways = {"forward": False, "backward": True}
        return [
            recurrent.run("gru", parameters[way], x[..., None], reverse=reverse)[0]
            for way, reverse in ways.items()
        ]

    forward, backward = (
        np.abs(np.asarray(a) - b).max(axis=1) for a, b in zip(seen(x), seen(changed), strict=True)
    )
    assert not forward[:20].any()
    assert forward[20:].all()
    assert backward[:21].all()
    assert not backward[21:].any()
    assert parameters["output"]["weights"].shape == (40 * 2 * 3, 10)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"model": "cnm"}, "there is no model 'cnm'; did you mean 'cnn'?"),
        ({"model": "logistic", "hidden": 5}, r"the logistic model has no hidden layer, got hidden \[5\]"),
        ({"model": "logistic", "batch_norm": "on"}, "batch_norm on normalizes hidden layers, .* has none"),
        ({"model": "gru", "batch_norm": True}, "batch_norm must be off for a recurrent network"),
        ({"model": "gru", "hidden": (5, 5)}, "one hidden layer"),
        ({"activation": "rely"}, "did you mean 'relu'"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1"),
    ],
)
def test_mistakes(given, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        mnist1d(**given)


def test_the_convolutional_digits_have_the_digits_data():
    flat, convolutional = kobai.tasks.digits(), kobai.tasks.digits_cnn(hidden=(3, 4))
    np.testing.assert_array_equal(flat.train[0], convolutional.train[0])
    np.testing.assert_array_equal(flat.test[1], convolutional.test[1])
    assert size(convolutional) == (9 * 1 * 3 + 3) + (9 * 3 * 4 + 4) + (2 * 2 * 4 * 10 + 10)
    fans = [initial_values.fans(layer["weights"].shape) for layer in convolutional.parameters]
    assert fans == [(9, 27), (27, 36), (16, 10)]
