"""Two small tasks in one study, in a folder."""

import pytest

import kobai
from questions_over_tasks import ASK, line


@pytest.fixture(scope="module")
def two(tmp_path_factory, quick_engine):  # noqa: ARG001
    """What `kobai.compare` gives for two tasks, and its folder."""
    folder = tmp_path_factory.mktemp("two") / "out"
    return kobai.compare(line(), also=[line(1.5, "steep line")], **ASK, output=folder), folder
