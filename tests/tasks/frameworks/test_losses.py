"""Losses of frameworks as a user gives them: module, class, function; and what they say of the labels."""

import numpy as np
import pytest

import kobai
from kobai.tasks.check import check_start, check_task

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((60, 3)).astype(np.float32)
CLASSES = (np.arange(60) % 3).astype(np.int64)
TWO = (X[:, 0] > 0).astype(np.float32)
NUMBERS = (X @ np.array([1.0, -2.0, 0.5], np.float32)).astype(np.float32)
SMOOTHED = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]), label_smoothing=0.1)
WEIGHED = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.0))


def network(outputs, *end):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, outputs), *end)


def value(task, model, loss, y):
    """(the loss of kobai's task, the loss of torch itself) on the validation data."""
    check_task(task)
    check_start(task, task.parameters)
    x = torch.from_numpy(np.asarray(task.validation[0]))
    with torch.no_grad():
        theirs = loss(model(x), y(torch.from_numpy(np.array(task.validation[1]))))
    return float(task.evaluate(task.parameters, task.state, task.validation)[0]), float(theirs.mean())


CASES = {
    "weights and smoothing": (3, CLASSES, SMOOTHED, "accuracy"),
    "sum": (3, CLASSES, nn.CrossEntropyLoss(reduction="sum"), "accuracy"),
    "each": (3, CLASSES, nn.CrossEntropyLoss(reduction="none"), "accuracy"),
    "function": (3, CLASSES, F.cross_entropy, "accuracy"),
    "margin": (3, CLASSES, nn.MultiMarginLoss(), "accuracy"),
    "two by whole numbers": (1, TWO.astype(int), WEIGHED, "accuracy"),
    "two by numbers": (1, TWO, nn.BCEWithLogitsLoss(), "accuracy"),
    "two by truth": (1, TWO > 0, F.binary_cross_entropy_with_logits, "accuracy"),
    "squares": (1, NUMBERS, nn.MSELoss(), "R²"),
    "squares of whole numbers": (1, (3 * NUMBERS).astype(int), F.mse_loss, "R²"),
    "huber": (1, NUMBERS, nn.HuberLoss(), "R²"),
    "one's own in torch": (1, NUMBERS, lambda outputs, y: F.smooth_l1_loss(outputs, y), "R²"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_loss_is_that_of_torch(case):
    outputs, y, loss, metric = CASES[case]
    model = network(outputs)
    task = kobai.Task.of(model, (X, y), loss=loss)
    ours, theirs = value(task, model, loss, torch.Tensor.float if outputs == 1 else torch.Tensor.long)
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert task.metric_label == metric


def test_a_class_is_taken_as_it_is_without_arguments():
    model = network(3)
    task = kobai.Task.of(model, (X, CLASSES), loss=nn.CrossEntropyLoss)
    ours, theirs = value(task, model, nn.CrossEntropyLoss(), torch.Tensor.long)
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_probabilities_and_their_loss():
    model = network(1, nn.Sigmoid())
    task = kobai.Task.of(model, (X, TWO), loss=nn.BCELoss())
    ours, theirs = value(task, model, nn.BCELoss(), torch.Tensor.float)
    assert ours == pytest.approx(theirs, rel=1e-5)
    p, y = model(torch.from_numpy(task.validation[0])).detach().numpy(), task.validation[1]
    assert float(task.evaluate(task.parameters, None, task.validation)[1]) == ((p > 0.5) == (y > 0.5)).mean()


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.NLLLoss()], ids=["cross-entropy", "nll"])
def test_a_label_that_is_left_out_counts_neither_in_the_loss_nor_in_the_accuracy(loss):
    y = np.where(np.arange(60) % 5 == 0, -100, CLASSES)
    model = network(3, nn.LogSoftmax(-1))
    task = kobai.Task.of(model, (X, y), loss=loss)
    ours, theirs = value(task, model, loss, torch.Tensor.long)
    assert ours == pytest.approx(theirs, rel=1e-5)
    x, y = task.validation
    right = model(torch.from_numpy(x)).argmax(dim=1).numpy() == y
    assert float(task.evaluate(task.parameters, None, task.validation)[1]) == pytest.approx(
        right[y >= 0].mean()
    )
    assert right.mean() != pytest.approx(right[y >= 0].mean())


class Two(nn.Module):
    """Two inputs, two outputs: classes and a number."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c, self.d = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(4, 3), nn.Linear(4, 1)

    def forward(self, u, v):
        h = torch.tanh(self.a(u) + self.b(v))
        return self.c(h), self.d(h).squeeze(-1)


@pytest.mark.parametrize("form", [lambda c, r: (c, r), lambda c, r: {"c": c, "r": r}], ids=["tuple", "dict"])
def test_several_outputs_and_several_labels(form):
    def loss(outputs, y):
        c, r = y.values() if isinstance(y, dict) else y
        return F.cross_entropy(outputs[0], c) + F.mse_loss(outputs[1], r)

    model = Two()
    task = kobai.Task.of(model, ((X, X[:, ::-1].copy()), form(CLASSES, NUMBERS)), loss=loss)
    check_task(task)
    check_start(task, task.parameters)
    (u, v), y = task.validation
    c, r = y.values() if isinstance(y, dict) else y
    outputs = model(torch.from_numpy(u), torch.from_numpy(v))
    theirs = loss(outputs, (torch.from_numpy(c), torch.from_numpy(r)))
    assert float(task.evaluate(task.parameters, None, task.validation)[0]) == pytest.approx(
        theirs.detach().item(), rel=1e-5
    )
    assert (task.metric_label, task.maximize) == ("loss", False)
    assert str(task.preparation[0]) == "Labels: several arrays; loss: your own; metric: loss."


def test_several_labels_need_a_loss_of_one_s_own():
    with pytest.raises(kobai.UsageError, match=r"the labels are several arrays \(a tuple\)"):
        kobai.Task.of(network(3), (X, (CLASSES, NUMBERS)))


def test_a_function_of_neither_kind_is_told_with_its_own_words():
    task = kobai.Task.of(network(1), (X, NUMBERS), loss=lambda outputs, y: outputs.nothing)  # noqa: ARG005
    with pytest.raises(kobai.UsageError, match="nothing"):
        check_start(task, task.parameters)
