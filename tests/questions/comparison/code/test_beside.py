"""Masks, μP and accumulated batches in the programs of each framework: the engine's trajectory."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from framework_loop import framework
from kobai import words
from kobai.engine.strategy import Strategy
from kobai.questions.comparison.code import beside
from kobai.questions.comparison.code.plan import plan
from kobai.questions.comparison.code.write import code, programmed
from kobai.schedules import schedule
from kobai.stabilizers import cautious, l2, weight_decay
from kobai.study.axes import grown_from
from kobai.study.study import facts_of
from programs import BATCH, begin_torch, compare, executed, recommendation, start, task, trained
from programs_of_tasks import recommended, run

pytestmark = [
    pytest.mark.usefixtures("quick_engine"),
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # of Keras's own variables
]

WARM_UP = schedule("warm-up:3+cosine")
ADAMW = kobai.AdamW(0.02, 0.8, 0.99, weight_decay=0.5)
MASKED = Strategy(mask=cautious())
ACCUMULATED = {
    "plain": (kobai.SGD(0.3), Strategy()),
    "all": (
        kobai.Momentum(0.1, 0.8),
        Strategy(clip=kobai.clip_norm(0.2), l2=l2(0.3), schedule=WARM_UP, weight_decay=weight_decay(0.5)),
    ),
    "mask": (ADAMW, MASKED),
    "mask, decay of all": (
        kobai.Momentum(0.1, 0.8),
        Strategy(mask=cautious(), weight_decay=weight_decay(0.5, biases=True), schedule=WARM_UP),
    ),
}
"""With batches of two that make the engine's of eight."""

GROWN = {
    "sgd": (kobai.SGD(0.3), Strategy(schedule=WARM_UP)),
    "momentum": (
        kobai.Momentum(0.1, 0.8),
        Strategy(clip=kobai.clip_norm(0.2), schedule=WARM_UP, weight_decay=weight_decay(0.5)),
    ),
    "adamw": (ADAMW, Strategy()),
    "lion, masked": (kobai.Lion(0.01, 0.8, 0.95, weight_decay=0.5), MASKED),
    "look-ahead": (kobai.NesterovDefinition(0.1, 0.8), Strategy()),
}
"""Of a network whose hidden layer is two and a half times as wide as it was."""


def grown(dtype):
    narrow = [
        {"weights": np.zeros(shape, dtype), "biases": np.zeros(shape[1], dtype)} for shape in ((6, 2), (2, 3))
    ]
    return grown_from(dataclasses.replace(task(dtype), parameters=narrow), task(dtype))


@functools.cache
def engine(dtype):
    """What the engine makes of all cases, {(is grown, case): run}."""
    accumulated = dataclasses.replace(task(dtype), batch_size=BATCH // 4, accumulate=4)
    runs = {(False, case): run for case, run in trained(ACCUMULATED, dtype, accumulated).items()}
    return runs | {(True, case): run for case, run in trained(GROWN, dtype, grown(dtype)).items()}


def said(is_grown, case):
    rule, strategy = (GROWN if is_grown else ACCUMULATED)[case]
    if not is_grown:
        return recommendation(rule, strategy, accumulate=4)
    growth = facts_of(grown("float32")).growth
    return recommendation(rule, strategy, parametrization="mup:2", growth=growth)


def begin_jax(names):
    names["params"] = [{"weights": jnp.asarray(w), "biases": jnp.asarray(b)} for w, b in start("float64")]


def begin_keras(names):
    names["model"].set_weights([array for pair in start("float32") for array in pair])


def arrays(library, names):
    if library in ("kobai", "optax"):
        return [(layer["weights"], layer["biases"]) for layer in names["params"]]
    if library == "torch":
        layers = [layer for layer in names["model"] if hasattr(layer, "weight")]
        return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in layers]
    values = [np.asarray(array.value) for array in names["model"].trainable_variables]
    return list(zip(values[::2], values[1::2], strict=True))


BEGIN = {"kobai": begin_jax, "optax": begin_jax, "torch": begin_torch, "keras": begin_keras}


def follow(library, is_grown, case, recommended=None):
    """Hold the program of a case to the engine."""
    dtype = "float32" if library == "keras" else "float64"
    recommended = recommended or said(is_grown, case)
    strategy = (GROWN if is_grown else ACCUMULATED)[case][1]
    with jax.enable_x64(dtype == "float64"), jax.disable_jit(library in ("kobai", "optax")):
        names, losses = executed(recommended, library, dtype, BEGIN[library], strategy)
    compare(engine(dtype)[is_grown, case], strategy, losses, arrays(library, names), TOLERANCE[library])


