"""How long a study will take, told once when it is long: read off its first blocks of steps."""

import threading
import time
from collections.abc import Callable

from kobai.basics.progress import Progress, duration
from kobai.words import say

LONG = 20.0
"""Seconds from which on a person is told."""

SOON = 2.0
"""Seconds of training after which it is known: the first blocks, of few steps, weigh little then."""


class Estimate:
    """Watches a study and tells its length, once.

    What is done is counted in steps, of all cells; of a cell that ended early all of its steps count when it
    is finished. So the pace holds what training costs beside its steps, and what other programs take.

    Args:
      progress: what is told.
      steps: of a training; their mean, where trainings differ in length.
      trainings: how many, as far as it is known before.
      programs: how many are compiled, of which the first was timed.
      threads: how many trainings run at once.
      clock: seconds.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        steps: float,
        trainings: int,
        programs: int,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.steps, self.trainings = steps, trainings
        self.programs, self.threads = programs, threads
        self.progress, self.clock = progress, clock
        self._lock = threading.Lock()
        self._asked, self._compilation = clock(), 0.0
        self._began: float | None = None
        self._ahead, self._finished, self._is_told = 0, 0, False

    def started(self) -> None:
        """The first program is compiled, and its first block begins."""
        with self._lock:
            if self._began is None:
                self._began = self.clock()
                self._compilation = self._began - self._asked

    def block(self, steps: int) -> None:
        """So many steps of a cell are done; called by the threads."""
        with self._lock:
            self._ahead += steps
            self._look()

    def finished(self, trainings: int) -> None:
        """So many trainings are finished, whose blocks count no more: they are whole."""
        with self._lock:
            self._finished += trainings
            # What of the steps belongs to cells that are still running is at most a cell of each thread.
            self._ahead = max(0, self._ahead - int(trainings * self.steps))
            self._look()

    def kept(self, trainings: int) -> None:
        """So many were there already, from an earlier run."""
        self.trainings -= trainings

    def _look(self) -> None:
        """Tell the whole time as soon as it can be read off what is done."""
        done = self._finished + self._ahead / self.steps
        if self._is_told or self._began is None or not done:
            return
        elapsed = self.clock() - self._began
        if elapsed < SOON:
            return
        self._is_told = True
        seconds = elapsed * self.trainings / done + self._compilation * self.programs
        if seconds > LONG:
            self.progress.tell(sentence(self.trainings, seconds, self.threads))


def sentence(trainings: int, seconds: float, threads: int) -> str:
    """146 trainings, about 4 minutes on 2 cores."""
    return say("progress.estimate", trainings=trainings, time=duration(seconds), cores=threads)
