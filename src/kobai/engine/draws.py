"""What is random in a training, made on the host: a stream for each seed and purpose, and the batches of it.

One seed gives every cell the same draws, bit for bit, whatever its rule, strategy and batch size: that is
what pairs them.
"""

import functools

import numpy as np

INITIAL, BATCHES, NOISE, REPLACED = range(4)
"""What a random stream is for: each seed has one stream for each purpose."""

EPOCHS_KEPT = 2**23
"""Examples in the shuffled epochs that are remembered (32 MB), but for two epochs of any length."""


def stream(seed: int, purpose: int, *more: int) -> np.random.Generator:
    """The random stream of a seed for one purpose (Philox, keyed by all of them)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, *more])))


def noise_key(seed: int) -> np.ndarray:
    """The random key of a seed for a loss that draws, uint32 [2]."""
    return stream(seed, NOISE).integers(2**32, size=2, dtype=np.uint32)


@functools.cache
def _epochs(room: int) -> "functools._lru_cache_wrapper[np.ndarray]":
    """`_epoch` that remembers the last `room` epochs."""
    return functools.lru_cache(maxsize=room)(_epoch)


def _epoch(seed: int, epoch: int, examples: int, replacement: bool) -> np.ndarray:
    return (with_replacement if replacement else without_replacement)(seed, epoch, examples)


def without_replacement(seed: int, epoch: int, examples: int) -> np.ndarray:
    """An epoch in which each example comes once: [examples] int32."""
    return stream(seed, BATCHES, epoch).permutation(examples).astype(np.int32)


def with_replacement(seed: int, epoch: int, examples: int) -> np.ndarray:
    """An epoch of as many examples, each drawn from all: [examples] int32."""
    return stream(seed, REPLACED, epoch).integers(examples, size=examples, dtype=np.int32)


def mini_batch(
    seed: int, start: int, stop: int, batch: int, examples: int, replacement: bool = False
) -> np.ndarray:
    """The examples of each step's batch, [stop − start, batch] int32; every epoch in an order of its own.

    Step s takes the examples s·batch … (s+1)·batch of the endless row of shuffled epochs, so that any block
    of steps can be drawn by itself, and batches of another size see the same row. With `replacement` each
    example of the row is drawn from all.
    """
    first, last = start * batch, stop * batch
    epochs = range(first // examples, -(-last // examples))
    epoch_of = _epochs(int(np.clip(EPOCHS_KEPT // examples, 2, 64)))
    row = np.concatenate([epoch_of(seed, epoch, examples, replacement) for epoch in epochs])
    offset = epochs.start * examples
    return row[first - offset : last - offset].reshape(stop - start, batch)
