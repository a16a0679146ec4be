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


LOOPBACK = "127.0.0.2"
"""The address of a cluster of this machine, which nobody else can reach. In place of 127.0.0.1 Ray would take
the address of the network."""


class Ray:
    """A cluster, from `connected` on.

    Args:
      where: "ray", "auto" or "ray://HOST:PORT".
    """

    def __init__(self, where: str) -> None:
        self.where = where

    @contextlib.contextmanager
    def connected(self) -> Iterator["Ray"]:
        """Begin, or find, the cluster; leave it. Raises `UsageError` where there is none, or no Ray."""
        ray = imported()
        if ray.is_initialized():  # by whoever called
            yield self
            return
        try:
            ray.init(**self._address(), log_to_driver=False, logging_level="error", include_dashboard=False)
        except Exception as problem:  # Ray has no error of its own for this
            raise UsageError(
                "error.ray.none", place=self.where, problem=str(problem).splitlines()[0]
            ) from problem
        try:
            yield self
        finally:
            ray.shutdown()

    def _address(self) -> dict[str, Any]:
        if self.where == "ray":
            return {"address": "local", "num_cpus": cores(), "_node_ip_address": LOOPBACK}
        return {"address": self.where}

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[Result]:
        """Run `cells`: see `Backend.run`."""
        ray = imported()
        written = travel.recipe(sweep, cells)
        if written is not None:
            yield from self._sent(ray, sweep, cells, written)
        elif sweep.population:
            raise UsageError("error.ray.task", name=sweep.task.name)
        else:
            yield from self._exported(ray, sweep, cells)

    def _sent(
        self, ray: "ModuleType", sweep: Sweep, cells: Sequence[Cell], written: travel.Recipe
    ) -> Iterator[Result]:
        """What is trained there from the first step to the last."""
        function = ray.remote(num_cpus=1, max_retries=RETRIES)(travel.trained)
        recipe, todo = ray.put(written), iter(sweep.chunks(cells))
        under_way: dict[Any, list[int]] = {}
        try:
            while True:
                room = 0 if interruption.is_winding_up() else AHEAD * _cores(ray) - len(under_way)
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

        there = exported.elsewhere(sweep, AHEAD * _cores(ray), call, ray.put)
        yield from THREADS.run(there, cells)


def _cores(ray: "ModuleType") -> int:
    """How many the cluster has now."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _got(ray: "ModuleType", reference: object) -> Any:
    """What a task of Ray gave. Raises what it raised, if that is a caller's mistake."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as problem:
        raise problem.cause from None
    except ray.exceptions.RayError as problem:
        raise UsageError("error.ray.lost", problem=str(problem).splitlines()[0]) from problem


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
