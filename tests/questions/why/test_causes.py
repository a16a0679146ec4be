"""Which causes the numbers support, and the intervention that takes one away."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
import studies
from kobai.questions.why import sentences
from kobai.questions.why.causes import reasons, why
from kobai.questions.why.look import in_common
from kobai.study.answer import answer
from reasons import bowl, compared, dish, look, measured, texts


@pytest.fixture
def known(monkeypatch):
    return studies.known(monkeypatch)


def causes(outcome, **numbers):
    return why(outcome, answer(outcome), measured(**numbers))


@pytest.mark.parametrize(
    ("factor", "cause"), [(0.05, "vanishing"), (30.0, "exploding"), (0.2, "none"), (1.0, "none")]
)
def test_why_these_initial_weights(known, factor, cause):
    """normal:0.01 is shown to be slower; the cause is named if its gradients are ten times away."""
    found = causes(known, starts={"normal:0.01": look(last=factor)}).initializer
    assert found.name == cause
    assert found.values["choice"] == "he"
    if cause != "none":
        assert found.values["layer"] == "1.weights"
        assert found.values["times"] == pytest.approx(max(factor, 1 / factor))


def test_gradients_that_differ_are_no_cause_where_nothing_is_slower(monkeypatch):
    outcome = studies.outcome_of(
        monkeypatch,
        lambda cell: 20 + cell.seed % 3,
        optimizers=studies.GRIDS,
        initializers=("he", "normal:0.01"),
        evaluate_every=1,
    )
    assert causes(outcome, starts={"normal:0.01": look(last=0.001)}).initializer.name == "none"


def test_why_this_rate_because_the_next_diverges(monkeypatch):
    outcome = studies.outcome_of(
        monkeypatch,
        lambda cell: {0.01: 50, 0.1: 20, 1.0: None}[cell.optimizer.learning_rate],
        optimizers=kobai.SGD(learning_rate=[0.01, 0.1, 1.0]),
        evaluate_every=1,
    )
    found = causes(outcome).learning_rate
    assert found.name == "diverges"
    assert (found.values["next"], found.values["runs"], found.values["of"]) == (1.0, 3, 3)
    assert (found.values["limit_at_start"], found.values["limit_at_end"]) == (0.5, 0.4)


@pytest.mark.parametrize(
    ("at_start", "at_end", "cause"),
    [
        (0.05, 0.05, "limit"),
        (0.05, None, "none"),  # of the start alone
        (0.005, 0.005, "none"),
        (5.0, 5.0, "none"),
        (0.005, 0.05, "none"),  # the rate itself is beyond one of them
        (0.05, 5.0, "none"),
    ],
)
def test_why_this_rate_where_none_diverges(known, at_start, at_end, cause):
    """adam at 0.01, where 0.1 needs more steps; what theory allows lies between, below both, above both."""
    found = causes(known, end=look(), at_start=at_start, at_end=at_end).learning_rate
    assert (found.name, found.values["rate"]) == (cause, 0.01)
    at_the_end = (
        "at the end of the training" in texts(causes(known, end=look(), at_end=at_end))["learning_rate"]
    )
    assert at_the_end is (at_end is not None)


def test_a_rate_far_above_that_diverges_is_no_reason(monkeypatch):
    """Between it and the choice stands one that does as well."""

    def arrival(cell):
        rate = cell.optimizer.learning_rate
        return None if rate > 5 else (20 if rate < 0.5 else 22) + cell.seed % 3

    grid = kobai.SGD(learning_rate=[0.1, 1.0, 10.0])
    outcome = studies.outcome_of(monkeypatch, arrival, optimizers=grid, evaluate_every=1)
    found = causes(outcome).learning_rate
    assert (found.name, found.values["rate"]) == ("none", 0.1)


def test_no_gradient_at_all_is_told_as_that(known):
    found = causes(known, starts={"normal:0.01": look(last=0.0)})
    assert found.initializer.name == "absent"
    assert "why he: with normal:0.01 1.weights has no gradient" in sentences.lines(found)


@pytest.mark.parametrize("size", [float("nan"), float("inf")])
def test_a_gradient_that_is_no_number_is_told_as_that(known, size):
    found = causes(known, starts={"normal:0.01": look(last=size)})
    assert (found.initializer.name, found.initializer.values["layer"]) == ("not_finite", "1.weights")
    assert "why he: with normal:0.01 the gradient of 1.weights is no finite number" in sentences.lines(found)
    unknown = dataclasses.replace(found.initializer, values=found.initializer.values | {"ratio": math.inf})
    assert (
        "normal:0.01 is shown not to be the best, and"
        in texts(dataclasses.replace(found, initializer=unknown))["initializer"]
    )
    own = causes(known, starts={"he": look(last=size), "normal:0.01": look(last=0.0)})
    assert (own.initializer.name, own.optimizer.name) == ("none", "none")
    assert "With he a gradient or the output of a layer is no finite number" in texts(own)["initializer"]


def test_numbers_of_which_nothing_can_be_said_cost_no_answer(known):
    broken = reasons(known, answer(known), measured(starts={"normal:0.01": None}))
    assert broken.reason.startswith("AttributeError")


def test_a_factor_that_all_layers_share_is_divided_out(known):
    """By Adam, which leads here; the planted mistake names it vanishing, as for any rule."""
    found = causes(known, starts={"normal:0.01": look(0.05, 0.05)})
    assert found.initializer.name == "none"
    assert "by about the same in all layers, and adam divides it out" in texts(found)["initializer"]


@pytest.mark.parametrize(
    ("common", "averaged", "named"),
    [(0.03, 0.5, True), (0.03, 0.9, False), (1.0, 0.5, False), (None, 0.0, False)],
)
def test_a_noise_floor_is_named_where_noise_is_shown(known, common, averaged, named):
    """Not of a training that still falls, nor of momentum that swings where all batches are alike."""
    numbers = dataclasses.replace(measured(end=look(common=common)), averaged=averaged)
    found = why(known, answer(known), numbers)
    assert ("noise floor" in texts(found)["learning_rate"]) is named
    assert ("in common" in texts(found)["learning_rate"]) is (common is not None)


def test_what_gradients_have_in_common_is_without_bias():
    """The planted mistake, |mean|² over the mean |g|², is a quarter for four that share nothing."""
    draws = np.random.default_rng(0).normal(size=(4, 200_000))
    biased = (draws.mean(0) ** 2).sum() / (draws**2).sum(1).mean()
    assert biased == pytest.approx(0.25, abs=0.01)
    assert float(in_common(jnp.asarray(draws))) == pytest.approx(0, abs=0.01)
    assert float(in_common(jnp.asarray(np.ones((4, 3))))) == pytest.approx(1)
    shared = draws + np.random.default_rng(1).normal(size=200_000)
    assert float(in_common(jnp.asarray(shared))) == pytest.approx(0.5, abs=0.01)
    assert float(in_common(jnp.zeros((4, 3)))) == 0


# The intervention


def chain(shift):
    """y = x·mean (s + a)(s + b)(s + c): of small a, b and c the gradients vanish for s = 0, not for s = 1."""
    x = np.random.default_rng(0).standard_normal((256, 1)).astype(np.float32)

    def loss(parameters, batch):
        a, b, c = (shift + parameters[name] for name in "abc")
        return 0.5 * ((batch[0] * (a * b * c).mean() - batch[1]) ** 2).mean()

    return kobai.Task(
        parameters={name: np.zeros((8, 1), np.float32) for name in "abc"},
        loss=loss,
        train=(x, 2 * x),
        validation=(x, 2 * x),
        target=0.05,
        batch_size=64,
        roles=dict.fromkeys("abc", "weight"),
        name="chain",
    )


def test_a_product_of_sums_takes_the_reason_against_small_weights_and_their_lag_away():
    both = {"initializers": ["normal:1", "normal:0.01"], "seeds": 6, "steps": 100}
    product, sums = (compared(chain(shift), [kobai.SGD(1.0)], **both) for shift in (0.0, 1.0))
    assert product.answer.initializer.choice == "normal:1"
    assert product.why.initializer.name == "vanishing"
    assert product.answer.initializer.not_best == ("normal:0.01",)
    assert sums.why.initializer.name == "none"
    assert "normal:0.01" not in sums.answer.initializer.not_best


def test_a_tenth_of_the_curvature_takes_the_reason_against_a_large_rate_away():
    rates = [kobai.SGD(learning_rate=[0.3, 1.2])]  # 2/λ is 0.5 and 5
    sharp, flat = (compared(bowl([λ] * 16), rates, seeds=3) for λ in (4.0, 0.4))
    assert (sharp.why.learning_rate.name, sharp.why.learning_rate.values["rate"]) == ("diverges", 0.3)
    assert sharp.why.learning_rate.values["limit_at_start"] == pytest.approx(0.5, rel=1e-4)
    assert (flat.why.learning_rate.name, flat.why.learning_rate.values["rate"]) == ("none", 1.2)


def test_a_tenth_of_the_curvature_takes_theorys_limit_as_a_reason_away():
    """Beyond 2/λ a step swings from wall to wall, and does not diverge: it is theory that tells why."""
    rates = [kobai.SGD(learning_rate=[0.3, 1.2])]  # 2/λ is 0.5 and 5
    more = {"seeds": 12, "tuning_seeds": 4, "evaluate_every": 1}
    sharp, flat = (compared(dish(λ), rates, **more) for λ in (4.0, 0.4))
    found = sharp.why.learning_rate
    assert (found.name, found.values["rate"], found.values["next"]) == ("limit", 0.3, 1.2)
    assert 0.3 < found.values["limit_at_start"] < 1.2
    assert 0.3 < found.values["limit_at_end"] < 1.2
    assert 1 < found.values["next_low"] <= found.values["next_ratio"] <= found.values["next_high"]
    text = texts(sharp.why)["learning_rate"]
    assert "On the 4 seeds of the tuning no run with the next larger rate, 1.2, meets the target" in text
    assert "0.3 is the smallest rate of the tuning" in text
    assert "1.2 is the largest rate of the tuning" in texts(flat.why)["learning_rate"]
    assert (flat.why.learning_rate.name, flat.why.learning_rate.values["rate"]) == ("none", 1.2)
    assert flat.why.learning_rate.values["previous_low"] > 1


@pytest.mark.parametrize(("seeds", "said"), [(3, "The rate was chosen on these seeds"), (1, "had one seed")])
def test_that_the_rate_was_chosen_on_the_seeds_of_the_tuning_is_said(monkeypatch, seeds, said):
    outcome = studies.outcome_of(
        monkeypatch,
        lambda cell: {0.01: 60, 0.1: 40, 1.0: 55}[cell.optimizer.learning_rate] + cell.seed % 2,
        optimizers=kobai.SGD(learning_rate=[0.01, 0.1, 1.0]),
        tuning_seeds=seeds,
        evaluate_every=1,
    )
    text = texts(causes(outcome))["learning_rate"]
    assert said in text
    assert ("95 %" in text) is (seeds > 1)
    assert "of the tuning: whether" not in text  # it stands inside its grid


@pytest.mark.parametrize(("slow", "cause"), [((60, 56, 64), "limit"), ((40, 40, 97), "none")])
def test_a_rate_is_worse_only_where_the_tuning_shows_it(monkeypatch, slow, cause):
    """Both are slower by a third and more on the mean; one seed in three is no evidence."""
    grid = kobai.SGD(learning_rate=[0.01, 0.1, 1.0])
    outcome = studies.outcome_of(
        monkeypatch,
        lambda cell: {0.01: 60, 0.1: 40, 1.0: slow[cell.seed % 3]}[cell.optimizer.learning_rate],
        optimizers=grid,
        evaluate_every=1,
    )
    found = causes(outcome, end=look()).learning_rate
    assert (found.name, found.values["rate"]) == (cause, 0.1)
    assert found.values["previous_ratio"] == pytest.approx(1.5)
    assert found.values["next_ratio"] > 1.3
    assert (found.values["next_low"] > 1) is (cause == "limit")
