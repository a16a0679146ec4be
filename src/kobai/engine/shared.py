"""What cells share, made on the host once and sent to the device once.

The batches and the random key are a seed's, the plan is a strategy's, the initial values are those of a seed
and an initializer: whatever else a cell is, it finds them here. Steps are cut into segments of the program's
`capacity`, and a block, however short, stays within one: so its batches are the same array for every cell.
"""

from collections.abc import Callable, Sequence

import jax
import numpy as np

from kobai.basics.arrays import on_device
from kobai.engine.blocks import Draws, Plans, joined
from kobai.engine.draws import INITIAL, mini_batch, noise_key, stream
from kobai.engine.kept import Kept
from kobai.engine.parts import Parts
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer

ROOM = 2**26
"""Bytes that are kept of each kind."""

Stream = tuple[int, bool]
"""What batches depend on: a seed, and whether examples are drawn with replacement."""


class Shared:
    """What the cells of a program share in a training of `steps` steps.

    Args:
      start: ``start(initializer, generator) -> θ``, of the task.
      parts: those of the program.
      examples: in the training data.
      batch: examples in a batch.
      capacity: steps in a segment.
    """

    def __init__(
        self,
        start: Callable[[Initializer, np.random.Generator], np.ndarray],
        parts: Parts,
        dtype: np.dtype,
        *,
        examples: int,
        batch: int,
        capacity: int,
        steps: int,
    ) -> None:
        self.start, self.parts, self.dtype = start, parts, dtype
        self.examples, self.batch, self.capacity, self.steps = examples, batch, capacity, steps
        self.initial = Kept(self._initial, ROOM)
        self._batches = Kept(self._drawn, ROOM)
        self._rows = Kept(self._row, ROOM)
        self._plans = Kept(self._plan, ROOM)

    def segment(self, step: int) -> tuple[int, int]:
        """(first step, end) of the segment in which a step lies; that of no steps behind the last."""
        start = step - step % self.capacity
        return start, max(step, min(start + self.capacity, self.steps))

    def draws(
        self, seeds: Sequence[int], strategies: Sequence[Strategy], step: int, streams: int | None = None
    ) -> Draws:
        """What cells of such seeds and strategies draw in the segment of `step`: one of them, or a population
        with room for so many `streams`."""
        start, stop = self.segment(step)
        each = [(seed, strategy.replacement) for seed, strategy in zip(seeds, strategies, strict=True)]
        of = {stream: i for i, stream in enumerate(dict.fromkeys(each))}
        batches, keys = self._batches(tuple(of), start, stop, streams or 1)
        plans: list[Plans] = [()] * len(strategies)
        if self.parts.parts:
            plans = [self._plans(strategy, start, stop) for strategy in strategies]
        together = streams is not None
        return Draws(
            batches,
            keys,
            joined([np.int32(of[stream]) for stream in each], together),
            joined(plans, together),
        )

    def _initial(self, initializer: Initializer, seed: int) -> np.ndarray:
        return self.start(initializer, stream(seed, INITIAL)).astype(self.dtype)

    def _drawn(self, streams: tuple[Stream, ...], start: int, stop: int, room: int) -> tuple[jax.Array, ...]:
        """(batches [room, capacity, batch], keys [room, 2]) of some seeds, on the device."""
        batches = np.zeros((room, self.capacity, self.batch), np.int32)
        keys = np.zeros((room, 2), np.uint32)
        for i, (seed, replacement) in enumerate(streams):
            keys[i] = noise_key(seed)
            batches[i, : stop - start] = self._rows(seed, replacement, start, stop)
        return on_device(batches), on_device(keys)

    def _row(self, seed: int, replacement: bool, start: int, stop: int) -> np.ndarray:
        return mini_batch(seed, start, stop, self.batch, self.examples, replacement)

    def _plan(self, strategy: Strategy, start: int, stop: int) -> Plans:
        return self.parts.plan(strategy, start, stop, self.steps, self.capacity, self.dtype)
