"""What the cells of a lesson show when its notebook with the answers is run."""

import subprocess
import sys
from collections.abc import Iterator

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from kobai.course.ipynb import NotebookCell, Output
from kobai.course.notebooks import dump, notebook
from kobai.course.source import Lesson

SECONDS = 300
"""Time for a cell; no notebook takes a minute on an idle machine."""


def outputs_of(lesson: Lesson, language: str) -> dict[str, list[Output]]:
    """For each cell its outputs, as nbformat keeps them, by the cell's id.

    The notebook with the answers is run in a kernel of this Python.
    """
    node = nbformat.reads(dump(notebook(lesson, language, "answer")), as_version=4)
    manager = AsyncKernelManager()
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[0] = sys.executable  # whichever one is registered as "python3"
    NotebookClient(node, km=manager, timeout=SECONDS).execute(cleanup_kc=True, stderr=subprocess.DEVNULL)
    return {cell["id"]: list(_shown(cell)) for cell in node["cells"] if cell["cell_type"] == "code"}


def _shown(cell: NotebookCell) -> Iterator[Output]:
    """The outputs without warnings."""
    return (each for each in cell["outputs"] if each.get("name") != "stderr")
