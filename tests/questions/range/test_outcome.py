"""What is said of each rate, and which of them a comparison is given."""

from kobai.questions.range.bounds import Bound
from ranged import INF, LOSSES, result_of

HALVES = {
    rate: {2: loss, **({4: loss / 2} if loss < 1.5 else {})}
    for rate, loss in zip(
        (0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16),
        (1.99, 1.95, 1.6, 1.2, 1.0, 1.1, 1.3, 9.0),
        strict=True,
    )
}


def test_the_verdicts():
    table = result_of().table
    assert table["verdict"].to_list() == ["slow", "works", "works", "suggested", "fails", "fails"]
    assert table["steps"].to_list() == [2, 4, 8, 8, 2, 2]
    assert table["loss"].to_list() == [1.99, 1.7, 1.2, 1.1, 5.0, None]
    assert table["final_loss"].to_list() == [1.99, 1.5, 0.4, 0.3, 5.0, None]


def test_a_comparison_is_given_two_rates_on_each_side_that_do_not_fail():
    found = result_of(HALVES, rungs=(2, 4))
    assert found.suggestion == 0.1
    assert found.grid == [0.01, 0.0316, 0.1, 0.316, 1.0]
    assert result_of().grid == [0.01, 0.1, 1.0]


def test_where_nothing_is_learned_there_is_no_grid():
    found = result_of({0.1: {2: 2.1}, 1.0: {2: INF}}, rungs=(2,))
    assert found.suggestion is None
    assert found.grid == []
    assert found.table["verdict"].to_list() == ["fails", "fails"]
    assert "none: no rate has come below the loss at the start, 2," in str(found)


def test_the_curvature_counts_among_what_it_took():
    outcome = result_of(LOSSES, Bound("unknown")).outcome
    assert (outcome.gradients, outcome.share) == (30, 0.025)
    assert result_of().outcome.gradients == 40
