"""The backend of a cluster, with a stand-in for Ray: what is sent, and what is made of what comes back."""

import dataclasses
import sys
from types import SimpleNamespace

import pytest

import kobai
from kobai import initializers as initial_values
from kobai.basics.errors import UsageError
from kobai.engine.backends import THREADS
from kobai.engine.backends.ray import Ray, is_place
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.tasks.provenance import TASK, Provenance
from linear import line

pytestmark = pytest.mark.usefixtures("quick_engine")


class Lost(Exception):
    """A worker was lost again and again."""


class Raised(Exception):
    """A task has raised."""

    def __init__(self, cause):
        self.cause = cause


class StandIn:
    """A cluster of two cores in this process, whose tasks are run when they are waited for."""

    def __init__(self):
        self.sent, self.most, self.cancelled = [], 0, []
        self.exceptions = SimpleNamespace(RayTaskError=Raised, RayError=Lost)

    def is_initialized(self):
        return True

    def cluster_resources(self):
        return {"CPU": 2.0}

    def put(self, value):
        return value

    def remote(self, **options):
        assert options == {"num_cpus": 1, "max_retries": 10}
        return lambda function: SimpleNamespace(remote=lambda *arguments: self.send(function, arguments))

    def send(self, function, arguments):
        letter = (function, arguments, len(self.sent))
        self.sent.append(Letter(letter))
        return self.sent[-1]

    def wait(self, letters, timeout):
        self.most = max(self.most, len(letters))
        return letters[-1:], letters[:-1]  # in no order

    def get(self, letter):
        function, arguments, _ = letter.content
        try:
            return function(*arguments)
        except UsageError as problem:
            raise Raised(problem) from problem

    def cancel(self, letter, force):
        self.cancelled.append(letter)


class Letter:
    def __init__(self, content):
        self.content = content


@pytest.fixture
def cluster(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    return stand_in


@pytest.fixture(scope="module")
def digits():
    task = kobai.tasks.digits(hidden=4, batch_size=8)
    return dataclasses.replace(task, provenance=Provenance(TASK, "digits", {"hidden": 4}))


CELLS = [Cell(kobai.SGD(0.1), initial_values.he(), seed) for seed in range(30)]


def sweep_of(task):
    return Sweep(task, [kobai.SGD()], steps=8, evaluate_every=4, chunk=3)


def test_every_chunk_is_a_task_and_few_are_sent_ahead(cluster, digits):
    sweep = sweep_of(digits)
    with Ray("auto").connected() as place:
        runs = dict(pair for part in place.run(sweep, CELLS) for pair in zip(*part, strict=True))
    assert [len(cluster.sent), cluster.most, cluster.cancelled] == [10, 4, []]
    ours = THREADS.runs(sweep, CELLS)
    assert all((runs[i].validation_loss == ours[i].validation_loss).all() for i in range(30))


def test_whoever_leaves_early_takes_back_what_is_under_way(cluster, digits):
    iteration = Ray("auto").run(sweep_of(digits), CELLS)
    next(iteration)
    iteration.close()
    assert len(cluster.cancelled) == 3


def test_a_task_without_a_name_travels_as_its_program(cluster):
    pytest.importorskip("flatbuffers")
    sweep = Sweep(line(), [kobai.SGD()], steps=8, evaluate_every=4)
    runs = dict(pair for part in Ray("auto").run(sweep, CELLS[:5]) for pair in zip(*part, strict=True))
    assert {letter.content[0].__name__ for letter in cluster.sent} == {"run"}
    ours = THREADS.runs(sweep, CELLS[:5])
    assert all((runs[i].validation_loss == ours[i].validation_loss).all() for i in range(5))


def test_what_a_cluster_cannot_do_is_said(cluster, digits, monkeypatch):
    other = dataclasses.replace(digits, provenance=Provenance(TASK, "digits", {"hidden": 5}))
    with pytest.raises(UsageError, match="digits makes another task than here"):
        list(Ray("auto").run(sweep_of(other), CELLS))

    def lost(letter):
        raise Lost("worker died\nand more")

    monkeypatch.setattr(cluster, "get", lost)
    with pytest.raises(UsageError, match=r"again and again: worker died;"):
        list(Ray("auto").run(sweep_of(digits), CELLS))
    with pytest.raises(UsageError, match="no name or file"):
        list(Ray("auto").run(Sweep(line(), [kobai.SGD()], steps=4, evaluate_every=4, population=True), CELLS))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r'pip install "kobai\[ray\]"'):
        kobai.compare("digits", backend="ray")


def test_which_texts_name_a_cluster():
    assert [is_place(each) for each in ("ray", "auto", "ray://host:10001", "threads", None)] == [True] * 3 + [
        False
    ] * 2
    with pytest.raises(UsageError, match="nowhere"):
        kobai.compare("digits", backend="nowhere")
