"""Effects as they are shown."""

import re

import pytest
from rich.cells import cell_len

from kobai.questions.comparison import page as html
from kobai.questions.comparison import terminal
from kobai.study.answer import answer
from kobai.words import language, say
from studies_of_axes import by_clip, ending, run, study_of


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_effects_are_shown_in_80_columns_and_as_html(engine, spoken):
    engine.arrival, engine.ends = by_clip, ending
    given = {"clip": ["none", "norm:1", "percentile:90:50"], "early_stopping": ["patience:10:0.001", None]}
    outcome = run(study_of(given, rates=(0.1, 1.0)))
    assert "sgd (none) 1/8" in " ".join(map(str, answer(outcome).notes))
    with language(spoken):
        found = answer(outcome)
        shown = terminal.text(found, wide=True, width=80)
        title, section, bold = say("effects.title"), html._effects(found), say("effects.bold")
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert "+2.2 [+2.0, +2.3]" in shown
    assert re.search("^percentile:90:50 +0.1◂ ", shown, re.MULTILINE)  # on one line
    assert title in section
    assert bold in section
    assert bold not in shown  # plain text has none
    assert section.count("<table") == 2
    assert '<span class="chosen">norm:1</span>' in section
    assert "+2.2 [+2.0, +2.3]" not in terminal.text(found, width=80)
    frame = found.effect_table()
    assert frame["axis"].to_list() == ["clip"] * 3 + ["early_stopping"] * 2
    assert frame["difference"].to_list()[0] == 0
    assert {"steps_low", "difference_high", "gap", "saved", "skipped", "diverged"} < set(frame.columns)


def test_a_study_without_axes_shows_no_effects(engine):
    found = answer(run(study_of({"schedule": "cosine"})))
    assert found.effects == {}
    assert html._effects(found) == ""
    assert found.effect_table().is_empty()
