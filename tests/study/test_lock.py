"""Who may work in the folder of a study: one alone, or several that have joined."""

import os
import subprocess
import sys

import pytest

from kobai.basics.errors import UsageError
from kobai.basics.files import CLAIMS, LEFTOVER, LOCK, check_folder
from kobai.study.lock import alone, joined

WORKS_THERE = """
import sys
from pathlib import Path
from kobai.study.lock import alone
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


def test_a_folder_whose_study_was_killed_before_its_first_chunk_is_empty(tmp_path, other):
    """It was none, and held no interrupted study either: neither way went on."""
    other.kill()
    other.wait()
    (tmp_path / f".cells.parquet.1{LEFTOVER}").touch()
    assert check_folder(tmp_path) == []
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UsageError, match="not empty"):
        check_folder(tmp_path)


def test_a_lock_that_nobody_holds_is_no_matter_of_what_stands_in_it(tmp_path):
    """The number of a process may be another's by now, and the file may be anybody's."""
    (tmp_path / LOCK).write_text(f"{os.getppid()} (this machine)")
    with alone(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"{os.getpid()} (")
    with alone(None):  # without a folder there is nothing to lock
        assert not (tmp_path / LOCK).exists()


# Several that have joined.


def test_those_that_have_joined_share_a_folder_and_nobody_is_alone_there_meanwhile(tmp_path, everything_in):
    with joined(tmp_path) as first:
        with joined(tmp_path) as second:
            assert len(first.claims.others()) == len(second.claims.others()) == 1
            with first.last() as is_last:
                assert not is_last
            with pytest.raises(UsageError, match=rf"process.*{os.getpid()}.*--join"), alone(tmp_path):
                pytest.fail("one is alone")
        with first.last() as is_last:
            assert is_last
        with joined(tmp_path):  # and the share of the first was kept
            pass
        with pytest.raises(UsageError, match="--join"), alone(tmp_path):
            pytest.fail("one is alone")
    assert everything_in(tmp_path) == set()


def test_nobody_joins_one_who_is_alone(tmp_path, other):
    with pytest.raises(UsageError, match=rf"process {other.pid} \(.+\) is at work in"), joined(tmp_path):
        pytest.fail("two are at work")


def test_a_lock_that_was_removed_after_it_was_opened_is_opened_anew(tmp_path, monkeypatch):
    """Its last holder removes it; who holds what was removed would hold nothing."""
    opened, calls = os.open, []

    def late(path, *arguments):
        handle = opened(path, *arguments)
        if str(path).endswith(LOCK) and not calls:
            calls.append(path)
            os.unlink(path)
        return handle

    monkeypatch.setattr(os, "open", late)
    with alone(tmp_path):
        assert (tmp_path / LOCK).exists()
    assert len(calls) == 1


def test_claims_of_killed_processes_are_removed_by_whoever_is_alone(tmp_path):
    (tmp_path / CLAIMS).mkdir()
    (tmp_path / CLAIMS / "process-of-old").touch()
    with alone(tmp_path):
        assert not (tmp_path / CLAIMS).exists()
