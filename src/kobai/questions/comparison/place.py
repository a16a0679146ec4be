"""Where a comparison is computed: here alone, beside other processes on one folder, or on a backend."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from kobai.basics.errors import UsageError, quoted
from kobai.engine.backends import THREADS, Backend, ray
from kobai.engine.identity import digest
from kobai.report.result import Result
from kobai.study import lock
from kobai.study.joined import Joined
from kobai.study.runner import Place


@contextlib.contextmanager
def working(folder: Path | None, backend: object, join: bool) -> Iterator[Place]:
    """The place of a comparison in whose folder nobody else is at work, or all have joined.

    Raises `UsageError` where somebody is, for what is no place, and for what joins nobody.
    """
    if join:
        if folder is None:
            raise UsageError("error.join.output")
        if backend is not None:
            raise UsageError("error.join.backend")
        with lock.joined(folder) as share:
            yield Joined(share)
        return
    if isinstance(backend, str) and ray.is_place(backend):
        with lock.alone(folder), ray.Ray(backend).connected() as place:
            yield place
        return
    here = THREADS if backend is None else backend
    if not isinstance(here, Backend):
        raise UsageError("error.backend", value=quoted(here))
    with lock.alone(folder):
        yield here


def save(result: Result, folder: Path, place: Place) -> None:
    """Write the files of the result; of several processes that have joined one does it for all."""
    if isinstance(place, Joined):
        place.once(f"report-{digest(result.to_json())}", lambda: result.save(folder))
    else:
        result.save(folder)
