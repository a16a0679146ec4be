"""What is wrong with this training? ``kobai.diagnose("digits", optimizer="sgd", learning_rate=3.0)``."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxtyping import PyTree

from kobai import initializers as initial_values
from kobai.basics.checks import TRUTH, check_arguments, check_count, is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.basics.machine import use_compilation_cache
from kobai.basics.progress import progress_bar
from kobai.basics.roles import Roles
from kobai.candidates.named import named
from kobai.candidates.values import hyperparameters_of
from kobai.engine.parts import check_steps
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.questions.diagnosis.case import Setting
from kobai.questions.diagnosis.confirm import LEVEL, confirmed
from kobai.questions.diagnosis.cures import CURES
from kobai.questions.diagnosis.examine import examine
from kobai.questions.diagnosis.outcome import Diagnosis, frame
from kobai.questions.diagnosis.result import DiagnosisResult
from kobai.questions.diagnosis.troubles import troubles
from kobai.questions.subject import subject
from kobai.report.result import call
from kobai.schedules import Schedule
from kobai.stabilizers.clipping import Clip
from kobai.stabilizers.regularization import Penalty, WeightDecay
from kobai.study import statistics
from kobai.study.axes import KINDS, OF_TASK, strategy
from kobai.study.budget import Epoch
from kobai.study.setting import Setting as Recommended
from kobai.tasks.check import check_start, check_task
from kobai.tasks.frameworks.data import Data
from kobai.tasks.frameworks.makers import Model
from kobai.tasks.load import TaskSource
from kobai.tasks.table import Frame
from kobai.words import current
from kobai.words import language as speaking

FEWEST = 20
"""Steps of a training in which anything can be seen."""


@guard
def diagnose(
    task: TaskSource | Path | Frame | Model,
    data: Data = None,
    *,
    optimizer: str | type[Optimizer] | Optimizer | None = None,
    learning_rate: float | None = None,
    initializer: str | Initializer | None = None,
    clip: str | Clip | None = None,
    l1: float | Penalty | None = None,
    l2: float | Penalty | None = None,
    weight_decay: float | WeightDecay | None = None,
    schedule: str | Schedule | None = None,
    setting: Recommended | None = None,
    loss: Callable[..., PyTree] | str | None = None,
    metric: Callable[..., PyTree] | str | None = None,
    roles: Roles | None = None,
    label: str | None = None,
    kind: str | None = None,
    leave_out: str | Sequence[str] | None = None,
    validation: float | None = None,
    test: float | None = None,
    split_seed: int | None = None,
    hidden: int | Sequence[int] | None = None,
    activation: str | None = None,
    batch_norm: str | bool | None = None,
    batch_size: int | str | None = None,
    steps: int | str = 300,
    seeds: int = 3,
    cure: bool = False,
    cure_seeds: int = 10,
    language: str | None = None,
    progress: bool = True,
    command: str | None = None,
) -> DiagnosisResult:
    """What is wrong with a training, why, and what to do about it.

    A few seeds are trained with instruments in the compiled program, and the first once more with shuffled
    labels. What is measured is held against healthy trainings (`kobai.questions.diagnosis.healthy`); every
    trouble is named with its evidence, its place and its step, strongest first, and with its remedy. With
    `cure` the remedies are tried on the same seeds, one after another until one helps.

    Args:
      task, data, loss, metric, roles: as `compare` takes them.
      optimizer: the update rule: a name, a class or an instance. Default: adam.
      learning_rate: in place of the rule's own.
      initializer: the initial weights. Default: the task's first, else he.
      clip, l1, l2, weight_decay, schedule: what is done beside the rule, as in `kobai.compare`.
      setting: what a comparison recommends, ``kobai.open(folder).best``; what is said beside it stands in its
        place.
      label, kind, leave_out, validation, test, split_seed: of a table or a model, as `compare` takes them.
      hidden, activation, batch_norm, batch_size: one value each, as `compare` takes them.
      steps: updates, at least 20, or epochs: "5epochs".
      seeds: of the trainings.
      cure: try the remedies.
      cure_seeds: of each of these trials; at least 8, for fewer can confirm nothing.
      language: "en" or "ja", for this call.
      progress: show a progress bar.
      command: what the page says reproduces it. Default: this call.

    Returns:
      A `DiagnosisResult`: prints the troubles; holds them as ``result.troubles``, a table, figures, a page.

    Raises:
      UsageError: for anything that cannot be trained, before any training.
    """
    arguments = dict(locals())
    shown = ("task", "data", "loss", "metric", "roles", "optimizer", "initializer", "setting")
    command = command or call(diagnose, arguments, {name: name for name in shown})
    said = {"clip": clip, "l1": l1, "l2": l2, "weight_decay": weight_decay, "schedule": schedule}
    with speaking(language):
        check_arguments("diagnose", {"cure": cure}, {"cure": TRUTH})
        for name, count in (("seeds", seeds), ("cure_seeds", cure_seeds)):
            check_count(name, count, 10**4)
        if cure:
            _check_enough(cure_seeds)
        if setting is not None and not isinstance(setting, Recommended):
            raise UsageError("error.diagnose.setting", value=quoted(setting))
        name, meant = _setting(arguments, _Asked(optimizer, learning_rate, initializer, said, setting), steps)
        use_compilation_cache()
        with progress_bar(progress) as bar:
            bar.phase("diagnosis", (2 if meant.decay else 1) * seeds + 1)
            case = examine(meant, range(seeds), advance=bar.advance)
            found = troubles(case)
            confirmations = {}
            if cure and found:
                bar.phase("cures", sum(len(CURES.get(trouble.name, ())) for trouble in found))
                for trouble in found:
                    confirmations[trouble.name] = tuple(
                        confirmed(case, trouble, range(cure_seeds), bar.advance)
                    )
        diagnosis = Diagnosis(case, name, found, range(seeds), confirmations)
        return DiagnosisResult(
            table=frame(diagnosis), command=command, language=current(), diagnosis=diagnosis
        )


def _check_enough(cure_seeds: int) -> None:
    """Refuse so few seeds that no cure of a trouble could be confirmed (`confirm.LEVEL`), whatever it did."""
    most = max(map(len, CURES.values()))
    fewest = statistics.seeds_needed(most, LEVEL)
    if fewest is not None and cure_seeds < fewest:
        raise UsageError("error.diagnose.cure_seeds", fewest=fewest, cures=most, value=cure_seeds)


class _Asked(NamedTuple):
    """The setting as a caller says it."""

    optimizer: object
    learning_rate: float | None
    initializer: str | Initializer | None
    parts: dict[str, Any]
    setting: Recommended | None


def _setting(arguments: dict[str, Any], asked: _Asked, steps: int | str) -> tuple[str, Setting]:
    """What the optimizer is called, and the setting that is meant, checked."""
    optimizer, initializer = asked.optimizer or "adam", asked.initializer
    parts = {name: KINDS[name](value)[1] for name, value in asked.parts.items() if value is not None}
    of_task = {name: arguments.get(name) for name in OF_TASK}
    if asked.setting is not None:
        best = asked.setting
        optimizer = asked.optimizer or best.optimizer
        initializer = asked.initializer or best.initializer
        of_task |= {name: best.parts.get(name) for name, own in of_task.items() if own is None}
        parts = {name: part for name, part in best.parts.items() if name not in OF_TASK} | parts
    task = subject(arguments | of_task)
    check_task(task)
    choice = named(optimizer)
    rule = _with_rate(choice.method, asked.learning_rate, optimizer)
    start = initial_values.parse(initializer or next(iter(task.initializers or ()), "he"))
    check_start(task, task.filled(start, 0))
    number: int = Epoch([task]).steps("steps", steps)
    check_count("steps", number, 10**6)
    if number < FEWEST:
        raise UsageError("error.diagnose.steps", fewest=FEWEST, value=number)
    beside = strategy(parts)
    check_steps([beside], number)
    return choice.name, Setting(task, rule, start, beside, number)


def _with_rate(method: object, rate: float | None, given: object) -> Optimizer:
    """The update rule with another learning rate, if one is given."""
    if not isinstance(method, Optimizer):
        raise UsageError("error.diagnose.optimizer", value=quoted(given))
    if any(isinstance(value, list) for value in hyperparameters_of(method).values()):
        raise UsageError("error.diagnose.grid", value=quoted(given))
    if rate is None:
        return method
    if not hasattr(method, "learning_rate"):
        raise UsageError("error.diagnose.rate", value=quoted(given))
    if not is_number(rate):
        raise UsageError("error.numbers", name="learning_rate", value=quoted(rate))
    change: Any = {"learning_rate": float(rate)}
    return dataclasses.replace(method, **change)
