"""Recurrent networks of built-in tasks in PyTorch and Keras: ten steps held to kobai's."""

import dataclasses
import json

import numpy as np
import pytest

from framework_loop import framework
from kobai.networks.recurrent import GATES
from kobai.questions.comparison.code.write import code
from kobai.study.recommendation import Recommendation
from programs_of_tasks import TEN, alike, recommended, reference, run

TASKS = (
    "adding:length=4,hidden=3",
    "adding:length=4,hidden=3,cell=lstm",
    "copy:length=2,items=2,symbols=3,hidden=3,cell=gru",
    "mnist1d:model=gru,hidden=3",
)
OTHERS = (
    "adding:length=4,hidden=3,activation=relu",
    "adding:length=4,hidden=3,activation=sigmoid",
    "adding:length=4,hidden=3,cell=lstm,activation=relu",
    "mnist1d:model=gru,hidden=3,activation=sigmoid",
)
"""Activations that not every layer of PyTorch has."""

TORCH = {
    "elman": ("state",),
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
}
KERAS = TORCH | {"gru": ("update", "reset", "candidate")}
"""The gates in the order in which a framework has them, as its documentation says."""


def gates_of(names, arrays):
    """kobai's gates: arrays [gates·n, …] cut into the named ones, matrices turned."""
    parts = {kind: np.split(array, len(names)) for kind, array in arrays.items()}
    return {
        name: {kind: np.array(parts[kind][i].T) for kind in ("inputs", "recurrent", "biases")}
        for i, name in enumerate(names)
    }


def of_torch(names, cell, order=None):
    order = order or TORCH
    arrays = {name: array.detach().numpy().copy() for name, array in names["model"].named_parameters()}
    output = {"weights": arrays["output.weight"].T, "biases": arrays["output.bias"]}
    ways = {}
    kinds = {"inputs": "weight_ih", "recurrent": "weight_hh", "biases": "bias_ih"}
    for way, ending, stem in (("forward", "", "recurrent"), ("backward", "_reverse", "backwards")):
        if f"recurrent.weight_ih_l0{ending}" in arrays:
            assert not arrays[f"recurrent.bias_hh_l0{ending}"].any()
            layer = {kind: arrays[f"recurrent.{name}_l0{ending}"] for kind, name in kinds.items()}
            ways[way] = gates_of(order[cell], layer)
        elif f"{stem}.inputs.0.weight" in arrays:
            ways[way] = {
                gate: {
                    "inputs": arrays[f"{stem}.inputs.{i}.weight"].T,
                    "recurrent": arrays[f"{stem}.recurrent.{i}.weight"].T,
                    "biases": arrays[f"{stem}.inputs.{i}.bias"],
                }
                for i, gate in enumerate(GATES[cell])
            }
    return named(ways, output)


def of_keras(names, cell):
    arrays = [np.asarray(variable.value).copy() for variable in names["model"].trainable_variables]
    output = {"weights": arrays[-2], "biases": arrays[-1]}
    ways = {}
    for way, at in (("forward", 0), ("backward", 3)):
        if at + 3 <= len(arrays) - 2:
            inputs, recurrent, biases = arrays[at : at + 3]
            if biases.ndim == 2:
                assert not biases[1].any()
                biases = biases[0]
            layer = {"inputs": inputs.T, "recurrent": recurrent.T, "biases": biases}
            ways[way] = gates_of(KERAS[cell], layer)
    return named(ways, output)


def named(ways, output):
    if len(ways) == 2:
        return {**ways, "output": output}
    return {"recurrent": ways["forward"], "output": output}


READ = {"torch": of_torch, "keras": of_keras}


@pytest.mark.parametrize(
    ("place", "library"), [(p, lib) for p in TASKS for lib in READ] + [(place, "torch") for place in OTHERS]
)
def test_a_program_trains_the_network_of_the_task(place, library):
    framework(library)
    task, said = recommended(place)

    def read(names):
        return READ[library](names, said.recurrent.cell)

    names, batches, start = run(said, library, read)
    assert len(batches) == TEN
    if said.recurrent.cell == "lstm":
        np.testing.assert_array_equal(start["recurrent"]["forget"]["biases"], 1.0)
    trained, state = reference(task, task.trained(start), batches)
    alike(task.trained(read(names)), trained, 2e-4)
    expected = task.evaluate(task.with_arrays(trained), state, task.validation)
    loss, *accuracy = names["evaluate"](*([names["model"]] if library == "torch" else []))
    alike([loss, *accuracy], expected[: 1 + len(accuracy)], 2e-3)


def test_gates_in_another_order_are_seen():
    framework("torch")
    task, said = recommended(TASKS[1])
    turned = TORCH | {"lstm": GATES["lstm"]}

    def read(names):
        return of_torch(names, "lstm", turned)

    names, batches, start = run(said, "torch", read)
    trained, _ = reference(task, task.trained(start), batches)
    with pytest.raises(AssertionError):
        alike(task.trained(read(names)), trained, 2e-4)


def test_a_second_bias_that_is_trained_is_seen():
    framework("torch")
    task, said = recommended(TASKS[0])

    def read(names):
        for name, parameter in names["model"].named_parameters():
            if "bias_hh" in name:
                parameter.requires_grad_(True)
        return task.with_arrays(task.trained(task.parameters))

    names, _, _ = run(said, "torch", read)
    biases = dict(names["model"].named_parameters())["recurrent.bias_hh_l0"]
    assert biases.detach().abs().max() > 0


def test_an_answer_keeps_what_the_network_is():
    for place in TASKS:
        _, said = recommended(place)
        assert Recommendation.read(json.loads(json.dumps(dataclasses.asdict(said)))) == said


def test_programs_are_short():
    for place in (*TASKS, *OTHERS):
        for library in READ:
            assert len(code(recommended(place)[1], library).splitlines()) <= 130
