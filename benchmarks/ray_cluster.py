"""What a Ray cluster of this machine costs: two workers of one core against one, and each chunk on its way.

    pip install ".[ray]" && python benchmarks/ray_cluster.py

Every cluster listens on 127.0.0.1 alone, and has compiled before it is timed. The numbers are compared with
those of threads, bit for bit.
"""

import dataclasses
import os
import sys
import time

from kobai.engine.backends.ray import ALONE, LOOPBACK, Ray

os.environ.update(ALONE)

import ray

import kobai
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.tasks.provenance import TASK, Provenance

NUMBER = 20_000
"""Short trainings."""


def sweep(steps: int, threads: int, **options: int) -> Sweep:
    place = Provenance(TASK, "digits", options)
    task = dataclasses.replace(kobai.tasks.digits(**options), provenance=place)
    return Sweep(task, [kobai.SGD()], steps=steps, evaluate_every=steps, threads=threads)


def cells(number: int) -> list[Cell]:
    """Of twenty seeds; the others differ in their rates."""
    return [Cell(kobai.SGD(0.1 + i / 10**6), he(), i % 20) for i in range(number)]


def seconds(place, of: Sweep, number: int) -> tuple[float, list[float]]:
    for _ in place.run(of, cells(16)):
        pass
    began, losses = time.perf_counter(), [0.0] * number
    for positions, runs in place.run(of, cells(number)):
        for position, run in zip(positions, runs, strict=True):
            losses[position] = float(run.validation_loss[-1])
    return time.perf_counter() - began, losses


def on_ray(workers: int, of: Sweep, number: int) -> tuple[float, list[float]]:
    alone = {"_node_ip_address": LOOPBACK, "include_dashboard": False, "log_to_driver": False}
    ray.init("local", num_cpus=workers, **alone)
    try:
        return seconds(Ray("ray"), of, number)
    finally:
        ray.shutdown()


def workers() -> None:
    of = sweep(500, 2, hidden=100)
    one, losses = on_ray(1, of, 80)
    two, again = on_ray(2, of, 80)
    here, ours = seconds(THREADS, of, 80)
    assert losses == again == ours
    print(f"80 trainings of 500 steps: one worker {one:.2f} s, two {two:.2f} s, two threads {here:.2f} s")
    print(f"two workers do {one / two / 2:.2f} of twice the work of one, {here / two:.2f} of that of threads")


def chunks() -> None:
    of = sweep(4, 2, hidden=4)
    began = time.process_time()
    there, losses = on_ray(2, of, NUMBER)
    own = time.process_time() - began
    here, ours = seconds(THREADS, of, NUMBER)
    assert losses == ours
    print(f"{NUMBER:,} trainings of 4 steps: two workers {there:.1f} s, two threads {here:.1f} s")
    print(f"a chunk of {of.chunk} takes {1e3 * own * of.chunk / NUMBER:.2f} ms of the sender's processor")


def processor() -> None:
    """What a chunk costs in processor time, which tells something where other programs use the cores, too."""
    import psutil  # pip install psutil

    of = sweep(4, 2, hidden=4)
    ray.init("local", num_cpus=2, _node_ip_address=LOOPBACK, include_dashboard=False, log_to_driver=False)

    def spent() -> dict[str, float]:
        """By the name of a process of the cluster; this one is the sender."""
        times = dict.fromkeys(["sender", "raylet", "gcs_server", "worker", "rest"], 0.0)
        for process in psutil.process_iter(["pid", "name", "cmdline", "cpu_times"]):
            name, line = process.info["name"], " ".join(process.info["cmdline"] or [])
            kind = "sender" if process.pid == os.getpid() else "worker" if name.startswith("ray::") else name
            if kind in times or "/ray/" in line:
                used = process.info["cpu_times"]
                times[kind if kind in times else "rest"] += used.user + used.system
        return times

    try:
        seconds(Ray("ray"), of, 16)
        before = spent()
        seconds(Ray("ray"), of, FEW)
        there = {name: used - before[name] for name, used in spent().items()}
    finally:
        ray.shutdown()
    began = time.process_time()
    seconds(THREADS, of, FEW)
    there["threads"] = time.process_time() - began
    chunk = 1e3 * of.chunk / (FEW + 16)
    print(", ".join(f"{name} {chunk * used:.1f} ms" for name, used in there.items()), "a chunk")


FEW = 2_000
"""Short trainings of which the processor's time is told."""


if __name__ == "__main__":
    for part in sys.argv[1:] or ("workers", "chunks"):
        {"workers": workers, "chunks": chunks, "processor": processor}[part]()
