"""What is said of single rules: steps that cost more than a gradient, a bound that hardly bounds."""

from types import SimpleNamespace

import polars as pl
import pytest

import kobai
from kobai.candidates.grid import candidates
from kobai.study.notes import _cut
from kobai.study.of_rules import of_rules
from kobai.words import language


def test_a_step_of_more_than_one_gradient_is_told():
    [note] = of_rules(candidates(["adam", "sam"]), {})
    assert "a step of sam costs 2 gradients" in str(note)
    assert "50 % of the steps" in str(note)
    [note] = of_rules(candidates(["adam", "sam"]), {}, [4])
    assert "a step of sam costs 8 gradients" in str(note)
    [note] = of_rules(candidates(["adam", "sam"]), {}, [1, 2])
    assert "a step of sam costs 2, 4 gradients" in str(note)
    with language("ja"):
        assert "samの1ステップは勾配2, 4回分" in str(note)
    assert list(of_rules(candidates(["adam", "lbfgs", "lion"]), {})) == []


def test_muon_under_a_bound_that_cuts_most_gradients_is_told():
    """By what was measured: a bound that is there and cuts little is not worth a word (planted: it was)."""
    layers, note = of_rules(candidates(["muon", "adam"]), {"muon": 0.934, "adam": 1.0})
    assert "embeddings and the last layer, as far as the loss can be traced to find them" in str(layers)
    assert str(note).startswith("the bound of the norm cut 93 % of the gradients of muon")
    with language("ja"):
        assert str(note).startswith("muonの勾配の93%がノルムの上限で")
    assert list(map(str, of_rules(candidates("muon"), {"muon": 0.5}))) == [str(layers)]
    assert list(map(str, of_rules(candidates("muon"), {}))) == [str(layers)]
    assert list(of_rules(candidates("adam"), {"adam": 1.0})) == []


def test_the_share_is_that_of_the_fresh_runs():
    """Two bounds of a real training: one below all gradients, one above them; of entries nothing is told."""
    asked = {"optimizers": "muon", "learning_rates": [0.01], "initializers": "he", "steps": 10, "seeds": 2}
    said = {}
    for clip in ("norm:1e-6", "norm:1e6", "value:1e-6"):
        result = kobai.compare("sine", clip=clip, tuning_seeds=1, progress=False, **asked)
        [said[clip]] = result.cells["clipped"].unique().to_list()
        told = [str(each) for each in result.answer.notes if "bound of the norm" in str(each)]
        assert len(told) == (clip == "norm:1e-6")
        assert all("cut 100 % of the gradients of muon" in each for each in told)
    assert said == {"norm:1e-6": 10, "norm:1e6": 0, "value:1e-6": 10}


@pytest.mark.parametrize("bound", [kobai.clip_norm(1.0), kobai.clip_percentile(30, 4)])
def test_the_share_is_of_the_steps_that_were_made(bound):
    """Runs that diverged, or stopped, made no steps behind that; a percentile's first steps, which measure,
    are steps that were not cut. Planted: of all steps, 9 of 30; a run without the count as one of no cuts."""
    cells = pl.DataFrame(
        {
            "clipped": [2, 3, 4, None],
            "diverged_at": [5, None, None, None],
            "stopped_at": [None, 6, None, None],
        }
    )
    outcome = SimpleNamespace(
        winners={
            "muon": SimpleNamespace(parts={"clip": bound}),
            "free": SimpleNamespace(parts={"clip": kobai.clip_value(1.0)}),
        },
        cells_of=lambda *_: cells,
        study=SimpleNamespace(steps=10),
    )
    assert _cut(outcome) == {"muon": pytest.approx(9 / (5 + 6 + 10))}
