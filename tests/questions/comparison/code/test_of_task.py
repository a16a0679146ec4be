"""Programs that take their network from a task, or from a user's file: ten steps held to kobai's loop."""

import importlib
import sys

import numpy as np
import pytest

import kobai
from framework_loop import framework
from kobai.questions.comparison.code.write import code
from kobai.study.facts import examples_of
from kobai.tasks.provenance import Provenance
from programs_of_tasks import TEN, alike, recommended, reference, run

TASKS = ("digits-cnn:hidden=3,4,batch_norm=on", "adding:length=4,hidden=5,cell=gru", "copy:length=2,hidden=5")


@pytest.mark.parametrize("library", ["optax", "kobai"])
@pytest.mark.parametrize("place", TASKS)
def test_a_program_trains_the_network_of_the_task(place, library):
    task, said = recommended(place)
    names, batches, start = run(said, library, lambda names: names["params"])
    trained, state = reference(task, start, batches)
    alike(names["params"], trained)
    alike(names.get("statistics"), state)
    expected = task.evaluate(task.with_arrays(names["params"]), state, task.validation)
    alike(names["evaluate"](*(names[name] for name in ("params", "statistics") if name in names)), expected)


HEAD = """
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import numpy as np

random = np.random.default_rng(0)
x = random.uniform(-1, 1, (120, 2)).astype(np.float32)
y = np.digitize(np.hypot(*x.T), [0.5, 0.8])
data = (x, y)
batch_size = 16
"""

