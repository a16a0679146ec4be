"""The length of a study, read off its first blocks, with a clock that the test moves."""

import pytest

import kobai
from compared import points
from kobai import initializers
from kobai.basics.progress import duration
from kobai.candidates.grid import candidates
from kobai.engine.backends import THREADS
from kobai.study import estimate
from kobai.study import runner as runners
from kobai.study.estimate import Estimate, mean_gradients, weighed
from kobai.study.protocol import run
from kobai.study.study import Study
from kobai.words import language


@pytest.fixture(autouse=True)
def _a_long_study_is_told(monkeypatch):
    monkeypatch.setattr(estimate, "LONG", 20.0)


class Told:
    """Progress that keeps what it is told."""

    def __init__(self):
        self.sentences = []

    def phase(self, name, total): ...

    def advance(self, cells): ...

    def tell(self, sentence):
        self.sentences.append(sentence)


def study(**changes):
    values = {
        "candidates": candidates([kobai.SGD([0.1, 0.2, 0.3]), kobai.Adam([0.01, 0.1])]),
        "initializers": [initializers.he(), initializers.xavier()],
        "steps": 100,
        "evaluate_every": 10,
        "seeds": 4,
        "tuning_seeds": 2,
        "threads": 2,
    }
    return Study(task=points(), **values | changes)


class Moved:
    """An estimate whose time a test moves."""

    def __init__(self, trainings, gradients=1.0):
        self.now, self.told = 0.0, Told()
        counted = {"steps": 100, "trainings": trainings, "gradients": gradients}
        self.estimate = Estimate(self.told, **counted, programs=1, threads=2, clock=lambda: self.now)

    def at(self, now):
        self.now = now
        return self.estimate


def test_a_long_study_is_told_once_after_its_first_blocks():
    moved = Moved(146)
    moved.at(3.0).started()  # three seconds of compilation
    moved.at(4.0).block(50)  # too early: the first blocks are short
    assert moved.told.sentences == []
    moved.at(5.5).block(100)  # a training and a half in 2.5 s, both cores together
    assert moved.told.sentences == ["146 trainings, about 4 minutes on 2 cores"]  # 243 s + 3 s
    moved.at(60.0).block(100)
    assert len(moved.told.sentences) == 1


def test_it_speaks_the_language_in_use():
    moved = Moved(146)
    moved.at(0.0).started()
    with language("ja"):
        moved.at(2.5).block(150)
    assert moved.told.sentences == ["学習146回、2コアで約4分"]


def test_a_short_study_is_not_told():
    moved = Moved(12)
    moved.at(0.0).started()
    moved.at(2.5).block(150)
    assert moved.told.sentences == []


def test_a_cell_that_ended_early_counts_as_whole():
    moved = Moved(100)
    moved.at(0.0).started()
    moved.at(0.5).block(10)  # it diverged after ten steps
    moved.at(0.6).finished(1.0)
    moved.at(2.0).block(100)  # another is done but not yet collected
    assert moved.told.sentences == ["100 trainings, about 1.7 minutes on 2 cores"]


def test_what_was_kept_from_an_earlier_run_is_left_out():
    moved = Moved(146)
    moved.estimate.kept(100)
    moved.at(0.0).started()
    moved.at(4.0).block(100)
    assert moved.told.sentences == ["46 trainings, about 3 minutes on 2 cores"]


@pytest.mark.parametrize(("gradients", "said"), [(200 / 150, "3 minutes"), (1.0, "2.5 minutes")])
def test_a_training_of_two_gradients_a_step_counts_as_two(gradients, said):
    """100 of one gradient a step and 50 of two are 200; as 150 (planted) they would be told shorter."""
    moved = Moved(150, gradients)
    moved.at(0.0).started()
    moved.at(1.0).finished(2.0)  # one of two gradients
    moved.at(4.0).block(200.0)  # and another, which is not yet collected: four in four seconds
    assert moved.told.sentences == [f"150 trainings, about {said} on 2 cores"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2, "10 seconds"),
        (21, "20 seconds"),
        (89, "90 seconds"),
        (95, "1.6 minutes"),
        (250, "4 minutes"),
        (6000, "1.7 hours"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize("changes", [{}, {"initializers": [initializers.constant()]}])
def test_the_number_of_trainings_is_known_before_all_but_for_neighbours(changes):
    one = study(steps=10, **changes)
    expected = len(run(one, Told()).cells)
    assert one.trainings - one.seeds <= expected <= one.trainings


def test_the_gradients_of_a_study_are_those_of_what_it_tries():
    """SAM at three rates and SGD at one."""
    one = study(candidates=candidates([kobai.SAM([0.1, 0.2, 0.3]), kobai.SGD(0.1)]))
    assert mean_gradients(one.candidates, [1]) == 7 / 4
    assert mean_gradients(one.candidates, [1, 4]) == 2.5 * 7 / 4
    assert weighed([one.trials()[0], one.trials()[-1]], {(): 4}) == 12.0


def test_blocks_are_told_in_gradients(monkeypatch):
    """What the engine says of a training of SAM: two a step."""
    taken = []
    monkeypatch.setattr(Estimate, "block", lambda estimate, gradients: taken.append(gradients))
    one = study(
        candidates=candidates([kobai.SAM(0.1)]), steps=10, initializers=[initializers.he()], threads=1
    )
    runners.Runner(one, Told(), None, THREADS).run("tuning", one.trials(), [0, 1])
    assert sum(taken) == 2 * 2 * 10


def test_a_study_tells_it_of_its_own_blocks(monkeypatch):
    monkeypatch.setattr("kobai.study.estimate.SOON", 0.0)
    monkeypatch.setattr("kobai.study.estimate.LONG", 0.0)
    told, one = Told(), study(steps=10)
    runner = runners.Runner(one, told, None, THREADS)
    runner.run("tuning", one.trials(), [0, 1])
    [sentence] = told.sentences
    assert sentence.startswith(f"{one.trainings} trainings, about ")
    assert sentence.endswith(" on 2 cores")
