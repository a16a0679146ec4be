"""The split: every row once, every class in its share, the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobai.tasks.table.split import split

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=200).map(np.array)
SHARES = st.tuples(st.floats(0.05, 0.45), st.floats(0.05, 0.45))


def test_ten_rows_by_hand():
    """With shares 0.2 and 0.2 of ten rows of one class: two for the test, two for validation."""
    parts = split(np.zeros(10, int), 0.2, 0.2, 0)
    order = np.random.RandomState(0).permutation(10)
    # ⌊0.2 (i + 1) + ½⌋ > ⌊0.2 i + ½⌋ at i = 2 and 7; of the other eight, with a quarter, at 1 and 5.
    assert parts.test.tolist() == sorted(order[[2, 7]])
    rest = np.delete(order, [2, 7])
    assert parts.validation.tolist() == sorted(rest[[1, 5]])
    assert sorted(np.concatenate(parts)) == list(range(10))


@given(LABELS, SHARES, st.integers(0, 2**32 - 1))
def test_every_row_is_in_one_part_and_every_class_in_training(labels, shares, seed):
    parts = split(labels, *shares, seed)
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    assert set(labels[parts.train]) == set(labels)
    assert all((np.diff(rows) > 0).all() for rows in parts)


@given(st.integers(20, 300), st.lists(st.integers(0, 3), min_size=300, max_size=300), SHARES)
def test_a_class_has_its_share_to_within_two_rows(rows, drawn, shares):
    labels = np.array(drawn[:rows])
    parts = split(labels, *shares, 1)
    for name in np.unique(labels):
        count = (labels == name).sum()
        if count < 20:
            continue
        for part, share in zip((parts.validation, parts.test), shares, strict=True):
            assert abs((labels[part] == name).sum() - share * count) < 2


def test_a_random_split_would_not_be_stratified():
    """The wrong variant: without the classes, ten rows of 200 may all be in one part."""
    labels = np.arange(200) % 20 // 19  # one of twenty
    shares = [(labels[split(labels, 0.2, 0.2, seed).test] == 1).sum() for seed in range(30)]
    blind = [(labels[split(np.zeros(200, int), 0.2, 0.2, seed).test] == 1).sum() for seed in range(30)]
    assert set(shares) == {2}
    assert len(set(blind)) > 3


@pytest.mark.parametrize("seed", [0, 7])
def test_the_seed_decides(seed):
    labels = np.arange(60) % 3
    again, other = split(labels, 0.2, 0.2, seed), split(labels, 0.2, 0.2, seed + 1)
    assert all(np.array_equal(a, b) for a, b in zip(split(labels, 0.2, 0.2, seed), again, strict=True))
    assert not np.array_equal(again.test, other.test)
