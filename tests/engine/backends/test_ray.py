"""A Ray cluster of two nodes on this machine: the bits of one process, whatever is lost."""

import dataclasses
import os
import secrets
import shutil
import signal
import socket
import struct
import sys
import tempfile
from pathlib import Path

import pytest

import kobai
from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.engine.backends import THREADS
from kobai.engine.backends.ray import ALONE, LOOPBACK, Ray, is_place
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.tasks.provenance import TASK, Provenance
from linear import line

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{kind}")  # Ray forks, and leaves its logs open
    for kind in ("RuntimeWarning", "ResourceWarning", "pytest.PytestUnraisableExceptionWarning")
]

FILE_OF_TASK = """
import numpy as np
import kobai

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)

def task():
    return kobai.Task(
        name="own", parameters={"w": np.zeros((3, 1), np.float32)},
        train=(X, X[:, :1]), validation=(X, X[:, :1]), batch_size=4, target=0.01,
        loss=lambda p, batch: ((batch[0] @ p["w"] - batch[1]) ** 2).mean(),
    )
"""


class Machines:
    """The cluster, and the processes that it has begun."""

    def __init__(self, cluster, second):
        self.cluster, self.second = cluster, second

    def processes(self):
        """The number of each process, and its title."""
        nodes = [self.cluster.head_node, *self.cluster.worker_nodes]
        found = {each.process.pid for node in nodes for kind in node.all_processes.values() for each in kind}
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            content = _text(status).rpartition(") ")[2].split()
            parents[int(status.parent.name)] = int(content[1]) if content else 0
        while more := {each for each, parent in parents.items() if parent in found} - found:
            found |= more
        return {each: _text(Path(f"/proc/{each}/cmdline")) for each in found}

    def workers(self):
        titles = "ray::trained", "ray::run", "ray::IDLE"
        return [each for each, title in self.processes().items() if title.startswith(titles)]


def _text(path):
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # it has ended
        return ""


@pytest.fixture(scope="module")
def machines():
    folder = tempfile.mkdtemp(prefix="k", dir="/tmp")  # the name of a socket has at most 107 letters
    with pytest.MonkeyPatch.context() as patch:
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex()}  # else one is kept at home
        for name, value in {**ALONE, **token, "RAY_TMPDIR": folder}.items():
            patch.setenv(name, value)  # before Ray is imported
        pytest.importorskip("ray")
        from ray.cluster_utils import Cluster

        own = {"num_cpus": 1, "node_ip_address": LOOPBACK, "object_store_memory": 80 * 2**20}
        cluster = Cluster(initialize_head=True, head_node_args={**own, "include_dashboard": False})
        try:
            second = cluster.add_node(**own)
            patch.setenv("RAY_ADDRESS", cluster.address)
            with Ray("auto").connected():
                yield Machines(cluster, second)
        finally:
            cluster.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "own.py"
    file.write_text(FILE_OF_TASK)

    def asked(**where):
        return kobai.compare(
            f"{file}:task",
            optimizers=["sgd"],
            initializers=["zeros", "constant"],
            learning_rates=[0.01, 0.1],
            steps=3000,
            evaluate_every=1000,
            tuning_seeds=8,
            seeds=4,
            progress=False,
            **where,
        )

    return asked


@pytest.fixture(scope="module")
def here(asked):
    return asked()


class Losing:
    """The cluster, which loses something after the first chunk."""

    def __init__(self, lose):
        self.lose, self.lost = lose, False

    def run(self, sweep, cells):
        for part in Ray("auto").run(sweep, cells):
            yield part
            if not self.lost:
                self.lost = True
                self.lose()


def assert_same(one, other):
    assert one.cells.drop("seconds").equals(other.cells.drop("seconds"))
    assert one.best == other.best


def test_a_study_has_the_bits_of_one_here(machines, asked, here, tmp_path):
    there = asked(backend="auto", output=tmp_path / "there")
    assert_same(there, here)
    again = asked(output=tmp_path / "there")
    assert (again.outcome.trained, again.outcome.reused) == (0, there.outcome.trained)
    assert machines.workers()  # Ray ends those that are idle when it likes


