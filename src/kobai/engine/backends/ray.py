"""The machines of a Ray cluster: a chunk of cells is a task of Ray, retried where a worker is lost.

    Ray("ray")                 a cluster of this machine, which ends with the study
    Ray("auto")                the cluster that runs on this machine
    Ray("ray://HOST:10001")    a cluster elsewhere

A sweep that can be said in plain values is made there (`travel`); of any other the host's part stays here,
and the compiled part travels as an exported program (`exported`).
"""

import contextlib
import itertools
import json
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.basics.machine import cores
from kobai.engine.backends import exported, travel
from kobai.engine.backends.threads import POLL, THREADS, Result
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep

if TYPE_CHECKING:
    from types import ModuleType

PLACES = ("ray", "auto", "ray://")
"""How a cluster is named."""

RETRIES = 10
"""So often is a chunk begun anew whose worker was lost. A task that raises is not."""

AHEAD = 2
"""Chunks that are sent for each core: one that is trained, one that waits."""

LOOPBACK = "127.0.0.1"
"""The address of a cluster of this machine, where nobody else can reach it."""

ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else Ray puts the address of the network for 127.0.0.1
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""What a cluster of this machine asks of the environment in which Ray is imported."""


class Ray:
    """A cluster, from `connected` on.

    Args:
      where: "ray", "auto" or "ray://HOST:PORT".
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._cores = _Cores()

    @contextlib.contextmanager
    def connected(self) -> Iterator["Ray"]:
        """Begin, or find, the cluster; leave it. Raises `UsageError` where there is none, or no Ray."""
        if self.where == "ray":
            for name, value in ALONE.items():
                os.environ.setdefault(name, value)
        ray = imported()
        if ray.is_initialized():  # by whoever called
            yield self
            return
        address = self._address(ray)
        try:
            with warnings.catch_warnings(), interruption.unchanged():
                warnings.simplefilter("ignore")  # of what later versions of Ray will do
                ray.init(**address, log_to_driver=False, logging_level="error", include_dashboard=False)
        except Exception as problem:  # Ray has no error of its own for this
            raise UsageError(
                "error.ray.none", place=self.where, problem=str(problem).splitlines()[0]
            ) from problem
        try:
            yield self
        finally:
            ray.shutdown()

    def _address(self, ray: "ModuleType") -> dict[str, Any]:
        if self.where != "ray":
            return {"address": self.where}
        if ray.util.get_node_ip_address() != LOOPBACK:  # imported before `ALONE` was said
            raise UsageError("error.ray.listens", names=" ".join(f"{k}={v}" for k, v in ALONE.items()))
        return {"address": "local", "num_cpus": cores(), "_node_ip_address": LOOPBACK}

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[Result]:
        """Run `cells`: see `Backend.run`."""
        if sweep.population:
            raise UsageError("error.ray.device")
        ray = imported()
        written = travel.recipe(sweep, cells)
        if written is None:
            yield from self._exported(ray, sweep, cells)
        else:
            yield from self._sent(ray, sweep, cells, written)

    def _sent(
        self, ray: "ModuleType", sweep: Sweep, cells: Sequence[Cell], written: travel.Recipe
    ) -> Iterator[Result]:
        """What is trained there from the first step to the last."""
        function = ray.remote(num_cpus=1, max_retries=RETRIES)(travel.trained)
        recipe, todo = ray.put(written), iter(sweep.chunks(cells))
        under_way: dict[Any, list[int]] = {}
        if sweep.pace.watch is not None:
            sweep.pace.watch.started()
        try:
            while True:
                room = 0 if interruption.is_winding_up() else AHEAD * self._cores(ray) - len(under_way)
                for chunk in itertools.islice(todo, max(room, 0)):
                    letters = [json.dumps(cells[i].spelling()) for i in chunk]
                    under_way[function.remote(recipe, letters)] = chunk
                if not under_way:
                    return
                interruption.check()
                for each in ray.wait([*under_way], timeout=POLL)[0]:
                    yield under_way.pop(each), _got(ray, each)
        finally:
            for each in under_way:
                ray.cancel(each, force=True)

    def _exported(self, ray: "ModuleType", sweep: Sweep, cells: Sequence[Cell]) -> Iterator[Result]:
        """What is trained here, but for the blocks of steps."""
        function = ray.remote(num_cpus=1, max_retries=RETRIES)(exported.run)

        def call(*arguments: object) -> Any:
            return _got(ray, function.remote(*arguments))

        there = exported.elsewhere(sweep, AHEAD * self._cores(ray), call, ray.put)
        yield from THREADS.run(there, cells)


class _Cores:
    """How many cores the cluster has: machines come and go, and to ask is a message."""

    def __init__(self) -> None:
        self.number, self.asked = 1, -float("inf")

    def __call__(self, ray: "ModuleType") -> int:
        if time.monotonic() - self.asked > 1:
            self.number = max(1, int(ray.cluster_resources().get("CPU", 1)))
            self.asked = time.monotonic()
        return self.number


def _got(ray: "ModuleType", reference: object) -> Any:
    """What a task of Ray gave. Raises what it refused, and `UsageError` where it was lost again and again."""
    try:
        result = ray.get(reference)
    except ray.exceptions.RayTaskError:  # a fault of kobai's own
        raise
    except ray.exceptions.RayError as problem:
        raise UsageError("error.ray.lost", problem=str(problem).splitlines()[0]) from problem
    if isinstance(result, travel.Refusal):
        raise result.error()
    return result


def imported() -> "ModuleType":
    """Ray. Raises `UsageError` where it is not installed."""
    try:
        import ray
    except ImportError as problem:
        raise UsageError("error.needs_ray") from problem
    module: ModuleType = ray
    return module


def is_place(value: object) -> bool:
    """Whether a text names a cluster."""
    return isinstance(value, str) and (value in PLACES[:2] or value.startswith(PLACES[2]))
