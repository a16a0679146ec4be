"""What is said of single rules: steps that cost more than a gradient, a bound that hardly bounds."""

import kobai
from kobai.candidates.grid import candidates
from kobai.study import axes
from kobai.study.of_rules import of_rules
from kobai.study.study import Study
from kobai.words import language


def study_of(*rules, clip=None):
    return Study(
        task=kobai.tasks.sine(),
        candidates=candidates(list(rules)),
        initializers=[],
        axes=axes.axes({"clip": clip} if clip else {}),
    )


def test_a_step_of_more_than_one_gradient_is_told():
    [note] = of_rules(study_of("adam", "sam"))
    assert "a step of sam costs 2 gradients" in str(note)
    assert "50 % of the steps" in str(note)
    with language("ja"):
        assert "samの1ステップは勾配2回分" in str(note)
    assert list(of_rules(study_of("adam", "lbfgs", "muon"))) == []


def test_muon_under_a_bound_of_the_norm_is_told():
    [note] = of_rules(study_of("muon", "adam", clip=["none", "norm:1"]))
    assert str(note).startswith("muon does not see how long its momentum is")
    assert list(of_rules(study_of("muon", clip=["value:1"]))) == []
    assert list(of_rules(study_of("adam", clip=["norm:1"]))) == []
