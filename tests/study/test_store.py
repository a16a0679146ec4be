"""Chunks of a study: found again only for what they are, and taken up by a study that goes on."""

import polars as pl
import pytest

from kobai.basics.errors import UsageError
from kobai.basics.files import open_folder
from kobai.study.store import CHUNKS, Chunks, remove_chunks

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
        ("another task, or another version of kobai", CELLS),
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
