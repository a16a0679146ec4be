"""The house as docs/explanation/house.md shows it: its floors, and the way of a task through it."""

import functools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import conftest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/explanation/house.md").read_text("utf-8")


def way():
    """The files on the way of a task as the tool finds them, in a process of its own: it watches threads."""
    ran = subprocess.run(
        [sys.executable, "tools/way_of_a_task.py"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    *files, total = ran.stdout.splitlines()
    assert total.startswith(f"{len(files)} files")
    return {line.split()[0] for line in files}


def test_the_page_names_each_station_of_the_way_of_a_task():
    section = PAGE[PAGE.index("## The way of a task") :]
    stations = set(re.findall(r"^\d+\. `([\w/]+\.py)`", section, re.MULTILINE))
    assert stations == way()


def test_the_page_names_the_floors_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    floors = [set(re.findall(r"\w+", layer)) - {"__main__"} for layer in layers]
    rows = re.findall(r"^\| \d+ \| (.*) \|$", PAGE, re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == floors
    assert len(floors) <= 9
    rooms = {path.stem for path in (ROOT / "src/kobai").iterdir() if not path.name.startswith(("_", "py."))}
    assert set().union(*floors) == rooms


def test_every_folder_with_code_is_a_package():
    """One without `__init__.py` imports all the same, and the contracts do not see it."""
    source = ROOT / "src/kobai"
    folders = {path.parent for path in source.rglob("*.py")} - {source / "course/lessons"}  # notebooks
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_only_the_command_line_and_the_lessons_import_kobai_itself():
    """A lower module that did would close a circle through the names that type checkers read."""
    source = ROOT / "src/kobai"
    whole = re.compile(r"^\s*(import kobai$|import kobai as|from kobai import )", re.MULTILINE)
    rooms = {path.name for path in source.iterdir()} | {path.stem for path in source.iterdir()}
    for path in source.rglob("*.py"):
        room = path.relative_to(source).parts[0]
        if room in ("cli", "course", "__init__.py"):
            continue
        for line in whole.findall(path.read_text("utf-8")):
            assert line.strip().startswith("from kobai import"), path
        for names in re.findall(r"^\s*from kobai import (.*)$", path.read_text("utf-8"), re.MULTILINE):
            assert {name.split(" as ")[0].strip() for name in names.split(",")} <= rooms, path


WHOLE_ROOMS = {
    "cli": {"axes", "bad_days", "bad_input", "faults"},
    "course": {"messages"},
    "course/exercises": {"mutants", "references", "right_answers"},
    "course/grading": {"class", "fresh"},
    "course/slides": {"slides"},
    "engine": {"own_rules", "user_trees"},
    "landscapes": {"contract"},
    "minimizers": {"directions", "scale", "scipy"},
    "optimizers": {"checks", "contract", "leaves", "oracles", "packages", "paths", "steps"},
    "questions/comparison/code": {"draws", "whole"},
    "stabilizers": {"contract"},
    "study": {"coverage"},
    "study/statistics": {"simulations", "statistics"},
    "tasks": {"own_values", "recurrent"},
    "tasks/frameworks/torch": {"training"},
    "words": {"words"},
}
"""Tests of what all files of a room keep to, or do together."""


def test_the_tests_of_a_file_stand_where_one_looks_for_them():
    source, tests = ROOT / "src/kobai", ROOT / "tests"
    for path in tests.rglob("test_*.py"):
        room, name = path.parent.relative_to(tests), path.stem.removeprefix("test_")
        if path.parent == tests or name in WHOLE_ROOMS.get(room.as_posix(), ()):
            continue
        assert (source / room / f"{name}.py").exists() or (source / room / name).is_dir(), path
    for room, names in WHOLE_ROOMS.items():
        for name in names:
            assert (tests / room / f"test_{name}.py").exists(), (room, name)
            assert not (source / room / f"{name}.py").exists(), (room, name)


def test_what_is_skipped_for_want_of_a_package_is_written_down(tmp_path, monkeypatch):
    """`.ci/run` runs it once more, where every framework is installed and nothing may be skipped."""
    absent = tmp_path / "absent"
    monkeypatch.setenv("KOBAI_ABSENT", str(absent))

    def told(report, node, why, outcome="skipped"):
        longrepr = None if outcome == "passed" else ("file.py", 3, f"Skipped: {why}")
        conftest.pytest_collectreport(report(node, outcome=outcome, longrepr=longrepr))

    collect = functools.partial(pytest.CollectReport, result=None)
    run = functools.partial(pytest.TestReport, location=("file.py", 3, ""), keywords={}, when="call")
    told(collect, "tests/test_a.py", "could not import 'torch': No module named 'torch'")
    told(collect, "tests/test_c.py", "", "passed")
    told(run, "tests/test_b.py::test_it[a b]", "could not import 'keras': No module named 'keras'")
    told(run, "tests/test_b.py::test_gpu", "no GPU")
    assert absent.read_text("utf-8").splitlines() == ["tests/test_a.py", "tests/test_b.py::test_it[a b]"]
    assert conftest.pytest_runtest_logreport is conftest.pytest_collectreport
    text = (ROOT / ".ci/run").read_text("utf-8")
    assert text.index("KOBAI_ABSENT=") < text.index('@"$scratch/absent.txt"')
