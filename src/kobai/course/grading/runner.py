"""One learner's notebook, executed in a process of its own: ``python -m kobai.course.grading.runner``.

`watch` starts it, writes what is to be done to its standard input and reads what became of it from its
standard output, a line of JSON before and after each step. A step runs a cell as the learner wrote it, or
uses the answer to an exercise as it stands in the notebook's variables then. What fails stops no other.

No verdict is passed here: the lines say what an answer did, and whether that is right is decided in the
process that reads them, where a learner's code can have changed nothing.

This holds off mistakes, not attacks: a learner's code runs with the rights of whoever grades it. Grade the
work of strangers in a container.
"""

import contextlib
import json
import linecache
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from kobai.course.grading.supervise import supervised


def main() -> None:
    """As `watch` calls it."""
    supervised(work)


def work() -> None:
    """Take the steps that standard input asks for."""
    task = json.loads(sys.stdin.buffer.read())
    limit_resources(task["gigabytes"], task["total"])
    report = reporter()
    from kobai import words

    words.use(task["language"])
    steps(task, report)
    report(done=True)


def reporter() -> Callable[..., None]:
    """What writes a line for `watch`; a learner's code has no standard input and output any more."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")  # which no process started later inherits
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    owner = os.getpid()

    def report(**line: object) -> None:
        if os.getpid() != owner:  # a learner's os.fork: the copy does not go on with the notebook
            os._exit(0)
        output.write(json.dumps(line, default=str) + "\n")
        output.flush()

    return report


def steps(task: dict[str, Any], report: Callable[..., None]) -> None:
    """Take them one by one."""
    from kobai import words
    from kobai.course.exercises import of_lesson
    from kobai.course.grading import cells  # noqa: F401 - what is imported now, no cell has changed
    from kobai.course.grading.reports import as_report, asks_for_letters
    from kobai.course.judge import observed

    # Before any cell runs, so that it takes no step's time; it loads JAX, in a second.
    exercises = of_lesson(task["lesson"]) if any(kind == "judge" for kind, _ in task["steps"]) else {}
    namespace = notebook_variables()
    for number, (kind, text) in enumerate(task["steps"]):
        if kind == "skip":
            continue
        report(begin=number)
        if kind == "run":
            end = execute(text, f"cell-{number}", namespace, task["seconds"])
        else:
            exercise = exercises[text]
            answer = namespace.get(exercise.defines)
            letters = asks_for_letters(exercise)
            outcome = [] if letters else observed(text, exercise, namespace, task["seconds"], task["seed"])
            with words.language(task["language"]):  # a notebook sets its own
                end = as_report(answer, outcome, exercise)
        report(end=number, **end)


def notebook_variables() -> dict[str, object]:
    """The variables of a notebook before its first cell. Nothing is shown, in no window and no browser."""
    import webbrowser

    import plotly.basedatatypes
    import plotly.io

    webbrowser.open = lambda *arguments, **options: False  # noqa: ARG005
    plotly.io.show = plotly.basedatatypes.BaseFigure.show = _nothing
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module  # where pickle and dataclasses look for a learner's classes
    sys.path.insert(0, "")  # modules of the learner's own, beside the notebook
    vars(module).update(display=_nothing, get_ipython=_Shell)
    return vars(module)


def _nothing(*arguments: object, **options: object) -> None:  # noqa: ARG001
    """Stands for `display`, and for whatever a notebook asks of IPython."""


class _Shell:
    """Stands for what ``get_ipython()`` returns: it takes every call and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


def execute(source: str, name: str, namespace: dict[str, object], seconds: float) -> dict[str, object]:
    """Run the code of a cell and say how it ended; whatever it raises stays in it, as in a notebook."""
    from kobai.course.grading.cells import as_python
    from kobai.course.limits import OutOfTime, limited
    from kobai.course.problems import raised

    try:
        with limited(seconds):
            code = as_python(source)
            # So that an exception in it can name the line.
            linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
            exec(compile(code, name, "exec"), namespace)
    except OutOfTime:
        return {"status": "stopped"}
    except NotImplementedError:  # so does the place where an answer is to be written
        return {"status": "ran"}
    except BaseException as problem:
        values = raised(problem, namespace)
        if not isinstance(values["line"], str):  # the code could not even be read
            values["line"] = source.strip().partition("\n")[0]
        return {"status": "failed", **values}
    return {"status": "ran"}


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


if __name__ == "__main__":
    main()
