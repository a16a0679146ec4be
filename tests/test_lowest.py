"""tools/lowest.py: the lowest versions, as pip's constraints."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("lowest", ROOT / "tools" / "lowest.py")
lowest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lowest)


def project(*dependencies, **extras):
    return {"dependencies": list(dependencies), "optional-dependencies": extras}


def test_a_lower_bound_becomes_the_version():
    asked = project("jax>=0.10", "import-linter>=2.1", course=["jax>=0.10"], test=["pytest>=8.3.1"])
    assert lowest.lowest(asked) == ["import-linter==2.1", "jax==0.10", "pytest==8.3.1"]
    assert lowest.lowest(project("ray[client]>=2.54")) == ["ray==2.54"]  # a constraint has no extras


@pytest.mark.parametrize(
    "asked",
    [
        project("jax"),
        project("jax>0.10"),
        project("jax>=0.10,<0.12"),
        project("jax>=0.10", test=["jax>=0.11"]),
    ],
)
def test_what_names_no_one_lowest_version_is_refused(asked):
    with pytest.raises(ValueError, match="write the one lowest version"):
        lowest.lowest(asked)


def test_every_dependency_of_this_project_has_one():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {line.partition("==")[0] for line in lowest.lowest(asked)}
    assert len(names) > len(asked["dependencies"])
    assert {"jax", "numpy", "polars", "rich", "pytest"} <= names
