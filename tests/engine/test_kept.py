"""What is made once: how often, and how much of it stays."""

import threading

import numpy as np

from kobai.engine.kept import Kept


def test_a_result_is_made_once_and_the_oldest_goes():
    made = []

    def make(name, length):
        made.append(name)
        return np.zeros(length, np.int8)

    kept = Kept(make, room=10)
    for name in "abab":
        assert kept(name, 5).shape == (5,)
    assert made == ["a", "b"]
    kept("a", 5)  # now b is the older one
    kept("c", 5)
    kept("a", 5)
    assert made == ["a", "b", "c"]
    kept("b", 5)
    assert made == ["a", "b", "c", "b"]


def test_what_is_larger_than_the_room_is_kept_until_the_next():
    made = []
    kept = Kept(lambda length: made.append(length) or np.zeros(length, np.int8), room=10)
    for length in (100, 100, 3, 100):
        kept(length)
    assert made == [100, 3, 100]


def test_threads_wait_for_the_one_that_makes_it():
    made, begun, goes_on = [], threading.Event(), threading.Event()

    def make(name):
        begun.set()
        goes_on.wait(60)
        made.append(name)
        return np.zeros(1)

    kept = Kept(make, room=100)
    threads = [threading.Thread(target=kept, args=("a",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    goes_on.set()
    for thread in threads:
        thread.join()
    assert made == ["a"]
