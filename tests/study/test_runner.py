"""The runner on another backend: cells that were written down and read back give the same study."""

import json

import polars as pl
import pytest

import kobai
from arrivals import Quiet
from kobai import initializers as initial_values
from kobai.basics import files, interruption
from kobai.candidates.grid import candidates
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.study import cells as cells_module
from kobai.study import protocol
from kobai.study import runner as runner_module
from kobai.study import store as store_module
from kobai.study.axes import axes
from kobai.study.runner import Runner
from kobai.study.study import Study
from linear import line

pytestmark = pytest.mark.usefixtures("quick_engine")


class Elsewhere:
    """A backend that stands for another process: strict JSON is all that gets there."""

    sent = 0

    def run(self, sweep, cells):
        letters = [json.dumps(cell.spelling(), allow_nan=False) for cell in cells]
        Elsewhere.sent += len(letters)
        yield from THREADS.run(sweep, [Cell.of(json.loads(letter)) for letter in letters])


@pytest.fixture(scope="module")
def study():
    return Study(
        task=line(),
        candidates=candidates([kobai.SGD([0.05, 0.1])]),
        initializers=[initial_values.he(), initial_values.normal(0.3)],
        axes=axes(
            {"clip": ["none", "norm:1"], "schedule": "warm-up:3+cosine", "average": ["none", "polyak:4"]}
        ),
        steps=20,
        evaluate_every=5,
    )


def small_study(**more):
    return Study(
        task=line(),
        candidates=candidates([kobai.SGD([0.05, 0.1])]),
        initializers=[initial_values.he()],
        steps=20,
        evaluate_every=5,
        **more,
    )


def test_a_study_on_another_backend_has_the_same_frames(study):
    here, there = Runner(study, Quiet(), None), Runner(study, Quiet(), None, Elsewhere())
    for runner in (here, there):
        runner.run("tuning", study.trials(), [0, 1])
    assert Elsewhere.sent == len(study.trials()) * 2 / 2  # averages cost no training
    ours, theirs = (runner.found()["tuning"].frame.drop("seconds") for runner in (here, there))
    assert len(ours) == len(study.trials()) * 2
    assert ours.equals(theirs, null_equal=True)


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_study_of_many_cells_has_few_of_them_at_hand(study, is_kept, tmp_path, monkeypatch):
    """What a large file holds is put into one and let go; the frame is the same, whatever the files."""
    whole = Runner(study, Quiet(), tmp_path / "small" if is_kept else None)
    if is_kept:
        (tmp_path / "small").mkdir()
        (tmp_path / "large").mkdir()
    whole.run("tuning", study.trials(), [0, 1])
    for module in (store_module, runner_module):
        monkeypatch.setattr(module, "CELLS_OF_A_FILE", 6)
    monkeypatch.setattr(store_module, "MOST_FILES", 0)
    monkeypatch.setattr(runner_module, "AT_ONCE", 3)
    monkeypatch.setattr(cells_module, "AT_ONCE", 6)
    at_hand, files, asked = [], [], []
    hold, get = Runner._hold, store_module.Store.get

    def held(runner, frame):
        hold(runner, frame)
        at_hand.append(sum(map(len, runner.frames)))

    def got(store, cells):
        asked.append(len(cells))
        return get(store, cells)

    monkeypatch.setattr(Runner, "_hold", held)
    monkeypatch.setattr(store_module.Store, "get", got)
    parts = Runner(study, Quiet(), tmp_path / "large" if is_kept else None)
    frame = parts.run("tuning", study.trials(), [0, 1]).frame
    assert frame.drop("seconds").equals(whole.found()["tuning"].frame.drop("seconds"), null_equal=True)
    assert len(frame) == 32
    assert (max(at_hand) < 6 + 2 * 3) == is_kept  # a chunk of three runs, of two trials each
    if is_kept:
        assert max(asked) <= 6  # but for the frame itself
        files = [len(pl.read_parquet(path)) for path in (tmp_path / "large" / "store").glob("cells-*")]
        assert len(files) <= 6
        again = Runner(study, Quiet(), tmp_path / "large")
        assert again.run("tuning", study.trials(), [0, 1]).frame.equals(frame, null_equal=True)
        assert (again.trained, again.reused) == (0, 16)


