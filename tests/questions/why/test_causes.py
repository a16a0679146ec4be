"""Which causes the numbers support, and the intervention that takes one away."""

import pytest

import kobai
import studies
from kobai.questions.why.causes import why
from kobai.study.answer import answer
from reasons import look, measured, two_layers


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
        lambda cell: None if cell.optimizer.learning_rate > 0.5 else 20 + cell.seed % 3,
        optimizers=kobai.SGD(learning_rate=[0.01, 0.1, 1.0]),
        evaluate_every=1,
    )
    found = causes(outcome).learning_rate
    assert found.name == "diverges"
    assert (found.values["next"], found.values["runs"], found.values["of"]) == (1.0, 3, 3)
    assert (found.values["limit_at_start"], found.values["limit_at_end"]) == (0.5, 0.4)


@pytest.mark.parametrize(
    ("limit", "common", "cause"),
    [(0.05, 0.5, "limit"), (0.005, 0.5, "none"), (5.0, 0.5, "none"), (5.0, 0.03, "noise")],
)
def test_why_this_rate_where_none_diverges(known, limit, common, cause):
    """adam at 0.01, where 0.1 needs more steps; what theory allows lies between, below both, above both."""
    found = causes(known, end=look(common=common), at_start=limit, at_end=limit).learning_rate
    assert (found.name, found.values["rate"]) == (cause, 0.01)


@pytest.mark.parametrize(
    ("start", "cause"),
    [(look(0.01, 1.0), "scales"), (look(0.5, 1.0), "none"), (look(rare=0.8), "rare")],
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


# The intervention


def compared(scale):
    return kobai.compare(
        two_layers(scale),
        optimizers=["sgd", "adam"],
        initializers="normal:1",
        steps=150,
        seeds=8,
        tuning_seeds=2,
        progress=False,
    )


def lead(result):
    """How many times the steps of the recommended rule the other one needs."""
    [other] = result.answer.optimizer.alternatives
    return other.ratio.value if result.answer.optimizer.choice == "adam" else 1 / other.ratio.value


def test_equal_scales_take_adams_lead_and_the_reason_for_it_away():
    """Layers whose gradients differ tenfold and more make Adam lead, and are given as the reason; the same
    layers rescaled, so that their gradients are alike, take both away."""
    unequal, equal = compared(10.0), compared(1.0)
    assert unequal.answer.optimizer.choice == "adam"
    assert unequal.why.optimizer.name == "scales"
    assert unequal.why.optimizer.values["high_layer"] == "a"
    assert lead(unequal) > 2
    assert equal.why.optimizer.name == "none"
    assert lead(equal) < 0.5 * lead(unequal)
    for result in (unequal, equal):
        assert result.why.share < 0.1
