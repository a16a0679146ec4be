"""The sine with its noise."""

import numpy as np
import pytest

import kobai


def test_sine_is_a_sine_with_its_noise():
    task = kobai.tasks.sine()
    for x, y in (task.train, task.validation, task.test):
        assert np.abs(x).max() <= np.pi
        assert np.mean((y - np.sin(x)) ** 2) == pytest.approx(0.01, rel=0.3)
    np.testing.assert_array_equal(task.train[0], kobai.tasks.sine().train[0])
    assert len(np.unique(np.concatenate([task.train[0], task.validation[0], task.test[0]]))) == 800
