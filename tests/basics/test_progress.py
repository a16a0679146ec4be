"""The bar of a running study: on a terminal, in a notebook that can draw it, and nowhere else."""

import functools
import io

import pytest
from rich.console import Console

from kobai.basics import progress


@pytest.mark.parametrize(("widgets", "shown"), [(None, False), ("ipywidgets", True)])
def test_a_notebook_without_ipywidgets_has_no_bar_and_no_warning(widgets, shown, monkeypatch):
    """rich would warn `install "ipywidgets" for Jupyter support` as soon as its bar begins."""
    console = functools.partial(Console, force_jupyter=True, file=io.StringIO())
    monkeypatch.setattr(progress, "Console", lambda stderr: console())
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: widgets)
    monkeypatch.setattr(progress, "Bars", Bars)
    monkeypatch.setattr(Bars, "begun", False)
    with progress.progress_bar(True) as told:
        told.phase("tuning", 3)
        told.advance(1)
    assert Bars.begun is shown


class Bars:
    """rich's bars, which note that they began."""

    begun = False
    task_ids = ()

    def __init__(self, *columns, console, transient): ...

    def __enter__(self):
        Bars.begun = True
        return self

    def __exit__(self, *problem): ...

    def add_task(self, description, total): ...

    def advance(self, task, cells): ...
