"""What is tried: default grids, the variants of a candidate, further grids, and what they refuse."""

import numpy as np
import optax
import pytest

import kobai
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.basics.hyperparameters import hyperparameters
from kobai.candidates.grid import candidates, default_rates


def test_the_rate_of_a_group_is_the_learning_rate_unless_values_are_said():
    """Muon's AdamW is tuned with it, and is no question of its own; with a grid it is."""
    [tied] = candidates("muon")
    assert [(v.learning_rate, v.adamw_learning_rate) for v in tied.variants] == [
        (rate, rate) for rate in default_rates("muon")
    ]
    assert (tied.several, len(tied.along_rate(tied.variants[0]))) == ({}, 8)
    [apart] = candidates("muon", hyperparameters={"muon.adamw_learning_rate": [0.01, 0.1]})
    assert (len(apart.variants), len(apart.along_rate(apart.variants[0]))) == (16, 8)
    assert list(apart.several) == ["adamw_learning_rate"]
    [said] = candidates([kobai.Muon([0.1, 0.2])])
    assert {variant.adamw_learning_rate for variant in said.variants} == {0.001}


def test_default_grids_are_eight_rates_half_a_decade_apart():
    for name in registry.OPTIMIZERS:
        rates = default_rates(name)
        assert len(rates) == 8
        np.testing.assert_allclose(np.diff(np.log10(rates)), 0.5, atol=0.005)
        assert default_rates(name, 2) == rates[1::2]


def test_a_name_and_a_class_mean_the_default_grid():
    by_name, by_class = candidates(["adam"])[0], candidates([kobai.Adam])[0]
    assert by_name == by_class
    assert by_name.learning_rates() == default_rates("adam")


def test_an_instance_means_exactly_what_it_says():
    (one,) = candidates([kobai.Adam(learning_rate=0.02, decay_1=0.8)])
    assert one.variants == (kobai.Adam(0.02, 0.8),)
    (grid,) = candidates([kobai.Momentum(learning_rate=[0.1, 1.0], momentum=[0.5, 0.9])])
    assert set(grid.variants) == {kobai.Momentum(rate, α) for rate in (0.1, 1.0) for α in (0.5, 0.9)}


def test_a_numpy_array_is_a_grid_too():
    (grid,) = candidates([kobai.SGD(learning_rate=np.array([0.1, 0.2]))])
    assert grid.variants == (kobai.SGD(0.1), kobai.SGD(0.2))


def test_variants_along_the_rate_are_in_its_order():
    (momentum,) = candidates([kobai.Momentum(learning_rate=[1.0, 0.01, 0.1], momentum=[0.5, 0.9])])
    assert momentum.along_rate(kobai.Momentum(0.1, 0.9)) == [kobai.Momentum(r, 0.9) for r in (0.01, 0.1, 1.0)]
    (decay,) = candidates([kobai.from_optax(optax.sgd, learning_rate=optax.constant_schedule(0.1))])
    assert decay.along_rate(decay.variants[0]) == decay.neighbours(decay.variants[0]) == []


def test_an_optax_optimizer_is_a_candidate_with_its_grid():
    (lion,) = candidates([kobai.from_optax(optax.lion, learning_rate=[1e-4, 1e-3], b1=0.9)])
    assert lion.name == "lion"
    assert lion.learning_rates() == [1e-4, 1e-3]
    assert len(lion.variants) == 2


def test_axes_multiply_and_learning_rates_replace():
    sgd, momentum = candidates(["sgd", "momentum"], [0.1, 0.2], {"momentum.momentum": [0.5, 0.9, 0.99]})
    assert sgd.variants == (kobai.SGD(0.1), kobai.SGD(0.2))
    assert len(momentum.variants) == 6


def test_candidates_of_one_name_are_told_apart():
    assert [c.name for c in candidates([kobai.SGD(0.1), kobai.SGD(0.2), "sgd"])] == ["sgd", "sgd_2", "sgd_3"]


def test_edges_and_neighbours():
    (momentum,) = candidates([kobai.Momentum(learning_rate=[0.01, 0.1, 1.0], momentum=[0.5, 0.9])])
    assert momentum.edge(kobai.Momentum(0.01, 0.5)) == "low"
    assert momentum.edge(kobai.Momentum(1.0, 0.5)) == "high"
    assert momentum.edge(kobai.Momentum(0.1, 0.5)) is None
    assert momentum.neighbours(kobai.Momentum(0.1, 0.9)) == [
        kobai.Momentum(0.01, 0.9),
        kobai.Momentum(1.0, 0.9),
    ]
    assert momentum.neighbours(kobai.Momentum(1.0, 0.5)) == [kobai.Momentum(0.1, 0.5)]
    (single,) = candidates([kobai.SGD(0.1)])
    assert single.edge(kobai.SGD(0.1)) is None
    assert single.neighbours(kobai.SGD(0.1)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"optimizers": ["adm"]}, "did you mean 'adam'"),
        ({"optimizers": [3]}, "kobai.from_optax"),
        ({"optimizers": []}, "optimizers is empty"),
        ({"hyperparameters": {"adam.momentm": [1]}}, "adam.momentm"),
        ({"optimizers": ["sgd"], "hyperparameters": {"adam.decay_1": [0.5]}}, "candidate 'adam'"),
        ({"optimizers": ["sgd"], "learning_rates": []}, "learning_rates is empty"),
        ({"optimizers": ["sgd"], "learning_rates": [-1.0]}, "-1"),
    ],
)
def test_what_cannot_be_tried_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        candidates(**arguments)


def test_a_class_of_the_users_own_is_not_taken_for_ours():
    @hyperparameters
    class SGD(kobai.Optimizer):
        learning_rate: float = 0.5

        def rule(self, g, t):
            return -self.learning_rate * g, ()

    (own,) = candidates([SGD])
    assert own.variants == (SGD(0.5),)

    class Plain(kobai.Optimizer):
        pass

    with pytest.raises(UsageError, match="hyperparameters"):
        candidates([Plain()])


def test_a_rate_out_of_range_is_refused_for_optax_too():
    with pytest.raises(UsageError, match="lion"):
        candidates([kobai.from_optax(optax.lion, learning_rate=0.1)], [-0.1])
