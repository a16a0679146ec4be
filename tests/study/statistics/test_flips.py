"""The sign flips: all of them, or random ones, always the same."""

from itertools import product

import numpy as np
import pytest

from kobai.study.statistics.flips import FLIPS, share, signs


@pytest.mark.parametrize("seeds", [0, 1, 2, 5, 12])
def test_all_flips_are_there_once_and_the_identity_first(seeds):
    flips = signs(seeds)
    assert flips.shape == (2**seeds, seeds)
    assert {tuple(each) for each in flips.tolist()} == set(product([1, -1], repeat=seeds))
    assert (flips[0] == 1).all()


@pytest.mark.parametrize("seeds", [13, 40])
def test_beyond_twelve_seeds_they_are_random_with_the_identity_first(seeds):
    flips = signs(seeds)
    assert flips.shape == (FLIPS, seeds) == (4096, seeds)
    assert set(np.unique(flips)) == {1, -1}
    assert (flips[0] == 1).all()
    # A sum of 4,096 random signs has the deviation 64; five of them, for 40 sums and their products.
    assert np.abs(flips.sum(axis=0)).max() < 5 * 64
    assert np.abs(np.triu(flips.T @ flips, 1)).max() < 5 * 64
    signs.cache_clear()
    np.testing.assert_array_equal(signs(seeds), flips)


def test_nobody_can_change_them_for_others():
    with pytest.raises(ValueError, match="read-only"):
        signs(3)[0, 0] = 5


def test_a_share_counts_ties_that_rounding_has_split():
    flipped = np.array([0.3, 0.1 + 0.2, 0.3 - 1e-13, 0.2, 1.0])
    assert share(flipped, np.float64(0.1 + 0.2)) == 4 / 5
    assert np.mean(flipped >= 0.1 + 0.2) == 2 / 5  # planted: without the tolerance
