"""The table of a comparison, as it is printed."""

import math

import pytest

import kobai
from kobai.questions.comparison import table, terminal
from kobai.study.answer import answer


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("wide", [False, True])
def test_the_view_fits(known, language, wide):
    from rich.cells import cell_len

    width = 120 if wide else 80
    with kobai.words.language(language):
        text = terminal.text(answer(known), wide, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert all(word in text for word in ("adam", "sgd", "0.01", "he", "10/10"))


def test_the_sparkline_falls_with_the_loss_and_marks_divergence():
    assert table.sparkline((100.0, 10.0, 1.0), width=3) == "█▅▁"
    assert table.sparkline((1.0, math.inf), width=2)[1] == "×"
    assert table.sparkline((math.nan,) * 3, width=3) == "×××"
