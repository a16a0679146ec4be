"""A row by hand; p-values are corrected for all rows."""

import numpy as np
import pytest

from kobai.questions.transfer import table
from kobai.questions.transfer.rows import TransferOutcome, compared
from kobai.study import statistics
from kobai.tasks.pairs import halves
from transferred import row_of, verdicts


def test_a_row_by_hand():
    task = halves().target
    # Evaluated at 0, 10, 20: scratch ends at 1, so the target is 90 % of the way from 0.2 there, 0.92.
    base_curves = [[0.2, 0.5, 1.0], [0.2, 0.93, 1.0]]
    row = row_of(
        "fine-tuning", [0.9, 0.8], [0.8, 0.5], [[0.5, 0.95, 0.9], [0.95, 0.95, 0.9]], base_curves, task
    )
    assert row.target == pytest.approx(0.92)
    assert row.metric == pytest.approx(0.85)
    assert row.difference.value == pytest.approx(0.2)
    # Steps 10 and 0 (counts as 1) against 20 and 10.
    assert row.ratio.value == pytest.approx(np.sqrt(10 / 20 * 1 / 10))
    assert row.reached == 2
    assert row.better


def test_a_ratio_of_runs_that_never_arrive_is_a_bound():
    """Scratch needs 20, 10 and 20 of 20 steps, fine tuning never arrives: the interval's end is shown."""
    task, never = halves().target, [[0.2, 0.3, 0.4]] * 3
    base_curves = [[0.2, 0.5, 1.0], [0.2, 0.93, 1.0], [0.2, 0.5, 1.0]]
    row = row_of("fine-tuning", [0.9] * 3, [0.8] * 3, never, base_curves, task)
    assert (row.reached, row.bound) == (0, "≥")
    logs = np.log([1, 2, 1])
    low = np.exp(logs.mean() - 4.302653 * logs.std(ddof=1) / 3**0.5)
    shown = table.cells(TransferOutcome(compared([row]), "a", "b", "accuracy"))[0]
    assert shown[table.COLUMNS.index("ratio")] == f"≥ {low:.2g}".replace("0.", ".")
    base = row_of("fine-tuning", [0.9] * 3, [0.8] * 3, base_curves, base_curves, task)
    shown = table.cells(TransferOutcome(compared([base]), "a", "b", "accuracy"))[0]
    assert shown[table.COLUMNS.index("ratio")] == "= 1"


def test_pretraining_pays_for_its_source():
    task = halves().target
    base_curves = [[0.2, 0.3, 0.4, 0.5, 0.6, 1.0]] * 2  # 50 steps in all
    row = row_of("pretraining", [0.9, 0.9], [0.8, 0.8], [[0.95, 0.95, 0.95]] * 2, base_curves, task)
    assert row.ratio.value == pytest.approx(30 / 50)  # at once, after 30 steps on the source
    # Planted: without the source's steps it would be 1/50.
    assert row.ratio.value > 2 / 50


def test_p_values_are_corrected_for_all_rows():
    frame = verdicts(("transfer", 20, 0.1, -1), ("transfer", 400, -0.1, 1))
    assert frame["p"].to_list() == pytest.approx([2 / 1024] * 2)
    np.testing.assert_allclose(frame["corrected_p"], statistics.holm(frame["p"].to_numpy()))
