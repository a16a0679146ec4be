"""A study whose budget is said in epochs: the steps that are run, and both in what is said of it."""

import pytest

import kobai
from compared import points
from kobai.basics.errors import UsageError
from kobai.cli.values import steps
from kobai.words import language

SHORT = {
    "optimizers": [kobai.SGD(0.1)],
    "initializers": ["he"],
    "seeds": 2,
    "tuning_seeds": 1,
    "progress": False,
}


def test_epochs_are_steps_everywhere():
    """60 examples, 10 a batch: 6 steps an epoch."""
    asked = {
        "steps": "5epochs",
        "evaluate_every": "1epoch",
        "schedule": "warm-up:1epoch",
        "average": "polyak:2epochs",
    }
    result = kobai.compare(points(), **asked, **SHORT)
    same = {"steps": 30, "evaluate_every": 6, "schedule": "warm-up:6", "average": "polyak:12"}
    told = kobai.compare(points(), **same, **SHORT)
    assert result.cells.drop("seconds").equals(told.cells.drop("seconds"))
    assert (result.answer.steps, result.answer.epochs, told.answer.epochs) == (30, 5.0, None)
    assert "within 30 steps (5 epochs);" in str(result)
    assert "within 30 steps;" in str(told)
    assert "30 (5 epochs), evaluated every 6, 10 examples a batch" in result.html()
    with language("ja"):
        assert "30ステップ（5エポック）以内に" in str(
            kobai.compare(points(), language="ja", **asked, **SHORT)
        )
    assert "steps='5epochs'" in result.command


def test_an_epoch_that_is_no_whole_number_of_steps_is_rounded_up():
    result = kobai.compare(points(batch_size=16), steps="2epochs", **SHORT)
    assert (result.answer.steps, result.answer.epochs) == (8, 8 * 16 / 60)
    assert "within 8 steps (2.13 epochs);" in str(result)


def test_batches_of_several_sizes_have_epochs_of_several_lengths():
    for asked in ({"steps": "2epochs"}, {"schedule": "warm-up:1epoch"}):
        with pytest.raises(UsageError, match="beside several batch sizes"):
            kobai.compare(points(), batch_size=[10, 20], **asked, **SHORT)


def test_what_is_no_number_of_steps_is_refused():
    with pytest.raises(UsageError, match="steps must be a whole number of at least 1, got '5 eras'"):
        kobai.compare(points(), steps="5 eras", **SHORT)
    with pytest.raises(
        UsageError, match="--steps must be a whole number, or epochs such as 5epochs, got 'x'"
    ):
        steps("--steps", "x")
    assert (steps("--steps", "12"), steps("--steps", "3 epochs")) == (12, "3 epochs")


@pytest.mark.parametrize("size", [0, 2.5])
def test_epochs_of_a_task_with_a_mistake_are_refused_as_the_task_is(size):
    for asked in (20, "2epochs"):
        with pytest.raises(UsageError, match=f"batch_size must be a whole number between 1 and .*got {size}"):
            kobai.compare(points(batch_size=size), steps=asked, **SHORT)
