"""Several processes on one folder: each trains what it has claimed, and reads what the others have stored.

All of them divide the cells of a phase into the same chunks, and a claim (`kobai.study.claims`) is of one
chunk. Whoever finds nothing to claim waits for the others, reads what they have stored, and takes over what
one of them has claimed and will not finish.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence

from kobai.basics import interruption
from kobai.engine.backends import THREADS, Threads
from kobai.engine.cell import Cell
from kobai.engine.identity import digest
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep
from kobai.study.lock import Share
from kobai.study.store import Store

LOOK = 2.0
"""Seconds between two looks at what the others have stored."""


def pause() -> None:
    """Wait for the others. Raises KeyboardInterrupt when a signal asks to stop."""
    end = time.monotonic() + LOOK
    while time.monotonic() < end and not interruption.is_winding_up():
        interruption.check()
        time.sleep(0.05)


@dataclasses.dataclass(frozen=True)
class Work:
    """What a phase asks of one task: cells, and the names under which what comes of each is stored."""

    sweep: Sweep
    cells: Sequence[Cell]
    names: Sequence[frozenset[str]]


@dataclasses.dataclass
class Chunk:
    """Cells that are claimed together.

    Fields:
      name: of the claim, the same in every process.
      positions: those that are neither trained here nor found in the store.
    """

    name: str
    work: int
    positions: list[int]


Result = tuple[int, list[int], list[Run] | None]
"""The position of a work, those of some of its cells, and their runs; None: they are in the store."""


class Joined:
    """This process among those that share the cells of a study.

    Args:
      share: of the folder.
      place: where what this one has claimed is trained.
      wait: waits for the others, once.
      look: seconds between two looks at the store, while there is something to train.
    """

    def __init__(
        self,
        share: Share,
        place: Threads = THREADS,
        wait: Callable[[], None] = pause,
        look: float = LOOK,
    ) -> None:
        self.share, self.claims = share, share.claims
        self.place, self.wait, self.look = place, wait, look

    def run(self, store: Store, every: Sequence[Work]) -> Iterator[Result]:
        """All cells that are not in the store yet, each once; whoever gets runs stores them."""
        there = store.places.keys()
        chunks = [
            Chunk(_name(work, whole), i, [j for j in whole if not work.names[j] <= there])
            for i, work in enumerate(every)
            for whole in work.sweep.chunks(work.cells)
        ]
        try:
            while any(chunk.positions for chunk in chunks) and not interruption.is_winding_up():
                for i, work in enumerate(every):
                    yield from self._trained(store, every, chunks, i, work)
                yield from self._found(store, every, chunks)
                if any(chunk.positions for chunk in chunks) and not interruption.is_winding_up():
                    self.wait()
        finally:
            self.claims.release()

    def once(self, name: str, deed: Callable[[], None]) -> None:
        """What one process does for all; the others wait until it is done."""
        while not self.claims.is_claimed(f"{name}-done"):
            if self.claims.take(name) or (self.claims.is_stale(name) and self.claims.take_over(name)):
                deed()
                for each in (name, f"{name}-done"):
                    self.claims.take(each)
                    self.claims.done(each)
                return
            self.wait()

    def _trained(
        self, store: Store, every: Sequence[Work], chunks: Sequence[Chunk], i: int, work: Work
    ) -> Iterator[Result]:
        """What of one work is claimed, trained; and between that what others have stored."""
        own = [chunk for chunk in chunks if chunk.work == i and chunk.positions]
        chunk_of = {position: chunk for chunk in own for position in chunk.positions}
        looked = time.monotonic()
        claimed = self._claimed(store, work, own)
        for positions, runs in self.place.chunked(work.sweep, work.cells, claimed, ahead=False):
            chunk = chunk_of[positions[0]]
            if self.claims.is_own(chunk.name):  # else this process had stalled, and another has begun it anew
                chunk.positions = [j for j in chunk.positions if j not in positions]
                yield i, positions, runs
            self.claims.done(chunk.name)
            if time.monotonic() - looked >= self.look:
                yield from self._found(store, every, chunks)
                looked = time.monotonic()

    def _claimed(self, store: Store, work: Work, chunks: Sequence[Chunk]) -> Iterator[list[int]]:
        """The cells of each chunk that this process can claim."""
        for chunk in chunks:
            taken = bool(chunk.positions) and self.claims.take(chunk.name)
            if chunk.positions and not taken and self.claims.is_stale(chunk.name):
                store.refresh()
                if not all(work.names[j] <= store.places.keys() for j in chunk.positions):
                    taken = self.claims.take_over(chunk.name)
            missing = [j for j in chunk.positions if not work.names[j] <= store.places.keys()]
            if taken and missing:
                yield missing

    def _found(self, store: Store, every: Sequence[Work], chunks: Sequence[Chunk]) -> Iterator[Result]:
        """What others have stored since the last look."""
        if not store.refresh():
            return
        for chunk in chunks:
            names = every[chunk.work].names
            found = [j for j in chunk.positions if names[j] <= store.places.keys()]
            if found:
                chunk.positions = [j for j in chunk.positions if j not in found]
                yield chunk.work, found, None


def _name(work: Work, positions: Sequence[int]) -> str:
    return digest("".join(sorted(name for j in positions for name in work.names[j])))