TOLERANCE = {"kobai": 1e-6, "optax": 1e-6, "torch": 1e-6, "keras": 1e-3}

CASES = [(is_grown, case) for is_grown, cases in ((False, ACCUMULATED), (True, GROWN)) for case in cases]
AT_THETA = [pair for pair in CASES if pair[1] != "look-ahead"]


@pytest.mark.parametrize(("is_grown", "case"), CASES)
def test_a_program_with_kobais_rules_follows_the_engine(is_grown, case):
    follow("kobai", is_grown, case)


@pytest.mark.parametrize("library", ["optax", "torch", "keras"])
@pytest.mark.parametrize(("is_grown", "case"), AT_THETA)
def test_a_program_follows_the_engine(library, is_grown, case):
    if library != "optax":
        framework(library)
    follow(library, is_grown, case)


@pytest.mark.parametrize(
    ("is_grown", "case", "wrong"),
    [
        (True, "sgd", {"growth": {}}),
        (True, "adamw", {"growth": {}}),
        (False, "mask", {"strategy": {}}),
        (True, "lion, masked", {"strategy": {}}),
    ],
)
def test_what_is_left_out_is_seen(is_grown, case, wrong):
    """The planted mistakes: programs that say a mask or μP and do not write it."""
    with pytest.raises(AssertionError):
        follow("kobai", is_grown, case, dataclasses.replace(said(is_grown, case), **wrong))


@pytest.mark.parametrize(("right", "wrong"), [("leaf * factor", "leaf"), ("(RATES)", "(DEVIATIONS)")])
def test_factors_at_another_place_are_seen(right, wrong, monkeypatch):
    written = beside.jax_width
    monkeypatch.setattr(beside, "jax_width", lambda of: written(of).replace(right, wrong))
    with pytest.raises(AssertionError):
        follow("kobai", True, "adamw")


@pytest.mark.parametrize(
    ("library", "made", "right", "wrong"),
    [
        ("optax", "optax_mask", "scale = d /", "scale = 0 * d + 1 +"),
        ("torch", "torch_mask", "d / (nnz + 1)", "d / nnz"),
    ],
)
def test_a_mask_of_another_scale_is_seen(library, made, right, wrong, monkeypatch):
    if library != "optax":
        framework(library)
    written = getattr(beside, made)
    assert right in written(plan(said(False, "mask")))
    monkeypatch.setattr(beside, made, lambda of: written(of).replace(right, wrong))
    with pytest.raises(AssertionError):
        follow(library, False, "mask")


def test_a_sum_of_gradients_is_seen(monkeypatch):
    written = beside.accumulation
    monkeypatch.setattr(beside, "accumulation", lambda *of: written(*of).replace("new / ACCUMULATE", "new"))
    with pytest.raises(AssertionError):
        follow("kobai", False, "plain")


@pytest.mark.parametrize("library", ["optax", "kobai"])
def test_statistics_go_through_accumulated_batches(library):
    task, said = recommended("digits-cnn:hidden=3,batch_norm=on", accumulate=4)
    names, batches, begun = run(said, library, lambda names: (names["params"], names["statistics"]))
    rule, (params, state) = kobai.Momentum(0.02, 0.8), begun
    memory = rule.init(params)

    def loss(params, state, batch):
        return task.training_loss(task.with_arrays(params), state, batch, None)

    gradient = jax.jit(jax.grad(loss, has_aux=True))
    for rows in batches:
        gradients = []
        for part in np.split(np.asarray(rows), 4):
            g, state = gradient(params, state, jax.tree.map(lambda array, part=part: array[part], task.train))
            gradients.append(g)
        update, memory = rule.update(jax.tree.map(lambda *each: sum(each) / 4, *gradients), memory)
        params = jax.tree.map(jnp.add, params, update)
    for mine, theirs in zip(
        jax.tree.leaves((names["params"], names["statistics"])), jax.tree.leaves((params, state)), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=2e-4 * max(1e-2, np.abs(theirs).max()))


