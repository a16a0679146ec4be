"""Schedules against closed forms, torch and optax."""

import numpy as np
import optax
import pytest

from kobai import schedules
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.schedules import Schedule, constant, cosine, one_cycle, schedule, step, warm_up, wsd

STEPS = 200


def factors(made, steps=STEPS):
    return made.factors(0, steps, steps)


def torch_factors(make, steps=STEPS):
    """The rates of a torch scheduler over its optimizer's, for a peak of 1: as a function of torch."""

    def theirs(torch):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = make(torch.optim.lr_scheduler, optimizer)
        found = []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return found

    return theirs


def test_cosine_equals_torch_and_optax(from_torch):
    make = torch_factors(lambda s, o: s.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.1))
    expected = from_torch("cosine", make)
    # 1e-12: torch multiplies its way along the curve.
    np.testing.assert_allclose(factors(cosine(0.1)), expected, rtol=1e-11)
    theirs = optax.cosine_decay_schedule(1.0, STEPS, alpha=0.1)
    np.testing.assert_allclose(factors(cosine(0.1)), theirs(np.arange(STEPS)), rtol=1e-6)
    assert factors(cosine())[0] == 1
    assert factors(cosine())[STEPS // 2] == pytest.approx(0.5)


def test_step_equals_torch(from_torch):
    expected = from_torch("step", torch_factors(lambda s, o: s.StepLR(o, step_size=30, gamma=0.5)))
    np.testing.assert_allclose(factors(step(30, 0.5)), expected, rtol=1e-12)
    assert factors(step(3), 7).tolist() == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01])


def test_one_cycle_equals_torch(from_torch):
    """With its default divisors; the momentum is not cycled."""
    make = torch_factors(
        lambda s, o: s.OneCycleLR(o, max_lr=1.0, total_steps=STEPS, cycle_momentum=False), STEPS - 1
    )
    expected = from_torch("one_cycle", make)
    np.testing.assert_allclose(factors(one_cycle())[:-1], expected, rtol=1e-9)
    assert factors(one_cycle())[-1] == pytest.approx(1 / 25e4)
    assert factors(one_cycle(), 1).tolist() == pytest.approx([1 / 25])


def test_warm_up_reaches_one_at_its_last_step():
    """optax's linear warm-up begins at 0, where nothing is learned; ours is one step ahead of it."""
    assert factors(warm_up(4), 6).tolist() == [0.25, 0.5, 0.75, 1, 1, 1]
    theirs = optax.linear_schedule(0.0, 1.0, 4)(np.arange(1, 7))
    np.testing.assert_allclose(factors(warm_up(4), 6), theirs)


def test_wsd_is_stable_and_then_a_straight_line():
    """optax joins the same of two pieces."""
    assert factors(wsd(0.5), 8).tolist() == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]
    start = int(0.8 * STEPS)
    theirs = optax.linear_schedule(1.0, 0.0, STEPS - start, start)(np.arange(STEPS))
    np.testing.assert_allclose(factors(wsd()), theirs, atol=1e-6)
    # Until it falls, nothing depends on the length of the run.
    np.testing.assert_array_equal(factors(wsd(), 100)[:80], factors(wsd(), 500)[:80])


def test_schedules_multiply():
    both = warm_up(50) * cosine()
    assert both.name == "warm-up:50+cosine"
    np.testing.assert_array_equal(factors(both), factors(warm_up(50)) * factors(cosine()))
    np.testing.assert_array_equal(factors(schedule("warm-up:50+cosine")), factors(both))


@pytest.mark.parametrize(
    "made", [constant(), step(7), cosine(), warm_up(5), one_cycle(), wsd(), wsd(0.5)], ids=lambda s: s.name
)
def test_any_block_of_steps_can_be_made_by_itself(made):
    np.testing.assert_array_equal(made.factors(13, 29, STEPS), factors(made)[13:29])
    assert (factors(made) >= 0).all()
    assert (factors(made) <= 1).all()


class LateCosine:
    """The planted mistake: half a period too long, so that the rate is never 0."""

    made = Schedule("late", lambda t, steps: (1 + np.cos(np.pi * t / (2 * steps))) / 2)


def test_the_comparison_sees_a_wrong_period():
    assert np.abs(factors(LateCosine.made) - factors(cosine())).max() > 0.1


@pytest.mark.parametrize(
    "text",
    [
        "constant",
        "step:100",
        "step:100:0.5",
        "cosine",
        "cosine:0.1",
        "warm-up:50",
        "one-cycle",
        "wsd",
        "wsd:0.5",
    ],
)
def test_spellings_are_read_and_written(text):
    assert schedule(text).name == text
    assert schedule(text.replace("-", "_").upper()).name == text
    assert schedule(schedule(text)).name == text


def test_every_registered_schedule_can_be_written():
    assert {name.replace("_", "-") for name in registry.SCHEDULES} == set(schedules.spellings()) - {"none"}
    assert all(entry.load() is getattr(schedules, name) for name, entry in registry.SCHEDULES.items())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: schedule("cosin"), "did you mean 'cosine'"),
        (lambda: schedule("step"), "write step:EVERY, step:EVERY:FACTOR"),
        (lambda: schedule("warm-up:0"), "length must be a whole number"),
        (lambda: schedule("warm-up:inf"), "length must be a whole number of at least 1, got inf"),
        (lambda: schedule("step:inf"), "every must be a whole number of at least 1, got inf"),
        (lambda: schedule("cosine:2"), "final must be a number between 0 and 1"),
        (lambda: wsd(0.0), "decay must be .* got 0"),
        (lambda: schedule("wsd:1.5"), "decay must be .* got 1.5"),
        (lambda: one_cycle(1.0), "peak must be a number above 0 and below 1"),
        (lambda: factors(Schedule("own", lambda t, steps: -t)), "schedule own must give one factor"),
        (lambda: factors(Schedule("own", lambda t, steps: 1.0)), "schedule own must give one factor"),
        (lambda: factors(Schedule("own", lambda t, steps: 1 / 0)), "factor .* got ZeroDivisionError"),
        (lambda: factors(Schedule("own", lambda t, steps: None)), "schedule own must give one factor"),
    ],
)
def test_what_is_no_schedule_is_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()
