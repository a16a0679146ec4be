"""The way of a task: through which files it goes, from `kobai.compare` to the compiled step and back.

    python tools/way_of_a_task.py

Runs a small comparison and watches which functions are handed the task, the study around it, or what comes
back of it (runs, the outcome, the answer), until the table is there. Prints each file, its lines and what it
holds of the task, and ends with 1 where there are more than `MOST_FILES`, or one has more than `MOST_LINES`.
The stations are described in docs/explanation/house.md; a test holds that page and this list together.
"""

import sys
import threading
from collections import defaultdict
from pathlib import Path
from types import FrameType

import kobai

SOURCE = Path(kobai.__file__).parent
STATIONS = ("Task", "Study", "Run", "Outcome", "Answer")
"""The classes that a task is, or becomes part of, on its way."""
MOST_FILES = 16
MOST_LINES = 350


def way() -> dict[str, list[str]]:
    """Each file on the way, relative to src/kobai -> the stations that its functions are handed."""
    stations: dict[str, set[str]] = defaultdict(set)

    def watch(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(str(SOURCE)):
            return
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        classes = (type(frame.f_locals.get(name)) for name in arguments)
        names = {kind.__name__ for kind in classes if kind.__module__.startswith("kobai.")}
        if names & set(STATIONS):
            file = Path(code.co_filename).relative_to(SOURCE).as_posix()
            stations[file] |= names & set(STATIONS)

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
    return {file: sorted(names, key=STATIONS.index) for file, names in sorted(stations.items())}


def lines_of(file: str) -> int:
    """How many lines a file of kobai has."""
    return len((SOURCE / file).read_text("utf-8").splitlines())


def main() -> int:
    """Print the way; 0 where it is as short as it should be."""
    files = way()
    for file, stations in files.items():
        print(f"{file:<38} {lines_of(file):>4}  {', '.join(stations)}")
    print(f"{len(files)} files, {sum(map(lines_of, files))} lines")
    return int(len(files) > MOST_FILES or max(map(lines_of, files)) > MOST_LINES)


if __name__ == "__main__":
    sys.exit(main())