MODELS = {
    "torch": """
from torch import nn

model = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
""",
    "keras": """
import keras

last = keras.layers.Dense(3, activation="softmax", name="last")
layers = [keras.layers.Dense(6, name="first"), keras.layers.BatchNormalization(name="norm"), last]
model = keras.Sequential([keras.Input((2,)), *layers])
""",
    "equinox": """
import equinox as eqx


def model(key):
    first, last = jax.random.split(key)
    layers = [eqx.nn.Linear(2, 6, key=first), eqx.nn.Dropout(0.5), eqx.nn.Linear(6, 3, key=last)]
    return eqx.nn.Sequential(layers)
""".replace("import equinox", "import jax\nimport equinox", 1),
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A function of a framework: a file with a model of it, beside which programs are run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def written(library):
        framework(library)
        (tmp_path / f"my_{library}.py").write_text(HEAD + MODELS[library], "utf-8")
        sys.modules.pop(f"my_{library}", None)
        return f"my_{library}.py"

    return written


def of_torch(names):
    model = names["model"]
    return {name: parameter.detach().numpy().copy() for name, parameter in sorted(model.named_parameters())}


def of_keras(names):
    arrays = {array.path: np.asarray(array.value) for array in names["model"].trainable_variables}
    return {".".join(path.split("/")[-2:]): arrays[path] for path in sorted(arrays)}


@pytest.mark.parametrize(("library", "arrays"), [("torch", of_torch), ("keras", of_keras)])
def test_a_program_imports_the_users_own_network_with_batch_normalization(library, arrays, own):
    task, said = recommended(own(library))
    names, batches, start = run(said, library, arrays)
    assert f"import my_{library}" in code(said, library)
    assert f"Data and network are those of my_{library}.py." in " ".join(code(said, library).split())
    assert list(start) == [leaf.name for leaf in task.places]
    trained, state = reference(task, list(start.values()), batches)
    alike(arrays(names), dict(zip(start, trained, strict=True)))
    expected = task.evaluate(task.with_arrays(trained), state, task.validation)
    alike(names["evaluate"](*([names["model"]] if library == "torch" else [])), expected, 1e-3)


@pytest.mark.parametrize("library", ["optax", "kobai"])
def test_dropout_draws_anew_in_every_step(library, own):
    task, said = recommended(own("equinox"))
    names, batches, start = run(said, library, lambda names: names["params"])
    alike(names["params"], reference(task, start, batches)[0])


def test_a_network_of_another_framework_is_stood_for(own):
    said = recommended(own("equinox"))[1]
    text = code(said, "torch")
    assert 'load("my_equinox.py")' in text
    assert "in the place of yours" in text
    assert "a small network stands for the one that was" in " ".join(text.split())
    assert "no single x and y" not in text
    framework("torch")
    assert len(run(said, "torch")[1]) == TEN


def test_data_of_several_arrays_are_not_said_to_be_one():
    """Random numbers of one array stand for a dictionary of token ids and masks."""
    text = code(recommended(TASKS[0], examples=None, provenance=Provenance())[1], "torch")
    assert "# Random numbers" in text
    assert "no single x and y" in " ".join(text.replace("#", "").split())


def test_a_network_with_a_softmax_is_told_apart_from_one_that_stands_for_it():
    """The planted slip: the logarithm of a logit, which is no number."""
    origin = Provenance("model", "my_keras.py", {}, "keras", loss="cross-entropy.probabilities")
    said = recommended(TASKS[0], provenance=origin)[1]
    assert "keras.losses.SparseCategoricalCrossentropy()" in code(said, "keras")
    assert "nn.CrossEntropyLoss()" in code(said, "torch")


def test_penalties_and_decay_are_of_the_weights_alone():
    strategy = {"l2": {"l2": 0.5}, "weight_decay": {"rate": 0.3}}
    said = recommended(TASKS[1], strategy=strategy)[1]
    mine, batches, start = run(said, "optax", lambda names: names["params"])
    theirs, _, _ = run(said, "kobai", lambda names: names["params"])
    alike(mine["params"], theirs["params"])
    plain = run(recommended(TASKS[1])[1], "optax")[0]
    with pytest.raises(AssertionError):
        alike(mine["params"], plain["params"])


GIVEN = {
    "torch": """
from torch import nn


class Net(nn.Module):
    def __init__(self, width=5):
        super().__init__()
        self.embedding = nn.Embedding(7, width)
        self.last = nn.Linear(width, 3)

    def forward(self, x):
        return self.last(self.embedding(x).mean(1))
""",
    "keras": """
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras


def Net(seed=0):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Embedding(7, 5), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((4,), dtype="int32"), *layers])
""",
}


def given(library, model, y, **chosen):
    """A recommendation for a model given in Python, as a comparison makes it."""
    tokens = np.random.default_rng(0).integers(0, 7, (60, 4))
    tokens[0] = 6
    task = kobai.Task.of(model, (tokens, y), **chosen)
    network = {"dense": None, "initializer": "given" if library == "torch" else "own"}
    kept = {"provenance": task.provenance, "examples": examples_of(task.train), "task": task.name}
    return recommended(TASKS[0], convolutional=None, **network, **kept)[1]


@pytest.mark.parametrize("library", GIVEN)
def test_a_program_imports_the_class_of_a_model_that_was_given_in_python(library, tmp_path, monkeypatch):
    """Whole numbers stand for whole numbers: an embedding takes no others."""
    framework(library)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / f"nets_{library}.py").write_text(GIVEN[library], "utf-8")
    made = importlib.import_module(f"nets_{library}").Net
    said = given(library, made() if library == "torch" else made, np.arange(60) % 3)
    text = " ".join(code(said, library).replace("#", "").split())
    assert f"from nets_{library} import Net" in text
    assert "rng.integers(7, size=(examples, 4))" in text
    assert "The network is yours; random numbers stand for the data" in text
    needs = "Give it the arguments that yours was made with (width): they are not known here."
    assert (needs in text) is (library == "torch")
    names, _, _ = run(said, library)
    assert "embedding" in " ".join(
        [name for name, _ in names["model"].named_parameters()]
        if library == "torch"
        else [array.path for array in names["model"].trainable_variables]
    )
    assert "rng.integers(7" not in code(said, "optax")


def test_numbers_and_truths_have_the_shape_that_the_users_network_gives(tmp_path, monkeypatch):
    """The planted slip: y as a column, which a loss would spread over all pairs of examples."""
    framework("torch")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "nets_flat.py").write_text(FLAT, "utf-8")
    net = importlib.import_module("nets_flat").Net
    numbers = given("torch", net(), np.linspace(0, 1, 60, dtype=np.float32))
    assert "rng.standard_normal(examples, dtype=np.float32)" in code(numbers, "torch")
    assert run(numbers, "torch")[0]["y"].ndim == 1
    truths = given("torch", net(), np.arange(60) % 2, loss="binary cross-entropy")
    assert set(run(truths, "torch")[0]["y"].unique().tolist()) == {0.0, 1.0}
    assert "(examples, 1), dtype=np.float32)" in code(numbers, "keras")


FLAT = GIVEN["torch"].replace(".mean(1))", ".mean(1))[:, 0]")


def test_a_model_that_no_import_finds_is_asked_for():
    framework("torch")
    from torch import nn

    class Net(nn.Sequential):
        """A class of a function, as those of a notebook are nobody's else."""

    y = np.arange(60) % 3
    for made in (Net, nn.Sequential):
        said = given("torch", made(nn.Embedding(7, 5), nn.Flatten(), nn.Linear(20, 3)), y)
        assert "# from my_file import model" in code(said, "torch")
        assert len(run(said, "torch")[1]) == TEN
