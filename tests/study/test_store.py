"""Chunks of a study: found again only for what they are, and taken up by a study that goes on."""

import os
import subprocess
import sys

import polars as pl
import pytest

from kobai.basics.errors import UsageError
from kobai.basics.files import open_folder
from kobai.basics.notices import Notice
from kobai.study import store
from kobai.study.store import CHUNKS, DAMAGED, LOCK, QUESTION, Chunks, alone, remove_chunks

FRAME = pl.DataFrame({"seed": [0, 1, 2], "loss": [0.5, float("nan"), None]})
CELLS = [["tuning", "adam", 0.01, "{}", "he", seed] for seed in range(4)]


def test_the_folder_of_an_interrupted_study_is_taken_to_resume_it(tmp_path):
    Chunks(tmp_path, "task").put(CELLS, FRAME)
    with pytest.raises(UsageError, match="not empty"):
        open_folder(tmp_path)
    assert open_folder(tmp_path, containing=CHUNKS) == tmp_path


def test_a_chunk_is_found_again(tmp_path, everything_in):
    chunks = Chunks(tmp_path, "task")
    assert chunks.get(CELLS) is None
    assert everything_in(tmp_path) == set()
    chunks.put(CELLS, FRAME)
    found = Chunks(tmp_path, "task").get(CELLS)
    assert found is not None
    assert found.equals(FRAME)
    remove_chunks(tmp_path)
    assert everything_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("fingerprint", "cells"),
    [
        ("task", [*CELLS[:3], ["tuning", "adam", 0.01, "{}", "he", 99]]),
        ("task", [["confirmation", *cell[1:]] for cell in CELLS]),
        ("task", [[*cell[:2], 0.02, *cell[3:]] for cell in CELLS]),
        ("task", CELLS[:3]),
        ("task", CELLS[::-1]),
    ],
)
def test_a_chunk_is_not_taken_for_another(tmp_path, fingerprint, cells):
    Chunks(tmp_path, "task").put(CELLS, FRAME)
    assert Chunks(tmp_path, fingerprint).get(cells) is None


def test_without_a_folder_nothing_is_kept():
    chunks = Chunks(None, "task")
    chunks.put(CELLS, FRAME)
    assert chunks.get(CELLS) is None


# What does not verify.

OTHERS = [["confirmation", *cell[1:]] for cell in CELLS]


def flip(place):
    """A function that flips one bit of a file, at this part of its length."""

    def damage(path, content):
        i = int(place * (len(content) - 1))
        path.write_bytes(content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :])

    return damage


def become(make):
    """A function that puts something else under the name of a file."""

    def damage(path, content):
        path.unlink()
        make(path)

    return damage


