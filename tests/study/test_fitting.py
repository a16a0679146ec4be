"""A study that is given its time: what it leaves out, that it keeps to it, and what it says."""

import dataclasses
import functools
import math

import numpy as np
import pytest

import kobai
from arrivals import Quiet
from kobai import initializers as initial_values
from kobai.basics import interruption
from kobai.candidates.grid import candidates
from kobai.questions.comparison import opening, sentences, terminal
from kobai.study import allowance, fitting, looks, protocol, record, runner
from kobai.study.answer import answer
from kobai.study.asked import questions
from kobai.study.store import Store
from kobai.study.study import CONFIRMATION, TUNING, Study
from studies import arrival_engine, blob_task

COST = {"sgd": 1.0, "adam": 2.0}
"""Seconds of one core that a training takes, unless a test says otherwise."""


def noisy(cell):
    """Equals, each with draws of its own."""
    draws = np.random.default_rng([cell.seed, isinstance(cell.optimizer, kobai.SGD)])
    return round(50 * math.exp(0.25 * draws.normal()))


class Clock:
    """Shows what the trainings so far have taken."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Heard(Quiet):
    def __init__(self):
        self.sentences = []

    def tell(self, sentence):
        self.sentences.append(sentence)


def arrival(cell):
    """The best rates are the fourth of sgd's grid, 0.1, and the sixth of adam's, 0.0316."""
    best, base = (0.1, 40) if isinstance(cell.optimizer, kobai.SGD) else (0.0316, 20)
    return base + 30 * abs(cell.optimizer.learning_rate / best - 1) + (7 * cell.seed) % 5


class OneByOne:
    """A place that runs one cell after another."""

    def run(self, sweep, cells):
        for i, cell in enumerate(cells):
            if interruption.is_winding_up():
                return
            yield [i], sweep.train([cell], lambda: False)


class Identity:
    """What a cell is, by its names."""

    def of_seeds(self, cell, seeds):
        return [self.of(dataclasses.replace(cell, seed=seed)) for seed in seeds]

    def of_task(self):
        return {"name": "blobs", "data": "", "program": ""}

    def of(self, cell):
        return f"{cell.optimizer} {cell.initializer.name} {cell.seed}"


def timed_engine(clock, cost, arrives):
    """An engine of one thread, whose trainings take cost(cell) seconds of the clock."""

    class Engine(arrival_engine(arrives)):
        chunk, identity = 1, Identity()

        def _run(self, cell):
            seconds = cost(cell)
            clock.now += seconds
            return dataclasses.replace(super()._run(cell), seconds=seconds)

    return Engine


def usual(cell):
    return COST["sgd" if isinstance(cell.optimizer, kobai.SGD) else "adam"]


class Given:
    """A study of two optimizers that is given some time."""

    def __init__(self, monkeypatch, budget, cost=usual, arrives=arrival, folder=None, **options):
        self.clock, self.heard = Clock(), Heard()
        monkeypatch.setattr(runner, "Sweep", timed_engine(self.clock, cost, arrives))
        given = allowance.allowance(budget, None, ["steps"], clock=self.clock)
        tried = functools.partial(candidates, ["sgd", "adam"], None, None)
        said = [options.pop(name, usual) for name, usual in (("least", 1), ("tuned", None))]
        rungs = allowance.ladder(tried, *said)
        values = {
            "task": blob_task(),
            "candidates": tried(1),
            "initializers": [initial_values.parse(name) for name in ("he", "xavier")],
            "steps": 100,
            "evaluate_every": 1,
            "allowance": dataclasses.replace(given, rungs=rungs),
        }
        with interruption.checked():
            self.outcome = protocol.run(Study(**values | options), self.heard, folder, OneByOne())

    @functools.cached_property
    def answer(self):
        return answer(self.outcome)

    @property
    def plan(self):
        study = self.outcome.study
        return study.every, study.tuning_seeds, study.seeds

    def trained(self, phase):
        return self.outcome.cells.filter(phase=phase).height

    def notes(self):
        return [note.key for note in self.answer.notes]


PLANS = [(60, 8, 1), (80, 4, 1), (120, 2, 1), (150, 1, 1), (300, 1, 3), (600, 1, 5)]
"""Seconds -> of the rates one in so many, tuning seeds."""


@pytest.mark.parametrize(("seconds", "every", "tuning_seeds"), PLANS)
def test_the_largest_study_that_fits_is_run_within_its_time(monkeypatch, seconds, every, tuning_seeds):
    ran = Given(monkeypatch, seconds)
    assert ran.plan[:2] == (every, tuning_seeds)
    assert ran.trained(TUNING) == 2 * 2 * 8 // every * tuning_seeds
    assert 0.75 * seconds < ran.clock.now + fitting.ANSWER < 1.1 * seconds
    assert ran.trained(CONFIRMATION) % ran.plan[2] == 0
    assert ran.outcome.planned == 0
    [planned] = [str(note) for note in ran.answer.notes if note.key.startswith("note.budget")]
    assert f"fit into {seconds} seconds" in planned or seconds >= 90
    assert ("note.budget" if every == 1 else "note.budget.part") in ran.notes()


def test_more_time_never_makes_a_smaller_study(monkeypatch):
    plans = [Given(monkeypatch, seconds).plan for seconds in (50, 90, 200, 400)]
    assert plans == sorted(plans, key=lambda plan: (-plan[0], plan[1], plan[2]))
    assert len(set(plans)) == 4


def test_time_without_end_ends_at_the_most_seeds(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_SEEDS", 30)
    ran = Given(monkeypatch, "9d")
    assert ran.plan[:2] == (1, 5)
    assert 27 <= ran.plan[2] <= 30


def test_where_not_even_the_least_fits_it_is_run_and_said(monkeypatch):
    ran = Given(monkeypatch, 10)
    assert ran.plan[:2] == (8, 1)
    assert ran.plan[2] in (1, 2, 3)  # those that are complete when the time is over
    assert any("more than it is given" in sentence for sentence in ran.heard.sentences)
    assert ran.answer.optimizer is not None
    assert "note.sketch.budget" in ran.notes()
    assert "note.sketch" not in ran.notes()  # whose remedy, --seeds, would be refused


def test_a_machine_that_slows_down_gets_an_answer_of_the_seeds_that_are_complete(monkeypatch):
    """From the sixth fresh training on each takes thirty seconds in place of one."""
    count = iter(range(10**6))

    def slower(cell):
        return 30.0 if cell.seed >= 1000 and next(count) >= 5 else 1.0

    ran = Given(monkeypatch, 120, slower)
    assert ran.outcome.planned > ran.outcome.study.seeds > 0
    assert "note.stopped" in ran.notes()
    assert ran.clock.now < 1.1 * 120 + 30  # what was in hand is finished
    monkeypatch.setattr(interruption, "wind_up", lambda: None)
    count = iter(range(10**6))
    assert Given(monkeypatch, 120, slower).clock.now > 3 * 120  # nobody looks at the clock


def test_the_number_of_fresh_seeds_depends_on_time_alone(monkeypatch):
    """The same trainings with other results: the same plan."""
    others = (arrival, lambda cell: 90 - arrival(cell) % 50, lambda _: 50)
    plans = {Given(monkeypatch, 200, lambda _: 1.0, arrives).plan for arrives in others}
    assert len(plans) == 1


def test_what_was_said_is_kept(monkeypatch):
    fixed = Given(monkeypatch, 200, tuned=2)
    assert fixed.plan[:2] == (1, 2)
    quick = Given(monkeypatch, 200, least=2, tuned=1)
    assert quick.plan[:2] == (2, 1)


def test_the_same_question_again_answers_at_once_and_a_longer_one_goes_on(monkeypatch, tmp_path):
    first = Given(monkeypatch, 80, folder=tmp_path)
    again = Given(monkeypatch, 80, folder=tmp_path)
    assert (again.plan, again.clock.now, again.outcome.trained) == (first.plan, 0, 0)
    longer = Given(monkeypatch, 150, folder=tmp_path)
    assert longer.outcome.reused > 0
    assert longer.plan[0] < first.plan[0]
    assert longer.clock.now < 1.1 * 150


def test_an_answer_that_came_early_is_kept_and_the_same_question_goes_on_from_it(monkeypatch, tmp_path):
    late = iter(range(10**6))

    def slower(cell):
        return 30.0 if cell.seed >= 1000 and next(late) >= 5 else 1.0

    early = Given(monkeypatch, 120, slower, folder=tmp_path)
    assert early.outcome.planned > early.outcome.study.seeds > 0
    opened = opening.open(tmp_path)
    assert opened.outcome.planned == early.outcome.planned
    assert terminal.text(opened.answer) == terminal.text(early.answer)
    [asked] = [each for each in questions(Store(tmp_path, reading=True)) if each.finished]
    assert set(asked.phases["confirmation"].seeds) == set(early.outcome.study.confirmation_seeds)
    whole = Given(monkeypatch, 120, lambda _: 1.0, folder=tmp_path)
    assert (whole.outcome.planned, opening.open(tmp_path).outcome.planned) == (0, 0)
    assert whole.outcome.reused > early.outcome.study.seeds


def test_a_growing_study_ends_when_no_time_is_left_for_a_look(monkeypatch):
    short = Given(
        monkeypatch,
        150,
        arrives=noisy,
        within=0.001,
        seeds=8,
    )
    assert short.answer.stop.why == looks.TIME
    assert short.outcome.planned == 0  # it ends between two looks by the clock of its time, not in one
    assert short.outcome.study.seeds < 40
    assert "no time is left" in sentences.stopping(short.answer)
    assert short.clock.now < 1.1 * 150


def test_a_study_keeps_its_time_in_its_record(monkeypatch):
    ran = Given(monkeypatch, 80)
    read = record.read(record.written(ran.outcome.study))
    assert (read.allowance.seconds, read.every) == (80, 4)
    usual_study = dataclasses.replace(ran.outcome.study, allowance=None, every=1)
    assert record.read(record.written(usual_study)).allowance is None
