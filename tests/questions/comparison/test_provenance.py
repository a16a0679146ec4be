"""Where a task comes from is kept as it was said, and makes the same task again."""

import dataclasses

import numpy as np

import kobai
from kobai.questions.comparison.provenance import provenance
from kobai.tasks.load import load
from kobai.tasks.provenance import Provenance


def test_a_built_in_task_keeps_its_options_of_the_name_and_of_the_call():
    task = load("adding:length=4,cell=gru", hidden=5)
    origin = provenance("adding:length=4,cell=gru", {}, {"hidden": 5, "batch_norm": None}, Provenance())
    assert origin == Provenance("task", "adding", {"length": 4, "cell": "gru", "hidden": 5})
    again = kobai.tasks.adding(**origin.options)
    np.testing.assert_array_equal(again.train[0], task.train[0])


def test_a_table_keeps_how_it_was_read():
    reading = {"label": "b", "kind": None, "leave_out": (), "split_seed": 3}
    origin = provenance("points.csv", reading, {"hidden": (4, 4)}, Provenance())
    options = {"label": "b", "split_seed": 3, "hidden": [4, 4]}
    assert origin == Provenance("table", "points.csv", options)


def test_a_file_with_a_task_and_one_with_a_model_are_told_apart(tmp_path):
    (tmp_path / "one.py").write_text("import kobai\ntask = kobai.tasks.sine()\nmodel = None\n")
    place = str(tmp_path / "one.py")
    load(place)
    assert provenance(place, {}, {}, Provenance()) == Provenance("file", place, {})
    (tmp_path / "one.py").write_text(MODEL)
    of_model = load(place).provenance
    assert of_model == Provenance(framework="functions", loss="cross-entropy")
    assert provenance(place, {}, {}, of_model) == dataclasses.replace(of_model, kind="model", place=place)


MODEL = """
import jax.numpy as jnp
import numpy as np

data = (np.eye(3, dtype=np.float32).repeat(20, 0), np.arange(3).repeat(20))
model = (lambda key: jnp.zeros((3, 3)), lambda weights, x: x @ weights)
"""


def test_a_comparison_tells_its_tasks():
    short = {"optimizers": "sgd", "learning_rates": [0.1], "steps": 10, "tuning_seeds": 1, "seeds": 2}
    result = kobai.compare("sine", hidden=5, initializers=["he"], target=1.0, progress=False, **short)
    assert result.recommendation.provenance == Provenance("task", "sine", {"hidden": 5})
    of_a_task = kobai.compare(kobai.tasks.sine(hidden=5), initializers=["he"], progress=False, **short)
    assert of_a_task.recommendation.provenance == Provenance()
