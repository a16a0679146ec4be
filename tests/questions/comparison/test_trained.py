"""The trained network of a comparison, trained once more to the last bit, as its framework has it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.questions.comparison import trained
from kobai.study.study import CONFIRMATION

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((100, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0.5)
SHORT = {
    "optimizers": [kobai.Adam(0.03)],
    "initializers": ["given"],
    "steps": 20,
    "seeds": 2,
    "tuning_seeds": 1,
    "target": 0.4,
    "progress": False,
}


def measured(outcome, seed):
    """The test metric of the recommended training in the study."""
    cells = outcome.cells_of(outcome.recommended, CONFIRMATION)
    return dict(zip(cells["seed"], cells["test_metric"], strict=True))[seed]


def test_the_network_of_each_seed_is_worth_what_the_study_has_measured(outcome):
    task = outcome.study.task
    for seed in outcome.study.confirmation_seeds[:2]:
        parameters = trained.model(outcome, seed)
        assert set(parameters) == {"first", "second"}
        assert float(task.evaluate(parameters, None, task.test)[1]) == pytest.approx(measured(outcome, seed))


def test_the_first_seed_is_taken_where_none_is_said(outcome):
    first, default = (trained.network(outcome, seed).parameters for seed in (1000, None))
    for name, array in first.items():
        np.testing.assert_array_equal(array, default[name])


def test_another_seed_is_refused(outcome):
    with pytest.raises(UsageError, match="1000 to 1003, got 3"):
        trained.model(outcome, 3)


def test_a_training_that_is_another_one_is_refused(outcome):
    study = outcome.study
    x, y = study.task.train
    changed = dataclasses.replace(outcome, study=dataclasses.replace(study, task=dataclasses.replace(
        study.task, train=(x + 0.01, y))))  # fmt: skip
    with pytest.raises(UsageError, match="not that of the comparison any more"):
        trained.model(changed, 1000)


def test_a_diverged_training_has_no_network(outcome):
    cells = outcome.cells_of(outcome.recommended, CONFIRMATION)
    assert cells["diverged_at"].is_null().all()
    lost = next(c for c in outcome.study.candidates if c.name == "sgd")
    trial = dataclasses.replace(outcome.recommended, candidate=lost, variant=lost.variants[-1])
    other = dataclasses.replace(outcome, winners={"sgd": trial}, leader="sgd")
    with pytest.raises(UsageError, match="seed 1000 diverged"):
        trained.model(other, 1000)


def test_of_an_average_the_network_is_the_average():
    def init(key):
        return {"w": jax.random.normal(key, (3, 3)), "b": jnp.zeros(3)}

    def apply(p, x):
        return x @ p["w"] + p["b"]

    results = {
        name: kobai.compare((init, apply), (X, Y), average=name, **SHORT) for name in ("polyak", "none")
    }
    for result in results.values():
        p, (x, y) = result.model(), result.outcome.study.task.test
        accuracy = (np.argmax(x @ p["w"] + p["b"], axis=1) == y).mean()
        assert accuracy == pytest.approx(measured(result.outcome, 1000))
    average, last = (results[name].model()["w"] for name in ("polyak", "none"))
    assert np.abs(average - last).max() > 0.01  # the last iterate is another network


def torch_network():
    torch = pytest.importorskip("torch")
    from torch import nn

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    return network, lambda model: lambda x: model(torch.from_numpy(x)).detach().numpy()


def keras_network():
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((3,)), *layers]), lambda model: model


def nnx_network():
    nnx = pytest.importorskip("flax.nnx")
    rngs = nnx.Rngs(0)
    layers = [nnx.Linear(3, 8, rngs=rngs), nnx.BatchNorm(8, rngs=rngs), nnx.Dropout(0.2, rngs=rngs)]
    return nnx.Sequential(*layers, nnx.Linear(8, 3, rngs=rngs)), lambda model: model


def linen_network():
    linen = pytest.importorskip("flax.linen")
    network = linen.Sequential([linen.Dense(8), linen.relu, linen.Dense(3)])
    return network, lambda variables: lambda x: network.apply(variables, x)


def equinox_network():
    equinox = pytest.importorskip("equinox")
    network = equinox.nn.MLP(3, 3, width_size=8, depth=1, key=jax.random.key(0))
    return network, lambda model: jax.vmap(model)


@pytest.mark.parametrize(
    "network", [torch_network, keras_network, nnx_network, linen_network, equinox_network]
)
def test_the_framework_s_own_model_predicts_what_the_study_has_measured(network):
    model, predictor = network()
    result = kobai.compare(model, (X, Y), **SHORT)
    x, y = result.outcome.study.task.test
    accuracy = {
        seed: (np.argmax(predictor(result.model(seed))(x), axis=1) == y).mean() for seed in (1000, 1001)
    }
    assert accuracy == {seed: pytest.approx(measured(result.outcome, seed)) for seed in accuracy}


def test_the_weights_are_loaded_by_the_module():
    network, predictor = torch_network()
    result = kobai.compare(network, (X, Y), **SHORT)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    weights = result.state_dict(1001)
    assert all(bool((before[name] == tensor).all()) for name, tensor in network.state_dict().items())
    assert network.load_state_dict(weights).missing_keys == []
    x, y = result.outcome.study.task.test
    accuracy = (predictor(network.eval())(x).argmax(axis=1) == y).mean()
    assert accuracy == pytest.approx(measured(result.outcome, 1001))


def test_only_a_module_of_torch_has_a_state_dict():
    result = kobai.compare((lambda key: {"w": jax.random.normal(key, (3, 3))}, lambda p, x: x @ p["w"]),
                           (X, Y), roles={"w": "weight"}, **SHORT)  # fmt: skip
    with pytest.raises(UsageError, match="the trained model is a dict"):
        result.state_dict()
