"""Small modules of PyTorch, one of each kind, that several tests translate."""

import torch
import torch.nn.functional as F
from torch import nn

BATCH = 6


class Residual(nn.Module):
    """A convolutional network with a way round, strides, and a mean over all positions."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.inner = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.short = nn.Conv2d(4, 6, 1, stride=2)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)), inplace=True)
        x = F.relu(self.inner(x) + self.short(x))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Words(nn.Module):
    """Words as vectors, and their mean."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5, padding_idx=0)
        self.head = nn.Linear(5, 3)

    def forward(self, words):
        return self.head(self.table(words).mean(1))


class Recurrent(nn.Module):
    """A recurrent layer, of which the last output counts."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.LazyLinear(3)

    def forward(self, x):
        y, _ = self.layer(x)
        y = y if self.layer.batch_first else y.transpose(0, 1)
        return self.head(y[:, -1])


def recurrent(kind, *, batch_first=True, **options):
    module = Recurrent(kind(3, 4, batch_first=batch_first, **options))
    module(torch.zeros(BATCH, 5, 3) if batch_first else torch.zeros(5, BATCH, 3))
    return module


class Sequences(nn.Module):
    """Time on the first axis, whatever comes in."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x.transpose(0, 1))


class Attention(nn.Module):
    """One layer of attention to itself, with a mask."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        hidden = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1)
        y, weights = self.attention(x, x, x, attn_mask=hidden)
        return y, weights


class Foreign(nn.Module):
    """Attention to keys and values of other widths, with biases for them."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, kdim=5, vdim=6, add_bias_kv=True, batch_first=True)

    def forward(self, query, key, value):
        return self.attention(query, key, value, need_weights=False)[0]


class Tied(nn.Module):
    """A table of words that is the last layer, too."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 5)
        self.inner = nn.Linear(5, 5)
        self.head = nn.Linear(5, 9, bias=False)
        self.head.weight = self.table.weight

    def forward(self, words):
        return self.head(torch.tanh(self.inner(self.table(words))))


class Functional(nn.Module):
    """Functional calls, slices, cat, view, einsum, buffers, writing into views."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 6))
        self.register_buffer("places", torch.linspace(-1, 1, 6))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.register_buffer("mean", torch.zeros(6))
        self.constant = torch.arange(6.0)

    def forward(self, x):
        if self.training:
            self.count += 1
            with torch.no_grad():
                self.mean.mul_(0.9).add_(0.1 * x.mean(0))
        x = x + self.places * self.constant - self.mean
        x[:, 0] = x[:, 1] * 2
        halves = x.view(-1, 2, 3)
        halves[:, 1].mul_(0.5)
        y = torch.cat([x[:, :2], halves.flatten(1)[:, ::2], F.softplus(x[:, 4:5])], dim=1)
        z = torch.einsum("bi,oi->bo", y, self.weight)
        return z * (z.detach() > 0) + torch.where(z > 0, z, 0.1 * z)


class Branch(nn.Module):
    """What is done hangs on a shape, and once on the number of examples."""

    def __init__(self):
        super().__init__()
        self.few, self.many = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        if x.shape[1] > 4:
            x = x[:, :4]
        return self.many(x) if x.shape[0] >= 5 else self.few(x)


class Answers(nn.Module):
    """Several inputs by name, several outputs in a dict, as large language models have them."""

    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(7, 4), nn.Linear(4, 2)

    def forward(self, input_ids, attention_mask=None):
        x = self.table(input_ids)
        shares = attention_mask / attention_mask.sum(1, keepdim=True)
        x = (x * shares[..., None]).sum(1)
        return {"logits": self.head(x), "loss": None, "hidden": (x,)}


def cnn(p=0.0):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Dropout(p),
        nn.Conv2d(4, 5, 3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(5, 3),
    )


def images(*shape):
    return torch.randn(BATCH, *shape)


def words(n, *shape):
    return torch.randint(0, n, (BATCH, *shape))


ZOO = {
    "mlp": lambda: (nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), images(4)),
    "cnn": lambda: (cnn(), images(1, 8, 8)),
    "residual": lambda: (Residual(), images(2, 8, 8)),
    "conv1d": lambda: (
        nn.Sequential(nn.Conv1d(2, 4, 3, dilation=2), nn.Tanh(), nn.MaxPool1d(3, 2, 1), nn.Conv1d(4, 3, 2)),
        images(2, 12),
    ),
    "grouped": lambda: (
        nn.Sequential(
            nn.Conv2d(4, 4, 3, groups=4, padding="same"),
            nn.GELU(),
            nn.Conv2d(4, 6, 3, groups=2, padding=1, padding_mode="reflect"),
            nn.SiLU(),
            nn.Conv2d(6, 12, 2, groups=6),
            nn.PReLU(12),
            nn.ConvTranspose2d(12, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        ),
        images(4, 6, 6),
    ),
    "norms": lambda: (
        nn.Sequential(
            nn.Conv2d(2, 4, 1),
            nn.GroupNorm(2, 4),
            nn.GELU(approximate="tanh"),
            nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
            nn.LayerNorm([5, 5]),
            nn.Flatten(),
            nn.Linear(100, 6),
            nn.RMSNorm(6),
            nn.Softmax(dim=-1),
        ),
        images(2, 5, 5),
    ),
    "words": lambda: (Words(), words(11, 5)),
    "lstm": lambda: (
        recurrent(nn.LSTM, num_layers=2, bidirectional=True),
        images(5, 3),
    ),
    "lstm with projection": lambda: (recurrent(nn.LSTM, proj_size=2), images(5, 3)),
    "gru": lambda: (Sequences(recurrent(nn.GRU, batch_first=False, num_layers=2)), images(5, 3)),
    "rnn": lambda: (recurrent(nn.RNN, nonlinearity="relu", bias=False), images(5, 3)),
    "attention": lambda: (Attention(), images(4, 8)),
    "foreign attention": lambda: (Foreign(), (images(4, 8), images(3, 5), images(3, 6))),
    "transformer": lambda: (
        nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True),
        images(4, 8),
    ),
    "tied": lambda: (Tied(), words(9, 4)),
    "functional": lambda: (Functional(), images(6)),
    "branch": lambda: (Branch(), images(5)),
    "answers": lambda: (
        Answers(),
        {"input_ids": words(7, 4), "attention_mask": torch.tensor([[1, 1, 0, 1]] * BATCH)},
    ),
    "weight norm": lambda: (nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))), images(4)),
    "bilinear": lambda: (nn.Bilinear(3, 4, 2), (images(3), images(4))),
}
"""Each as a function that gives a module in training mode and a batch of inputs."""


def member(name):
    torch.manual_seed(0)
    return ZOO[name]()


def called(module, inputs):
    """The outputs of a module for inputs by position or by name."""
    if isinstance(inputs, dict):
        return module(**inputs)
    return module(*inputs) if isinstance(inputs, tuple) else module(inputs)


def tensors(outputs):
    """The tensors among nested outputs, in order."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = [outputs[key] for key in sorted(outputs)]
    return [tensor for part in outputs or () for tensor in tensors(part)]
