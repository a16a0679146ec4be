"""Keras: values after ten steps are those of its own training step, statistics move, dropout draws by key."""

import jax
import numpy as np
import pytest

import kobai
from framework_loop import (
    BATCH,
    CASES,
    IMAGES,
    RULES,
    SEQUENCES,
    VECTORS,
    WORDS,
    Y,
    assert_alike,
    assert_draws,
    batches,
    compared,
    framework,
    ours,
    roles,
    task_of,
)  # fmt: skip
from kobai.basics.errors import UsageError

keras = framework("keras")
layers = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras


def mlp():
    return keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(3)])


def cnn(rate=0.0):
    parts = [layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU()]
    parts += [layers.AveragePooling2D(2), layers.Flatten(), layers.Dropout(rate), layers.Dense(3)]
    return keras.Sequential([keras.Input((8, 8, 1)), *parts])


def gru():
    return keras.Sequential([keras.Input((6, 4)), layers.GRU(5), layers.Dense(3)])


def transformer():
    inputs = keras.Input((6,))
    x = layers.Embedding(20, 6)(inputs)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 3)(x, x))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


ZOO = {
    "mlp": (mlp, VECTORS),
    "cnn": (cnn, IMAGES),
    "gru": (gru, SEQUENCES),
    "transformer": (transformer, WORDS),
}
OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(0.01, epsilon=1e-12),
}


@pytest.fixture(autouse=True)
def _seed():
    """Every test begins with the same random values of Keras."""
    keras.utils.set_random_seed(0)


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_ten_steps_are_those_of_train_on_batch(name, rule):
    maker, x = ZOO[name]
    mine, _, tolerance = RULES[rule]
    model = maker()
    task = task_of(model, x)
    trained, state, learned = ours(task, mine)
    model.compile(OPTIMIZERS[rule](), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for rows in batches():
        model.train_on_batch(x[rows], Y[rows])
    after = task_of(model, x)
    assert_alike(trained, after.trained(after.parameters), tolerance, learned)
    if name == "cnn":
        assert_alike(state, after.state, tolerance)
        assert all(np.abs(array).max() > 0 for array in state.values())


def test_dropout_draws_by_the_key():
    assert_draws(task_of(cnn(rate=0.5), IMAGES))


def test_roles_and_fans():
    told = {name.rpartition(".")[2]: role for name, role in roles(task_of(gru(), SEQUENCES)).items()}
    assert told["recurrent_kernel"] == ("weight", (5, 5))  # three gates beside one another
    told = roles(task_of(transformer(), WORDS))
    fans = {
        name.split(".")[-2]: role for name, role in told.items() if name.endswith(("kernel", "embeddings"))
    }
    assert fans["query"] == fans["attention_output"] == ("weight", (6, 6))
    model = cnn()
    model.layers[0].trainable = False
    assert ("frozen", None) in roles(task_of(model, IMAGES)).values()


def test_a_model_draws_its_own_values_and_compares_from_end_to_end():
    task = task_of(mlp(), VECTORS)
    first, again, other = (jax.tree.leaves(task.own(seed)) for seed in (0, 0, 1))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))
    assert {i.name for i in compared(mlp(), VECTORS).outcome.study.initializers} == {"own", "he", "xavier"}


def test_a_model_of_another_backend_is_told_how_to_switch(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(UsageError, match="KERAS_BACKEND=jax before keras is imported"):
        kobai.Task.of(mlp(), (VECTORS, Y), batch_size=BATCH)
