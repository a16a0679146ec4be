"""What moves in each arm."""

import jax.numpy as jnp
import numpy as np

import kobai
from kobai import initializers as initial_values
from kobai.engine.draws import INITIAL, stream
from kobai.optimizers.adam import Adam
from kobai.questions.transfer.arms import Budget, Plan, arms
from kobai.questions.transfer.rows import LONGER, SCRATCH
from kobai.questions.transfer.weights import trained
from kobai.tasks.pairs import Pair, halves
from transferred import TINY


def arrays_of(task, parameters):
    return task.arrays(task.flatten(parameters))


# Arms


def test_arms():
    every = arms(["pretraining", "fine-tuning", "transfer"], Budget(30, 50, slow=0.1))
    assert every["pretraining"].against == LONGER
    assert every[LONGER].steps == every["pretraining"].steps + every["pretraining"].spent == 80
    assert every["fine-tuning"].against == every["transfer"].against == SCRATCH
    assert (every["transfer"].head_kept, every["transfer"].slow) == (False, 0.1)
    assert list(arms(["transfer"], Budget(30, 50))) == [SCRATCH, "transfer"]


def test_what_moves_in_each_arm():
    """One step in the engine: frozen features stay as the source left them, the head of a transfer is new."""
    pair = halves(hidden=(6, 4))
    source = trained(pair.source, Adam(learning_rate=0.01), initial_values.he(), [0], 20)
    every = arms(["pretraining", "fine-tuning", "transfer"], Budget(1, 20))
    plan = Plan(pair.target, pair.heads(), initial_values.he(), {0: source[0]}, every)
    fresh = arrays_of(pair.target, initial_values.he().fill(pair.target.parameters, stream(0, INITIAL)))
    for name, arm in every.items():
        cell = plan._cell(arm, 0.01, 0)
        filled = cell.initializer.fill(pair.target.parameters, stream(0, INITIAL))
        start = arrays_of(pair.target, filled)
        expected = source[0] if name in ("pretraining", "fine-tuning") else fresh
        if name == "transfer":
            expected = [*source[0][:4], *fresh[4:]]
        for mine, theirs in zip(start, expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        gradient = [jnp.ones_like(array) for array in start]
        update, _ = cell.optimizer.update(gradient, cell.optimizer.init(start))
        moves = [bool(np.abs(Δ).max() > 0) for Δ in update]
        assert moves == ([False] * 4 if name == "transfer" else [True] * 4) + [True] * 2


def test_a_head_of_another_size_begins_anew_in_every_protocol():
    """Ten classes, then five: fine tuning keeps the features alone, and the result says so."""
    source, target = kobai.tasks.digits(hidden=(6, 4)), halves(hidden=(6, 4)).target
    pair = Pair(source, target)
    assert not pair.keeps_head()
    assert halves(hidden=(6, 4)).keeps_head()
    found = kobai.transfer(pair, **TINY)
    assert found.table["protocol"].to_list() == ["pretraining", "fine-tuning", "transfer"]
    assert found.table["metric"].is_between(0, 1).all()
    assert "The heads differ in shape" in str(found)
    every = arms(["fine-tuning"], Budget(1, 20, head_fits=pair.keeps_head()))
    kept = trained(source, Adam(learning_rate=0.01), initial_values.he(), [0], 5)[0]
    plan = Plan(target, pair.heads(), initial_values.he(), {0: kept}, every)
    start = plan._cell(every["fine-tuning"], 0.01, 0).initializer.fill(target.parameters, stream(0, INITIAL))
    fresh = arrays_of(target, initial_values.he().fill(target.parameters, stream(0, INITIAL)))
    for mine, theirs in zip(arrays_of(target, start), [*kept[:4], *fresh[4:]], strict=True):
        np.testing.assert_array_equal(mine, theirs)
