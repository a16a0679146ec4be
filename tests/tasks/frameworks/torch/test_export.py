"""Models in the manner of Hugging Face: inputs by name, an object or a dict with loss and logits returned."""

import dataclasses
from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402

import kobai  # noqa: E402
from kobai.basics.errors import UsageError  # noqa: E402
from kobai.tasks.check import check_start, check_task  # noqa: E402

RANDOM = np.random.default_rng(0)
WORDS = RANDOM.integers(0, 20, (60, 6))
MASK = (np.arange(6) < RANDOM.integers(1, 7, (60, 1))).astype(np.int64)
LABELS = WORDS[:, 0] % 3


class ModelOutput(OrderedDict):
    """An object with fields that is a mapping of those that are set, too."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if getattr(self, field.name) is not None:
                self[field.name] = getattr(self, field.name)


@dataclasses.dataclass
class Mapped(ModelOutput):
    loss: object = None
    logits: object = None
    attentions: object = None


@dataclasses.dataclass
class Plain:
    loss: object = None
    logits: object = None


class Classifier(nn.Module):
    """Words, where the mask is 1, by the mean of their vectors; with labels, the loss too."""

    def __init__(self, form=Mapped):
        super().__init__()
        torch.manual_seed(0)
        self.table, self.head, self.form = nn.Embedding(20, 8), nn.Linear(8, 3), form

    def forward(self, input_ids, attention_mask=None, labels=None):
        mask = attention_mask[..., None].to(self.table.weight.dtype)
        logits = self.head((self.table(input_ids) * mask).sum(1) / mask.sum(1))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        if self.form is tuple:
            return (logits,) if loss is None else (loss, logits)
        return self.form(loss=loss, logits=logits)


class Tokens(Dataset):
    def __len__(self):
        return len(WORDS)

    def __getitem__(self, i):
        row = {"input_ids": WORDS[i], "attention_mask": MASK[i], "labels": LABELS[i]}
        return {name: torch.as_tensor(value) for name, value in row.items()}


DATA = {
    "dataset": Tokens,
    "loader": lambda: DataLoader(Tokens(), batch_size=7, shuffle=True),
    "arrays": lambda: ({"input_ids": WORDS, "attention_mask": MASK}, LABELS),
    "mapping": lambda: {"input_ids": WORDS, "attention_mask": MASK, "labels": LABELS},
}


FORMS = [(data, Mapped) for data in DATA] + [("arrays", form) for form in (Plain, dict, tuple)]
"""Every kind of data with one form of outputs, and every form with one kind of data."""


@pytest.mark.parametrize(("data", "form"), FORMS)
def test_the_loss_is_that_of_the_model_itself(data, form):
    model = Classifier(form)
    task = kobai.Task.of(model, DATA[data]())
    check_task(task)
    check_start(task, task.parameters)
    x, y = task.validation
    outputs = model(**{name: torch.from_numpy(np.array(array)) for name, array in x.items()},
                    labels=torch.from_numpy(np.array(y)))  # fmt: skip
    loss = outputs[0] if form is tuple else outputs.loss if form is Plain else outputs["loss"]
    assert float(task.evaluate(task.parameters, None, task.validation)[0]) == pytest.approx(
        loss.item(), rel=1e-5
    )
    assert task.metric_label == "accuracy"


def test_the_loss_of_a_framework_gets_the_logits_and_one_s_own_all():
    def own(outputs, y):
        return nn.functional.cross_entropy(outputs["logits"], y)

    losses = []
    for loss in (None, nn.CrossEntropyLoss(), own):
        task = kobai.Task.of(Classifier(), DATA["arrays"](), loss=loss)
        losses.append(float(task.evaluate(task.parameters, None, task.validation)[0]))
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)


def test_a_model_that_takes_labels_without_a_default_is_given_none():
    class Asking(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Classifier()

        def forward(self, input_ids, attention_mask, labels):
            return self.inner(input_ids, attention_mask, labels)

    asking, plain = (kobai.Task.of(make(), DATA["arrays"]()) for make in (Asking, Classifier))
    values = [float(task.evaluate(task.parameters, None, task.validation)[0]) for task in (asking, plain)]
    assert values[0] == values[1]


def test_an_input_that_forward_does_not_take_is_named():
    """As the token_type_ids of a tokenizer. A model of one dictionary still gets it whole."""
    ids = {"input_ids": WORDS, "attention_mask": MASK}
    with pytest.raises(
        UsageError, match=r"attention_mask, extra, input_ids are not .*forward\(input_ids, att"
    ):
        kobai.Task.of(Classifier(), ({**ids, "extra": MASK}, LABELS))

    class Whole(Classifier):
        def forward(self, batch):
            return super().forward(**batch)

    assert kobai.Task.of(Whole(), (ids, LABELS)).metric_label == "accuracy"


def test_what_a_model_refuses_is_tried_on_the_data_and_not_on_zeros():
    """Zeros would be masks without a word, of which torch says that their length is 0."""

    class Packed(Classifier):
        def __init__(self):
            super().__init__()
            self.cell = nn.LSTM(8, 8, batch_first=True)

        def forward(self, input_ids, attention_mask):
            words, lengths = self.table(input_ids), attention_mask.sum(1)
            packed = nn.utils.rnn.pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
            return self.head(self.cell(packed)[1][0][-1])

    with pytest.raises(UsageError, match=r"torch.export cannot trace .*packed sequence.*mask"):
        kobai.Task.of(Packed(), ({"input_ids": WORDS, "attention_mask": MASK}, LABELS))


def test_a_model_that_was_trained_begins_with_its_weights_and_the_answer_says_so():
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    x, y = RANDOM.standard_normal((60, 3)).astype(np.float32), LABELS
    assert kobai.Task.of(fresh, (x, y)).initializers is None
    fresh(torch.from_numpy(x))  # which counts a batch
    task = kobai.Task.of(fresh, (x, y))
    assert task.initializers == ("given",)
    assert str(task.preparation[-1]).startswith("The model has been trained before")
    assert kobai.Task.of(fresh, (x, y), pretrained=False).initializers is None
    stored = Classifier()
    stored.name_or_path = "someone/a-model"
    assert kobai.Task.of(stored, DATA["arrays"]()).initializers == ("given",)


def test_a_model_in_half_precision_is_trained_in_it():
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 3)).to(torch.bfloat16)
    x = RANDOM.standard_normal((60, 3)).astype(np.float32)
    task = kobai.Task.of(model, (x, LABELS))
    check_task(task)
    check_start(task, task.parameters)
    assert {str(array.dtype) for array in task.parameters.values()} == {"bfloat16"}
    theirs = model(torch.from_numpy(task.validation[0]).to(torch.bfloat16)).float()
    loss = nn.functional.cross_entropy(theirs, torch.from_numpy(np.array(task.validation[1])))
    assert float(task.evaluate(task.parameters, None, task.validation)[0]) == pytest.approx(
        loss.item(), rel=2e-2
    )
    trained = task.model(task.parameters, None)
    assert next(trained.parameters()).dtype == torch.bfloat16
    assert torch.equal(trained[0].weight, model[0].weight)


def test_a_model_of_which_all_is_frozen_is_refused():
    task = kobai.Task.of(Classifier().requires_grad_(False), DATA["arrays"]())
    with pytest.raises(UsageError, match="all are frozen"):
        check_task(task)
