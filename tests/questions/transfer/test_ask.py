"""A transfer from the call to the frames, and the mistakes that are named."""

import dataclasses
import re

import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai.questions.transfer import ask as protocols
from kobai.questions.transfer.rows import Setup
from kobai.study import estimate as estimates
from kobai.tasks.pairs import halves
from transferred import result_of, verdicts


def test_the_rates_that_are_tried():
    """The middle of the default grid for a name, all of an instance's list, those given in any case."""
    assert protocols._rule("adam", None)[2] == [0.001, 0.00316, 0.01, 0.0316]
    assert protocols._rule(kobai.SGD, None)[2] == [0.0316, 0.1, 0.316, 1.0]
    name, rule, rates = protocols._rule(kobai.Momentum(learning_rate=[0.1, 0.2], momentum=0.5), None)
    assert (name, rule.momentum, rates) == ("momentum", 0.5, [0.1, 0.2])
    assert protocols._rule("sgd", [3.0])[2] == [3.0]


def test_an_end_of_the_grid_is_marked():
    frame = verdicts(("transfer", 20, 0.1, -1))  # learning rates 0.01 and, from scratch, 0.1
    for rates, ends in (((0.01, 0.1), "0.01, 0.1"), ((0.001, 0.01, 0.1), "0.1"), ((0.001, 0.01, 1.0), None)):
        text = str(result_of(frame, "digits", "moved digits", "accuracy", Setup(learning_rates=rates)))
        found = re.search(r"Chosen learning rates at an end of their grid: (.*) \(", text)
        assert (found and found[1]) == ends


def test_a_whole_transfer():
    """Small, from end to end: the frame, the text, the figure; the same again."""
    ask = {
        "protocol": ["fine-tuning", "transfer"],
        "amounts": [20, 60],
        "seeds": 3,
        "tuning_seeds": 1,
        "steps": 30,
        "source_steps": 40,
        "learning_rates": [0.01, 0.03],
    }
    found = kobai.transfer(halves(hidden=8), **ask)
    assert isinstance(found.table, pl.DataFrame)
    assert found.outcome.setup.source_learning_rate == 0.03  # the second smallest
    assert found.table.select("protocol", "amount").rows() == [
        ("fine-tuning", 20), ("transfer", 20), ("fine-tuning", 60), ("transfer", 60)
    ]  # fmt: skip
    assert set(found.table["learning_rate"]) <= {0.01, 0.03}
    assert found.table["metric"].is_between(0, 1).all()
    assert "With 3 seeds no corrected p can be below 1" in str(found)
    # The metric and the difference of each protocol, and one line from scratch.
    drawn = found.figures["reuse"].data
    assert [trace.name for trace in drawn] == [*["fine tuning"] * 2, *["transfer"] * 2, "from scratch"]
    assert drawn[0].y == tuple(found.table.filter(protocol="fine-tuning")["metric"])
    assert drawn[1].y == tuple(found.table.filter(protocol="fine-tuning")["difference"])
    assert drawn[4].y == tuple(found.table.filter(protocol="transfer")["metric_scratch"])
    assert kobai.transfer(halves(hidden=8), **ask).table.equals(found.table)


@pytest.mark.parametrize("part", ["source", "target"])
def test_a_label_beyond_the_classes_is_told_before_anything_trains(part):
    pair = halves(hidden=4)
    x, y = getattr(pair, part).train
    spoiled = dataclasses.replace(getattr(pair, part), train=(x, np.where(np.arange(len(y)) == 9, 12, y)))
    with pytest.raises(kobai.UsageError, match="row 9 of train, counted from 0, gives the index 12 where"):
        kobai.transfer(dataclasses.replace(pair, **{part: spoiled}), progress=False)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"pair": "halfs"}, "there is no pair of tasks 'halfs'; did you mean 'halves'?"),
        ({"pair": 3}, r"a pair of tasks, \(source, target\), or the name of one, got int"),
        ({"protocol": "pretrain"}, "there is no protocol 'pretrain'; did you mean 'pretraining'?"),
        ({"protocol": []}, "protocol is empty"),
        ({"protocol": [["transfer"]]}, r"there is no protocol '\['transfer'\]'"),
        ({"protocol": 3}, "protocol must be a list"),
        ({"amounts": []}, "amounts is empty"),
        ({"amounts": [0]}, "amounts must be a whole number of at least 1"),
        ({"amounts": [10**6]}, "amounts must be at most 5"),
        ({"slow": 2}, "slow must be a number from 0"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1"),
        ({"amounts": 20}, r"amounts must be a list such as \[20\], got 20"),
        ({"learning_rates": 0.01}, r"learning_rates must be a list such as \[0.01\], got 0.01"),
        ({"learning_rates": ["a"]}, "learning_rates must be"),
        ({"learning_rates": []}, "learning_rates is empty"),
        ({"initializer": "hee"}, "did you mean 'he'"),
        ({"pair": ("digits", 3)}, r"a pair of tasks, \(source, target\), or the name of one, got tuple"),
        ({"optimizer": "amad"}, "did you mean 'adam'"),
        ({"optimizer": ["sgd", "adam"]}, "one update rule of kobai"),
        ({"optimizer": kobai.BFGS()}, "one update rule of kobai"),
        ({"optimizer": kobai.from_optax(optax.adam, learning_rate=0.1)}, "one update rule of kobai"),
        ({"optimizer": kobai.NesterovDefinition}, "takes its gradient at the parameters"),
        ({"optimizer": kobai.Momentum(momentum=[0.5, 0.9])}, "one update rule of kobai"),
        (
            {"source_learning_rate": -1},
            "source_learning_rate must be a finite number of at least 1.2e-38, got -1",
        ),
    ],
)
def test_mistakes(given, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        kobai.transfer(**{"pair": "halves"} | given)


def test_steps_may_be_epochs_and_a_long_transfer_is_told_before_it_is_done(monkeypatch, capsys):
    monkeypatch.setattr(estimates, "SOON", 0.0)
    monkeypatch.setattr(estimates, "LONG", 0.0)
    task = kobai.tasks.sine(hidden=3)  # 400 examples, 32 in a batch
    short = {"amounts": [20], "optimizer": "sgd", "learning_rates": [0.1], "seeds": 2, "tuning_seeds": 1}
    result = kobai.transfer(
        (task, task), protocol="fine-tuning", steps="0.5 epochs", source_steps="1epoch", **short
    )
    assert (result.outcome.setup.steps, result.outcome.setup.source_steps) == (7, 13)
    # 3 sources; one learning rate on a seed and two fresh seeds, with and without the source.
    assert re.findall(r"(\d+) trainings, about", capsys.readouterr().err) == ["9"]
