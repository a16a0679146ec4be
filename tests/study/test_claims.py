"""Claims of processes that share a folder, on a clock that the test sets."""

import errno
import os

import pytest

from kobai.basics.errors import UsageError
from kobai.basics.files import CLAIMS
from kobai.study.claims import Claims, clear, processes


class Server:
    """The clock of a file server: what is touched bears its time."""

    now = 1000.0

    def touch(self, path):
        os.utime(path, (self.now, self.now))
        return self.now


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def process(tmp_path, server):
    """Makes processes at one folder, whose claims are stale after 60 seconds."""
    return lambda: Claims(tmp_path, 60.0, server.touch)


def test_one_of_several_has_a_claim(process):
    a, b = process(), process()
    assert a.take("x")
    assert not b.take("x")
    assert not a.take("x")
    assert a.is_own("x")
    assert not b.is_own("x")
    assert b.take("y")
    assert [a.is_claimed(name) for name in "xyz"] == [True, True, False]


def test_a_claim_is_stale_when_its_process_gives_no_sign_of_life(process, server):
    a, b = process(), process()
    a.take("x")
    server.now += 50
    a.beat()  # keeps all of its claims fresh
    server.now += 50
    assert not b.is_stale("x")
    assert not b.take_over("x")
    server.now += 11
    assert b.is_stale("x")
    assert b.take_over("x")
    assert b.is_own("x")
    assert not a.is_own("x")
    assert not b.is_stale("nobody's")


def test_the_clock_of_this_machine_says_nothing(process, server):
    """The server's is years behind it."""
    a, b = process(), process()
    a.take("x")
    assert not b.is_stale("x")


def test_of_two_that_take_over_one_has_the_claim(process, server, monkeypatch):
    """The second has seen the stale claim, and moves away the fresh one of the first: it gives it back."""
    a, b, c = process(), process(), process()
    a.take("x")
    server.now += 100
    rename = os.rename

    def second_is_late(source, target):
        monkeypatch.setattr(os, "rename", rename)
        assert b.take_over("x")
        rename(source, target)

    monkeypatch.setattr(os, "rename", second_is_late)
    assert not c.take_over("x")
    assert b.is_own("x")
    monkeypatch.setattr(os, "rename", second_is_late)
    server.now += 100
    b.beat()
    assert not c.take_over("x")  # fresh again


def test_the_second_finds_nothing_to_move_away(process, server, monkeypatch):
    a, b = process(), process()
    a.take("x")
    server.now += 100

    def gone(source, target):
        raise FileNotFoundError

    monkeypatch.setattr(os, "rename", gone)
    assert not b.take_over("x")


def test_what_is_not_done_is_given_up_and_what_is_done_stays(process):
    a, b = process(), process()
    for name in "xy":
        a.take(name)
    a.done("x")
    a.close()
    assert b.take("y")
    assert not b.take("x")


def test_what_was_taken_over_is_not_given_up_for_its_new_owner(process, server):
    a, b = process(), process()
    a.take("x")
    server.now += 100
    b.take_over("x")
    a.close()
    assert b.is_own("x")


def test_a_file_with_as_many_names_as_there_may_be_is_followed_by_another(process, server, monkeypatch):
    a, b, link = process(), process(), os.link

    def few(source, target):
        if os.stat(source).st_nlink >= 3:
            raise OSError(errno.EMLINK, "Too many links")
        link(source, target)

    monkeypatch.setattr(os, "link", few)
    assert all(a.take(name) for name in "uvwxyz")
    server.now += 50
    a.beat()
    server.now += 50
    assert not any(b.is_stale(name) for name in "uvwxyz")
    assert all(a.is_own(name) for name in "uvwxyz")


def test_a_word_that_got_lost_is_no_refusal(process, monkeypatch):
    """A server has linked, and says on the second request that the name is there."""
    a, link = process(), os.link

    def twice(source, target):
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    assert a.take("x")


def test_a_place_without_links_is_told(process, monkeypatch):
    def none(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    a = process()
    monkeypatch.setattr(os, "link", none)
    with pytest.raises(UsageError, match="cannot be written: Operation not permitted"):
        a.take("x")


def test_who_is_at_work(process, server, tmp_path):
    a, b = process(), process()
    assert [str(os.getpid()) in who for who in a.others()] == [True]
    server.now += 100
    a.beat()
    assert a.others() == []
    assert len(b.others()) == 1
    assert len(processes(tmp_path, server.now, 200)) == 2
    clear(tmp_path)
    assert not (tmp_path / CLAIMS).exists()
    a.beat()  # and nobody minds
