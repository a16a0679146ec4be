"""Convolutional networks, and dense ones with batch normalization: ten steps held to kobai's."""

import dataclasses
import json

import numpy as np
import pytest

from framework_loop import framework
from kobai.questions.comparison.code.write import code
from kobai.study.recommendation import Recommendation
from kobai.tasks.provenance import Provenance
from programs_of_tasks import TEN, alike, recommended, reference, run

TASKS = (
    "digits-cnn:hidden=3,4,batch_norm=on",  # "same": no zeros before, one behind
    "mnist1d:model=cnn,hidden=3,4",  # one zero at either end
    "digits-cnn:hidden=3,batch_norm=after",
    "digits:hidden=5,4,batch_norm=before",
    "digits:hidden=5,batch_norm=after",
)
NAMES = {"weight": "weights", "kernel": "weights", "bias": "biases", "beta": "shift", "gamma": "scale"}


def layers_of_torch(names, *, turned=True):
    """kobai's layers with PyTorch's numbers; `turned`: whether channels stand on the last axis."""
    from torch import nn

    layers = []
    for module in names["model"]:
        arrays = {
            name: parameter.detach().numpy().copy()
            for name, parameter in module.named_parameters(recurse=False)
        }
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            layers[-1] |= {"scale": arrays["weight"], "shift": arrays["bias"]}
        elif isinstance(module, nn.Linear):
            weights = arrays["weight"]
            if turned and layers and layers[-1]["weights"].ndim > 2:
                channels = layers[-1]["weights"].shape[-1]
                weights = weights.reshape(len(weights), channels, -1).swapaxes(1, 2).reshape(weights.shape)
            layers.append({"weights": weights.T} | ({"biases": arrays["bias"]} if "bias" in arrays else {}))
        elif arrays:
            weights = np.moveaxis(arrays["weight"], (0, 1), (-1, -2))
            layers.append({"weights": weights} | ({"biases": arrays["bias"]} if "bias" in arrays else {}))
    return layers


def layers_of_keras(names):
    layers = []
    for layer in names["model"].layers:
        arrays = {NAMES[array.name]: np.asarray(array.value) for array in layer.trainable_variables}
        if "scale" in arrays:
            layers[-1] |= arrays
        elif arrays:
            layers.append(arrays)
    return layers


READ = {"torch": layers_of_torch, "keras": layers_of_keras}


@pytest.mark.parametrize("library", READ)
@pytest.mark.parametrize("place", TASKS)
def test_a_program_trains_the_network_of_the_task(place, library):
    framework(library)
    task, said = recommended(place)

    def read(names):
        layers = READ[library](names)
        return [layer | {"weights": layer["weights"].T} for layer in layers] if said.dense else layers

    names, batches, start = run(said, library, read)
    assert len(batches) == TEN
    trained, state = reference(task, task.trained(start), batches)
    end = task.trained(read(names))
    # Keras moves the running variance by that of the batch.
    alike(end, trained, 2e-3)
    expected = task.evaluate(task.with_arrays(trained), state, task.validation)
    alike(names["evaluate"](*([names["model"]] if library == "torch" else [])), expected, 2e-2)


def test_channels_that_stand_on_another_axis_are_seen():
    framework("torch")
    task, said = recommended(TASKS[1])
    names, batches, start = run(said, "torch", lambda names: layers_of_torch(names, turned=False))
    trained, _ = reference(task, task.trained(start), batches)
    with pytest.raises(AssertionError):
        alike(task.trained(layers_of_torch(names, turned=False)), trained, 2e-3)


def test_own_values_in_keras_are_those_of_the_task():
    framework("keras")
    _, said = recommended(TASKS[1], initializer="own")
    [first, *_] = run(said, "keras", layers_of_keras)[2]
    assert 0 < np.abs(first["biases"]).max() <= 5**-0.5
    assert np.abs(first["weights"]).max() <= 5**-0.5


def test_an_answer_keeps_what_the_network_is():
    _, said = recommended(TASKS[0])
    assert Recommendation.read(json.loads(json.dumps(dataclasses.asdict(said)))) == said


HEADS = {
    (TASKS[0], "torch"): "Data and network are those of the task, as an example",
    ("mnist1d:model=gru,hidden=3", "torch"): "Data and network are those of the task, as an example",
    ("mnist1d:model=gru,hidden=3", "optax"): "Data and network are those of the task, as an example",
}


def test_the_head_says_what_is_to_be_changed():
    for (place, library), sentence in HEADS.items():
        assert sentence in " ".join(code(recommended(place)[1], library).split())
    unknown = recommended(TASKS[0], convolutional=None)[1]
    assert "a small network stands for the one that was" in " ".join(code(unknown, "torch").split())
    alone = recommended(TASKS[0], provenance=Provenance(), convolutional=None)[1]
    assert "put your own x, y, x_validation, y_validation and model" in " ".join(code(alone, "torch").split())


def test_imports_stand_in_a_person_s_order():
    """Python's own, libraries, kobai; and the backend of Keras before Keras."""
    for library, framework_of in (("torch", "torch"), ("keras", "keras"), ("optax", "optax")):
        text = code(recommended(TASKS[0], strategy={"schedule": "cosine"})[1], library)
        places = [
            text.index(f"import {name}")
            for name in ("math", "numpy", framework_of, "kobai")
            if name != "numpy" or library != "keras"
        ]
        assert places == sorted(places), library


def test_a_model_of_python_is_asked_for_by_an_import():
    known = Provenance(framework="torch", loss="cross-entropy")
    said = recommended(TASKS[0], provenance=known, convolutional=None)[1]
    assert "\n# from my_file import model\n" in code(said, "torch")
    assert "from my_file import model" not in code(said, "keras")


def test_keras_has_the_backend_that_comes_with_kobai_where_the_data_do():
    text = code(recommended(TASKS[0])[1], "keras")
    assert text.index('setdefault("KERAS_BACKEND", "jax")') < text.index("import keras")
    alone = recommended(TASKS[0], provenance=Provenance(), convolutional=None)[1]
    assert "KERAS_BACKEND" not in code(alone, "keras")
