"""The copy problem: symbols seen at the beginning are to be said again after a delay (long-term dependence).

Hochreiter and Schmidhuber (1997), in the form of Arjovsky, Shah and Bengio (2016), arXiv 1511.06464.
"""

from collections.abc import Sequence

import numpy as np

from kobai.basics.checks import check_count, is_whole
from kobai.basics.errors import UsageError, quoted
from kobai.networks import rnn
from kobai.tasks.of_network import classification
from kobai.tasks.task import Task

TRAIN, VALIDATION, TEST = 5000, 1000, 1000


def copy(
    *,
    length: int = 10,
    items: int = 4,
    symbols: int = 8,
    cell: str = "elman",
    hidden: int | Sequence[int] = 32,
    activation: str = "tanh",
    batch_size: int = 64,
    target: float | Sequence[float] | None = (0.9, 0.6, 0.98),
) -> Task:
    """Say `items` symbols again, in order, `length` positions later; the metric is the share that is right.

    The network sees the symbols, then blanks, then `items` times a sign to speak; it answers at each sign. To
    guess is right once in `symbols` times.

    Args:
      length: blanks between the symbols and the first sign, at least 1.
      items: symbols to remember.
      symbols: how many there are, from 2 to 1,000.
      cell: "elman", "lstm" or "gru".
      hidden: nodes of the recurrent layer.
      activation: "relu", "tanh" or "sigmoid", of the state.
      batch_size: examples in a batch.
      target: validation accuracy to reach, in [0, 1]; of several the first decides.
    """
    check_count("copy: length", length, most=10_000)
    if not is_whole(symbols) or symbols < 2:
        raise UsageError("error.copy.symbols", value=quoted(symbols))
    check_count("copy: symbols", symbols, most=1000)
    check_count("copy: items", items, most=1000)
    # A blank is no symbol and no sign: all zeros.
    network = rnn.network(
        symbols + 1, rnn.nodes(hidden), symbols, cell=cell, activation=activation, last=items
    )
    x, y = examples(length, items, symbols, TRAIN + VALIDATION + TEST)
    train, validation, test = np.split(np.arange(len(y)), [TRAIN, TRAIN + VALIDATION])
    return classification(
        network,
        classes=symbols,
        name="copy",
        train=(x[train], y[train]),
        validation=(x[validation], y[validation]),
        test=(x[test], y[test]),
        target=target,
        batch_size=batch_size,
    )


def examples(length: int, items: int, symbols: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(x [count, items + length + items, symbols + 1], y [count, items]: which symbols they were)."""
    # RandomState, because NumPy promises its stream for ever: the data never change.
    y = np.random.RandomState(43).randint(0, symbols, (count, items)).astype(np.int32)
    x = np.zeros((count, items + length + items, symbols + 1), np.float32)
    x[:, :items, :symbols] = y[..., None] == np.arange(symbols)
    x[:, items + length :, symbols] = 1
    return x, y
