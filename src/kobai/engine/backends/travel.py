"""A sweep that travels to another process as plain values, and cells that are trained there.

A built-in task travels by its name and options, one from a file as the source of the file. Methods, initial
values and strategies travel by their spellings. Nothing is pickled. What is made of it there is compared with
what it was made from: task, data, program and versions have to be the same, and then the numbers are.
"""

import dataclasses
import functools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jax

from kobai.basics.errors import UsageError
from kobai.basics.machine import use_compilation_cache
from kobai.candidates.named import Method
from kobai.candidates.values import as_json
from kobai.engine.cell import Cell
from kobai.engine.identity import digest, versions
from kobai.engine.run import Run
from kobai.engine.spelling import read_method, read_strategy, spell_method, spell_strategy
from kobai.engine.sweep import Sweep
from kobai.tasks.load import load
from kobai.tasks.provenance import FILE, MODEL, TASK
from kobai.tasks.task import Task

Recipe: TypeAlias = str
"""How a sweep is made, as JSON."""

BYTES = "latin-1"
"""As JSON has the bytes of a file: each is one letter, whatever the file is written in."""


def recipe(sweep: Sweep, cells: Sequence[Cell]) -> Recipe | None:
    """How the sweep of these cells is made elsewhere; None where it cannot be said in plain values."""
    place = sweep.task.provenance
    if place.kind not in (TASK, FILE, MODEL) or sweep.task.growth is not None:  # which another task tells
        return None
    task: dict[str, Any] = {"place": place.place, "options": place.options}
    task |= {"batch_size": sweep.task.batch_size, "accumulate": sweep.task.accumulate}
    try:
        if place.kind != TASK:
            source = _file(place.place)[0].read_bytes()
            task |= {"source": source.decode(BYTES), "hash": digest(source)}
        tried: list[Method] = [*sweep.kinds.values(), *sweep.full_batch]
        methods = [spell_method(method) for method in tried]
        strategies = [spell_strategy(strategy) for strategy in sweep.strategies]
        for cell in cells:
            cell.spelling()
    except (UsageError, OSError):
        return None
    content = {
        "task": task,
        "methods": methods,
        "strategies": strategies,
        "steps": sweep.steps,
        "evaluate_every": sweep.every,
        "chunk": sweep.chunk,
        "identity": sweep.identity.of_task(),
        "x64": _x64(),
        "versions": versions(),
    }
    return as_json(content)


@functools.lru_cache(maxsize=8)
def sweep_of(written: Recipe) -> Sweep:
    """The sweep, made once in a process. Raises `UsageError` where it is another than was written down."""
    content = json.loads(written)
    if versions() != content["versions"]:
        raise UsageError("error.travel.versions", here=versions(), there=content["versions"])
    use_compilation_cache()
    sweep = Sweep(
        _task(**content["task"]),
        [read_method(method) for method in content["methods"]],
        steps=content["steps"],
        evaluate_every=content["evaluate_every"],
        threads=1,
        chunk=content["chunk"],
        strategies=list(map(read_strategy, content["strategies"])),
    )
    if sweep.identity.of_task() != content["identity"]:
        raise UsageError("error.travel.task", name=content["task"]["place"])
    return sweep


def _task(
    place: str,
    options: dict[str, Any],
    batch_size: int,
    accumulate: int,
    source: str | None = None,
    hash: str = "",
) -> Task:
    """The task of a name, or of a file as it was where it comes from."""
    task = load(place, **options) if source is None else _of_source(place, options, source, hash)
    return dataclasses.replace(task, batch_size=batch_size, accumulate=accumulate)


def _of_source(place: str, options: dict[str, Any], source: str, hash: str) -> Task:
    content, (path, attribute) = source.encode(BYTES), _file(place)
    if digest(content) != hash:
        raise UsageError("error.travel.task", name=place)
    with tempfile.TemporaryDirectory(prefix="kobai-") as folder:
        here = Path(folder) / path.name
        here.write_bytes(content)
        return load(f"{here}{attribute}", **options)


def _file(place: str) -> tuple[Path, str]:
    """The file that a place names, and what it says behind it: ("own.py", ":task")."""
    stem, colon, attribute = place.partition(".py:")
    return Path(stem + ".py" if colon else place), colon[3:] + attribute


class Refusal(NamedTuple):
    """A `UsageError` as plain values."""

    key: str
    values: dict[str, str | int | float]

    def error(self) -> UsageError:
        """The error that it was."""
        return UsageError(self.key, **self.values)


def trained(written: Recipe, letters: Sequence[str]) -> list[Run] | Refusal:
    """The runs of a chunk of cells, which are spelled as JSON; or why there are none."""
    try:
        with jax.enable_x64(json.loads(written)["x64"]):
            runs = sweep_of(written).train([Cell.of(json.loads(letter)) for letter in letters])
    except UsageError as problem:
        plain = {k: v if isinstance(v, int | float) else str(v) for k, v in problem.values.items()}
        return Refusal(problem.key, plain)
    assert runs is not None
    return runs


def _x64() -> bool:
    return bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]