def test_what_a_training_for_an_average_gives_again_is_not_stored_again(tmp_path):
    """The iterate of a training whose average is new was there before."""
    for averages in (["none"], ["none", "polyak:4"]):
        study = Study(
            task=line(),
            candidates=candidates([kobai.SGD(0.1)]),
            initializers=[initial_values.he()],
            axes=axes({"average": averages}),
            steps=20,
            evaluate_every=5,
        )
        Runner(study, Quiet(), tmp_path).run("tuning", study.trials(), [0, 1])
    stored = [pl.read_parquet(path)["cell"] for path in (tmp_path / "store").glob("cells-*.parquet")]
    assert sorted(pl.concat(stored)) == sorted(set(pl.concat(stored)))
    assert len(pl.concat(stored)) == 4


def test_an_interruption_at_any_moment_counts_the_files_that_are_there(tmp_path, monkeypatch):
    """Also between the moment when a file is whole and that when the study has taken notice."""
    study = small_study()
    write, said = files.write, []

    def watched(path, content):
        for _ in range(2):
            there = sum(len(pl.read_parquet(chunk)) for chunk in path.parent.glob("cells-*.parquet"))
            said.append((interruption.last_words(), there))
            write(path, content)

    monkeypatch.setattr(store_module.files, "write", watched)
    Runner(study, Quiet(), tmp_path).run("tuning", study.trials(), [0, 1])
    counts = [count for _, count in said]
    assert (min(counts), max(counts)) == (0, 4)
    for words, count in said:
        assert words == interruption.sentence(count, tmp_path)


def test_the_protocol_runs_on_the_backend_that_it_is_given():
    """All of its phases: the frames of the whole study, and what it chose."""
    study = small_study(tuning_seeds=1, seeds=2)
    Elsewhere.sent = 0
    ours, theirs = protocol.run(study, Quiet()), protocol.run(study, Quiet(), backend=Elsewhere())
    assert Elsewhere.sent == len(theirs.cells) > 0
    assert ours.cells.drop("seconds").equals(theirs.cells.drop("seconds"), null_equal=True)
    assert ours.recommended.variant == theirs.recommended.variant


SHORT = {"initializers": "he", "learning_rates": [0.05, 0.1], "steps": 20, "tuning_seeds": 1, "seeds": 2}
SHORT |= {"progress": False}


class Own:
    """A user's backend: nothing but the sweep's public methods, and the cells by their spelling."""

    def run(self, sweep, cells):
        for chunk in reversed(sweep.chunks(cells)):
            letters = [json.dumps(cells[i].spelling(), allow_nan=False) for i in chunk]
            yield chunk, sweep.train([Cell.of(json.loads(letter)) for letter in letters])


def test_a_comparison_runs_on_a_backend_of_ones_own():
    ours = kobai.compare(line(), optimizers=["sgd", "adam"], **SHORT)
    theirs = kobai.compare(line(), optimizers=["sgd", "adam"], backend=Own(), **SHORT)
    assert isinstance(Own(), kobai.Backend)
    assert theirs.cells.drop("seconds").equals(ours.cells.drop("seconds"), null_equal=True)
    assert str(theirs) == str(ours)
    assert theirs.command == ours.command  # where it was run is no part of the question


class Forgetful(Own):
    def run(self, sweep, cells):
        for chunk, runs in super().run(sweep, cells):
            yield chunk[1:], runs[1:]


class Twice(Own):
    def run(self, sweep, cells):
        for chunk, runs in super().run(sweep, cells):
            yield chunk, runs
            yield chunk, runs


class Short(Own):
    def run(self, sweep, cells):
        for chunk, runs in super().run(sweep, cells):
            yield chunk, runs[1:]


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (4.5, r"^backend must have a method run\(sweep, cells\), as kobai.Backend describes, got 4.5"),
        (Forgetful(), "^backend: run ended without the cell at position 0 of 2"),
        (Twice(), r"^backend: run must yield .* each cell once, got the positions \[0, 1\]"),
        (Short(), "^backend: run must yield .* as many runs"),
    ],
)
def test_a_backend_that_does_not_do_what_it_is_asked_is_refused(backend, message):
    with pytest.raises(kobai.UsageError, match=message):
        kobai.compare(line(), optimizers="sgd", backend=backend, **SHORT)
