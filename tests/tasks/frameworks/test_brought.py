"""What the losses of frameworks are called, and what is said where one does not fit."""

import numpy as np
import pytest

import kobai
from kobai.tasks.frameworks.brought import name_of, names

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

X = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
CLASSES = np.arange(60) % 3
WEIGHTS = torch.ones(3)

KNOWN = [
    (nn.CrossEntropyLoss(), "cross-entropy"),
    (F.cross_entropy, "cross-entropy"),
    (nn.BCEWithLogitsLoss(), "binary cross-entropy"),
    (nn.BCELoss(), "binary cross-entropy.probabilities"),
    (F.mse_loss, "squared error"),
    (nn.L1Loss(), "absolute error"),
    (nn.SmoothL1Loss(), "huber"),
    (nn.CrossEntropyLoss(reduction="sum"), None),
    (nn.CrossEntropyLoss(weight=WEIGHTS), None),
    (nn.CrossEntropyLoss(label_smoothing=0.1), None),
    (nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1.0)), None),
    (nn.HuberLoss(delta=0.5), None),
    (nn.MultiMarginLoss(), None),
]


@pytest.mark.parametrize(("loss", "name"), KNOWN)
def test_a_loss_has_a_name_where_it_is_exactly_that(loss, name):
    assert name_of(loss, names(loss)[0]) == name


def test_those_of_optax_have_names():
    optax = pytest.importorskip("optax")
    for loss, name in (
        (optax.softmax_cross_entropy_with_integer_labels, "cross-entropy"),
        (optax.l2_loss, None),  # half the square
    ):
        assert name_of(loss, names(loss)[0]) == name


def said(loss, *end, y=CLASSES):
    torch.manual_seed(0)
    task = kobai.Task.of(nn.Sequential(nn.Linear(3, 3), *end), (X, y), loss=loss)
    return " ".join(map(str, task.preparation)), task.provenance.loss


@pytest.mark.parametrize(
    ("loss", "sentence", "kept"),
    [
        (F.cross_entropy, "loss: cross-entropy on logits; metric: accuracy.", "cross-entropy"),
        (nn.CrossEntropyLoss(reduction="sum"), "CrossEntropyLoss, a sum over each batch", "CrossEntropyLoss"),
        (nn.MultiMarginLoss(), "loss: MultiMarginLoss as it was given", "MultiMarginLoss"),
        (lambda outputs, y: F.cross_entropy(outputs, y), "Labels: 3 classes; loss: your own", "own"),
    ],
)
def test_the_loss_is_said_by_its_name(loss, sentence, kept):
    text, name = said(loss)
    assert sentence in text
    assert name == kept
    assert "softmax" not in text


def test_a_softmax_before_a_loss_of_logits_is_told():
    assert "the softmax is taken twice" in said(nn.CrossEntropyLoss(), nn.Softmax(-1))[0]
    assert "twice" not in said(None, nn.Softmax(-1))[0]


def test_classes_of_a_loss_of_one_s_own_on_several_outputs_are_classes():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            return self.layer(x), x

    task = kobai.Task.of(Two(), (X, CLASSES), loss=lambda outputs, y: F.cross_entropy(outputs[0], y))
    assert str(task.preparation[0]) == "Labels: 3 classes; loss: your own; metric: loss."


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (nn.MSELoss(), CLASSES, r"the loss MSELoss does not take outputs .*\('n', 3\) and labels .*\('n',\)"),
        (None, CLASSES.astype(np.float32), r"if the labels are classes, make them whole numbers: y.long\(\)"),
    ],
)
def test_what_does_not_fit_is_told_of_the_loss_and_the_labels(loss, y, message):
    with pytest.raises(kobai.UsageError, match=message):
        said(loss, y=y)
