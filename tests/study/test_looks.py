"""A study that grows until it is clear: when it ends, what it keeps, and what it says of itself."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

import kobai
from arrivals import Quiet
from kobai import initializers as initial_values
from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.engine.backends import THREADS
from kobai.questions.comparison import sentences
from kobai.study import looks, protocol, record, runner, statistics
from kobai.study.answer import answer
from kobai.study.study import CONFIRMATION, Study
from studies import arrival_engine, blob_task

RULES = (kobai.SGD(learning_rate=0.1), kobai.Adam(learning_rate=0.1), kobai.Momentum(learning_rate=0.1))


def noisy(*means, spread=0.25):
    """Arrivals around these means, of the rules one after another: log-normal, their own for each seed."""

    def arrival(cell):
        i = [type(rule) for rule in RULES].index(type(cell.optimizer))
        z = np.random.default_rng([cell.seed, i]).normal()
        return round(means[i] * math.exp(spread * z))

    return arrival


class Heard(Quiet):
    """Keeps what it is told."""

    def __init__(self):
        self.sentences = []

    def tell(self, sentence):
        self.sentences.append(sentence)


def grown(monkeypatch, arrivals, *, within=0.1, heard=None, backend=THREADS, optimizers=RULES, **options):
    monkeypatch.setattr(runner, "Sweep", arrival_engine(arrivals))
    given = {
        "task": blob_task(),
        "candidates": candidates(optimizers),
        "initializers": [initial_values.parse("he")],
        "steps": 1000,
        "evaluate_every": 2,
        "seeds": statistics.LOOKS[0],
        "within": within,
    }
    return protocol.run(Study(**(given | options)), heard or Quiet(), backend=backend)


def test_a_clear_study_ends_at_its_first_look(monkeypatch):
    outcome = grown(monkeypatch, noisy(100, 400, 400))
    said = answer(outcome)
    assert (outcome.study.seeds, len(said.seeds)) == (8, 8)
    assert (said.stop.why, said.stop.looks, said.stop.level) == (looks.ALONE, (8,), 0.99)
    assert said.optimizer.best_set == ("sgd",)


def test_equals_are_undecided_after_all_looks(monkeypatch):
    heard = Heard()
    outcome = grown(monkeypatch, noisy(100, 100, 100), heard=heard, within=0.01)
    said = answer(outcome)
    assert (said.stop.why, said.stop.looks, len(said.seeds)) == (looks.LOOKS, statistics.LOOKS, 40)
    assert said.stop.coming is None
    assert len(heard.sentences) == 4
    assert all("not clear yet" in sentence for sentence in heard.sentences)
    assert outcome.cells.filter(phase=CONFIRMATION)["optimizer"].value_counts()["count"].to_list() == [40] * 3


def test_a_study_ends_as_the_statistics_say(monkeypatch):
    """The seeds that it takes are those of `until_clear` on the same runs."""
    for gap in (1.1, 1.25):
        arrivals = noisy(100, 100 * gap, 100 * gap)
        outcome = grown(monkeypatch, arrivals)
        cells = [outcome.cells_of(trial, CONFIRMATION) for trial in outcome.winners.values()]
        x = np.log(np.stack([outcome.times(each) for each in cells], axis=1))
        decision = statistics.until_clear(x)
        assert decision.choice.seeds == outcome.study.seeds
        leader = answer(outcome).optimizer
        assert leader.cost.high == pytest.approx(np.expm1(decision.choice.bounds[decision.choice.leader]))
        names = [name for name, m in zip(outcome.winners, decision.choice.best.members, strict=True) if m]
        assert set(leader.best_set) == set(names)


def test_who_is_excluded_stays_so(monkeypatch):
    """Momentum is slow on the first 8 seeds, and the fastest on all others."""
    usual = noisy(100, 100, 100)

    def turning(cell):
        slow = isinstance(cell.optimizer, kobai.Momentum)
        return usual(cell) * (10 if slow and cell.seed < 1008 else 0.5 if slow else 1)

    outcome = grown(monkeypatch, turning, within=0.01)
    said = answer(outcome).optimizer
    assert outcome.study.seeds > 8
    assert said.not_best == ("momentum",)
    wrong = dataclasses.replace(outcome, study=dataclasses.replace(outcome.study, within=None))
    assert "momentum" in answer(wrong).optimizer.best_set


def test_every_statement_has_the_level_of_a_look(monkeypatch):
    outcome = grown(monkeypatch, noisy(100, 125, 125))
    fixed = dataclasses.replace(outcome, study=dataclasses.replace(outcome.study, within=None))
    assert answer(outcome).optimizer.cost.high >= answer(fixed).optimizer.cost.high
    assert answer(fixed).stop is None


def test_with_one_optimizer_its_settings_must_be_clear(monkeypatch):
    def by_start(cell):
        slow = {"he": 100, "xavier": 120}.get(cell.initializer.name, 900)
        return slow + 30 * (np.random.default_rng([cell.seed, slow]).normal() > 0)

    names = ["he", "xavier"]
    outcome = grown(
        monkeypatch,
        by_start,
        optimizers=RULES[:1],
        initializers=[initial_values.parse(name) for name in names],
        within=0.02,
    )
    said = answer(outcome)
    assert outcome.study.seeds > 8
    assert said.stop.why == looks.COST
    assert said.initializer.choice == "he"
    assert said.initializer.cost.high < 0.02


class OneByOne:
    """A place that runs one cell after another, until somebody wants the answer at the cell of a seed."""

    def __init__(self, last):
        self.last = last

    def run(self, sweep, cells):
        for i, cell in enumerate(cells):
            if interruption.is_winding_up():
                return
            interruption._winding_up = cell.seed == self.last
            yield [i], sweep.train([cell], lambda: False)


def test_who_wants_the_answer_gets_that_of_the_latest_look(monkeypatch):
    """Ctrl-C on the command line, while the seeds of the second look are run."""
    monkeypatch.setattr(interruption, "_winding_up", False)
    outcome = grown(monkeypatch, noisy(100, 125, 125), backend=OneByOne(1010))
    said = answer(outcome)
    assert (outcome.study.seeds, outcome.planned) == (8, 12)
    assert (said.stop.why, said.stop.looks) == (looks.ASKED, (8,))
    assert (said.stop.coming.seeds, said.stop.coming.more) == (18, 10)
    text = sentences.stopping(said)
    assert text.startswith("Not clear yet after 1 look (at 8 fresh seeds). With 18, 10 more, it is likely")


def test_a_leader_that_often_fails_is_not_clear(monkeypatch):
    outcome = grown(monkeypatch, lambda cell: 2000 if cell.seed % 2 else 100)
    assert (answer(outcome).stop.why, outcome.study.seeds) == (looks.LOOKS, 40)


def test_runs_that_no_seed_changes_decide_nothing(monkeypatch):
    """Two candidates without randomness are one pair, however many seeds repeat it."""
    times = iter(itertools.cycle((100,)))
    outcome = grown(monkeypatch, lambda _: next(times), optimizers=RULES[:2])
    assert answer(outcome).stop.why == looks.LOOKS


def test_the_next_look_is_foreseen_with_the_pace(monkeypatch):
    heard, ticks = Heard(), itertools.count(step=16)
    settled = looks.settled
    monkeypatch.setattr(protocol, "settled", lambda *a: settled(*a, clock=lambda: float(next(ticks))))
    outcome = grown(monkeypatch, noisy(100, 125, 125), heard=heard)
    assert outcome.study.seeds > 8
    assert heard.sentences[0].startswith("With 8 fresh seeds it is not clear yet. With ")
    # The look took 16 s for 8 seeds: 2 s for each.
    assert "With 18, 10 more (about 20 seconds), it is likely to be" in heard.sentences[0]


def test_what_is_written_of_a_study_tells_the_same(monkeypatch):
    whole = grown(monkeypatch, noisy(100, 125, 125))
    told = record.read(record.written(whole.study))
    assert (told.seeds, told.within, told.looks) == (whole.study.seeds, 0.1, whole.study.looks)
    read = protocol.outcome_of(told, whole.phases, whole.memory)
    assert answer(read).optimizer == answer(whole).optimizer
    assert answer(read).stop == answer(whole).stop


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((True, None, 20, ["steps"]), "seeds = 20"),
        ((False, 0.1, None, ["steps"]), "needs until_clear"),
        ((True, 0.0, None, ["steps"]), "got 0"),
        ((True, 10, None, ["steps"]), "got 10"),
        ((True, "10%", None, ["steps"]), "10%"),
        ((True, math.nan, None, ["steps"]), "nan"),
        ((True, None, None, ["final"]), "by = final"),
        ((True, None, None, ["steps", "seconds"]), "by = steps, seconds"),
    ],
)
def test_what_contradicts_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        looks.margin(*arguments)


def test_the_margin():
    said = ((False, None, 9), (True, None, None), (True, 0.2, None))
    assert [looks.margin(*each, ["seconds"]) for each in said] == [None, 0.1, 0.2]
