"""What all stabilizers keep to: how they are written, what is refused, what tree operations may do."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai.basics.errors import UsageError
from kobai.stabilizers import (
    Clip,
    EarlyStopping,
    Penalty,
    WeightDecay,
    clip_norm,
    clip_percentile,
    clip_value,
    early_stopping,
    exponential,
    l1,
    l2,
    polyak,
    weight_decay,
)
from kobai.stabilizers.averaging import average
from kobai.stabilizers.clipping import clip
from kobai.stabilizers.early_stopping import stopping
from kobai.stabilizers.masking import masking


@pytest.mark.parametrize(
    ("read", "text", "name"),
    [
        (clip, "norm:1.0", "norm:1"),
        (clip, " Value:0.5 ", "value:0.5"),
        (clip, "percentile:90", "percentile:90"),
        (clip, "percentile:90:50", "percentile:90:50"),
        (clip, "none", "none"),
        (average, "polyak", "polyak"),
        (average, "polyak:100", "polyak:100"),
        (average, "exponential", "exponential:0.99"),
        (stopping, "patience:10", "patience:10"),
        (masking, "cautious", "cautious"),
        (stopping, "patience:10:0.001", "patience:10:0.001"),
    ],
)
def test_spellings_are_read_and_written(read, text, name):
    made = read(text)
    assert made.name == name
    assert read(name).name == name
    assert read(made) is made


def test_none_is_no_average_and_no_stopping():
    assert average("none") is average(None) is stopping("none") is stopping(None) is None
    assert masking("none") is masking(None) is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: clip_norm(0), "clip_norm: norm must be a finite number above 0, got 0"),
        (lambda: clip_norm(np.nan), "norm must be a finite number above 0, got nan"),
        (lambda: Clip(norm=-1.0), "Clip: norm must be a number above 0, inf for no bound, got -1.0"),
        (lambda: Clip(norm=math.nan), "Clip: norm must be a number above 0, inf for no bound, got nan"),
        (lambda: Clip(value=np.float32(0)), "Clip: value must be a number above 0"),
        (lambda: Clip(norm=True), "Clip: norm must be a number above 0, inf for no bound, got True"),
        (lambda: Clip(norm="1"), "Clip: norm must be a number above 0, inf for no bound, got '1'"),
        (lambda: Clip(percentile=101, first=5), "Clip: percentile must be a number between 0 and 100"),
        (lambda: Clip(percentile=50, first=1.5), "Clip: first must be a whole number of at least 0"),
        (lambda: Penalty(l1=-1), "Penalty: l1 must be a finite number of at least 0, got -1"),
        (lambda: Penalty(l2=True), "Penalty: l2 must be a finite number of at least 0, got True"),
        (lambda: Penalty(l2=math.inf), "Penalty: l2 must be a finite number of at least 0, got inf"),
        (lambda: WeightDecay(math.nan), "WeightDecay: rate must be a finite number of at least 0, got nan"),
        (lambda: EarlyStopping(0), "EarlyStopping: patience must be a whole number of at least 1, got 0"),
        (lambda: EarlyStopping(math.inf), "EarlyStopping: patience must be a whole number"),
        (lambda: Clip(percentile=50, first=math.inf), "Clip: first must be a whole number of at least 0"),
        (lambda: EarlyStopping(2, -1), "EarlyStopping: minimum_change must be a finite number"),
        (lambda: l2(0.1, biases="no"), "Penalty: biases must be True or False, got 'no'"),
        (lambda: clip_value("1"), "value must be a finite number above 0, got '1'"),
        (lambda: clip_percentile(101), "percentile must be a number above 0 and at most 100, got 101"),
        (lambda: clip_percentile(50, 0), "first must be a whole number of at least 1, got 0"),
        (lambda: clip("norn:1"), "did you mean 'norm'"),
        (lambda: clip("norm"), "clipping 'norm' cannot be read; write norm:NORM"),
        (lambda: clip("norm:x"), "write norm:NORM"),
        (lambda: clip("percentile:1:2:3"), "write percentile:PERCENTILE, percentile:PERCENTILE:FIRST"),
        (lambda: polyak(0), "start must be a whole number"),
        (lambda: polyak(1.5), "start must be a whole number"),
        (lambda: polyak(math.inf), "start must be a whole number of at least 1, got inf"),
        (lambda: clip("percentile:90:inf"), "first must be a whole number of at least 1, got inf"),
        (lambda: early_stopping(math.inf), "patience must be a whole number of at least 1, got inf"),
        (lambda: exponential(1), r"decay must be a number in \[0, 1\)"),
        (lambda: l1(-1), "strength must be a finite number of at least 0"),
        (lambda: weight_decay(True), "rate must be a finite number of at least 0, got True"),
        (lambda: early_stopping(0), "patience must be a whole number"),
        (lambda: early_stopping(3, -1), "minimum_change must be"),
    ],
)
def test_what_is_no_part_is_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()


@pytest.mark.parametrize("part", [clip_norm(1), l1(0.1), l2(0.1), weight_decay(0.1), early_stopping(3)])
def test_tree_operations_put_anything_into_a_part(part):
    """A placeholder, a derivative, an array: only what a caller writes is checked."""
    for value in (None, object(), np.zeros(3), jnp.float32(-1)):
        assert jax.tree.leaves(jax.tree.map(lambda _, value=value: value, part), is_leaf=lambda x: x is None)
    assert jax.jit(lambda part: part)(part) == part
