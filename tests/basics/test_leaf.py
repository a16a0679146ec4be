"""A leaf of a tree: where it stands, whatever the tree is made of."""

import numpy as np
import pytest

from kobai.basics.leaf import leaves


def test_names_of_dicts_lists_and_dotted_keys():
    tree = {"layers": [np.zeros(1), {"0.weight": np.zeros(2)}], "b": np.zeros(3)}
    assert [leaf.name for leaf in leaves(tree)] == ["b", "layers.0", "layers.1.0.weight"]


def test_variables_of_nnx_are_read_as_its_newest_version_asks():
    """The array in a variable is no step of its own, and its old name `value` only warns: an error here."""
    nnx = pytest.importorskip("flax.nnx")
    layer = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    with pytest.warns(DeprecationWarning, match="access is now deprecated"):
        _ = layer.bias.value
    for tree in (layer, nnx.state(layer)):
        every = leaves(tree)
        assert [leaf.name for leaf in every] == ["bias", "kernel"]
        assert [type(leaf.owner).__name__ for leaf in every] == ["Param", "Param"]
