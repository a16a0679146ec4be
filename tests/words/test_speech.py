"""The language in use: each thread has its own, and workers have that of their employer."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context

import pytest

import kobai
from kobai import words
from kobai.basics import machine
from kobai.words import say


def together(*works):
    """Run each in a thread of its own, none ahead of the others, and give their results."""
    barrier = threading.Barrier(len(works))
    results = [None] * len(works)

    def run(i):
        barrier.wait(timeout=30)
        results[i] = works[i](barrier)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_threads_that_ask_at_once_are_answered_each_in_its_language():
    def ask(language):
        def work(barrier):
            with words.language(language):
                barrier.wait(timeout=30)  # both have chosen, and now both speak
                probe = str(kobai.probe("he", widths=(5, 5), inputs=10))
                barrier.wait(timeout=30)
                return words.current(), probe

        return work

    (english, table), (japanese, tabelle) = together(ask("en"), ask("ja"))
    assert (english, japanese) == ("en", "ja")
    assert "layer" in table
    assert "層" in tabelle
    assert words.current() == "en"


def test_two_threads_that_use_a_language_keep_it():
    def use(language):
        def work(barrier):
            words.use(language)
            barrier.wait(timeout=30)
            return words.current()

        return work

    assert together(use("en"), use("ja")) == ["en", "ja"]
    assert words.current() == "en"


def test_tasks_of_one_thread_have_each_its_language():
    async def speak(language, turn):
        words.use(language)
        await turn.wait()
        return words.current()

    async def both():
        turn = asyncio.Event()
        tasks = [asyncio.create_task(speak(language, turn)) for language in ("ja", "en")]
        await asyncio.sleep(0)
        turn.set()
        return await asyncio.gather(*tasks)

    with ThreadPoolExecutor(1) as pool:  # in this thread a browser of other tests may have a loop of its own
        assert pool.submit(lambda: asyncio.run(both())).result() == ["ja", "en"]


def test_a_language_used_in_the_main_thread_is_that_of_contexts_that_chose_none():
    """As a notebook's cells are: each runs in a context of its own."""
    Context().run(words.use, "ja")
    assert Context().run(words.current) == "ja"
    assert words.current() == "en"  # this context has chosen


def test_a_language_used_in_another_thread_is_its_own():
    together(lambda _: words.use("ja"))
    assert Context().run(words.current) == "en"


def test_workers_speak_the_language_of_whoever_set_them_to_work():
    spoken = []
    with words.language("ja"):
        thread = machine.thread(lambda: spoken.append(words.current()))
        with machine.pool(2) as pool:
            spoken += pool.map(lambda _: words.current(), range(4))
    thread.start()
    thread.join()
    assert spoken == ["ja"] * 5


def test_a_plain_thread_does_not():
    """Python 3.11's threads inherit no context: without `machine.thread` the test above would fail."""
    spoken = []
    with words.language("ja"):
        thread = threading.Thread(target=lambda: spoken.append(words.current()))
        thread.start()
        thread.join()
    assert spoken == ["en"]


def test_a_language_ends_with_its_block_also_where_it_is_left_by_an_error():
    with pytest.raises(RuntimeError), words.language("ja"):
        raise RuntimeError
    assert words.current() == "en"
    with words.language("ja"), words.language(None):
        assert words.current() == "ja"


def test_an_error_speaks_the_language_in_which_it_is_shown():
    error = kobai.UsageError("error.language", value="fr", known="en, ja")
    with words.language("ja"):
        assert str(error) == say("error.language", value="fr", known="en, ja")
        japanese = str(error)
    assert str(error) != japanese
