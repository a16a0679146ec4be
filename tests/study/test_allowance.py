"""The time that a study is given: what it may be, how it is shared out, and what of the study fits."""

import functools

import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.study import allowance


def test_own_rates_are_never_thinned():
    own = functools.partial(candidates, [kobai.SGD(learning_rate=[0.1, 0.2])], None, None)
    assert {(rung.every, rung.tuning_seeds) for rung in allowance.ladder(own)} == {
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 5),
    }


def test_each_rung_holds_the_one_before():
    rungs = allowance.ladder(functools.partial(candidates, None, None, None))
    assert len(rungs) == len(allowance.LADDER)
    for low, high in zip(rungs, rungs[1:], strict=False):
        assert low.tuning_seeds <= high.tuning_seeds
        for few, many in zip(low.candidates, high.candidates, strict=True):
            assert set(few.variants) <= set(many.variants)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (("5m", 10, ["steps"]), "takes no seeds; got seeds = 10"),
        (("5m", None, ["steps", "final"]), "got by = steps, final"),
        (("soon", None, ["steps"]), "such as 90s, 5m or 1h30m, got 'soon'"),
    ],
)
def test_what_contradicts_it_is_refused(given, part):
    with pytest.raises(UsageError, match=part):
        allowance.allowance(*given)
    assert allowance.allowance(None, 10, ["steps", "final"]) is None


def test_several_studies_have_a_part_each_one_after_another():
    given = allowance.Allowance(90, ends=100)
    assert [(part.seconds, part.ends) for part in allowance.parts(given, 3)] == [
        (30, 40),
        (30, 70),
        (30, 100),
    ]
    assert allowance.parts(given, 1) == [given]


def test_processes_that_share_a_study_have_no_time_in_common():
    with pytest.raises(UsageError, match="leave one of the two out"):
        allowance.allowance("5m", None, ["steps"], join=True)
