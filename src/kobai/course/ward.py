"""Sick trainings, those of lesson 3_10: what was measured of each, and what a remedy does to it.

A patient is trained once a session, with the instruments of `kobai.diagnose`; what they saw is given as plain
arrays, from which a learner computes evidence. A remedy is tried on paired seeds, as ``--cure`` does::

    ward = patients()
    ward["A"].gradients          # [looks, places]: the gradient that arrives there
    print(ward["A"].treated("b"))
    print(ward["A"].diagnosis)   # kobai's own
"""

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping

import jax.numpy as jnp
import numpy as np

from kobai import initializers
from kobai.basics.arrays import Array, Scalar
from kobai.basics.errors import unknown
from kobai.basics.machine import use_compilation_cache
from kobai.course.exercise import chosen
from kobai.engine.strategy import Strategy
from kobai.networks import mlp, rnn
from kobai.networks.network import Network
from kobai.optimizers.adam import Adam
from kobai.optimizers.sgd import SGD
from kobai.questions.diagnosis import healthy, signs, table
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.confirm import LEVEL, Confirmation, compared, runs
from kobai.questions.diagnosis.cures import END, STEPS, Remedy, adam, clipped, falling, initial, rate
from kobai.questions.diagnosis.examine import examine, instruments_for
from kobai.questions.diagnosis.sites import STATE
from kobai.questions.diagnosis.troubles import troubles
from kobai.tasks.of_network import task_of
from kobai.tasks.task import Task
from kobai.words import say

SEEDS = range(8)
"""On which a remedy is tried: eight pairs can establish an effect."""
PART = 0.5
"""Of the validation loss at the start: where no target is set, the steps are counted to it."""

# What is learned. Tasks of one kind have equal shapes, so that their instruments are compiled once.

TRAINING = 256


def curve(offset: float = 0.0, noise: float = 0.0) -> Task:
    """sin x₁ from eight inputs, moved up by `offset`, with noise; by a loss that ignores what is far off."""

    def robust(outputs: Array, y: Array) -> Scalar:
        return jnp.mean(1 - jnp.exp(-((outputs - y) ** 2) / 2))

    random = np.random.RandomState(10)
    x = random.uniform(-2, 2, (2 * TRAINING, 8)).astype(np.float32)
    y = np.sin(x[:, :1]) + offset + noise * random.standard_normal((len(x), 1))
    network = mlp.network((8, 10, 1), "tanh")
    return _task("curve", network, robust, x, y.astype(np.float32), batch_size=4)


def mean_of_sequence() -> Task:
    """4 × the mean of twelve numbers − 2, read one after another by a recurrent network of ReLU."""

    def squared_error(outputs: Array, y: Array) -> Scalar:
        return jnp.mean((outputs[:, 0] - y) ** 2)

    random = np.random.RandomState(10)
    x = random.uniform(0, 1, (384, 12, 1)).astype(np.float32)
    network = rnn.network(1, 12, 1, cell="elman", activation="relu")
    return _task("sequence", network, squared_error, x, 4 * x.mean(axis=1) - 2, batch_size=16)


def _task(
    name: str,
    network: Network,
    loss: Callable[[Array, Array], Scalar],
    x: np.ndarray,
    y: np.ndarray,
    *,
    batch_size: int,
) -> Task:
    return task_of(
        network,
        name=name,
        loss=loss,
        train=(x[:TRAINING], y[:TRAINING]),
        validation=(x[TRAINING:], y[TRAINING:]),
        batch_size=batch_size,
    )


def trained(task: Task, optimizer: Adam | SGD, initializer: str, steps: int) -> Setting:
    return Setting(task, optimizer, initializers.parse(initializer), Strategy(), steps)


@functools.cache
def settings() -> dict[str, Setting]:
    """The patients by name, as they were trained."""
    return {
        "A": trained(curve(noise=0.5), SGD(1.0), "xavier", 200),
        "B": trained(mean_of_sequence(), Adam(0.005), "normal:0.02", 200),
        "C": trained(curve(offset=5), SGD(0.1), "xavier", 200),
        "D": trained(mean_of_sequence(), SGD(0.03), "normal:1", 100),
        "E": trained(curve(), SGD(0.05), "normal:0.0001", 200),
    }


# What was measured


