"""Ctrl-C and SIGTERM: what is heard, when it ends the process, and what is said."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kobai.basics import interruption
from kobai.engine.backends.threads import Threads


class Ended(BaseException):
    """In place of the end of the process."""


@pytest.fixture
def process(monkeypatch):
    """The state of a process of its own, whose end is an exception and whose last words are a list."""
    said = []

    def ended(code):
        raise Ended(code)

    monkeypatch.setattr(interruption, "_signal", 0)
    monkeypatch.setattr(interruption, "_can_answer", False)
    monkeypatch.setattr(interruption, "_winding_up", False)
    monkeypatch.setattr(interruption, "_kept", interruption._Kept())
    monkeypatch.setattr(interruption.os, "_exit", ended)
    monkeypatch.setattr(interruption.os, "write", lambda _, words: said.append(words.decode()))
    monkeypatch.setattr(interruption.select, "select", lambda *_: ([], [2], []))
    monkeypatch.setattr(interruption, "_ending", interruption.threading.Lock())
    return said


class Timer:
    """A timer that notes that it was started, and whose time comes when a test says so."""

    started = None

    def __init__(self, seconds, then):
        assert 0 < seconds < 2
        self.then = then

    def start(self):
        assert self.daemon  # the end of the program does not wait for it
        Timer.started = self


def hear(monkeypatch, *numbers):
    """Let the listening thread hear these signals, and then nothing any more."""
    bytes_of_signals = [bytes([number]) for number in numbers]

    def read(*_):
        if not bytes_of_signals:
            raise EOFError
        return bytes_of_signals.pop(0)

    monkeypatch.setattr(Timer, "started", None)
    monkeypatch.setattr(interruption.threading, "Timer", Timer)
    monkeypatch.setattr(interruption.os, "read", read)
    interruption._watch(0)


def test_a_file_that_is_there_counts_before_anybody_says_so(process, tmp_path):
    chunk = tmp_path / "cells.parquet"
    interruption.keeps(3, tmp_path)
    interruption.coming(2, chunk)
    assert interruption.last_words() == interruption.sentence(3, tmp_path)
    chunk.touch()
    assert interruption.last_words() == interruption.sentence(5, tmp_path)
    interruption.keeps(5, tmp_path)
    assert interruption.last_words() == interruption.sentence(5, tmp_path)


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_with_nothing_to_keep_the_process_ends_at_once(process, monkeypatch, number, code):
    with pytest.raises(Ended) as ended:
        hear(monkeypatch, number)
    assert ended.value.args == (code,)
    assert process == ["\nkobai: interrupted; nothing was kept\n"]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_study_is_asked_and_the_watchdog_waits_behind_it(process, monkeypatch, number, code):
    interruption.check()  # nobody has asked
    with interruption.checked(), pytest.raises(EOFError):
        hear(monkeypatch, number)
    assert process == []
    with pytest.raises(KeyboardInterrupt):
        interruption.check()
    interruption.keeps(3, Path("out"))
    with pytest.raises(Ended) as ended:
        Timer.started.then()
    assert ended.value.args == (code,)
    assert process == [
        "\nkobai: interrupted; 3 finished trainings are kept in out; "
        "the same command goes on with --output out\n"
    ]


def test_whoever_asks_twice_does_not_wait(process, monkeypatch):
    with interruption.checked(), pytest.raises(Ended) as ended:
        hear(monkeypatch, signal.SIGINT, signal.SIGINT)
    assert ended.value.args == (130,)


def test_where_there_is_an_answer_the_first_ctrl_c_asks_for_it_and_the_second_ends(process, monkeypatch):
    with interruption.checked():
        interruption.can_answer(True)
        with pytest.raises(EOFError):
            hear(monkeypatch, signal.SIGINT)
        assert interruption.is_winding_up()
        assert Timer.started is None  # whoever answers has the time that it takes
        interruption.check()
        [said] = process
        assert said.startswith("\nkobai: finishing what is in hand")
        with pytest.raises(EOFError):
            hear(monkeypatch, signal.SIGINT)
        assert Timer.started is not None
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        with pytest.raises(Ended) as ended:
            Timer.started.then()
        assert ended.value.args == (130,)
    with interruption.checked():
        assert not interruption.is_winding_up()


def test_sigterm_asks_for_no_answer(process, monkeypatch):
    with interruption.checked():
        interruption.can_answer(True)
        with pytest.raises(EOFError):
            hear(monkeypatch, signal.SIGTERM)
        assert not interruption.is_winding_up()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
    assert process == []


def test_what_has_an_end_of_its_own_is_told_by_an_exception(process, monkeypatch):
    with interruption.raised():
        with pytest.raises(EOFError):  # the thread leaves it to the main one
            hear(monkeypatch, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interruption._hear(signal.SIGINT, None)
        interruption._hear(signal.SIGTERM, None)
        with pytest.raises(Ended):
            hear(monkeypatch, signal.SIGTERM)
    interruption._hear(signal.SIGINT, None)  # outside nothing is raised, wherever Python may be


def test_other_signals_are_nobodys_end(process, monkeypatch):
    with pytest.raises(EOFError):
        hear(monkeypatch, signal.SIGCHLD, signal.SIGALRM)
    assert process == []


def test_the_watchdog_ends_the_process_though_the_main_thread_is_held_up_at_its_last_words(
    process, monkeypatch
):
    class Held:
        def acquire(self, timeout):
            assert 0 < timeout < 0.5
            return False

    monkeypatch.setattr(interruption, "_ending", Held())
    with pytest.raises(Ended):
        interruption._cut()
    assert process == []


def test_a_signal_that_nobody_asked_for_in_time_still_decides_the_code(process, monkeypatch, capsys):
    with pytest.raises(Ended) as ended:
        interruption.leave(0)
    assert ended.value.args == (0,)
    monkeypatch.setattr(interruption, "_signal", signal.SIGTERM)
    interruption.keeps(5, Path("out"), "interrupted.finished")
    with pytest.raises(Ended) as ended:
        interruption.leave(0)
    assert ended.value.args == (143,)
    assert capsys.readouterr().err == "\nkobai: interrupted; the whole answer, of 5 trainings, is in out\n"


class Endless:
    """An engine whose every chunk takes until it is told to leave."""

    threads, asks = 1, 0

    def compile(self): ...

    def chunks(self, cells):
        return [[i] for i in range(len(cells))]

    def train(self, cells, leave):
        interruption._signal = signal.SIGINT  # once: set later, it would interrupt another test
        while not leave():
            pass


def test_the_loop_over_results_asks(process):
    with pytest.raises(KeyboardInterrupt):
        list(Threads().run(Endless(), ["cell"]))


# Real processes.

LISTENS = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told us to ignore it
from kobai.basics import interruption
interruption.PATIENCE = 0.01
interruption.listen()
with getattr(interruption, sys.argv[1])():
    interruption.keeps(3, Path("out"))
    print("here", flush=True)
    os.read(0, 1)  # as in a compiled call: Python does not come to run a handler that would end it
"""


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_process_ends_though_its_main_thread_is_busy(number, code):
    busy = subprocess.Popen(
        [sys.executable, "-c", LISTENS, "checked"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert busy.stdout.readline() == b"here\n"
        busy.send_signal(number)
        busy.wait(60)
        assert busy.returncode == code
        assert b"3 finished trainings are kept in out" in busy.stderr.read()
    finally:
        busy.kill()
        busy.communicate()


ANSWERS = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told us to ignore it
from kobai.basics import interruption
interruption.PATIENCE = 0.01
interruption.listen()
with interruption.checked():
    interruption.can_answer(True)
    print("here", flush=True)
    os.read(0, 1)
    assert interruption.is_winding_up()
    print("the answer")
interruption.leave(0)
"""


@pytest.mark.parametrize("twice", [False, True])
def test_a_process_answers_after_the_first_ctrl_c_and_ends_after_the_second(twice):
    busy = subprocess.Popen(
        [sys.executable, "-c", ANSWERS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    try:
        assert busy.stdout.readline() == b"here\n"
        busy.send_signal(signal.SIGINT)
        assert busy.stderr.readline() == b"\n"
        assert busy.stderr.readline().startswith(b"kobai: finishing what is in hand")
        if twice:
            busy.send_signal(signal.SIGINT)
            busy.wait(60)
            assert busy.returncode == 130
        else:
            out, err = busy.communicate(b"x", timeout=60)
            assert (busy.returncode, out, err) == (0, b"the answer\n", b"")
    finally:
        busy.kill()
        busy.communicate()


STAYS_IGNORED = """
import signal
from kobai.basics import interruption
signal.signal(signal.SIGINT, signal.SIG_IGN)
interruption.listen()
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
signal.raise_signal(signal.SIGINT)
"""
IS_PYTHONS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import kobai
for name in kobai.__all__:
    getattr(kobai, name)
import kobai.__main__
from kobai.cli import run
assert run(["--version"]) == 0
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
assert signal.set_wakeup_fd(-1) == -1
"""


@pytest.mark.parametrize("program", [STAYS_IGNORED, IS_PYTHONS], ids=["ignored", "a library"])
def test_who_else_decides_about_signals(program):
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


DURING_AN_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

def ended(code, end=os._exit):
    if code == 2:  # the main thread refuses the command in no time: let the other one hear the signal
        os.read(os.pipe()[0], 1)
    end(code)

os._exit = ended
sys.meta_path.insert(0, Finder())
from kobai.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module", ["kobai.basics.interruption", "threading", "kobai.words", "kobai.cli", "rich.cells"]
)
def test_from_its_first_import_on_an_interruption_has_one_end(module, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", DURING_AN_IMPORT, module],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (130, "")
    said = [line for line in ran.stderr.splitlines() if line and "there is no command" not in line]
    assert said in (["kobai: interrupted"], ["kobai: interrupted; nothing was kept"])
