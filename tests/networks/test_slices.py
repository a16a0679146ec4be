"""A network on many examples, slice by slice."""

import jax
import numpy as np
import pytest

from kobai.networks import mlp
from kobai.networks.slices import NUMBERS, PER_SLICE, in_slices


@pytest.mark.parametrize("widest", [1, 60, 300, 2 * PER_SLICE])
@pytest.mark.parametrize("more", [1, 2, PER_SLICE // 300 + 1])
def test_every_example_has_its_own_outputs_in_its_place(widest, more):
    """Whole numbers: exact, in whatever slices; the last one begins among those of the slice before it."""
    x = np.arange(2 * (NUMBERS // widest + more), dtype=np.float32).reshape(-1, 2) % 1000
    y = jax.jit(lambda x: in_slices(lambda x: x @ np.float32([[1], [3]]), x, widest))(x)
    np.testing.assert_array_equal(y[:, 0], x[:, 0] + 3 * x[:, 1])


@pytest.mark.parametrize("batch_norm", [False, "before", "after"])
def test_a_dense_network_is_sliced_above_a_size_and_in_inference_alone(batch_norm):
    network = mlp.network((3, 64, 16, 2), "tanh", batch_norm)
    random = np.random.default_rng(0)
    parameters, state = jax.tree.map(
        lambda array: random.uniform(0.5, 1.5, array.shape).astype(np.float32),
        (network.parameters, network.state),
    )
    x = random.standard_normal((NUMBERS // 64 + 7, 3)).astype(np.float32)

    def loops(examples: int, training: bool) -> int:
        def outputs(x):
            return network.apply(parameters, x, state, training)[0]

        return str(jax.make_jaxpr(outputs)(x[:examples])).count("scan[")

    assert loops(len(x), False) == 1
    assert loops(NUMBERS // 64, False) == loops(len(x), True) == 0
    outputs, after = network.apply(parameters, x, state, False)
    assert after is state
    parts = [network.apply(parameters, part, state, False)[0] for part in np.array_split(x, 5)]
    np.testing.assert_allclose(outputs, np.concatenate(parts), rtol=1e-4, atol=1e-4)  # sums of 64
