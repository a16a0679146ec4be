"""The page of a judgement: whole, in both languages, its figure drawn in a real browser."""

import html

import pytest

import kobai
from judged import curves, table
from kobai import words

ARMS = table({"main": 0.31, "new": 0.29, "<b>same</b>": 0.31})


@pytest.mark.parametrize("language", words.TABLES)
def test_the_page_says_what_the_terminal_says(language):
    result = kobai.judge(ARMS, margin=0.03, language=language)
    page = result.html()
    with words.language(language):
        for key in (
            "report.verdicts.title",
            "judge.word.better",
            "judge.word.equivalent",
            "report.verdicts.margin",
        ):
            assert html.escape(words.say(key)) in page
    assert "<b>same</b>" not in page.split('id="plotly"')[0]
    assert f'<html lang="{language}">' in page
    assert "new" in result._repr_html_()


def test_the_chart_has_a_line_and_a_dot_for_each_arm():
    (figure,) = kobai.judge(ARMS, margin=0.03).figures.values()
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [trace.meta for trace in dots] == ["new", "<b>same</b>"]
    assert len(lines) == 2
    for dot, line in zip(dots, lines, strict=True):
        assert line.x[0] < dot.x[0] < line.x[1]
    (ratios,) = kobai.judge(curves({"main": 300, "new": 200}), by="steps:3.1", margin="10%").figures.values()
    assert ratios.layout.xaxis.type == "log"
    (alone,) = kobai.judge({"main": [1.0], "new": [2.0]}, maximize=True).figures.values()
    assert [trace.mode for trace in alone.data] == ["markers"]


def test_the_page_is_drawn_and_asks_nobody(visit):
    page = visit(kobai.judge(ARMS, margin=0.03).html())
    page.wait_for_selector(".plot .main-svg")
    assert page.locator(".chips button").count() == 2
    page.locator(".chips button").first.click()
    shown = page.evaluate("document.querySelector('.plot').data.map((trace) => trace.visible)")
    assert shown[:2] == [False, False]
    assert page.locator("tbody tr").count() == 3
    assert page.wrong == []
