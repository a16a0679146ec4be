"""The wheel: what it carries, and that the course runs from it with no clone beside it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from kobai.course import pages
from kobai.course.source import LANGUAGES, lesson_names

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The folder into which the wheel was unpacked, as an installation does it."""
    place = tmp_path_factory.mktemp("wheel")
    [path] = WheelBuilder(str(ROOT)).build(directory=str(place), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        archive.extractall(place / "site")
    return place / "site"


def test_the_wheel_carries_all_files_of_the_course(wheel):
    course = ROOT / "src" / "kobai" / "course"
    files = {path.relative_to(course) for path in course.rglob("*") if path.is_file()}
    files = {path for path in files if "__pycache__" not in path.parts}
    carried = {
        path.relative_to(wheel / "kobai" / "course") for path in (wheel / "kobai" / "course").rglob("*")
    }
    assert files <= carried
    needed = {f"lessons/{name}.py" for name in lesson_names()}
    needed |= {
        f"lessons/{name}.{language}.md" for name in pages.PAGES | pages.GUIDE for language in LANGUAGES
    }
    needed |= {f"slides/reveal/{name}" for name in ("reveal.js", "reveal.css", "LICENSE")}
    needed |= {"exercises/lesson_3_1.py", "figures/maps.py", "grading/pages.css", "slides/deck.html"}
    assert {Path(name) for name in needed} <= carried
    assert all((wheel / "kobai" / "words" / language / "course").is_dir() for language in LANGUAGES)


def test_the_course_is_written_from_the_wheel_alone(wheel, tmp_path):
    code = "import kobai, sys; from kobai.__main__ import main; print(kobai.__file__); main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "course", "build", "everything"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(str(wheel))
    for language in LANGUAGES:
        written = {path.name for path in (tmp_path / "everything" / language).iterdir()}
        assert {
            "0_start.ipynb",
            "3_1_SGD_trainee.ipynb",
            "3_13_from_classroom_to_job_answer.ipynb",
        } <= written
