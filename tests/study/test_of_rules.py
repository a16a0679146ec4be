"""What is said of single rules: steps that cost more than a gradient, a bound that hardly bounds."""

import kobai
from kobai.candidates.grid import candidates
from kobai.engine.strategy import Strategy
from kobai.study.of_rules import of_rules
from kobai.words import language

NORM = Strategy(clip=kobai.clip_norm(1.0))
VALUE = Strategy(clip=kobai.clip_value(1.0))


def test_a_step_of_more_than_one_gradient_is_told():
    [note] = of_rules(candidates(["adam", "sam"]), [])
    assert "a step of sam costs 2 gradients" in str(note)
    assert "50 % of the steps" in str(note)
    [note] = of_rules(candidates(["adam", "sam"]), [], [4])
    assert "a step of sam costs 8 gradients" in str(note)
    [note] = of_rules(candidates(["adam", "sam"]), [], [1, 2])
    assert "a step of sam costs 2, 4 gradients" in str(note)
    with language("ja"):
        assert "samの1ステップは勾配2, 4回分" in str(note)
    assert list(of_rules(candidates(["adam", "lbfgs", "lion"]), [])) == []


def test_muon_under_a_bound_of_the_norm_is_told():
    layers, note = of_rules(candidates(["muon", "adam"]), [Strategy(), NORM])
    assert "embeddings and the last layer, as far as the loss can be traced to find them" in str(layers)
    assert str(note).startswith("muon does not see how long its momentum is")
    assert list(map(str, of_rules(candidates("muon"), [VALUE]))) == [str(layers)]
    assert list(of_rules(candidates("adam"), [NORM])) == []
