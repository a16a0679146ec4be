"""Recurrent cells against torch."""

import jax
import numpy as np
import pytest

import kobai
from kobai.networks import recurrent
from libraries import normal


def filled(cell, inputs, nodes, seed=0):
    """Parameters with every array random, the biases too."""
    made = recurrent.parameters(cell, inputs, nodes)
    random = np.random.default_rng(seed)
    return jax.tree.map(lambda a: 0.5 * random.standard_normal(a.shape).astype(np.float32), made)


TORCH = {
    "elman": ("RNN", ["state"]),
    "lstm": ("LSTM", ["input", "forget", "candidate", "output"]),
    "gru": ("GRU", ["reset", "update", "candidate"]),
}


@pytest.mark.parametrize("cell", TORCH)
@pytest.mark.parametrize("reverse", [False, True])
def test_cells_are_those_of_pytorch(cell, reverse, from_torch):
    kind, order = TORCH[cell]
    gates, x = filled(cell, 3, 5), normal(4, 7, 3, seed=1)
    given = x[:, ::-1].copy() if reverse else x

    def theirs(torch):
        layer = getattr(torch.nn, kind)(3, 5, batch_first=True)
        with torch.no_grad():
            for name, part in (("weight_ih_l0", "inputs"), ("weight_hh_l0", "recurrent")):
                getattr(layer, name).copy_(torch.tensor(np.concatenate([gates[g][part].T for g in order])))
            layer.bias_ih_l0.copy_(torch.tensor(np.concatenate([gates[g]["biases"] for g in order])))
            layer.bias_hh_l0.zero_()
            return layer(torch.tensor(given))[0].numpy()

    expected = from_torch(f"{cell}_{'backwards' if reverse else 'forwards'}", theirs)
    found = recurrent.run(cell, gates, x, reverse=reverse)
    np.testing.assert_allclose(found, expected[:, ::-1] if reverse else expected, rtol=1e-4, atol=1e-5)


def test_an_lstm_begins_by_keeping_what_it_has():
    gates = recurrent.parameters("lstm", 2, 3)
    np.testing.assert_array_equal(gates["forget"]["biases"], 1)
    np.testing.assert_array_equal(gates["input"]["biases"], 0)


def test_an_unknown_cell_is_refused():
    with pytest.raises(kobai.UsageError, match="there is no recurrent cell 'gruu'; did you mean 'gru'?"):
        kobai.tasks.adding(cell="gruu")
