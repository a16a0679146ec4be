"""The house as docs/explanation/house.md shows it: its floors, and the way of a task through it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

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
