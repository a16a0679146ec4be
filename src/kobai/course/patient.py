"""A sick training of the course: what was measured of it, and what remedies do to it.

It is trained once a session, with the instruments of `kobai.diagnose`; what they saw is given as plain
arrays, from which a learner computes evidence. A remedy is tried on paired seeds, as ``--cure`` does. What
kobai itself says of it, and which of the remedies help, is told when the learner's own answer is right.
"""

import dataclasses
import functools
import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from kobai import initializers
from kobai.basics.errors import UsageError, unknown
from kobai.basics.machine import use_compilation_cache
from kobai.course import learner
from kobai.course.exercise import chosen
from kobai.course.slopes import explained
from kobai.engine.run import Run
from kobai.engine.strategy import Strategy
from kobai.optimizers.base import Optimizer
from kobai.questions.diagnosis import healthy, signs, table
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.confirm import LEVEL, Confirmation, compared, runs
from kobai.questions.diagnosis.cure import END, STEPS, Cure, Remedy
from kobai.questions.diagnosis.examine import examine, instruments_for
from kobai.questions.diagnosis.sites import STATE
from kobai.questions.diagnosis.troubles import troubles
from kobai.tasks.task import Task
from kobai.words import say

SEEDS = range(8)
"""On which a remedy is tried: eight pairs can establish an effect."""
STARTS = 16
"""From which one is chosen, where that is the remedy."""
PART = 0.8
"""Of the validation loss at the start, or of the best constant answer, whichever is lower: where no target is
set, the steps are counted to it."""


def restarted(setting: Setting) -> Cure:
    """Train from several initial values, and keep what has the lowest training loss: beside one that goes on.

    Both cost as many steps.
    """
    going_on = dataclasses.replace(setting, steps=STARTS * setting.steps)
    return Cure("restarts", {"new": STARTS, "steps": going_on.steps}, setting, END, against=going_on)


def trained(task: Task, optimizer: Optimizer, initializer: str, steps: int, **parts: Any) -> Setting:
    """A training, with these parts of a strategy."""
    return Setting(task, optimizer, initializers.parse(initializer), Strategy(**parts), steps)


