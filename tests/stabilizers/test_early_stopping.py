"""Early stopping by hand, and traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai.stabilizers import early_stopping


def stopped(rule, losses):
    """(evaluations made, index of the restored one) for a row of validation losses."""
    best = rule.init(np.array(-1))
    for i, loss in enumerate(losses):
        best = rule.update(np.float64(loss), np.array(i), best)
        if rule.ends(best):
            return i + 1, int(best.params)
    return len(losses), int(best.params)


FALLING = [5, 3, 2, 2.5, 1.9, 1.95, 2.2, 1.8, 3, 4, 5, 0]


@pytest.mark.parametrize(
    ("patience", "change", "expected"),
    [
        (1, 0.0, (4, 2)),
        (2, 0.0, (7, 4)),
        (3, 0.0, (11, 7)),
        (9, 0.0, (12, 11)),
        (2, 0.5, (5, 2)),
        (3, 0.15, (6, 2)),
    ],
)
def test_early_stopping_by_hand(patience, change, expected):
    assert stopped(early_stopping(patience, change), FALLING) == expected


def test_no_number_is_no_improvement():
    assert stopped(early_stopping(2), [np.nan, 3, np.nan, np.nan]) == (4, 1)
    assert stopped(early_stopping(2), [np.nan, np.nan, 1]) == (2, -1)


def test_an_equal_loss_is_no_improvement():
    assert stopped(early_stopping(3), [2, 2, 2, 2, 1]) == (4, 0)


def test_early_stopping_is_traceable():
    rule = early_stopping(2)
    best = jax.jit(lambda loss, params, best: rule.update(loss, params, best))(
        jnp.float32(3), {"w": jnp.ones(2)}, rule.init({"w": jnp.zeros(2)})
    )
    assert float(best.loss) == 3
    assert best.params["w"].tolist() == [1, 1]
