"""`kobai.confirm`: the winner's curse, on a search in which all trials are equal, and on one in which not."""

import json

import numpy as np
import optuna
import pytest

import kobai
from kobai import UsageError, words
from terminal import says_in_each_language, widest


def noisy(trial, seed):
    """An objective whose parameter matters as much as its seed."""
    x = trial.suggest_float("x", 0.0, 1.0)
    return 0.1 * x + 0.05 * np.random.default_rng([seed, int(1e6 * x)]).normal()


def search(objective, trials=60, direction="minimize"):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0), direction=direction)
    study.optimize(lambda trial: objective(trial, trial.number), n_trials=trials)
    return study


@pytest.fixture(scope="module")
def confirmed():
    return kobai.confirm(search(noisy), noisy, top=4, seeds=12)


def test_the_winner_was_lucky(confirmed):
    best = confirmed.trials[0]
    assert confirmed.searched == 60
    assert best.lost > 0.02  # the best of 60 normal numbers of this spread is .12 below their mean
    assert best.lost == pytest.approx(best.fresh - best.value)
    fresh = [noisy(optuna.trial.FixedTrial(best.parameters), seed) for seed in range(10_000, 10_012)]
    assert best.fresh == pytest.approx(np.mean(fresh))
    assert len(confirmed.judgement.arms) == 4
    assert set(confirmed.best_set) <= {trial.name for trial in confirmed.trials}
    assert "was luck" in str(confirmed)


def test_where_more_is_better_the_luck_has_the_other_sign():
    study = search(lambda trial, seed: -noisy(trial, seed), direction="maximize")
    result = kobai.confirm(study, lambda trial, seed: -noisy(trial, seed), top=2, seeds=3)
    assert result.trials[0].lost > 0
    assert result.trials[0].value > result.trials[1].value


def test_equal_parameters_are_one_trial_and_failures_count():
    study = optuna.create_study()
    for _ in range(2):
        study.enqueue_trial({"x": 0.1})
    study.enqueue_trial({"x": 0.2})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)

    def failing(trial, seed):
        if seed == 10_001:
            raise optuna.TrialPruned
        return trial.suggest_float("x", 0, 1) + seed / 1e6

    result = kobai.confirm(study, failing, seeds=4)
    assert len(result.trials) == 2
    assert [int(arm.failed.sum()) for arm in result.judgement.arms] == [1, 1]


@pytest.mark.parametrize("language", words.TABLES)
def test_it_is_shown(confirmed, language):
    with words.language(language):
        again = kobai.confirm(search(noisy, 5), noisy, top=2, seeds=2)
        assert max(widest(line) for line in str(again).splitlines()[2:5]) <= 80
        page = again.html()
        assert words.say("report.confirmation.title") in page
    content = json.loads(confirmed.to_json())
    assert content["seeds"] == list(range(10_000, 10_012))
    assert list(confirmed.figures) == ["confirmation"]


def raising(trial, seed):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("ask", "parts"),
    [
        ({"objective": lambda trial: 0.0}, ["objective(trial, seed)"]),
        ({"objective": 3}, ["objective", "3"]),
        ({"objective": raising}, ["ZeroDivisionError"]),
        ({"top": 0}, ["top"]),
        ({"seeds": 2.5}, ["seeds"]),
        ({"storage": "nowhere.db"}, ["nowhere.db"]),
        ({"storage": 3}, ["3"]),
    ],
)
def test_what_cannot_be_meant_is_refused(ask, parts):
    with pytest.raises(UsageError) as problem:
        kobai.confirm(**{"storage": search(noisy, 3), "objective": noisy, **ask})
    assert says_in_each_language(problem.value, parts)


def test_a_search_that_cannot_be_confirmed():
    with pytest.raises(UsageError, match="two at least"):
        kobai.confirm(optuna.create_study(), noisy)
    with pytest.raises(UsageError, match="2 objectives"):
        kobai.confirm(optuna.create_study(directions=["minimize"] * 2), noisy)
