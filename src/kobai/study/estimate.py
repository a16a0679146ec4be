"""How long a study will take, told once when it is long: read off its first blocks of steps."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from kobai.basics.progress import Progress, duration
from kobai.candidates.grid import Candidate
from kobai.candidates.named import Method
from kobai.optimizers.base import Optimizer
from kobai.study.study import Trial
from kobai.words import say

LONG = 20.0
"""Seconds from which on a person is told."""

SOON = 2.0
"""Seconds of training after which it is known: the first blocks, of few steps, weigh little then."""


class Estimate:
    """Watches a study and tells its length, once.

    What is done is counted in gradients, of all cells: a step of SAM, which takes two, is two. Of a cell that
    ended early all of its gradients count when it is finished. So the pace holds what training costs beside
    its steps, and what other programs take.

    Args:
      progress: what is told.
      steps: of a training; their mean, where trainings differ in length.
      trainings: how many, as far as it is known before.
      gradients: that a step takes, in the mean of all trainings.
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
        gradients: float = 1.0,
        programs: int,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.steps, self.trainings = steps, trainings
        self._whole = trainings * gradients
        """Steps of one gradient, in trainings: one that takes two a step counts as two."""
        self.programs, self.threads = programs, threads
        self.progress, self.clock = progress, clock
        self._lock = threading.Lock()
        self._asked, self._compilation = clock(), 0.0
        self._began: float | None = None
        self._ahead, self._finished, self._is_told = 0.0, 0.0, False

    def started(self) -> None:
        """The first program is compiled, and its first block begins."""
        with self._lock:
            if self._began is None:
                self._began = self.clock()
                self._compilation = self._began - self._asked

    def block(self, gradients: float) -> None:
        """A cell has taken so many; called by the threads."""
        with self._lock:
            self._ahead += gradients
            self._look()

    def finished(self, weighed: float) -> None:
        """Trainings are finished, whose blocks count no more: they are whole. `weighed`: their number, one of
        two gradients a step counted twice."""
        with self._lock:
            self._finished += weighed
            # What of the gradients belongs to cells that are still running is at most a cell of each thread.
            self._ahead = max(0.0, self._ahead - weighed * self.steps)
            self._look()

    def kept(self, trainings: int) -> None:
        """So many were there already, from an earlier run: they count as the mean does."""
        with self._lock:
            self._whole *= 1 - trainings / max(self.trainings, 1)
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
        seconds = elapsed * self._whole / done + self._compilation * self.programs
        if seconds > LONG:
            self.progress.tell(sentence(self.trainings, seconds, self.threads))


def sentence(trainings: int, seconds: float, threads: int) -> str:
    """146 trainings, about 4 minutes on 2 cores."""
    return say("progress.estimate", trainings=trainings, time=duration(seconds), cores=threads)


# How many gradients a step takes: two of SAM's, and one for each of several batches.


def gradients_of(method: Method) -> float:
    """Of a rule; a minimizer's steps are no multiple of anything, and count as one."""
    return method.gradients if isinstance(method, Optimizer) else 1.0


def weighed(trials: Iterable[Trial], batches: Mapping[tuple[str, ...], int]) -> float:
    """How many trainings these are, where one of two gradients a step counts twice; `batches`: of a step, by
    the values that make the task."""
    return sum(gradients_of(each.variant) * batches[each.task] for each in trials)


def mean_gradients(candidates: Iterable[Candidate], batches: Iterable[int]) -> float:
    """In the mean of all that is tried; `batches`: of a step, in each task."""
    of_rules = [gradients_of(variant) for each in candidates for variant in each.variants]
    return float(np.mean(of_rules) * np.mean(list(batches)))
