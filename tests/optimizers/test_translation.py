"""The conventions of other frameworks: every rule has a row. What it says is held by tests of programs."""

import pytest

from kobai.basics.registry import OPTIMIZERS
from kobai.optimizers.translation import KERAS, OPTAX, TORCH


@pytest.mark.parametrize("table", [TORCH, OPTAX, KERAS], ids=["torch", "optax", "keras"])
def test_every_registered_rule_has_its_row(table):
    assert set(table) == {entry.load() for entry in OPTIMIZERS.values()}