@dataclasses.dataclass(frozen=True, eq=False)
class Patient:
    """A sick training: what the instruments saw of it.

    Fields:
      case: all that was measured.
      remedies: what may be tried, by its letter.
      by: what judges a remedy: the steps to a target, or the loss at the end.
      target: the validation loss that is the target; None: a `PART` of the one at the start.
    """

    case: Case
    remedies: Mapping[str, Remedy]
    by: str
    target: float | None = None

    @property
    def loss(self) -> np.ndarray:
        """[steps]: the loss of each step's batch; NaN after a divergence."""
        losses = np.full(self.case.setting.steps, np.nan)
        seen = self.case.records[0].loss
        losses[: len(seen)] = np.where(np.isfinite(seen), seen, np.nan)
        return losses

    @property
    def gradients(self) -> np.ndarray:
        """[looks, places]: the length of the gradient that arrives at each place.

        The places are the layers' weights, of a recurrent network the times; from the first to the last.
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
        record, control = self.case.records[0], self.case.control
        start = float(record.train[0, 0])
        return signs.stalled(record, start if control is None else min(signs.level(control), start))

    @property
    def lowest(self) -> float:
        """The Hessian's lowest eigenvalue over the loss, amid the standstill; without one, at the end."""
        record, steps = self.case.records[0], self.case.setting.steps
        begin, share = self._stalled
        middle = begin + share * steps / 2 if share >= healthy.STALLED else steps
        at = min(record.curvature, key=lambda step: abs(step - middle))
        return record.curvature[at][0] / float(record.train[record.marks == at, 0][0])

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
    def diagnosis(self) -> str:
        """What kobai says of it: the strongest trouble with its evidence."""
        strongest = troubles(self.case)[0]
        return f"{table.name(strongest)}: {table.evidence(strongest)}"

    def treated(self, remedy: str) -> str:
        """What one of its remedies does to it, on eight paired seeds.

        Raises:
          UsageError: for a remedy that is none.
        """
        if remedy not in self.remedies:
            raise unknown("kind.remedy", remedy, self.remedies)
        found = self.trials.get(remedy)
        return say("course.ward.unchanged") if found is None else table.cure(found)

    @functools.cached_property
    def trials(self) -> dict[str, Confirmation]:
        """What each remedy does, by its letter; those that would change nothing are left out.

        Those that change the task need programs of their own; the others have one.
        """
        setting = self.case.setting
        tried = {
            letter: cure for letter, make in self.remedies.items() if (cure := make(setting)) is not None
        }
        alike = {letter: cure for letter, cure in tried.items() if cure.setting.task is setting.task}
        before, *after = runs([setting, *(cure.setting for cure in alike.values())], SEEDS)
        start = float(np.median([run.validation_metric[0] for run in before]))
        target = PART * start if self.target is None else self.target
        own = dict(zip(alike, after, strict=True))
        return {
            letter: compared(
                setting,
                cure._replace(by=self.by),
                before,
                own[letter] if letter in own else runs([cure.setting], SEEDS)[0],
                LEVEL,
                target,
            )
            for letter, cure in tried.items()
        }


def examined(
    settings: Mapping[str, Setting],
    remedies: Mapping[str, Remedy],
    by_the_end: Collection[str],
    target: float | None = None,
) -> dict[str, Patient]:
    """The patients of these settings; of some a remedy is judged by the loss at the end, not by a target."""
    use_compilation_cache()
    ward: dict[str, Patient] = {}
    for kind in dict.fromkeys(setting.task.name for setting in settings.values()):
        own = {name: setting for name, setting in settings.items() if setting.task.name == kind}
        instruments = instruments_for(list(own.values()))
        for name, setting in own.items():
            case = examine(setting, [0], instruments)
            ward[name] = Patient(case, remedies, END if name in by_the_end else STEPS, target)
    return {name: ward[name] for name in settings}


REMEDIES: Mapping[str, Remedy] = {
    "a": rate(10),
    "b": rate(1 / 10),
    "c": clipped,
    "d": initial("xavier"),
    "e": adam(0.03),
    "f": falling,
}
"""What may be chosen in lesson 3_10."""


@functools.cache
def patients() -> dict[str, Patient]:
    """The patients of lesson 3_10 by name; examined once a session."""
    return examined(settings(), REMEDIES, by_the_end="A")


def treatments(ward: Mapping[str, Patient], answer: object) -> Iterator[str]:
    """A line for each patient: what the remedy did that was chosen for it, "bdedd" or "A:b B:d …"."""
    for (name, each), remedy in zip(ward.items(), chosen(answer, len(ward)), strict=False):
        if remedy in each.remedies:
            yield f"{name} ({remedy}) {each.treated(remedy)}"
