"""Optimizers of optax by name: what is meant, what their arguments may be set to, what is refused."""

import sys

import numpy as np
import optax
import pytest

import kobai
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates, default_rates
from kobai.candidates.lists import LISTS, MODERN
from kobai.candidates.of_optax import named, settable
from kobai.engine.spelling import read_method, spell_method
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.stabilizers import weight_decay


def test_a_name_means_the_factory_with_the_grid_of_kobai_s_own_rule_of_that_name():
    rule, rates = named("optax.lion")
    assert (rule.factory, rates) == (optax.lion, registry.OPTIMIZERS["lion"].learning_rates)
    assert named("optax.contrib.muon")[0].factory is optax.contrib.muon
    assert named("optax.yogi")[1] == tuple(default_rates("adam"))
    assert named("optax.contrib.dog")[1] == registry.rates_from(-2.0)
    (one,) = candidates("optax.lion")
    assert (one.name, one.learning_rates()) == ("lion", default_rates("lion"))
    assert [each.name for each in candidates(["lion", "optax.lion"])] == ["lion", "lion_2"]


def test_arguments_are_set_by_name_whole_numbers_as_such():
    (grid,) = candidates(
        "optax.contrib.muon", [0.1], {"muon.beta": [0.8, 0.9], "muon.ns_steps": [3.0], "muon.nesterov": [0]}
    )
    assert [variant.hyperparameters["beta"] for variant in grid.variants] == [0.8, 0.9]
    assert dict(grid.variants[0].switches) == {"nesterov": False, "ns_steps": 3}
    assert "ns_coeffs" not in settable(grid.variants[0])
    point = {"w": np.eye(3, dtype=np.float32)}
    for variant in grid.variants:
        ours, _ = variant.update(point, variant.init(point), point)
        beta = variant.hyperparameters["beta"]
        plain = optax.contrib.muon(0.1, beta=beta, ns_steps=3, nesterov=False)
        np.testing.assert_array_equal(ours["w"], plain.update(point, plain.init(point), point)[0]["w"])


def test_one_of_contrib_travels():
    rule = named("optax.contrib.adopt")[0]
    assert read_method(spell_method(rule)) == rule


@pytest.mark.parametrize(
    ("text", "hyperparameters", "sentence"),
    [
        ("optax.lionn", None, "no optimizer 'optax.lionn'; did you mean 'optax.lion'"),
        ("optax.contrib.moun", None, "did you mean 'optax.contrib.muon'"),
        ("optax.a.b", None, "no optimizer 'optax.a.b'"),
        ("optax.identity", None, "optax's identity is no optimizer"),
        ("optax.scale_by_adam", None, "optax's scale_by_adam is no optimizer"),
        ("optax.scale_by_rprop", None, "is no optimizer"),
        ("optax.global_norm", None, "is no optimizer"),
        ("optax.apply_updates", None, "is no optimizer"),
        ("optax.chain", None, "is no optimizer"),
        ("optax.cosine_decay_schedule", None, "is no optimizer"),
        ("optax.lbfgs", None, "its update needs 'value_fn'"),
        ("optax.polyak_sgd", None, "its update needs 'value'"),
        ("optax.contrib.sophia", None, "its update needs 'obj_fn'"),
        ("optax.contrib.sam", None, "goes around another optimizer"),
        ("optax.lion", {"lion.b3": [0.1]}, "no hyperparameter 'lion.b3'"),
        ("optax.contrib.muon", {"muon.ns_steps": [2.5]}, "muon.ns_steps"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(text, hyperparameters, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        candidates(text, None, hyperparameters)
    assert "\n" not in str(caught.value)


def test_one_that_finds_its_rate_has_a_factor():
    for factory in (optax.contrib.prodigy, optax.contrib.dadapt_adamw):
        rule = kobai.from_optax(factory, learning_rate=1.0)
        assert rule.rate_is_factor
        strategies = [Strategy(weight_decay=weight_decay(0.1))]
        with pytest.raises(UsageError, match=f"{rule.name} finds its rate itself"):
            Sweep(kobai.tasks.sine(), [rule], steps=2, evaluate_every=1, strategies=strategies)
    assert not kobai.from_optax(optax.lion, learning_rate=1.0).rate_is_factor


def test_without_optax_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(UsageError, match=r"optax.lion needs optax, .* pip install optax"):
        candidates("optax.lion")


def test_lists_are_several_rules_under_one_name():
    assert [each.name for each in candidates("lecture")] == list(registry.DEFAULT_OPTIMIZERS)
    assert [each.name for each in candidates(["sgd", "modern"])] == ["sgd", *MODERN]
    assert MODERN[:3] == ("adamw", "lion", "nadamw")
    assert [each.name for each in candidates("all")] == list(registry.OPTIMIZERS) == list(LISTS["all"])
    assert candidates("modern")[-2].variants[0] == kobai.SAM(default_rates("sam")[0])
