"""Files: whole or not at all; folders that are new, empty, or hold what is to go on."""

import errno
import gc
import json
import os
import signal
import stat
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.basics.files import check_writable, json_text, make_folder, open_folder, write_frame, write_text

FRAME = pl.DataFrame({"seed": [0, 1, 2], "loss": [0.5, float("nan"), None]})


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


# Writing.


def test_what_is_written_is_read_back(tmp_path, everything_in):
    write_text(tmp_path / "a.json", "最適化\n")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "最適化\n"
    write_frame(tmp_path / "a.parquet", FRAME)
    assert pl.read_parquet(tmp_path / "a.parquet").equals(FRAME)
    assert everything_in(tmp_path) == {"a.json", "a.parquet"}


def test_a_file_is_readable_by_whom_the_umask_allows(tmp_path):
    """A temporary file is the owner's alone; the result must not stay so."""
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("broken", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize(
    "write", [lambda path: write_text(path, "new"), lambda path: write_frame(path, FRAME)]
)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path, monkeypatch, broken, write, everything_in
):
    path = tmp_path / "answer"
    path.write_text("old")
    monkeypatch.setattr(files.os, broken, full_disk)
    with pytest.raises(UsageError) as caught:
        write(path)
    assert str(path) in str(caught.value)
    assert "No space left on device" in str(caught.value)
    assert path.read_text() == "old"
    assert everything_in(tmp_path) == {"answer"}


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, everything_in):
    def interrupt(_):
        raise KeyboardInterrupt

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert everything_in(tmp_path) == {"a"}


def test_what_an_interruption_leaves_behind_is_collected_without_a_word(tmp_path, monkeypatch):
    """Python 3.13 complains of a buffer that is collected before the last view of it."""

    def interrupt(_):
        raise KeyboardInterrupt

    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    monkeypatch.setattr(files.os, "fsync", interrupt)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt) as caught:
            write_frame(tmp_path / "a", pl.DataFrame({"x": range(1000)}))
        caught.value.cycle = caught  # so that only the collector ends it
        del caught
        gc.collect()
    assert complaints == []


FILLS_THE_DISK = """
import resource, sys
from pathlib import Path
import polars as pl
from kobai.basics.files import write_frame
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_frame(Path(sys.argv[1]), pl.DataFrame({"x": range(100_000)}))
except ValueError as problem:
    print(problem)
"""


def test_a_frame_that_the_system_really_refuses(tmp_path, everything_in):
    """Polars writing by itself raises an error of its own here, which is no OSError."""
    path = tmp_path / "cells.parquet"
    write_frame(path, FRAME)
    found = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert str(path) in found.stdout
    assert "File too large" in found.stdout
    assert pl.read_parquet(path).equals(FRAME)
    assert everything_in(tmp_path) == {"cells.parquet"}


def test_checking_a_place_leaves_it_as_it_was(tmp_path, everything_in):
    (tmp_path / "answer.json").write_text("old")
    check_writable(tmp_path / "answer.json")
    check_writable(tmp_path / "new.json")
    assert everything_in(tmp_path) == {"answer.json"}
    assert (tmp_path / "answer.json").read_text() == "old"
    with pytest.raises(UsageError, match="nowhere"):
        check_writable(tmp_path / "nowhere" / "answer.json")


# What is no file of one's own.


def test_a_link_is_followed_and_stays(tmp_path, everything_in):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "answer.json").write_text("old")
    (tmp_path / "link").symlink_to("real/answer.json")
    (tmp_path / "dangling").symlink_to("real/new.json")
    for name in ("link", "dangling"):
        check_writable(tmp_path / name)
        write_text(tmp_path / name, name)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "answer.json").read_text() == "link"
    assert (tmp_path / "real" / "new.json").read_text() == "dangling"
    assert everything_in(tmp_path) == {"real", "real/answer.json", "real/new.json", "link", "dangling"}


def test_a_link_to_itself_is_refused_by_name(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for write in (check_writable, lambda path: write_text(path, "new")):
        with pytest.raises(UsageError, match="loop cannot be written"):
            write(tmp_path / "loop")


def test_a_fifo_is_written_through(tmp_path, everything_in):
    """Even to look whether it can be written, it is not opened: that would wait for a reader."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    check_writable(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(path, "answer")
        assert os.read(reader, 100) == b"answer"
        assert os.read(reader, 100) == b""  # and closed
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert everything_in(tmp_path) == {"pipe"}


def test_a_device_is_written_through(tmp_path, everything_in):
    """The terminal of a test stands for all devices: nothing of the machine's own is touched."""
    reader, device = os.openpty()
    try:
        path = tmp_path / "device"
        path.symlink_to(os.ttyname(device))
        check_writable(path)
        write_text(path, "answer")
        assert os.read(reader, 100) == b"answer"
        assert stat.S_ISCHR(path.stat().st_mode)
    finally:
        os.close(reader)
        os.close(device)
    assert everything_in(tmp_path) == {"device"}


def test_what_may_not_be_written_through_is_refused(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="Permission denied"):
        check_writable(tmp_path / "pipe")


WRITES_TO_ITS_OUTPUT = """
from pathlib import Path
from kobai.basics.files import write_text
print("before")
write_text(Path("/dev/stdout"), "answer")
print("after")
"""


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="this system has no /dev/stdout")
def test_its_own_output_is_not_replaced(tmp_path, everything_in):
    with open(tmp_path / "out", "w") as out:
        subprocess.run([sys.executable, "-c", WRITES_TO_ITS_OUTPUT], stdout=out, check=True)
    assert (tmp_path / "out").read_text().split() == ["before", "answerafter"]
    assert everything_in(tmp_path) == {"out"}


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    (tmp_path / "secret").write_text("old")
    (tmp_path / "secret").chmod(0o600)
    write_text(tmp_path / "secret", "new")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


