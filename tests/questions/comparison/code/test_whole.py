"""Whole programs, as `kobai code` prints them: run by Python alone, and held to kobai's own rules."""

import functools
import itertools
import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from framework_loop import framework
from kobai.networks.network import Dense
from kobai.questions.comparison.code.write import code, programmed
from kobai.study.facts import Examples
from kobai.study.recommendation import Recommendation
from kobai.tasks.provenance import TASK, Provenance

HIDDEN = (20, 10)
TEN = 10


def recommendation(rule="adam", batch_norm="off", **strategy):
    """An answer for the digits."""
    fields = {"adam": {"learning_rate": 0.01}, "momentum": {"learning_rate": 0.05, "momentum": 0.9}}[rule]
    return Recommendation(
        task="digits",
        optimizer={"name": rule, "fields": fields},
        initializer="he",
        strategy=strategy,
        own={},
        steps=20,
        evaluate_every=10,
        batch_size=128,
        examples=Examples((64,), 10, "classes"),
        dense=Dense((64, *HIDDEN, 10), "relu", batch_norm),
        provenance=Provenance(TASK, "digits", {"hidden": HIDDEN}),
    )


@pytest.mark.parametrize("library", ["torch", "keras"])
def test_a_program_runs_by_itself(library, tmp_path):
    framework(library)
    path = tmp_path / "train.py"
    path.write_text(code(recommendation(schedule="warm-up:2+cosine", clip="norm:1"), library), "utf-8")
    ran = subprocess.run(
        [sys.executable, path], env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    first, last = ([float(number) for number in line.split()] for line in ran.stdout.splitlines())
    assert [first[0], last[0]] == [10, 20]
    assert last[1] < first[1] < 2.5
    assert last[2] > 0.2


CASES = {
    "adam": ("adam", {}),
    "adam, clipped": ("adam", {"clip": "norm:0.5", "schedule": "warm-up:5+cosine"}),
    "momentum": ("momentum", {"schedule": "one-cycle", "l2": {"l2": 0.01}}),
}


class AdamOfKeras(kobai.Adam):
    """ε before the correction of the bias: −η √(1−ρ₂ᵗ)/(1−ρ₁ᵗ) · m / (√v + ε)."""

    def rule(self, g, t, m, v):
        m = self.decay_1 * m + (1 - self.decay_1) * g
        v = self.decay_2 * v + (1 - self.decay_2) * g * g
        rate = self.learning_rate * jnp.sqrt(1 - self.decay_2**t) / (1 - self.decay_1**t)
        return -rate * m / (jnp.sqrt(v) + self.epsilon), (m, v)


def ten_steps(said, library, arrays, **instead):
    """(start, batches, end) of a program as it is, or with another start, other batches, another rule."""
    names = {"__name__": "program", "print": lambda *_: None}
    start, batches = None, instead.get("batches")
    for section in programmed(said, library).sections:
        exec(compile(section.text, section.name, "exec"), names)
        if section.name == "initial":
            names |= {name: value for name, value in instead.items() if name == "params"}
            start = arrays(names)
        if section.name == "optimizer":
            names |= {name: value for name, value in instead.items() if name == "rule"}
        if section.name == "batches":
            batches = batches or list(itertools.islice(names["batches"](), TEN))
            names["batches"] = functools.partial(iter, batches)
    return start, batches, arrays(names)


def of_torch(names):
    layers = [layer for layer in names["model"] if hasattr(layer, "weight")]
    return [(layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in layers]


def of_keras(names):
    arrays = [np.asarray(variable.value) for variable in names["model"].trainable_variables]
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def of_kobai(names):
    return [(np.asarray(layer["weights"]), np.asarray(layer["biases"])) for layer in names["params"]]


def check(start, end, expected, tolerance):
    """Hold every array to kobai's, relative to the longest way that one of its entries went."""
    for before, mine, theirs in zip(start, end, expected, strict=True):
        for first, a, b in zip(before, mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b - first).max())


@pytest.mark.parametrize("library", ["torch", "keras"])
@pytest.mark.parametrize("case", CASES)
def test_its_first_ten_steps_are_those_of_kobai(case, library):
    framework(library)
    rule, strategy = CASES[case]
    said = recommendation(rule, **strategy)
    start, batches, end = ten_steps(said, library, {"torch": of_torch, "keras": of_keras}[library])
    assert len(batches) == TEN
    params = [{"weights": jnp.asarray(weights), "biases": jnp.asarray(biases)} for weights, biases in start]
    kobais = ten_steps(said, "kobai", of_kobai, params=params, batches=batches)[2]
    if rule != "adam" or library != "keras":
        check(start, end, kobais, 1e-3)
        return
    # Keras adds ε elsewhere, which pixels that are hardly ever lit can feel: the program says so.
    assert "Keras adds ε before it corrects the bias" in code(said, library)
    with pytest.raises(AssertionError):
        check(start, end, kobais, 1e-3)
    of_its_rule = AdamOfKeras(**said.optimizer["fields"])
    check(
        start,
        end,
        ten_steps(said, "kobai", of_kobai, params=params, batches=batches, rule=of_its_rule)[2],
        1e-3,
    )
