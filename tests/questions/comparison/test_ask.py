"""A comparison from the call to the frames."""

import json

import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.basics.hyperparameters import hyperparameters
from kobai.study import statistics
from kobai.study.study import CONFIRMATION


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), jnp.float32(0.5)])
def test_a_rate_of_numpy_or_jax_is_a_rate(number):
    result = kobai.compare(
        "sine",
        optimizers=[kobai.SGD(learning_rate=number)],
        initializers=["he"],
        steps=5,
        seeds=2,
        tuning_seeds=1,
        progress=False,
    )
    assert json.loads(result.answer.to_json())["rows"][0]["hyperparameters"] == {"learning_rate": 0.5}
    assert json.loads(result.table["hyperparameters"].item()) == {"learning_rate": 0.5}


def test_masks_accumulation_and_μp_go_through_a_comparison():
    """A single value of each is no question, but what a step costs is told; the settings name all three."""
    asked = {
        "optimizers": [kobai.Adam(0.01)],
        "initializers": "he",
        "steps": 5,
        "seeds": 2,
        "tuning_seeds": 1,
    }
    told = kobai.compare(
        "sine", mask="cautious", accumulate=2, batch_size=8, parametrization="mup:4", progress=False, **asked
    )
    settings = told.outcome.recommended.settings
    assert {"mask": "cautious", "accumulate": "2", "parametrization": "mup:4"}.items() <= settings.items()
    assert "every step costs 2 gradients, one for each of its batches" in str(told)
    assert list(told.recommendation.growth) == ["0.biases", "0.weights", "1.biases", "1.weights"]
    text = told.code("kobai")
    assert "ACCUMULATE = 2" in text
    assert f"RATES = [1.0, 1.0, 1.0, {4 / 50!r}]" in text  # sine has 50 nodes
    assert "mask = stabilizers.cautious()" in text
    with pytest.raises(UsageError, match="must be at most the .* training examples"):
        kobai.compare("sine", accumulate=2, batch_size="full", progress=False, **asked)


def test_a_task_of_ones_own_is_called_task_in_the_call():
    result = kobai.compare(
        kobai.tasks.sine(hidden=3),
        optimizers="sgd",
        initializers="he",
        steps=5,
        seeds=2,
        tuning_seeds=1,
        progress=False,
    )
    assert result.command.startswith("kobai.compare(task, optimizers='sgd'")


def test_a_result_keeps_its_language_and_its_call():
    arguments = {"optimizers": ["sgd"], "initializers": ["he"], "steps": 5, "seeds": 2, "tuning_seeds": 1}
    result = kobai.compare("sine", **arguments, language="ja", progress=False)
    assert "sgd（学習率" in repr(result)
    assert result.command == (
        "kobai.compare('sine', optimizers=['sgd'], initializers=['he'], seeds=2, tuning_seeds=1, steps=5)"
    )
    clocks = ("seconds", "seconds_to_target")
    assert eval(result.command).table.drop(clocks).equals(result.table.drop(clocks))


def test_optimizers_of_optax_and_of_the_user_are_compared():
    @hyperparameters
    class SignDescent(kobai.Optimizer):
        learning_rate: float = 0.01

        def rule(self, g, t):
            return -self.learning_rate * g / (abs(g) + 1e-12), ()

    chosen = [kobai.from_optax(optax.lion, learning_rate=[0.001, 0.01]), SignDescent(0.01), "adam"]
    result = kobai.compare(
        kobai.tasks.sine(hidden=5),
        optimizers=chosen,
        initializers=["he"],
        learning_rates=None,
        steps=30,
        seeds=2,
        tuning_seeds=1,
        progress=False,
    )
    assert {row.optimizer: row.trials for row in result.answer.rows} == {
        "lion": 2,
        "signdescent": 1,
        "adam": 8,
    }
    assert {row.optimizer: row.memory for row in result.answer.rows} == {
        "lion": 1,
        "signdescent": 0,
        "adam": 2,
    }
    hyperparameters_of_lion = result.table.filter(pl.col("optimizer") == "lion")["hyperparameters"].item()
    assert json.loads(hyperparameters_of_lion)["learning_rate"] in (0.001, 0.01)
    assert "lion" in result._repr_html_()


def test_a_real_study_from_the_first_call_to_the_frames():
    """The whole path with the real engine, small: a task whose best rate is known by arithmetic."""
    x = np.eye(4, dtype=np.float32)
    task = kobai.Task(
        name="quadratic",
        parameters={"w": np.zeros((4, 4), np.float32)},
        # f = Σ w²/2: SGD contracts by (1 − η) a step, fastest at η = 1.
        loss=lambda p, batch: 0.5 * (p["w"] ** 2).sum() + 0.0 * batch.sum(),
        train=x,
        validation=x,
        batch_size=4,
        target=1e-3,
    )
    result = kobai.compare(
        task,
        optimizers=[kobai.SGD(learning_rate=[0.1, 0.5, 1.0]), kobai.Adam(learning_rate=0.1)],
        initializers=["he"],
        steps=40,
        evaluate_every=1,
        seeds=6,
        tuning_seeds=2,
        progress=False,
    )
    assert result.answer.optimizer.choice == "sgd"
    assert result.answer.learning_rate.choice == "1"
    assert result.answer.rows[0].steps.value == 1.0
    cells = result.cells.filter(pl.col("learning_rate") == 0.5, pl.col("phase") == CONFIRMATION)
    losses = np.array(cells["validation_loss"].to_list())
    np.testing.assert_allclose(losses[:, 1:8] / losses[:, :7], 0.25, rtol=1e-5)
    assert "sgd at 1 with he: the best of two" in repr(result)


GROWING = {"optimizers": ["sgd", "adam"], "initializers": "he", "learning_rates": [0.03], "tuning_seeds": 1}
GROWING |= {"steps": 20, "evaluate_every": 5, "progress": False, "until_clear": True}


def test_a_study_that_grew_is_a_folder_that_goes_on(tmp_path):
    first = kobai.compare("sine", **GROWING, within=0.5, output=tmp_path / "study")
    stop = first.answer.stop
    assert len(first.answer.seeds) == stop.looks[-1] in statistics.LOOKS
    assert json.loads((tmp_path / "study" / "answer.json").read_text())["stop"]["why"] == stop.why
    assert "look" in repr(first)
    # A smaller margin goes on from there, with the runs that there are.
    further = kobai.compare("sine", **GROWING, within=0.001, output=tmp_path / "study")
    assert further.answer.stop.looks[: len(stop.looks)] == stop.looks
    assert further.outcome.reused == first.outcome.trained
    opened = kobai.open(tmp_path / "study")
    assert opened.answer.optimizer == further.answer.optimizer
    assert opened.answer.stop == further.answer.stop


def test_seeds_beside_it_are_refused():
    with pytest.raises(UsageError, match="seeds = 20"):
        kobai.compare("sine", **GROWING, seeds=20)
