"""Bad days: signals, kept work that is damaged or another's, two at one folder, odd places and names."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import kobai
from kobai.basics import files, interruption
from kobai.study import lock, runner
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
put = store.Store.put

def told(self, *arguments):
    put(self, *arguments)
    print("kept", flush=True)

store.Store.put = told
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
    said = re.search(r"\nkobai: interrupted; (\d+) .* kept in out; .*--output out\n$", err)
    assert said, err
    chunks = [pl.read_parquet(path) for path in (place / "out" / "store").glob("cells-*.parquet")]
    assert sum(map(len, chunks)) >= int(said[1]) > 0
    names = {name for name in everything_in("out") if not name.startswith("store")}
    assert names <= {files.LOCK}  # where the watchdog ended it


# SIGKILL at any moment.

KILLED = """
import os, signal, sys
from kobai.basics import files
from kobai.study import store

left = int(sys.argv.pop(1))

def dying(name):
    deed = getattr(os, name)

    def done(*arguments, **options):
        global left
        left -= "store" in str(arguments[-1])
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return deed(*arguments, **options)

    return done

files.os.replace = dying("replace")
store.MOST_FILES = 1
from kobai.__main__ import main
main()
"""


def test_a_study_that_is_killed_at_any_moment_goes_on(place, kobai_here, cells):
    """Before each of the renames by which a file gets its name: the same study is killed again and again."""
    for moment in (1, 4):
        process = subprocess.run([sys.executable, "-c", KILLED, str(moment), *SHORT], capture_output=True)
        assert process.returncode == -signal.SIGKILL
    ran = kobai_here(*SHORT)
    assert (ran.code, ran.err) == (0, "")
    goes_on = without_seconds(place / "out")  # in part by another compiler than in these tests
    for name in ("optimizer", "hyperparameters", "seed"):
        assert goes_on[name].equals(cells[name])
    curves = [np.stack(frame["validation_loss"].to_list()) for frame in (goes_on, cells)]
    np.testing.assert_allclose(*curves, rtol=1e-4)
    assert not [path for path in (place / "out").rglob("*") if path.name.endswith(".kobai-part")]
    assert not (place / "out" / files.LOCK).exists()


# What is kept.


def top(names):
    """What stands in the folder of a study itself."""
    return {name for name in names if not name.startswith("store/")}


def test_the_same_command_goes_on_and_leaves_nothing_behind(interrupted, kobai_here, cells, everything_in):
    (interrupted / ".report.html.abc.kobai-part").write_text("what a killed process left")
    (interrupted / "store" / ".a.parquet.abc.kobai-part").write_text("and this")
    assert kobai_here(*SHORT).code == 0
    assert top(everything_in(interrupted)) == FINAL | {"store"}
    assert not [name for name in everything_in(interrupted) if name.endswith(".kobai-part")]
    assert without_seconds(interrupted).equals(cells)


def test_damaged_work_is_reported_in_one_line_and_computed_again(
    interrupted, kobai_here, cells, everything_in
):
    first, second, *_ = sorted((interrupted / "store").glob("cells-*.parquet"))
    content = first.read_bytes()
    middle = len(content) // 4
    first.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    second.unlink()
    os.mkfifo(second)
    ran = kobai_here(*SHORT, "--resume")
    assert ran.code == 0
    assert ran.err == (
        "kobai: files in out/store that are damaged: 2; "
        "they are set aside in out/damaged, and what they held is computed again\n"
    )
    aside = {f"damaged/{path.name}" for path in (first, second)}
    assert top(everything_in(interrupted)) == FINAL | {"store", "damaged"} | aside
    assert without_seconds(interrupted).equals(cells)


def test_a_finished_study_whose_cells_are_damaged_is_computed_again(kobai_here, place, cells):
    assert kobai_here(*SHORT).code == 0
    [path, *_] = (place / "out" / "store").glob("cells-*.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    read = kobai_here("report", "out")
    assert read.code == 2
    assert re.search(
        r"of the trainings that out answers with, \d+ are missing; .*kobai compare sine", read.err
    )
    assert kobai_here(*SHORT).code == 0
    assert without_seconds(place / "out").equals(cells)


NAMES = ["phase", "optimizer", "hyperparameters", "initializer", "seed"]


@pytest.mark.parametrize(
    ("change", "new"),
    [
        ([], 0),
        (["--seeds", "5"], 2),
        (["--target", "0.5"], None),
        (["--learning-rates", "0.1,0.2,0.3"], None),
        (["--optimizers", "sgd,adam"], None),
        (["--l2", "0,0.1"], None),
        (["--initializers", "he,xavier"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_another_question_uses_every_training_that_is_there(kobai_here, place, change, new):
    assert kobai_here(*SHORT).code == 0
    before = without_seconds(place / "out")
    ran = kobai_here(*SHORT, *change)
    assert ran.code == 0
    said = re.search(r"^reused (\d+), new (\d+)$", ran.out, re.MULTILINE)
    after = without_seconds(place / "out")
    shared = after.join(
        before, on=["phase", "optimizer", "hyperparameters", "initializer", "seed"], how="semi"
    )
    if "l2" in after.columns:
        shared = shared.filter(l2="0").drop("l2")
    assert int(said[1]) + int(said[2]) == len(after)
    assert int(said[1]) >= len(shared) > 0
    if new is not None:
        assert int(said[2]) == new
    rows = before.join(
        shared, on=["phase", "optimizer", "hyperparameters", "initializer", "seed"], how="semi"
    )
    assert rows.equals(shared)  # bit for bit
    japanese = kobai_here(*SHORT, *change, "--language", "ja")
    assert f"再利用{len(after)}件、新規0件" in japanese.out


@pytest.mark.parametrize(
    ("task", "difference"),
    [
        (["digits"], "sine → digits"),
        (["sine", "--hidden", "3"], "the network, its loss or its metric is another, under the same name"),
    ],
    ids=" ".join,
)
def test_another_task_is_refused_and_nothing_is_changed(interrupted, kobai_here, task, difference):
    before = contents(interrupted)
    ran = kobai_here("compare", *task, *SHORT[4:])
    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(r"kobai: out keeps the study of another task \(.*\); [^\n]*\n", ran.err)
    assert difference in ran.err
    assert contents(interrupted) == before


def test_a_folder_of_the_first_format_is_refused_by_every_command(kobai_here, place):
    (place / "out" / "chunks").mkdir(parents=True)
    for line in (SHORT, ["report", "out"], ["status", "out"], ["code", "out"]):
        ran = kobai_here(*line)
        assert ran.code == 2
        assert "format 1" in ran.err


def test_the_number_of_threads_is_no_other_question(interrupted, kobai_here, everything_in):
    assert kobai_here(*SHORT, "--threads", "2").code == 0
    assert top(everything_in(interrupted)) == FINAL | {"store"}


def test_two_at_one_folder_are_told(interrupted, kobai_here, everything_in):
    """A lock belongs to an open file, so that this process can stand for two."""
    with lock.alone(interrupted):
        before = contents(interrupted)
        ran = kobai_here(*SHORT)
        assert (ran.code, ran.out) == (2, "")
        assert re.fullmatch(rf"kobai: process {os.getpid()} \(.+\) is at work in out; [^\n]+\n", ran.err)
        assert contents(interrupted) == before
        assert kobai_here("status", "out").code == 0  # to look is allowed
    assert kobai_here(*SHORT).code == 0
    assert top(everything_in(interrupted)) == FINAL | {"store"}


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
    for key in ("interrupted.finished", "error.store.task", "study.damaged", "machine.cache"):
        assert len({table[key] for table in TABLES.values()}) == len(TABLES)
