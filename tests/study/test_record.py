"""A study as plain values: read back, it tells the same."""

import json

import jax
import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai import initializers as initial_values
from kobai import schedules, stabilizers
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.candidates.values import hyperparameters_of, learning_rate, rate_is_factor
from kobai.initializers import Initializer
from kobai.optimizers import hyperparameters
from kobai.study import record
from kobai.study.axes import axes
from kobai.study.facts import Facts
from kobai.study.recommendation import Recommendation
from kobai.study.study import Study, facts_of
from kobai.words import Note, Term, said
from studies import blob_task


@hyperparameters
class Mine(kobai.Optimizer):
    """A rule of one's own."""

    learning_rate: float = 0.1
    rate_is_factor = True

    def rule(self, g, t):
        return -self.learning_rate * g, ()


def own_optax(learning_rate):
    return optax.sgd(learning_rate)


def study_of(**changes):
    values = {
        "task": blob_task(target=(0.9, 0.8)),
        "candidates": candidates(
            [
                "adam",
                "lbfgs",
                Mine([0.1, 0.2]),
                kobai.from_optax(optax.lion, learning_rate=[0.01, 0.1]),
                kobai.from_optax(own_optax, learning_rate=0.3),
            ]
        ),
        "initializers": [initial_values.he(), Initializer("mine", lambda z, _: z, lambda n, m: 1.0)],
        "axes": axes(
            {
                "clip": [None, "norm:1", stabilizers.clip_percentile(90, 20)],
                "weight_decay": [stabilizers.weight_decay(0.1, biases=True)],
                "schedule": ["cosine", schedules.Schedule("own", lambda t, steps: 1 + 0 * t)],
                "average": ["none", "polyak:10"],
                "early_stopping": ["none", "patience:3"],
                "sampling": ["with"],
            }
        ),
        "steps": 60,
    }
    return Study(**(values | changes))


def read(study):
    return record.read(json.loads(json.dumps(record.written(study))))


def test_a_study_that_was_read_has_the_same_trials():
    study = study_of()
    again = read(study)
    assert [trial.named for trial in again.trials()] == [trial.named for trial in study.trials()]
    for one, other in zip(study.trials(), again.trials(), strict=True):
        assert learning_rate(one.variant) == learning_rate(other.variant)
        assert rate_is_factor(one.variant) == rate_is_factor(other.variant)
        assert one.candidate.edge(one.variant) == other.candidate.edge(other.variant)
        assert list(map(hyperparameters_of, one.candidate.neighbours(one.variant))) == list(
            map(hyperparameters_of, other.candidate.neighbours(other.variant))
        )
        for axis, part in one.parts.items():
            assert (part is None) == (other.parts[axis] is None)
    assert list(again.minimizers) == list(study.minimizers) == ["lbfgs"]
    assert [average.name for average in again.averages] == ["polyak:10"]
    assert (again.steps, again.epoch, again.columns) == (study.steps, study.epoch, study.columns)
    assert read(again).trials()[0].named == study.trials()[0].named  # and once more


def test_what_it_recommends_is_what_the_study_did():
    study = study_of()
    again = read(study)
    for i in range(0, len(study.trials()), 7):
        assert Recommendation.of(again, again.trials()[i]) == Recommendation.of(study, study.trials()[i])


def test_it_cannot_be_trained():
    again = read(study_of())
    with pytest.raises(UsageError, match="without its task"):
        again.check()
    with pytest.raises(UsageError, match="without its task"):
        again.trials()[-1].initializer.fill({"w": np.zeros((2, 2))}, 0)


def test_a_method_of_a_library_that_is_missing_is_known_by_its_numbers(monkeypatch):
    content = json.loads(json.dumps(record.written(study_of())))

    def missing(spelling):
        raise ImportError(spelling)

    monkeypatch.setattr(record, "read_method", missing)
    again = record.read(content)
    assert [trial.named for trial in again.trials()] == [trial.named for trial in study_of().trials()]


def test_facts_keep_their_sentences():
    note = Note("of.goal", {"labels": Note("of.labels.numbers", {}), "loss": said("of.loss"), "n": (1, "a")})
    task = blob_task(
        preparation=[note, "by hand"],
        cautions=[Note("note.given", {})],
        baselines={"mean": 0.25},
        meaning=lambda metric: Note("meaning", {"value": metric, "term": Term("metric", "accuracy")}),
    )
    facts = facts_of(task)
    again = Facts.read(json.loads(json.dumps(facts.written([0.5]))))
    assert again.preparation[1] == "by hand"
    assert repr(again.preparation[0]).replace(" at 0x", "")[:60] == repr(note).replace(" at 0x", "")[:60]
    assert again.preparation[0].values["loss"].key == "of.loss"
    assert again.preparation[0].values["n"] == (1, "a")
    assert again.cautions == facts.cautions
    assert again.meaning(0.5) == task.meaning(0.5)
    assert again.meaning(0.7) is None  # nobody asked what it means
    for name in (
        "name",
        "metric_label",
        "maximize",
        "targets",
        "batch_size",
        "parameters",
        "sizes",
        "examples",
    ):
        assert getattr(again, name) == getattr(facts, name)


def test_facts_are_those_of_the_task():
    facts = facts_of(blob_task(test=None))
    assert (facts.name, facts.metric_label, facts.maximize, facts.targets) == (
        "blobs",
        "accuracy",
        True,
        (0.9,),
    )
    assert (facts.parameters, facts.batch_size) == (2, 4)
    assert facts.sizes == {"train": 8, "validation": 8, "test": None}
    assert facts.measures_loss
    assert jax.tree.leaves(facts.examples.inputs) == [2]


def test_frames_of_no_cells_have_their_columns():
    from kobai.study.frame import joined, schema

    study = study_of()
    empty = joined({}, study.axes)
    assert isinstance(empty, pl.DataFrame)
    assert dict(empty.schema) == schema(study.axes)
