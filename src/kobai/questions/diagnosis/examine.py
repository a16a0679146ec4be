"""The examination: a setting trained with instruments on some seeds, and once with shuffled labels."""

import dataclasses
from collections.abc import Callable, Sequence

from kobai.engine.cell import Cell
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.constant import constant
from kobai.questions.diagnosis.facts import facts, shuffled
from kobai.questions.diagnosis.instruments import Instruments
from kobai.questions.diagnosis.record import Data, record


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
    cell = Cell(setting.optimizer, setting.initializer, seeds[0], setting.strategy)
    data = Data.of(task.train, task.validation)
    records = []
    for seed in seeds:
        records.append(record(own, dataclasses.replace(cell, seed=seed), data, setting.steps, task))
        advance(1)
    mixed = shuffled(task.train)
    control = None
    if mixed is not None:
        control = record(own, cell, Data.of(mixed, task.validation), setting.steps, task)
    advance(1)
    return Case(
        setting=setting,
        facts=facts(task.train),
        arrays=[place.name for place in task.places],
        sites=own.sites,
        records=records,
        control=control,
        constant=constant(own, task),
    )
