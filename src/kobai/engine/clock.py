"""What a run costs: seconds of one core, whatever else the machine has to do meanwhile.

Wall time would tell of the load: the same Adam costs four times as much beside other programs. And a thread's
own processor time tells nothing, since XLA computes in threads of its own. So the processor time of the whole
process is dealt out: at every moment the cells in work share it equally, as the cores do.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class ProcessorClock:
    """Shows the processor time that one of the cells in work has had.

    Args:
      processor: the processor time of the process so far, in seconds.
    """

    def __init__(self, processor: Callable[[], float] = time.process_time) -> None:
        self._processor = processor
        self._lock = threading.Lock()
        self._cells, self._time, self._before = 0, 0.0, 0.0

    @contextmanager
    def work(self) -> Iterator[None]:
        """Inside, one more cell is in work."""
        self._advance(1)
        try:
            yield
        finally:
            self._advance(-1)

    def read(self) -> float:
        """The time now, in seconds: its difference between two moments of a cell is what that cell had."""
        return self._advance(0)

    def _advance(self, cells: int) -> float:
        with self._lock:
            now = self._processor()
            if self._cells:
                self._time += (now - self._before) / self._cells
            self._before = now
            self._cells += cells
            return self._time


CLOCK = ProcessorClock()
"""Of this process: all cells in work are on it, of whatever study."""
