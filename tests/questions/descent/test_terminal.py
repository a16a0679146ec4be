"""The table in a terminal."""

import pytest
from rich.cells import cell_len

import kobai
from kobai import words
from kobai.questions.descent import table, terminal


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("language", words.TABLES)
def test_the_table_is_stacked_in_a_narrow_terminal_and_no_number_is_cut(bowl, width, language):
    with words.language(language):
        text = terminal.text(bowl.outcome, width=width)
        cells = table.rows(bowl.outcome)
    start = text.index("\n\n")
    lines = text[start:].splitlines()
    assert max(map(cell_len, lines)) <= width
    for row in cells:
        own = "\n".join(line for line in lines if line.startswith(row[0]))
        assert all(cell in own for cell in (row[1], *row[3:7])), (row, own)


@pytest.mark.parametrize("language", words.TABLES)
def test_the_factor_of_a_rule_without_a_learning_rate_is_told_as_that(language):
    outcome = kobai.descend("bowl", [kobai.AdaDelta([1.0, 10.0]), "sgd"], steps=5).outcome
    with words.language(language):
        rates = {(row.method, table.rate(row)) for row in outcome.rows}
        assert rates == {("adadelta", "×1"), ("adadelta", "×10"), ("sgd", "0.95")}
        note = words.say("answer.factor", names="adadelta")
        assert note in table.notes(outcome)
        assert note in terminal.text(outcome, width=120)
        assert sorted(table.labels(outcome))[:2] == ["adadelta ×1 ρ 0.95", "adadelta ×10 ρ 0.95"]
        assert table.notes(kobai.descend("bowl", "sgd", steps=5).outcome) == []
