"""A study of Optuna, made by Optuna here."""

import math

import optuna
import pytest

import kobai
from kobai import UsageError
from kobai.questions.judgement.readers.frames import Columns
from kobai.questions.judgement.readers.sources import load


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """A storage with a study of two methods, whose last trial failed."""
    address = f"sqlite:///{tmp_path_factory.mktemp('optuna') / 'study.db'}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=address, study_name="s")
    for i in range(12):
        study.enqueue_trial({"method": ("main", "new")[i % 2], "seed": i // 2})

    def objective(trial):
        method = trial.suggest_categorical("method", ["main", "new"])
        seed = trial.suggest_int("seed", 0, 9)
        return math.nan if trial.number == 11 else (0.3 if method == "main" else 0.2) + 0.01 * seed

    study.optimize(objective, n_trials=12)
    return address


def test_a_study_is_read_by_its_parameters(storage):
    runs = load(storage, Columns("value", "method", "seed"))
    assert runs.arms == ["main", "new"]
    assert [run.values[0] for run in runs.of("main")] == pytest.approx([0.3 + 0.01 * s for s in range(6)])
    assert math.isnan(runs.of("new")[-1].values[0])
    assert load(storage.removeprefix("sqlite:///"), Columns("value", "method", "seed")).arms == runs.arms
    result = kobai.judge(storage, metric="value", group="method", seed="seed", maximize=False)
    assert result.judgement.arms[1].failed.sum() == 1


def test_what_is_no_study(tmp_path, storage):
    with pytest.raises(UsageError, match="must hold one study"):
        load(f"sqlite:///{tmp_path / 'new.db'}", Columns())
    with pytest.raises(UsageError, match="Optuna cannot read"):
        load("nothing://here", Columns())
