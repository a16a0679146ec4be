"""What must stay as it is while notebooks run: the files of everything that grading uses.

A learner's code runs with the rights of whoever grades. It could write into the installed exercises, or into
the folder of a learner whose turn is still to come. So everything is imported, and all notebooks are read,
before the first one runs; and of each file that a later process reads again is noted what it was. A mark that
was earned after such a file had changed is none.
"""

import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

from kobai.course.exercises import of_lesson
from kobai.course.judge import compared
from kobai.course.source import lesson_names

Stamp: TypeAlias = tuple[int, int, int, int]
"""What tells one state of a file from another; the time at which its entry changed cannot be set back."""


def import_first() -> None:
    """Import what grading needs, and use every reference and wrong answer once."""
    from kobai.course.grading import cells, runner  # noqa: F401

    for lesson in lesson_names():
        for name, exercise in of_lesson(lesson).items():
            compared(name, exercise, [])


class Files:
    """What grading reads again while notebooks run, and what it was when this was made.

    Args:
      folders: of the learners, whose files a notebook finds copies of.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        modules = [vars(module) for module in list(sys.modules.values()) if isinstance(module, ModuleType)]
        paths = {module.get(name) for module in modules for name in ("__file__", "__cached__")}
        installed = Path(str(files("kobai"))).rglob("*")
        paths |= {str(path) for path in installed if path.suffix != ".pyc" and path.is_file()}
        stamps = {path: _stamp(path) for path in sorted(filter(None, paths))}
        self.own: dict[str, Stamp | None] = {path: stamp for path, stamp in stamps.items() if stamp}
        self.own |= {place: _stamp(place) for place in _run_at_the_start()}
        self.beside = {
            folder: {path: _stamp(str(path)) for path in _files(folder)} for folder in set(folders)
        }

    def changed(self, folder: Path | None = None) -> str:
        """The first file that is not what it was, of grading's own or in a learner's folder; "" for none."""
        beside = {} if folder is None else self.beside[folder]
        noted = {**self.own, **{str(path): stamp for path, stamp in beside.items()}}
        return next((path for path, stamp in noted.items() if _stamp(path) != stamp), "")


def _run_at_the_start() -> list[str]:
    """Where Python looks, whatever it runs, for sitecustomize.py, usercustomize.py and .pth files.

    Which files they hold is noted with them; one that is not there yet may be made.
    """
    return [*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib")]


def _stamp(path: str) -> Stamp | None:
    try:
        entry = os.stat(path)
    except (OSError, ValueError):
        return None
    return entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns, entry.st_ino


def _files(folder: Path) -> list[Path]:
    """The files in a folder beside its notebooks, the smallest first."""
    try:
        paths = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".ipynb"]
        return sorted(paths, key=lambda path: path.stat().st_size)
    except (OSError, ValueError):
        return []
