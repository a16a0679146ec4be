"""One learner's notebook, executed and judged in a process of its own: ``python -m kobai.course.runner``.

`grade` starts it. Every code cell runs in order as the learner wrote it, with a time limit of its own, and a
cell that fails stops none of the others. In place of a check cell, known by its id, the course judges what
stands in the notebook's variables at that moment, so that an edited check earns nothing; what no check cell
asked for is judged at the end. Each verdict is a line of JSON in a file: those before a crash are kept.

This holds off mistakes, not attacks: a learner's code runs with the rights of whoever grades it. Grade the
work of strangers in a container.
"""

import ast
import contextlib
import io
import json
import linecache
import os
import sys
from pathlib import Path
from typing import Any

from kobai import words
from kobai.course.exercises import of_lesson
from kobai.course.judge import OutOfTime, Verdict, judge, limited
from kobai.course.source import cell_id


def run(notebook: Path, lesson: str, language: str, verdicts: Path, seconds: float) -> None:
    """Execute a notebook and write the verdicts; `seconds` limits each cell and each answer."""
    exercises = of_lesson(lesson)
    by_cell = {f"{cell_id(name)}-check": name for name in exercises}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    judged = set()
    with verdicts.open("a", encoding="utf-8") as file:

        def write(name: str) -> None:
            found = judge(name, exercises[name], namespace, seconds)
            with words.language(language):  # a notebook sets its own
                file.write(json.dumps(as_json(found), ensure_ascii=False) + "\n")
            file.flush()
            judged.add(name)

        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            if cell.get("id") in by_cell:
                write(by_cell[cell["id"]])
            else:
                execute("".join(cell["source"]), cell.get("id", "cell"), namespace, seconds)
        for name in exercises:
            if name not in judged:
                write(name)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as it is kept in files: its sentence in the language in use."""
    kept = {"exercise": verdict.exercise, "status": verdict.status, "mistake": verdict.mistake}
    return {**kept, "message": verdict.message}


def execute(source: str, name: str, namespace: dict[str, Any], seconds: float) -> None:
    """Run the code of a cell; whatever it raises stays in the cell, as in a notebook.

    Lines for the notebook alone (%magic, !command) are left out.
    """
    kept = "".join(
        "\n" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines(keepends=True)
    )
    # So that an exception in it can name the line.
    linecache.cache[name] = (len(kept), None, kept.splitlines(keepends=True), name)
    with contextlib.suppress(Exception, SystemExit, OutOfTime, KeyboardInterrupt), limited(seconds):
        exec(compile(ast.parse(kept, name), name, "exec"), namespace)


def limit_resources(gigabytes: float, seconds: float) -> None:
    """Bound the memory, the processor time and the size of files of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    bounds = {
        resource.RLIMIT_AS: int(gigabytes * 2**30),
        resource.RLIMIT_CPU: int(seconds * (os.cpu_count() or 1)) + 1,
        resource.RLIMIT_FSIZE: 2**28,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in bounds.items():
        _, most = resource.getrlimit(kind)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        with contextlib.suppress(ValueError, OSError):  # macOS knows some only by name
            resource.setrlimit(kind, (value, value))


def main(arguments: list[str]) -> None:
    """As `grade` calls it: one JSON object with the settings."""
    settings = json.loads(arguments[0])
    limit_resources(settings["gigabytes"], settings["total"])
    with contextlib.redirect_stdout(io.StringIO()):
        run(
            Path(settings["notebook"]),
            settings["lesson"],
            settings["language"],
            Path(settings["verdicts"]),
            settings["seconds"],
        )


if __name__ == "__main__":
    main(sys.argv[1:])