@dataclasses.dataclass(frozen=True, eq=False)
class Patient:
    """A sick training: what the instruments saw of it.

    Fields:
      case: all that was measured.
      remedies: what may be tried, by its letter.
      by: what judges a remedy: the steps to a target, or the loss at the end.
      lesson: whose learners are asked what it has, and what helps.
      explained: the part of the loss's differences that the gradient foretells (`slopes.explained`).
      target: the validation loss that is the target; None: a `PART` of where it begins.
    """

    case: Case
    remedies: Mapping[str, Remedy]
    by: str
    lesson: str
    explained: float
    target: float | None = None

    @property
    def loss(self) -> np.ndarray:
        """[steps]: the loss of each step's batch; NaN after a divergence."""
        losses = np.full(self.case.setting.steps, np.nan)
        seen = self.case.records[0].loss
        losses[: len(seen)] = np.where(np.isfinite(seen), seen, np.nan)
        return losses

    @property
    def ends(self) -> tuple[float, float]:
        """The loss on all training examples, before the first step and after the last."""
        first, *_, last = self.case.records[0].train[:, 0]
        return float(first), float(last)

    @property
    def gradients(self) -> np.ndarray:
        """[looks, places]: the length of the gradient that arrives at each place.

        The places are the layers' weights, of a recurrent network the times; from the first to the last.
        Looks at which none arrives are left out.
        """
        record = self.case.records[0]
        weights = [i for i, name in enumerate(self.case.arrays) if name.endswith("weights")]
        reach = record.gradient[:, weights]
        for unit, site in zip(record.units, self.case.sites, strict=True):
            if site.kind == STATE:  # the one before the first time is no result of any weights
                reach = unit["reach"][:, 1:]
        return reach[np.isfinite(reach).all(axis=1) & (reach[:, -1] > 0)]

    @property
    def standstill(self) -> float:
        """The longest share of the steps in which nothing is learned."""
        return self._stalled[1]

    @property
    def _stalled(self) -> tuple[int, float]:
        """(step where the standstill begins, share of the steps)."""
        record = self.case.records[0]
        return signs.stalled(record, float(np.fmin(self.case.level, record.train[0, 0])))

    @property
    def lowest(self) -> float:
        """The Hessian's lowest eigenvalue over the loss, amid the standstill; without one, at the end."""
        return self._eigenvalues[0]

    @property
    def highest(self) -> float:
        """The largest one at the same place, over the loss there."""
        return self._eigenvalues[1]

    @property
    def _eigenvalues(self) -> tuple[float, float]:
        record, steps = self.case.records[0], self.case.setting.steps
        begin, share = self._stalled
        middle = begin + share * steps / 2 if share >= healthy.STALLED else steps
        at = min(record.curvature, key=lambda step: abs(step - middle))
        loss = float(record.train[record.marks == at, 0][0])
        low, high, _ = record.curvature[at]
        return low / loss, high / loss

    @property
    def averaged(self) -> float:
        """How much lower the loss is at the mean of the last quarter's points, as a part of its start."""
        return signs.averaged(self.case.records[0])

    @property
    def updates(self) -> np.ndarray:
        """[steps, arrays]: the length of each step's update of each array, as long as all are finite."""
        return self._lengths(self.case.records[0].updates)

    @property
    def weights(self) -> np.ndarray:
        """[steps, arrays]: the length of each array before the step, as long as all updates are finite."""
        return self._lengths(self.case.records[0].weights)

    def _lengths(self, lengths: np.ndarray) -> np.ndarray:
        record = self.case.records[0]
        return lengths[np.isfinite(record.updates).all(axis=1) & np.isfinite(record.weights).all(axis=1)]

    @property
    def apart(self) -> float:
        """The spread of the widest input column over the median one."""
        return self.case.facts.apart

    @property
    def alike(self) -> float:
        """The share of a layer's units that have another's weights, at the beginning and at the end."""
        return float(signs.alike(self.case.records[0]).max())

    @property
    def saturated(self) -> tuple[float, float]:
        """The share of saturated values, at the beginning and at the end."""
        shares = np.nan_to_num(signs.saturated(self.case.records[0], self.case.sites).max(axis=0))
        return float(shares[0]), float(shares[-1])

    @property
    def forgotten(self) -> float:
        """How far the validation loss has risen again from its lowest, as a part of its way down."""
        return signs.forgotten(self.case.records[0])

    @property
    def jump(self) -> float:
        """The longest gradient over the longest of all before it; 1: none stands out."""
        return signs.spike(self.case.records[0])[1]

    @property
    def starts(self) -> float:
        """The lowest final validation loss among eight starts, this one among them, over that of this one."""
        ends = np.array([run.validation_loss[-1] for run in self._runs[0]], float)
        return float(np.nanmin(ends) / ends[0]) if np.isfinite(ends[0]) else np.nan

    @property
    def diagnosis(self) -> str:
        """What kobai says of it: the strongest trouble with its evidence.

        Raises:
          UsageError: before the learner's own answer is right.
        """
        self._opened("troubles")
        strongest = next(iter(troubles(self.case)), None)
        if strongest is None:
            return say("diagnose.nothing")
        return f"{table.name(strongest)}: {table.evidence(strongest)}"

    @property
    def trials(self) -> Mapping[str, Confirmation]:
        """What each remedy does, by its letter; those that would change nothing are left out.

        Raises:
          UsageError: before the learner's own answer is right.
        """
        self._opened("remedies")
        return {letter: self._trial(letter) for letter in self._cures}

    def _opened(self, part: str) -> None:
        exercise = f"{self.lesson}.{part}"
        if exercise not in learner.right:
            raise UsageError("error.sealed", exercise=exercise)

    def treated(self, remedy: str) -> str:
        """What one of its remedies does to it, on eight paired seeds.

        Raises:
          UsageError: for a remedy that is none.
        """
        if remedy not in self.remedies:
            raise unknown("kind.remedy", remedy, self.remedies)
        if remedy not in self._cures:
            return say("course.ward.unchanged")
        return table.cure(self._trial(remedy))

    @functools.cached_property
    def _cures(self) -> dict[str, Cure]:
        made = {letter: make(self.case.setting) for letter, make in self.remedies.items()}
        return {letter: cure for letter, cure in made.items() if cure is not None}

    @functools.cached_property
    def _runs(self) -> list[list[Run]]:
        """The training as it is, and with each remedy that leaves its task and its length: in one program."""
        alike = [cure.setting for cure in self._cures.values() if self._is_alike(cure)]
        return runs([self.case.setting, *alike], SEEDS)

    def _is_alike(self, cure: Cure) -> bool:
        return cure.setting.task is self.case.setting.task and cure.against is None

    def _trial(self, letter: str) -> Confirmation:
        """What a remedy does: tried when it is asked for, with all that leave the task or alone."""
        if letter not in self._tried:
            self._tried[letter] = self._compared(letter)
        return self._tried[letter]

    @functools.cached_property
    def _tried(self) -> dict[str, Confirmation]:
        return {}

    def _compared(self, letter: str) -> Confirmation:
        cure = self._cures[letter]
        if cure.against:
            return self._restarted
        before, *after = self._runs
        own = [each for each, cure in self._cures.items() if self._is_alike(cure)]
        treated = after[own.index(letter)] if letter in own else runs([cure.setting], SEEDS)[0]
        start = float(np.median([run.validation_metric[0] for run in before]))
        without = self.case.constant.metric
        target = PART * float(np.fmin(start, without)) if self.target is None else self.target
        return compared(self.case.setting, cure._replace(by=self.by), before, treated, LEVEL, target)

    @functools.cached_property
    def _restarted(self) -> Confirmation:
        """The best of each seed's starts, the first of them its own, beside one training as long as all."""
        setting = self.case.setting
        cure = restarted(setting)
        assert cure.against is not None
        seeds = [seed + start * len(SEEDS) for seed in SEEDS for start in range(STARTS)]
        every = iter(runs([setting], seeds)[0])
        best = [min(itertools.islice(every, STARTS), key=_end) for _ in SEEDS]
        return compared(setting, cure, runs([cure.against], SEEDS)[0], best, LEVEL)


