"""The table, sorted."""

from kobai.questions.descent import outcome as read


def test_sorted_by_any_column(bowl):
    for column in read.SCHEMA:
        found = read.frame(read.ordered(bowl.outcome.rows, column))[column]
        known = found.drop_nulls()
        assert known.to_list() == sorted(known.to_list())
        assert found[len(known) :].is_null().all()
