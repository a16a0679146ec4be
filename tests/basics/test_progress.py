"""The bar of a running study, on a terminal and in a notebook that can draw it; elsewhere lines."""

import functools
import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

import kobai
from kobai import words
from kobai.basics import progress
from kobai.tasks.frameworks import of


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
    """rich's bars, which note that they began, and what they show."""

    begun, shown = False, {}

    def __init__(self, *columns, console, transient): ...

    def __enter__(self):
        Bars.begun, Bars.shown = True, {"completed": 0}
        return self

    def __exit__(self, *problem): ...

    def add_task(self, description, total):
        assert not Bars.shown["completed"]  # one bar, and no other
        Bars.shown |= {"description": description, "total": total}

    def update(self, task, refresh, **changes):
        assert refresh  # else a short phase is never seen
        Bars.shown |= changes

    def advance(self, task, cells):
        Bars.shown["completed"] += cells


def test_one_bar_goes_over_all_phases(monkeypatch):
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(force_terminal=True, file=io.StringIO()))
    monkeypatch.setattr(progress, "Bars", Bars)
    with progress.progress_bar(True, 10) as told:
        told.phase("tuning", 6)
        told.advance(6)
        assert Bars.shown == {"description": "tuning", "total": 10, "completed": 6}
        told.phase("confirmation", 8)  # more than was foreseen
        told.advance(8)
    assert Bars.shown == {"description": "confirming", "total": 14, "completed": 14}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("language", words.TABLES)
def test_the_bar_is_one_line_with_an_estimate_of_the_end(monkeypatch, width, language):
    text = io.StringIO()
    console = Console(force_terminal=True, file=text, width=width, legacy_windows=False)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    with words.language(language), progress.progress_bar(True, 12345) as told:
        told.phase("confirmation", 100)
        told.advance(6000)
        told.bar.refresh()
        [task] = told.bar.tasks
        assert task.total == 12345
        drawn = console.render_lines(told.bar.make_tasks_table([task]), pad=False)
    shown = "".join(segment.text for segment in drawn[0])
    assert len(drawn) == 1
    assert cell_len(shown) <= width
    assert "6000/12345" in shown
    assert re.search(r"\d:\d\d|-:--", shown)
    assert "…" not in shown


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            "tuning: 40 of about 100 trainings, about 20 seconds left\n"
            "confirming: 100 of about 120 trainings, about 10 seconds left\n",
        ),
        (
            "ja",
            "調整: 約100回のうち40回の学習が終了、残り約20秒\n"
            "確認: 約120回のうち100回の学習が終了、残り約10秒\n",
        ),
    ],
)
def test_where_no_bar_can_be_drawn_a_line_says_how_far_it_is(monkeypatch, language, lines):
    text, clock = io.StringIO(), Clock()
    monkeypatch.setattr(progress, "INTERVAL", 10.0)
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(file=text, width=80))
    with words.language(language), progress.progress_bar(True, 100, clock) as told:
        told.phase("tuning", 60)
        for now, cells in ((5.0, 20), (9.9, 10), (11.0, 10), (20.9, 10)):  # a line at most every ten seconds
            clock.now = now
            told.advance(cells)
        told.phase("confirmation", 70)
        clock.now = 50.0
        told.advance(50)
    assert text.getvalue() == lines


def test_what_is_told_stands_above_the_bar_or_in_the_log_and_without_progress_nowhere(monkeypatch):
    for asked, terminal, shown in ((True, True, True), (False, True, False), (True, False, True)):
        text = io.StringIO()
        monkeypatch.setattr(
            progress,
            "Console",
            lambda stderr, t=terminal, f=text: Console(force_terminal=t, file=f, width=80),
        )
        with progress.progress_bar(asked) as told:
            told.phase("tuning", 3)
            told.tell("146 trainings")
        assert ("146 trainings" in text.getvalue()) is shown


def test_a_notebook_without_a_bar_says_it_all_the_same(monkeypatch):
    text = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda stderr: Plain(text))
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    with progress.progress_bar(True) as told:
        told.tell("146 trainings")
    assert text.getvalue() == "146 trainings\n"


class Plain:
    """A console of a notebook that writes text."""

    is_jupyter, is_terminal = True, False

    def __init__(self, file):
        self.file = file

    def print(self, sentence, highlight):
        print(sentence, file=self.file)


class Timer:
    """A clock that a test moves: what is due by then is called."""

    def __init__(self, seconds, function):
        self.seconds, self.function, self.is_on, self.daemon = seconds, function, False, False
        Timer.last = self

    def start(self):
        assert self.daemon  # no program waits for it at its end
        self.is_on = True

    def cancel(self):
        self.is_on = False

    def move(self, now):
        if self.is_on and now >= self.seconds:
            self.is_on = False
            self.function()


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "the model Net is being translated, which may take half a minute\n"),
        ("ja", "モデルNetを変換しています（30秒ほどかかることがあります）\n"),
    ],
)
def test_what_takes_long_is_told_once_and_what_is_over_never(monkeypatch, language, line):
    text = io.StringIO()
    monkeypatch.setattr(progress, "PATIENCE", 3.0)
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(file=text, width=80))
    with words.language(language), progress.told_late("progress.translating", Timer, name="Net"):
        Timer.last.move(2.9)
        assert text.getvalue() == ""
    Timer.last.move(30.0)
    assert text.getvalue() == ""
    with words.language(language), progress.told_late("progress.translating", Timer, name="Net"):
        Timer.last.move(3.0)
        Timer.last.move(6.0)
    assert text.getvalue() == line


def test_an_error_of_the_model_ends_the_waiting_too(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 3.0)
    with pytest.raises(ZeroDivisionError), progress.told_late("progress.translating", Timer, name="Net"):
        raise ZeroDivisionError
    assert not Timer.last.is_on


def test_the_translation_of_a_model_is_what_is_told(monkeypatch):
    """By the task of a model itself: the clock is past the time as soon as it starts."""
    text = io.StringIO()
    monkeypatch.setattr(progress, "PATIENCE", 3.0)
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(file=text, width=80))
    late = functools.partial(progress.told_late, clock=Late)
    monkeypatch.setattr(of, "told_late", late)
    x, y = np.eye(3, dtype=np.float32).repeat(20, 0), np.arange(3).repeat(20)
    kobai.Task.of((lambda key: np.zeros((3, 3), np.float32), lambda w, x: x @ w), (x, y), name="mine")
    assert text.getvalue() == "the model mine is being translated, which may take half a minute\n"


class Late(Timer):
    """A clock on which the time is over at once."""

    def start(self):
        super().start()
        self.move(30.0)