def _end(run: Run) -> float:
    """The training loss at the end; infinite after a divergence."""
    return float(np.nan_to_num(run.training_loss[-1], nan=np.inf))


def examined(
    lesson: str,
    settings: Mapping[str, Setting],
    remedies: Mapping[str, Remedy],
    by_the_end: Collection[str],
    targets: Mapping[str, float],
) -> dict[str, Patient]:
    """The patients of a lesson; of some a remedy is judged by the loss at the end, of some by a target."""
    use_compilation_cache()
    ward: dict[str, Patient] = {}
    for kind in dict.fromkeys(setting.task.name for setting in settings.values()):
        own = {name: setting for name, setting in settings.items() if setting.task.name == kind}
        instruments = instruments_for(list(own.values()))
        for name, setting in own.items():
            case = examine(setting, [0], instruments)
            by = END if name in by_the_end else STEPS
            agreement = explained(instruments, setting)
            ward[name] = Patient(case, remedies, by, lesson, agreement, targets.get(name))
    return {name: ward[name] for name in settings}


def treatments(ward: Mapping[str, Patient], answer: object) -> Iterator[str]:
    """A line for each patient: what the remedy did that was chosen for it, "bdeddcg" or "A:b B:d …"."""
    for (name, each), remedy in zip(ward.items(), chosen(answer, len(ward)), strict=False):
        if remedy in each.remedies:
            yield f"{name} ({remedy}) {each.treated(remedy)}"
