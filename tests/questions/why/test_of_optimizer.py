"""Why this optimizer: which causes the numbers support, and the interventions that take them away."""

import math

import pytest

import kobai
import studies
from kobai.questions.why.causes import why
from kobai.study.answer import answer
from reasons import bowl, compared, lead, look, measured, seldom, texts, turned, two_layers


@pytest.fixture
def known(monkeypatch):
    return studies.known(monkeypatch)


def causes(outcome, **numbers):
    return why(outcome, answer(outcome), measured(**numbers))


def test_a_small_array_is_no_reason_for_a_rule(known):
    sizes = {"0.weights": 95, "1.weights": 5}
    found = causes(known, starts={"he": look(spread=500.0)}, sizes=sizes).optimizer
    assert (found.name, found.values["wide_layer"]) == ("none", "0.weights")


def test_rules_that_neither_divide_nor_follow_are_no_witnesses(monkeypatch):
    """Lion takes the sign of an average: that it keeps up says nothing of scales."""
    outcome = studies.outcome_of(
        monkeypatch,
        lambda cell: (20 if not isinstance(cell.optimizer, kobai.SGD) else 60) + cell.seed % 3,
        optimizers=[kobai.Adam(0.01), kobai.SGD(0.1), kobai.Lion(0.01)],
        evaluate_every=1,
    )
    found = causes(outcome, starts={"he": look(0.001, 1.0)}).optimizer
    assert (found.name, found.values["rival"]) == ("scales", "sgd")


@pytest.mark.parametrize(
    ("start", "cause"),
    [
        (look(0.01, 1.0), "scales"),
        (look(0.5, 1.0), "none"),
        (look(spread=500.0), "coordinates"),
        (look(spread=196.0), "none"),  # as in digits-cnn
        (look(rare=0.8), "sparsity"),
        (look(rare=0.15), "none"),  # .11 in digits
    ],
)
def test_why_this_optimizer(known, start, cause):
    found = causes(known, starts={"he": start}).optimizer
    assert found.name == cause
    assert found.values["choice"] == "adam"
    if cause != "none":
        assert found.values["rival"] == "sgd"
        assert found.values["ratio"] > 1.5


def test_a_rule_that_follows_the_gradient_needs_no_such_reason(monkeypatch):
    outcome = studies.outcome_of(
        monkeypatch,
        lambda cell: (20 if isinstance(cell.optimizer, kobai.SGD) else 60) + cell.seed % 3,
        optimizers=studies.GRIDS,
        evaluate_every=1,
    )
    assert causes(outcome, starts={"he": look(0.001, 1.0)}).optimizer.name == "none"


def test_equal_scales_take_adams_lead_and_the_reason_for_it_away():
    """Layers whose gradients differ tenfold and more make Adam lead, and are given as the reason; the same
    layers rescaled, so that their gradients are alike, take both away."""
    unequal, equal = compared(two_layers(10.0)), compared(two_layers(1.0))
    assert unequal.answer.optimizer.choice == "adam"
    assert unequal.why.optimizer.name == "scales"
    assert unequal.why.optimizer.values["high_layer"] == "a"
    assert lead(unequal) > 2
    assert math.isfinite(lead(unequal))
    # Adam remembers the gradients of 1000 steps, of which there are 150: no limit is told.
    assert unequal.why.learning_rate.values["limit_at_start"] is None
    assert "remembers more than a tenth of the training" in texts(unequal.why)["learning_rate"]
    assert equal.why.optimizer.name == "none"
    assert lead(equal) < 0.5 * lead(unequal)
    for result in (unequal, equal):
        assert result.why.share < 0.1


def test_equal_entries_take_adams_lead_and_the_reason_for_it_away():
    """The same within one array: entries that curve 300 times as much, and all alike."""
    unequal, equal = compared(bowl([1.0, 300.0] * 8)), compared(bowl([1.0] * 16))
    assert unequal.answer.optimizer.choice == "adam"
    assert unequal.why.optimizer.name == "coordinates"
    assert unequal.why.optimizer.values["wide_layer"] == "w"
    assert lead(unequal) > 2
    assert math.isfinite(lead(unequal))
    # What is said of the curvature agrees: 300 times, and less if divided.
    curved, divided = (unequal.why.optimizer.values[name] for name in ("curved", "divided"))
    assert curved == pytest.approx(300, rel=1e-2)
    assert divided < curved / 3
    assert "noise" not in texts(unequal.why)["learning_rate"]  # all batches are alike
    assert equal.why.optimizer.name == "none"
    assert lead(equal) < 0.5 * lead(unequal)