def test_nothing_listens_elsewhere_than_on_this_machine(machines):
    with socket.create_server(("127.0.0.2", 0)) as server:  # what is another address is seen
        assert ("127.0.0.2", server.getsockname()[1]) in addresses([os.getpid()])
    every = addresses([os.getpid(), *machines.processes()])
    assert {address for address, _ in every} == {LOOPBACK}
    assert len(every) >= 6  # the store of the cluster, two for each node, and this process; workers, too


def addresses(processes):
    """Where these processes listen: (address, port); one of IPv6 that stands for one of IPv4 is that."""
    own = {link for each in processes for link in map(_link, Path(f"/proc/{each}/fd").glob("*"))}
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for row in map(str.split, _text(Path(f"/proc/net/{kind}")).splitlines()[1:]):
            if f"socket:[{row[9]}]" in own and (kind.startswith("udp") or row[3] == "0A"):
                address, port = row[1].split(":")
                found.add((_address(bytes.fromhex(address)), int(port, 16)))
    return found


def _address(words):
    """An address as the kernel writes it: numbers of 32 bits, in the order of this machine."""
    content = b"".join(struct.pack("=I", each) for (each,) in struct.iter_unpack(">I", words))
    content = content.removeprefix(bytes(10) + b"\xff\xff")
    return socket.inet_ntop(socket.AF_INET if len(content) == 4 else socket.AF_INET6, content)


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def test_a_task_without_a_name_travels_as_its_program(machines):
    cells = [Cell(kobai.SGD(0.1), he(), seed) for seed in range(6)]
    sweep = Sweep(line(), [kobai.SGD()], steps=8, evaluate_every=4)
    runs = dict(pair for part in Ray("auto").run(sweep, cells) for pair in zip(*part, strict=True))
    ours = THREADS.runs(sweep, cells)
    assert [(runs[i].validation_loss == ours[i].validation_loss).all() for i in range(6)] == [True] * 6


def test_what_a_worker_refuses_is_said_here(machines):
    task = dataclasses.replace(line(), provenance=Provenance(TASK, "digits", {"hidden": 4}))
    sweep = Sweep(task, [kobai.SGD()], steps=8, evaluate_every=4)
    with pytest.raises(UsageError, match="digits makes another task than here"):
        list(Ray("auto").run(sweep, [Cell(kobai.SGD(0.1), he(), 0)]))


def test_killed_workers_cost_what_they_had_in_hand(machines, asked, here):
    killed = []

    def kill():
        for each in machines.workers():
            os.kill(each, signal.SIGKILL)
            killed.append(each)

    assert_same(asked(backend=Losing(kill)), here)
    assert killed
    assert not {*killed} & {*machines.workers()}


def test_a_node_that_is_removed_costs_what_it_had_in_hand(machines, asked, here):
    remove = Losing(lambda: machines.cluster.remove_node(machines.second, allow_graceful=False))
    assert_same(asked(backend=remove), here)
    assert remove.lost
    assert len(machines.cluster.worker_nodes) == 0


def test_signals_are_answered_as_before_the_cluster():
    before = signal.getsignal(signal.SIGTERM)
    with interruption.unchanged():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_ray_cannot_do_is_said(monkeypatch):
    population = Sweep(line(), [kobai.SGD()], steps=4, evaluate_every=4, population=True)
    with pytest.raises(UsageError, match="JAX_PLATFORMS=cpu"):
        list(Ray("auto").run(population, []))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r'pip install "kobai\[ray\]"'):
        kobai.compare("digits", backend="ray://127.0.0.1:10001")


def test_which_texts_name_a_cluster():
    assert list(map(is_place, ("ray", "auto", "ray://host:10001"))) == [True] * 3
    assert list(map(is_place, ("threads", "", None, 3))) == [False] * 4
    with pytest.raises(UsageError, match="nowhere"):
        kobai.compare("digits", backend="nowhere")
