"""The plan of a study: what it counts is what the study then trains, and what it reads is there."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

import kobai
from arrivals import Quiet
from kobai import initializers as initial_values
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.study import plan as module
from kobai.study import protocol
from kobai.study.axes import axes, tasks
from kobai.study.plan import plan
from kobai.study.store import STORE
from kobai.study.study import Study
from linear import line

pytestmark = pytest.mark.usefixtures("quick_engine")


def study(**changes):
    values = {
        "task": line(),
        "candidates": candidates([kobai.SGD([0.05, 0.1])]),
        "initializers": [initial_values.he(), initial_values.normal(0.3)],
        "axes": axes({"average": ["none", "polyak:4"]}),
        "steps": 20,
        "evaluate_every": 5,
        "seeds": 4,
        "tuning_seeds": 2,
        "threads": 2,
    }
    return Study(**(values | changes))


def test_a_plan_times_some_steps_and_keeps_nothing(tmp_path):
    told = plan(study(), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert (told.tuning, told.kept, told.measured, told.threads) == (2 * 2 * 2, 0, True, 2)
    assert told.seconds_each > 0
    assert told.seconds == pytest.approx(told.trainings * told.seconds_each / 2)
    assert told.left == told.trainings


def test_a_plan_reads_what_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_timed", lambda *_: pytest.fail("something is trained"))
    outcome = protocol.run(study(), Quiet(), tmp_path)
    before = sorted(path.name for path in (tmp_path / STORE).iterdir())
    told = plan(study(), tmp_path)
    assert not told.measured
    assert outcome.cells["seconds"].min() <= told.seconds_each <= outcome.cells["seconds"].max()
    assert told.tuning < told.kept
    more = plan(study(tuning_seeds=4), tmp_path)  # another question: its confirmation is not known
    assert (more.tuning, more.kept) == (16, 8)
    assert sorted(path.name for path in (tmp_path / STORE).iterdir()) == before
    with pytest.raises(UsageError, match="another task"):
        plan(study(task=kobai.tasks.digits(hidden=4)), tmp_path)


def test_each_candidate_counts_at_its_own_pace(monkeypatch):
    """By hand: SGD's two rates on two seeds and two initial values and SAM's one, each confirmed on four.

    Planted: seconds of all by steps of all, where the quick one, of which a moment has most, counts most."""
    both = study(candidates=candidates([kobai.SGD([0.05, 0.1]), kobai.SAM(0.1)]))
    weights = {"sgd": 2 * 2 * 2 + 4, "sam": 2 * 2 + 4}
    monkeypatch.setattr(module, "_timed", lambda *_: {"sgd": 1.0, "sam": 10.0})
    expected = (weights["sgd"] + 10 * weights["sam"]) / sum(weights.values())
    assert plan(both).seconds_each == pytest.approx(expected)
    monkeypatch.setattr(module, "_timed", lambda *_: {"sgd": 1.0})
    unknown = (weights["sgd"] + 2 * weights["sam"]) / sum(weights.values())
    assert plan(both).seconds_each == pytest.approx(unknown)


@pytest.mark.parametrize("values", ["1,8", "8,1"])
def test_tasks_whose_steps_are_longer_count_in_either_order(values, monkeypatch):
    """By a clock that counts gradients: SGD's 20 steps of 1 and of 8 batches. Planted: the first alone."""
    clock = module._Count()
    count = module._Count.block

    def block(self, gradients):
        count(self, gradients)
        clock.gradients += gradients

    monkeypatch.setattr(module._Count, "block", block)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock.gradients))
    asked = axes({"accumulate": [int(value) for value in values.split(",")]})
    told = plan(study(axes=asked, tasks=tasks(line, asked)))
    assert told.seconds_each == pytest.approx(20 * (1 + 8) / 2)


def test_two_studies_are_one_plan():
    one = module.Plan(10, 4, 1, 0.5, True, 2.25, 2, 30, 6.5, 100, 200)
    assert one + one == module.Plan(20, 8, 2, 0.5, True, 4.5, 2, 60, 13.0, 200, 400)
    assert one.content()["left"] == 9


def test_the_size_is_that_of_a_file_of_noise():
    """Beside files that are written: what is told grows with cells and evaluations as they do."""
    assert module._size(51, 1) == module._bytes(51, 1)
    assert module._size(51, 100) == pytest.approx(module._bytes(51, 100), rel=0.1)
    noise = io.BytesIO(np.random.default_rng(0).random((100, 3, 51), np.float32).tobytes()).getbuffer().nbytes
    assert noise < module._size(51, 100) < 2.5 * noise