FACTORS = {
    "digits-cnn:hidden=4": ("weight", "bias", "weight", "bias"),
    "digits-cnn:hidden=4,batch_norm=before": ("weight", "scale", "shift", "weight", "bias"),
    "adding:length=4,hidden=6,cell=gru": ("inputs", "recurrent", "bias", "bias", "weight", "bias"),
    "copy:length=2,hidden=6": ("inputs", "recurrent", "bias", "bias", "weight", "bias"),
    "copy:length=2,hidden=6,activation=sigmoid": ("inputs", "bias", "recurrent", "weight", "bias"),
}
"""Networks that are twice or thrice as wide as they were, and what PyTorch's arrays are, in its order."""


@pytest.mark.parametrize("place", FACTORS)
@pytest.mark.parametrize("library", ["torch", "keras"])
def test_factors_stand_at_the_arrays_of_the_network(library, place):
    """SGD's rates, by table 3 of Tensor Programs V: r at the input, 1 inside, 1/r at the output."""
    framework(library)
    made, of_task = recommended(place)
    narrow = recommended(place.replace("hidden=4", "hidden=2").replace("hidden=6", "hidden=2"))[0]
    growth = facts_of(grown_from(narrow, made)).growth
    grows = dataclasses.replace(of_task, parametrization="mup:2", growth=growth)
    names = {"__name__": "program"}
    for section in itertools.takewhile(
        lambda each: each.name != "factor", programmed(grows, library).sections
    ):
        if section.name in ("head", "settings", "data", "network", "initial", "width"):
            exec(compile(section.text, section.name, "exec"), names)
    r, kinds = 2.0 if "cnn" in place else 3.0, FACTORS[place]
    if library == "keras" and len(kinds) == 6:  # one bias
        kinds = (*kinds[:3], *kinds[4:])
    if library == "keras" and kinds[1:3] == ("bias", "recurrent"):
        kinds = ("inputs", "recurrent", "bias", "weight", "bias")
    hidden = [1.0 if kind == "recurrent" else r for kind in kinds[:-2]]
    assert names["RATES"] == [*hidden, 1 / r, 1.0]
    arrays = list(names["model"].parameters() if library == "torch" else names["model"].trainable_variables)
    assert len(arrays) == len(kinds)
    for array, kind in zip(arrays, kinds, strict=True):
        is_bias = "bias" in getattr(array, "path", "") or array.ndim == 1  # two of Keras's GRU are a matrix
        assert is_bias is (kind not in MATRICES)


def test_the_growth_of_what_is_frozen_is_left_out():
    wide, narrow = kobai.tasks.sine(hidden=6), kobai.tasks.sine(hidden=2)
    frozen = dataclasses.replace(wide, roles=[{"biases": "frozen", "weights": "weight"}] * 2)
    growth = facts_of(grown_from(narrow, frozen)).growth
    assert {name: each.ratios for name, each in growth.items()} == {
        "0.weights": (1.0, 3.0),
        "1.weights": (3.0, 1.0),
    }


def test_a_network_taken_from_the_task_begins_as_the_engines():
    made, of_task = recommended("adding:length=4,hidden=6")
    wide = grown_from(recommended("adding:length=4,hidden=2")[0], made)
    grows = dataclasses.replace(of_task, parametrization="mup:2", growth=facts_of(wide).growth)
    expected = wide.trained(wide.filled(kobai.initializers.parse("xavier"), 0))
    for library in ("kobai", "optax"):
        names = {"__name__": "program"}
        for section in programmed(grows, library).sections:
            if section.name in ("head", "settings", "data", "initial", "width"):
                exec(compile(section.text, section.name, "exec"), names)
        for mine, theirs in zip(names["params"], expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)
        assert [float(np.max(rate)) for rate in names["by_width"]] == names["RATES"]


MATRICES = ("weight", "inputs", "recurrent")


def test_a_network_in_the_place_of_another_has_no_factors():
    of_file = dataclasses.replace(said(True, "sgd"), dense=None)
    for library in ("torch", "optax", "keras", "kobai"):
        text = code(of_file, library)
        assert "another network than the one that was trained" in " ".join(text.replace("#", "").split())
        assert "raise NotImplementedError" in text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_line_is_long(language):
    with words.language(language):
        for is_grown, case in CASES:
            for library in ("torch", "optax", "keras", "kobai"):
                text = code(said(is_grown, case), library)
                compile(text, library, "exec")
                assert max(map(len, text.splitlines())) <= 110


def test_keras_says_that_clipped_batches_are_one():
    text = " ".join(code(said(False, "all"), "keras").replace("#", "").split())
    assert "They are one batch here" in text
    assert "gradient_accumulation_steps" not in text
    assert "gradient_accumulation_steps=ACCUMULATE" in code(said(False, "plain"), "keras")
