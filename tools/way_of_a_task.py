"""The way of a task: through which files it goes, from `kobai.compare` to the compiled step and back.

    python tools/way_of_a_task.py

Runs a small comparison and watches which functions are handed the task, the study and cells around it,
or what comes back of it (runs, the outcome, the answer), until the table is there: as an argument, in a list,
tuple, set or dict that is one, or as a field of an argument (`self` is one). What a function or a bound
method carries inside is not looked for, and the ground floor is no station: its guard looks at every argument
of a call, whatever it is.

Prints each file, its lines and what it holds of the task; in the last line also of how many files any
function runs, whatever it is handed. Ends with 1 where there are more than `MOST_FILES` on the way, or one
has more than `MOST_LINES`. The stations are described in docs/explanation/house.md; a test holds that page
and this list together.
"""

import inspect
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType

import kobai

SOURCE = Path(kobai.__file__).parent
STATIONS = ("Task", "Study", "SharedRun", "Cell", "Training", "Run", "Outcome", "Answer")
"""The classes that a task is, or becomes part of, on its way."""
MOST_FILES = 16
MOST_LINES = 350


def way() -> tuple[dict[str, list[str]], set[str]]:
    """Each file on the way, relative to src/kobai -> the stations that its functions are handed; and every
    file of which a function runs."""
    stations: dict[str, set[str]] = defaultdict(set)
    running: set[str] = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(str(SOURCE)):
            return
        values = [frame.f_locals.get(name) for name in _arguments(code)]
        names = {name for value in values for name in _stations(value)}
        file = Path(code.co_filename).relative_to(SOURCE).as_posix()
        if code.co_flags & inspect.CO_OPTIMIZED:  # a function, and no body of a module or a class
            running.add(file)
        if names and not file.startswith("basics/"):
            stations[file] |= names

    ask = sys.modules["kobai.questions.comparison.ask"] if kobai.compare else None
    if hasattr(ask, "measurements"):  # what is measured to say why comes after the answer, beside the way
        ask.measurements = lambda *_: None  # type: ignore[union-attr]
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        result = kobai.compare(
            kobai.tasks.sine(),
            optimizers=["sgd", "adam"],
            learning_rates=[0.01, 0.1],
            initializers=["he"],
            steps=20,
            tuning_seeds=1,
            seeds=2,
            progress=False,
        )
        result.table  # noqa: B018 - a table is made where it is asked for
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return {file: sorted(names, key=STATIONS.index) for file, names in sorted(stations.items())}, running


def _arguments(code: CodeType) -> tuple[str, ...]:
    """The names of all arguments of a function, with those that take any number."""
    several = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + several]


def _stations(argument: object) -> Iterator[str]:
    """The stations that an argument is, holds, or has as fields, where it is an object of kobai."""
    for value in _contents(argument):
        yield from _station(value)
        if type(value).__module__.startswith("kobai."):
            fields = getattr(value, "__dict__", {}).values()
            yield from (name for field in fields for each in _contents(field) for name in _station(each))


def _station(value: object) -> Iterator[str]:
    kind = type(value)
    if kind.__module__.startswith("kobai.") and kind.__name__ in STATIONS:
        yield kind.__name__


def _contents(value: object, depth: int = 2) -> Iterator[object]:
    """A value and, where it is a container, what is in it, down to `depth` containers."""
    yield value
    if depth and isinstance(value, list | tuple | set | frozenset | Mapping):
        for each in value.values() if isinstance(value, Mapping) else list(value):
            yield from _contents(each, depth - 1)


def lines_of(file: str) -> int:
    """How many lines a file of kobai has."""
    return len((SOURCE / file).read_text("utf-8").splitlines())


def main() -> int:
    """Print the way; 0 where it is as short as it should be."""
    files, running = way()
    for file, stations in files.items():
        print(f"{file:<38} {lines_of(file):>4}  {', '.join(stations)}")
    print(
        f"{len(files)} files, {sum(map(lines_of, files))} lines; "
        f"any function runs of {len(running)} files, {sum(map(lines_of, running))} lines"
    )
    return int(len(files) > MOST_FILES or max(map(lines_of, files)) > MOST_LINES)


if __name__ == "__main__":
    sys.exit(main())
