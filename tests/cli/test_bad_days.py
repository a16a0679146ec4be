"""Bad days: signals, kept work that is damaged or another's, two at one folder, odd places and names."""

import json
import os
import re
import signal
import subprocess
import sys

import polars as pl
import pytest

import kobai
from kobai.basics import interruption
from kobai.study import runner, store
from kobai.words import TABLES

FINAL = {"report.html", "results.parquet", "cells.parquet", "answer.json"}
SHORT = "compare sine --hidden 2 --optimizers sgd --initializers he --learning-rates 0.1,0.2 --threads 1"
SHORT += " --steps 10 --tuning-seeds 4 --seeds 4 --output out"
SHORT = SHORT.split()

pytestmark = pytest.mark.usefixtures("quick_engine")


@pytest.fixture
def interrupted(kobai_here, place, monkeypatch):
    """A study that was interrupted when nearly all of it was kept in ``out``."""
    run = runner.Runner.run

    def until(self, phase, *arguments):
        if phase == "demonstration":
            raise KeyboardInterrupt
        return run(self, phase, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(interruption.os, "_exit", lambda code: None)
        patch.setattr(runner.Runner, "run", until)
        said = kobai_here(*SHORT).err
    assert re.fullmatch(r"\nkobai: interrupted; \d+ finished trainings are kept in out; .*\n", said)
    return place / "out"


@pytest.fixture
def cells(kobai_here, place):
    """All cells of the study, from one that nothing interrupted."""
    assert kobai_here(*SHORT[:-1], "whole").code == 0
    return without_seconds(place / "whole")


def without_seconds(folder):
    return pl.read_parquet(folder / "cells.parquet").drop("seconds")


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Signals.

LONG = "compare sine --hidden 5 --optimizers sgd --initializers he --learning-rates 0.1,0.05,0.02,0.01"
LONG += " --steps 100000 --evaluate-every 100 --tuning-seeds 6 --seeds 4 --output out"
LISTENS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told us to ignore it
from kobai.__main__ import main
from kobai.study import store
put = store.Chunks.put

def told(self, cells, frame):
    put(self, cells, frame)
    print("kept", flush=True)

store.Chunks.put = told
main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_keeps_what_is_finished_and_says_so(place, number, code, everything_in):
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENS, *LONG.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "kept\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert set(out.split()) <= {"kept"}
    said = re.fullmatch(r"\nkobai: interrupted; (\d+) .* kept in out; .*--resume --output out\n", err)
    assert said, err
    chunks = [pl.read_parquet(path) for path in (place / "out" / "chunks").glob("*.parquet")]
    assert sum(map(len, chunks)) >= int(said[1]) > 0
    names = {name for name in everything_in("out") if not name.startswith("chunks")}
    assert names <= {"cells.parquet", store.LOCK}  # the second where the watchdog ended it


# What is kept.


def test_resume_goes_on_and_leaves_nothing_behind(interrupted, kobai_here, cells, everything_in):
    (interrupted / ".report.html.abc.kobai-part").write_text("what a killed process left")
    (interrupted / "chunks" / ".a.parquet.abc.kobai-part").write_text("and this")
    assert kobai_here(*SHORT, "--resume").code == 0
    assert everything_in(interrupted) == FINAL
    assert without_seconds(interrupted).equals(cells)


def test_damaged_work_is_reported_in_one_line_and_computed_again(
    interrupted, kobai_here, cells, everything_in
):
    first, second, *_ = sorted((interrupted / "chunks").glob("*.parquet"))
    content = first.read_bytes()
    middle = len(content) // 4
    first.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    second.unlink()
    os.mkfifo(second)
    ran = kobai_here(*SHORT, "--resume")
    assert ran.code == 0
    assert ran.err == (
        "kobai: files in out/chunks that are damaged or of another study: 2; "
        "they are set aside in out/damaged, and what they held is computed again\n"
    )
    aside = {f"damaged/{path.name}" for path in (first, second)}
    assert everything_in(interrupted) == FINAL | {"damaged"} | aside
    assert without_seconds(interrupted).equals(cells)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (["--steps", "11"], "steps: 10 → 11"),
        (["--seeds", "5"], "seeds: 4 → 5"),
        (["--l2", "0,0.1"], 'l2: null → ["0", "0.1"]'),
        (["--initializers", "he,xavier"], 'initializers: ["he"] → ["he", "xavier"]'),
        (["--hidden", "3"], "the task's program or data, under the same name"),
        (["--target", "0.5"], "target: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_resume_with_another_question_says_what_differs_and_changes_nothing(
    interrupted, kobai_here, change, difference
):
    before = contents(interrupted)
    ran = kobai_here(*SHORT, *change, "--resume")
    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(r"kobai: out keeps the interrupted work of another question \(.*\); .*\n", ran.err)
    assert difference in ran.err
    assert contents(interrupted) == before


def test_the_number_of_threads_is_no_other_question(interrupted, kobai_here, everything_in):
    assert kobai_here(*SHORT, "--threads", "2", "--resume").code == 0
    assert everything_in(interrupted) == FINAL


def test_two_at_one_folder_are_told(interrupted, kobai_here, everything_in):
    """A lock belongs to an open file, so that this process can stand for two."""
    with store.alone(interrupted):
        before = contents(interrupted)
        ran = kobai_here(*SHORT, "--resume")
        assert (ran.code, ran.out) == (2, "")
        assert re.fullmatch(rf"kobai: process {os.getpid()} \(.+\) is at work in out; [^\n]+\n", ran.err)
        assert contents(interrupted) == before
    assert kobai_here(*SHORT, "--resume").code == 0
    assert everything_in(interrupted) == FINAL


# Places.


def test_json_goes_where_a_link_leads_and_through_a_fifo(kobai_here, place):
    (place / "real").mkdir()
    (place / "link.json").symlink_to("real/answer.json")
    os.mkfifo(place / "pipe.json")
    reader = os.open(place / "pipe.json", os.O_RDONLY | os.O_NONBLOCK)
    line = "descend bowl --methods sgd --learning-rates 0.1 --steps 2 --html page.html --json"
    try:
        for name in ("link.json", "pipe.json"):
            assert kobai_here(*line.split(), name).code == 0
        through = os.read(reader, 2**16)
    finally:
        os.close(reader)
    assert (place / "link.json").is_symlink()
    assert json.loads(through) == json.loads((place / "real" / "answer.json").read_text("utf-8"))


# The terminal.


@pytest.mark.parametrize("command", [["--help"], ["methods"], ["tasks"], ["compare", "--help"]])
def test_a_terminal_of_no_columns_is_taken_for_one_of_eighty(kobai_here, monkeypatch, command):
    expected = kobai_here(*command)
    monkeypatch.setenv("COLUMNS", "0")
    assert kobai_here(*command) == expected
    assert len(expected.out.splitlines()) > 5


NAMED = """
import jax.numpy as jnp
import kobai, numpy as np
x = np.linspace(-1, 1, 32, dtype=np.float32)[:, None]
task = kobai.Task(
    name="\\x1b[31mred\\x1b]0;title\\x07",
    metric_name="\\x9b2Jerror",
    parameters={"w": np.zeros((1, 1), np.float32)},
    loss=lambda p, batch: jnp.mean((batch[0] @ p["w"] - batch[1]) ** 2),
    train=(x, 2 * x), validation=(x, 2 * x), batch_size=8,
)
"""


def test_what_a_name_tells_the_terminal_is_not_passed_on(kobai_here, place):
    (place / "odd.py").write_text(NAMED)
    ran = kobai_here("compare", "odd.py", *SHORT[4:])
    assert ran.code == 0
    assert "red" in ran.out
    python = kobai.compare(
        "odd.py", optimizers="sgd", initializers="he", learning_rates=[0.1], steps=5, seeds=2, progress=False
    )
    for said in (ran.out, ran.err, repr(python)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)
    refused = kobai_here("compare", "\x1b[31mred")
    assert refused.code == 2
    assert "\x1b" not in refused.err


def test_a_warning_is_one_line_without_source(kobai_process, place):
    (place / "warns.py").write_text(NAMED + "import warnings\nwarnings.warn('first\\n  second')\n")
    ran = kobai_process(place, "compare", "warns.py", *SHORT[4:])
    assert (ran.code, ran.err) == (0, "kobai: first second\n")


def test_each_of_these_words_is_in_every_language():
    for key in ("interrupted.finished", "error.resume.other", "study.damaged", "machine.cache"):
        assert len({table[key] for table in TABLES.values()}) == len(TABLES)