DAMAGES = {
    "empty": lambda path, content: path.write_bytes(b""),
    "cut": lambda path, content: path.write_bytes(content[:-1]),
    "longer": lambda path, content: path.write_bytes(content + b"\0"),
    "first": flip(0),
    "data": flip(0.05),
    "middle": flip(0.5),
    "last": flip(1),
    "text": lambda path, content: path.write_text("years of work"),
    "columns": lambda path, content: pl.DataFrame({"x": [1]}).write_parquet(path),
    "folder": become(lambda path: path.mkdir()),
    "fifo": become(os.mkfifo),
    "link": become(lambda path: path.symlink_to("nowhere")),
    "unnamed": lambda path, content: path.rename(path.with_name("old.parquet")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_set_aside_and_computed_again(tmp_path, damage, everything_in):
    before = Chunks(tmp_path, "task")
    before.put(CELLS, FRAME)
    before.put(OTHERS, FRAME)
    path = next(tmp_path.glob(f"{CHUNKS}/{name_of(CELLS)}*"))
    damage(path, path.read_bytes())
    with pytest.warns(Notice, match=r"damaged or of another study: 1; .* set aside in .*damaged") as said:
        chunks = Chunks(tmp_path, "task")
    assert len(said) == 1
    assert "\n" not in str(said[0].message)
    assert chunks.get(CELLS) is None
    assert chunks.get(OTHERS).equals(FRAME)
    assert len(list((tmp_path / DAMAGED).iterdir())) == 1
    chunks.put(CELLS, FRAME)
    assert Chunks(tmp_path, "task").get(CELLS).equals(FRAME)  # without a word


def name_of(cells):
    """How the name of the chunk of these cells begins."""
    chunks = Chunks(None, "task")
    return store._hash(chunks._identity(cells).encode())


def test_the_chunk_of_another_study_is_not_believed_under_any_name(tmp_path):
    """Its own checksum is right: what it says inside is not."""
    for folder, fingerprint in (("ours", "task"), ("theirs", "another task")):
        (tmp_path / folder).mkdir()
        Chunks(tmp_path / folder, fingerprint).put(CELLS, FRAME.with_columns(seed=pl.lit(len(folder))))
    [ours] = tmp_path.glob(f"ours/{CHUNKS}/*.parquet")
    [theirs] = tmp_path.glob(f"theirs/{CHUNKS}/*.parquet")
    checksum = theirs.name.partition("-")[2]
    ours.unlink()
    theirs.rename(ours.with_name(f"{name_of(CELLS)}-{checksum}"))
    with pytest.warns(Notice, match="another study: 1"):
        chunks = Chunks(tmp_path / "ours", "task")
    assert chunks.get(CELLS) is None


def test_chunks_of_other_cells_are_not_believed_under_any_name(tmp_path):
    Chunks(tmp_path, "task").put(OTHERS, FRAME)
    [path] = tmp_path.glob(f"{CHUNKS}/*.parquet")
    path.rename(path.with_name(path.name.replace(name_of(OTHERS), name_of(CELLS))))
    with pytest.warns(Notice, match="another study: 1"):
        assert Chunks(tmp_path, "task").get(CELLS) is None


def test_what_is_set_aside_replaces_nothing(tmp_path):
    for _ in range(3):
        Chunks(tmp_path, "task").put(CELLS, FRAME)
        [path] = tmp_path.glob(f"{CHUNKS}/*.parquet")
        path.write_bytes(b"")
        with pytest.warns(Notice):
            Chunks(tmp_path, "task")
    assert len(list((tmp_path / DAMAGED).iterdir())) == 3


# Another question.


def test_another_question_is_told_from_it_and_nothing_is_lost(tmp_path, everything_in):
    asked = {"task": "digits", "steps": 500, "sgd": [{"learning_rate": 0.1}], "clip": ["none"]}
    Chunks(tmp_path, "one", asked).put(CELLS, FRAME)
    before = everything_in(tmp_path)
    other = {**asked, "steps": 300, "l1": ["0"]}
    del other["clip"]
    with pytest.raises(UsageError) as caught:
        Chunks(tmp_path, "two", other)
    said = str(caught.value)
    assert 'question (steps: 500 → 300; clip: ["none"] → null; l1: null → ["0"]); ask the same' in said
    assert said.startswith(f"{tmp_path} keeps")
    assert everything_in(tmp_path) == before
    assert Chunks(tmp_path, "one", asked).get(CELLS).equals(FRAME)


def test_a_task_of_the_same_name_with_other_data_is_another_question(tmp_path):
    Chunks(tmp_path, "task").put(CELLS, FRAME)
    with pytest.raises(UsageError, match="the task's program or data, under the same name"):
        Chunks(tmp_path, "another task, or another version of kobai")
    assert Chunks(tmp_path, "task").get(CELLS).equals(FRAME)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_question_costs_no_chunk_and_lets_none_in(tmp_path, damage):
    Chunks(tmp_path, "task", {"steps": 500}).put(CELLS, FRAME)
    [path] = tmp_path.glob(f"{CHUNKS}/{QUESTION}-*.json")
    damage(path, path.read_bytes())
    with pytest.warns(Notice, match="another study: 1"):
        assert Chunks(tmp_path, "task", {"steps": 500}).get(CELLS).equals(FRAME)
    with pytest.warns(Notice, match="another study: 1"):
        assert Chunks(tmp_path, "another task").get(CELLS) is None
    assert len(list((tmp_path / DAMAGED).iterdir())) == 2


def test_two_names_in_one_question_are_compared_as_they_are_read(tmp_path):
    """JSON has lists alone, and null for what is not finite."""
    asked = {"target": (0.9, float("nan"))}
    Chunks(tmp_path, "task", asked).put(CELLS, FRAME)
    assert Chunks(tmp_path, "task", asked).get(CELLS).equals(FRAME)


# Two processes.

WORKS_THERE = """
import sys
from pathlib import Path
from kobai.study.store import alone
with alone(Path(sys.argv[1])):
    print("here", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that is at work in the folder of the test, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKS_THERE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"here\n"
    yield process
    process.kill()
    process.communicate()


def test_a_folder_where_another_process_works_is_refused(tmp_path, other, everything_in):
    with pytest.raises(UsageError, match=rf"process {other.pid} \(.+\) is at work in"), alone(tmp_path):
        pytest.fail("two are at work")
    assert everything_in(tmp_path) == {LOCK}
    other.communicate()  # it ends, and takes its lock away
    assert everything_in(tmp_path) == set()


def test_the_lock_of_a_killed_process_locks_nobody_out(tmp_path, other, everything_in):
    other.kill()
    other.wait()
    assert everything_in(tmp_path) == {LOCK}
    with alone(tmp_path):
        assert str(os.getpid()) in (tmp_path / LOCK).read_text()
    assert everything_in(tmp_path) == set()


def test_a_lock_that_nobody_holds_is_no_matter_of_what_stands_in_it(tmp_path):
    """The number of a process may be another's by now, and the file may be anybody's."""
    (tmp_path / LOCK).write_text(f"{os.getppid()} (this machine)")
    with alone(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"{os.getpid()} (")
    with alone(None):  # without a folder there is nothing to lock
        assert not (tmp_path / LOCK).exists()