# What a killed process leaves.

DIES_WRITING = """
import os, signal, sys
from pathlib import Path
from kobai.basics import files
files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
files.write_text(Path(sys.argv[1]), "half")
"""


def die_writing(path):
    ran = subprocess.run([sys.executable, "-c", DIES_WRITING, str(path)])
    assert ran.returncode == -signal.SIGKILL


def test_the_next_run_removes_what_a_killed_one_left(tmp_path, everything_in):
    die_writing(tmp_path / "a[1].json")
    die_writing(tmp_path / "other.json")
    assert len(everything_in(tmp_path)) == 2
    check_writable(tmp_path / "a[1].json")
    assert [name.startswith(".other.json.") for name in everything_in(tmp_path)] == [True]
    make_folder(tmp_path)
    assert everything_in(tmp_path) == set()


def test_what_another_still_writes_is_no_leftover(tmp_path, monkeypatch):
    """Locks belong to open files, so that this process can stand for two."""
    swept = []

    def meanwhile(_):
        files.remove_leftovers(tmp_path)
        swept.extend(tmp_path.iterdir())

    monkeypatch.setattr(files.os, "fsync", meanwhile)
    write_text(tmp_path / "a", "a")
    assert len(swept) == 1
    assert (tmp_path / "a").read_text() == "a"


# Folders.


def test_a_folder_is_made_with_those_above_it(tmp_path, everything_in):
    assert open_folder(tmp_path / "a" / "b").is_dir()
    assert open_folder(tmp_path / "a" / "b").is_dir()  # and taken where it is empty
    assert everything_in(tmp_path) == {"a", "a/b"}


def test_a_folder_that_holds_anything_is_refused(tmp_path, everything_in):
    (tmp_path / "thesis.txt").write_text("years of work")
    for known in (None, lambda path: False):
        with pytest.raises(UsageError, match="not empty and holds no study"):
            open_folder(tmp_path, known=known)
    assert open_folder(tmp_path, known=lambda path: path == tmp_path) == tmp_path
    assert everything_in(tmp_path) == {"thesis.txt"}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        open_folder(tmp_path / "a")
    with pytest.raises(UsageError, match="Not a directory"):
        open_folder(tmp_path / "a" / "b")


def test_a_folder_that_cannot_be_written_is_not_left_behind(tmp_path, monkeypatch, everything_in):
    monkeypatch.setattr(files.tempfile, "NamedTemporaryFile", full_disk)
    with pytest.raises(UsageError, match="No space left on device"):
        open_folder(tmp_path / "a" / "b")
    assert everything_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space or choose another place"),
        (errno.EACCES, "choose a place where you may write"),
        (errno.EROFS, "choose a place where you may write"),
        (errno.ENOENT, "choose another place"),
    ],
)
def test_the_remedy_fits_what_was_refused(tmp_path, monkeypatch, number, remedy):
    def refused(*_):
        raise OSError(number, "no")

    monkeypatch.setattr(files.os, "replace", refused)
    with pytest.raises(UsageError) as caught:
        files.write(tmp_path / "file", b"")
    assert str(caught.value).endswith(f"file cannot be written: no; {remedy}")


def test_a_folder_is_made_once_and_refused_by_name(tmp_path, everything_in):
    assert make_folder(tmp_path / "a" / "b") == make_folder(tmp_path / "a" / "b")
    assert everything_in(tmp_path) == {"a", "a/b"}
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file/b cannot be written"):
        make_folder(tmp_path / "file" / "b")


# JSON.


def test_json_has_null_for_what_is_not_finite_at_any_depth():
    content = {
        "a": [1, np.inf, (np.nan, "ρ")],
        "b": np.array([[1.5, -np.inf]]),
        "c": np.float32(0.5),
        "d": None,
    }
    text = json_text(content)
    assert json.loads(text, parse_constant=pytest.fail) == {
        "a": [1, None, [None, "ρ"]],
        "b": [[1.5, None]],
        "c": 0.5,
        "d": None,
    }
    assert "ρ" in text
    assert text.endswith("}\n")