def test_dense_features_take_adagrads_lead_and_the_reason_for_it_away():
    """What is seen in one example of a hundred has a gradient in one batch of four; densified, in each."""
    rules = {"optimizers": ["sgd", "adagrad"], "steps": 300, "evaluate_every": 1}
    sparse, dense = (compared(seldom(part), **rules) for part in (0.01, 1.0))
    assert sparse.answer.optimizer.choice == "adagrad"
    assert sparse.why.optimizer.name == "sparsity"
    assert lead(sparse) > 2
    assert "Gradients are sparse" in texts(sparse.why)["optimizer"]
    assert dense.why.optimizer.name == "none"
    assert not lead(dense) > 1.1
    assert sparse.why.share < 0.1


FLAT, SHARP = [1.0] * 16, [1.0, 150.0] * 8


def test_equal_curvature_takes_adams_lead_and_the_reason_for_it_away():
    """Along the axes dividing evens 150 times the curvature out; turned, it cannot, and is no reason."""
    flat, sharp, askew = (
        compared(turned(*each), initializers="normal:0.01")
        for each in ((FLAT, False), (SHARP, False), (SHARP, True))
    )
    assert sharp.answer.optimizer.choice == "adam"
    found = sharp.why.optimizer
    assert (found.name, found.values["curved"]) == ("curvature", pytest.approx(150, rel=0.05))
    assert found.values["gain"] > 50
    assert lead(sharp) > 2
    assert flat.why.optimizer.name == "none"
    assert lead(flat) < 0.5 * lead(sharp)
    assert askew.why.optimizer.values["curved"] == pytest.approx(150, rel=0.05)
    assert askew.why.optimizer.name == "none"


def test_equal_curvature_takes_momentums_lead_and_the_reason_for_it_away():
    """Of two curvatures the sharp one bounds SGD's rate; momentum has ten times it along the flat one."""
    flat, sharp = (compared(turned(each), ("sgd", "momentum")) for each in (FLAT, SHARP))
    assert sharp.answer.optimizer.choice == "momentum"
    found = sharp.why.optimizer
    assert (found.name, found.values["happens"]) == ("momentum", "diverges")
    assert found.values["rival_rate"] < 2 / 150 < found.values["speed"]
    assert lead(sharp) > 2
    assert "0.9) =" in texts(sharp.why)["optimizer"]
    assert (flat.answer.optimizer.choice, flat.why.optimizer.name) == ("sgd", "none")
    assert "sgd follows the gradient as it is" in texts(flat.why)["optimizer"]


def arriving(monkeypatch, steps, *optimizers):
    """A study in which each rule and rate arrives after so many steps; None: it diverges."""
    return studies.outcome_of(
        monkeypatch,
        lambda cell: (found := steps(cell.optimizer)) and found + cell.seed % 3,
        optimizers=list(optimizers),
        evaluate_every=1,
    )


@pytest.mark.parametrize(
    ("rates", "cause", "said"),
    [
        ({0.1: 60, 1.0: None}, "momentum", "its next larger rate, 3 of 3 runs of the tuning diverge"),
        ({0.1: 60, 1.0: 90}, "momentum", "its next larger rate, it is shown to do worse"),
        ({0.1: 90, 1.0: 60}, "none", "sgd is best at 1 and has that speed, too"),
        ({0.1: 60}, "none", "the tuning does not show that it fails between the two"),
        ({0.1: 60, 1000.0: None}, "none", "the tuning does not show that it fails between the two"),
        ({0.1: 21}, "none", "sgd may keep up with momentum: there is no lead"),
    ],
)
def test_momentum_is_a_reason_where_sgd_does_worse_at_its_speed(monkeypatch, rates, cause, said):
    """0.1 / (1 − 0.9) is 1. mnist1d is like the third: SGD is best at that very rate."""

    def steps(rule):
        return 20 if isinstance(rule, kobai.Momentum) else rates[rule.learning_rate]

    outcome = arriving(monkeypatch, steps, kobai.Momentum(0.1), kobai.SGD(learning_rate=list(rates)))
    found = causes(outcome)
    assert found.optimizer.name == cause
    assert said in texts(found)["optimizer"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([kobai.Adam(0.01), kobai.Lion(0.01)], "No rule that follows the gradient as it is was compared"),
        (
            [kobai.Lion(0.01), kobai.SGD(0.1)],
            "lion neither follows the gradient as it is nor just",
        ),
        ([kobai.Momentum(0.1), kobai.Adam(0.01)], "sgd was not compared with momentum"),
    ],
)
def test_what_cannot_be_told_is_said(monkeypatch, rules, said):
    first = type(rules[0])
    outcome = arriving(monkeypatch, lambda rule: 20 if isinstance(rule, first) else 60, *rules)
    found = causes(outcome, starts={"he": look(0.001, 1.0)})
    assert found.optimizer.name == "none"
    assert said in texts(found)["optimizer"]
