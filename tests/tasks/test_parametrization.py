"""μP: table 3 of arXiv 2203.03466, array by array, and what the engine makes of it."""

import dataclasses

import jax
import numpy as np
import pytest

import kobai
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, mini_batch, stream
from kobai.engine.program import Program
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import he, normal, own, xavier
from kobai.study.axes import axes, grown_from, made
from kobai.tasks.parametrization import Growth
from swept import HE, runs_of

RULES = [entry.load() for entry in registry.OPTIMIZERS.values()]
INPUT, HIDDEN, OUTPUT, BIAS = (
    Growth((64, 16), (64, 64), True), Growth((16, 16), (64, 64), True),
    Growth((16, 10), (64, 10), True), Growth((1, 16), (1, 64)),
)  # fmt: skip
"""Grown fourfold."""


@pytest.mark.parametrize(
    ("growth", "deviation", "sgd", "adam"),
    [(INPUT, 1, 4, 1), (HIDDEN, 1 / 2, 1, 1 / 4), (OUTPUT, 1 / 4, 1 / 4, 1 / 4), (BIAS, 1, 4, 1)],
)
def test_table_3(growth, deviation, sgd, adam):
    assert (growth.rate(1), growth.rate(0)) == (sgd, adam)
    if growth.is_weight:
        for initializer in (he(), xavier(), normal(0.01)):  # which go with the width each in its own way
            at_base = initializer.spread(*growth.base)
            drawn = growth.deviation(initializer) * initializer.spread(*growth.now)
            assert drawn == pytest.approx(deviation * at_base)
        assert growth.deviation(own()) == pytest.approx(deviation * growth.ratios[0] ** 0.5)
    else:
        assert growth.deviation(he()) == 1


def digits(hidden, base=None, **options):
    return made(kobai.tasks.digits, {"hidden": hidden, "parametrization": base, **options})


def test_of_a_task_every_array_has_its_place():
    task = digits([32, 32], 8)
    ratios = {place.name: growth.ratios for place, growth in zip(task.places, task.growth, strict=True)}
    assert ratios == {
        "0.biases": (1, 4), "0.weights": (1, 4), "1.biases": (1, 4), "1.weights": (4, 4),
        "2.biases": (1, 1), "2.weights": (4, 1),
    }  # fmt: skip
    wide, narrow = task.filled(he(), 0), digits([32, 32]).filled(he(), 0)
    np.testing.assert_array_equal(wide[0]["weights"], narrow[0]["weights"])
    np.testing.assert_allclose(wide[2]["weights"], narrow[2]["weights"] / 2)


def test_at_the_base_width_nothing_changes():
    rule = kobai.AdamW(0.01, weight_decay=0.1)
    runs = []
    for base in (None, 8):
        sweep = Sweep(digits(8, base, batch_size=16), [rule], steps=6, evaluate_every=3)
        runs += runs_of(sweep, [Cell(rule, HE, 0, Strategy())])
    np.testing.assert_allclose(runs[0].validation_loss, runs[1].validation_loss, rtol=1e-6)


@pytest.mark.parametrize(
    "rule", [kobai.Momentum(0.1), kobai.NesterovDefinition(0.02), kobai.AdamW(0.01, weight_decay=0.5)]
)
def test_a_training_has_a_rate_for_each_array_and_one_decay(rule):
    """Against a loop with a rule for each array; the wrong variants have one rate, or scale the decay."""
    task = digits(32, 8, batch_size=16)
    [run] = runs_of(Sweep(task, [rule], steps=6, evaluate_every=6), [Cell(rule, HE, 3, Strategy())])
    rates = [growth.rate(rule.degree) for growth in task.growth]

    def loop(decays=lambda factor: 1.0, rates=rates):
        arrays = task.trained(task.filled(HE, stream(3, INITIAL)))
        rules = [dataclasses.replace(rule, learning_rate=rule.learning_rate * f) for f in rates]
        if hasattr(rule, "weight_decay"):
            rules = [dataclasses.replace(r, weight_decay=0.0) for r in rules]
        states = [each.init(array) for each, array in zip(rules, arrays, strict=True)]
        gradient = jax.jit(jax.grad(lambda arrays, batch: task.loss(task.with_arrays(arrays), batch)))
        for rows in mini_batch(3, 0, 6, 16, len(task.train[0])):
            points = [each.lookahead(*at) for each, *at in zip(rules, arrays, states, strict=True)]
            g = gradient(points, jax.tree.map(lambda a, rows=rows: a[rows], task.train))
            for i, (each, array) in enumerate(zip(rules, arrays, strict=True)):
                Δ, states[i] = each.update(g[i], states[i], array)
                shrunk = rule.learning_rate * getattr(rule, "weight_decay", 0) * decays(rates[i])
                arrays[i] = array + Δ - shrunk * array * (array.ndim > 1)
        return float(task.evaluate(task.with_arrays(arrays), None, task.validation)[0])

    right = float(run.validation_loss[-1])
    assert loop() == pytest.approx(right, rel=1e-4)
    assert loop(rates=[1.0] * len(rates)) != pytest.approx(right, rel=1e-2)
    if hasattr(rule, "weight_decay"):
        assert loop(decays=lambda factor: factor) != pytest.approx(right, rel=1e-4)


@pytest.mark.parametrize("kind", [rule for rule in RULES if rule.degree is not None])
def test_the_degree_of_a_rule_is_the_power_of_the_gradient_in_its_step(kind):
    rule, rng = kind(), np.random.default_rng(0)
    rule = dataclasses.replace(rule, **({"weight_decay": 0.0} if hasattr(rule, "weight_decay") else {}))
    gradients = 1e6 * rng.standard_normal((4, 5))

    def last(factor):
        θ = np.zeros(5)
        state = rule.init(θ)
        for g in gradients:
            Δ, state = rule.update(factor * g, state, θ)
        return Δ

    np.testing.assert_allclose(last(8.0), 8.0**rule.degree * last(1.0), rtol=1e-4)


def test_what_μp_cannot_say_is_refused():
    task = digits(32, 8)
    with pytest.raises(UsageError, match="Muon is neither"):
        Program(task, [kobai.Muon()], capacity=1)
    with pytest.raises(UsageError, match="parametrization must be standard, or mup:N"):
        axes({"parametrization": "mup"})
    with pytest.raises(UsageError, match="its network has 6 arrays and not 4"):
        grown_from(digits([8, 8]), digits(32))
    assert np.shape(task.rates(1)) == task.flatten(task.parameters).shape
