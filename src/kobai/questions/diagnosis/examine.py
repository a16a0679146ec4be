"""The examination: a setting trained with instruments on some seeds, and once with shuffled labels.

Where something draws its weights to zero, the seeds are trained without that, too.
"""

from collections.abc import Callable, Iterator, Sequence

from kobai.engine.cell import Cell
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.constant import constant
from kobai.questions.diagnosis.facts import facts, shuffled
from kobai.questions.diagnosis.instruments import Instruments
from kobai.questions.diagnosis.record import Data, Record, record


def instruments_for(settings: Sequence[Setting]) -> Instruments:
    """The instruments for settings whose tasks differ in their data alone."""
    optimizers = [setting.optimizer for setting in settings]
    return Instruments(settings[0].task, optimizers, [setting.strategy for setting in settings])


def examine(
    setting: Setting,
    seeds: Sequence[int],
    instruments: Instruments | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Case:
    """What is measured of a setting.

    Args:
      seeds: of the trainings.
      instruments: for a task of the same shapes, where there are any.
      advance: told after each training that one more is done.
    """
    own = instruments or instruments_for([setting])
    task = setting.task
    data = Data.of(task.train, task.validation)

    def cell(setting: Setting, seed: int) -> Cell:
        return Cell(setting.optimizer, setting.initializer, seed, setting.strategy)

    def of_seeds(setting: Setting) -> Iterator[Record]:
        for seed in seeds:
            yield record(own, cell(setting, seed), data, setting.steps, task)
            advance(1)

    records = list(of_seeds(setting))
    undecayed = list(of_seeds(setting.undecayed)) if setting.decay else []
    mixed = shuffled(task.train)
    control = None
    if mixed is not None:
        control = record(own, cell(setting, seeds[0]), Data.of(mixed, task.validation), setting.steps, task)
    advance(1)
    return Case(
        setting=setting,
        facts=facts(task.train),
        arrays=[place.name for place in task.places],
        sites=own.sites,
        records=records,
        control=control,
        constant=constant(own, task),
        undecayed=undecayed,
    )
