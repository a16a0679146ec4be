"""Epochs in texts, as steps."""

from fractions import Fraction

import pytest

from kobai.basics.epochs import in_steps, is_epochs, mentions_epochs


@pytest.mark.parametrize("text", ["5epochs", "1epoch", "0.5 epochs", " 2 epochs ", "3エポック"])
def test_a_number_of_epochs(text):
    assert is_epochs(text)


@pytest.mark.parametrize("value", ["5", "epochs", "-1epochs", "warm-up:1epoch", 5, None, "5epochsx"])
def test_what_is_none(value):
    assert not is_epochs(value)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("5epochs", "57"),  # 56.25 steps: after 56 the last examples have come four times only
        ("0.01epochs", "1"),
        ("warm-up:1epoch+step:2epochs:0.5", "warm-up:12+step:23:0.5"),
        ("polyak:1エポック", "polyak:12"),
        ("cosine", "cosine"),
    ],
)
def test_they_are_the_steps_in_which_every_example_has_come_so_often(text, steps):
    assert in_steps(text, Fraction(360, 32)) == steps
    assert mentions_epochs(text) == (text != "cosine")
