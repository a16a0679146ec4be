"""Several tasks in the terminal: 60, 80 and 120 columns, in both languages."""

import re

import pytest
from rich.cells import cell_len

import kobai
from kobai import words
from kobai.questions.comparison.over_tasks import terminal
from kobai.questions.comparison.over_tasks.result import OverTasksResult
from kobai.questions.comparison.result import ComparisonResult
from studies import blob_task, outcome_of

TASKS = {
    "digits": {"sgd": 20, "adam": 22, "momentum": 60},
    "sine": {"sgd": 20, "adam": 21, "momentum": 60},
    "digits:hidden=20,batch_norm=before": {"sgd": 60, "adam": 22, "momentum": 60},
}


RULES = (kobai.SGD(0.1), kobai.Adam(0.01), kobai.Momentum(0.1))


@pytest.fixture
def three(monkeypatch):
    """The results of three tasks, whose cells arrive when they are told to."""

    def result(name, arrivals, **options):
        outcome = outcome_of(
            monkeypatch,
            lambda cell: arrivals[type(cell.optimizer).__name__.lower()] + cell.seed % 2,
            optimizers=RULES,
            task=blob_task(name=name),
            tuning_seeds=1,
            evaluate_every=1,
            **{"seeds": 8} | options,
        )
        return ComparisonResult.of(outcome, f"kobai compare {name}")

    def results(**options):
        return OverTasksResult.of([result(name, arrivals, **options) for name, arrivals in TASKS.items()])

    return results


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_line_fits_and_the_table_is_whole(three, language, width):
    with words.language(language):
        result = three()
        text = terminal.text(result.over, result.answers, width)
    assert max(map(cell_len, text.splitlines())) <= width
    # [adam: 10 % and 5 % more on two tasks; sgd: 170 % on one], each once in the table
    assert len(re.findall(r"^(adam|sgd|momentum) +\S", text, re.MULTILINE)) >= 3
    for cell in ("10 ?% [^●]", "5 ?% [^●]", "0 ?% ●", "2/3", "1/3", "0/3"):
        assert re.search(cell, text), cell


def test_the_answer_says_cost_bound_and_wins(three):
    text = " ".join(repr(three()).split())
    assert re.search(
        r"adam: on average 5 % more steps than the best of each task, at most \d+ % \(95 %\); "
        r"chosen on 1 of 3 tasks, among the best on 1\. "
        r"sgd and momentum are not the best over all\.",
        text,
    )
    assert "digits: accuracy ≥ 0.9" in text


def test_it_is_said_in_japanese(three):
    with words.language("ja"):
        text = "".join(repr(three()).split())
    assert re.search(
        "adam:課題ごとの最良のものと比べて、必要なステップの増加は平均5%です（最大でも[0-9]+%、95%）。", text
    )
    assert "3課題のうち、選ばれたのは1課題、最良かもしれないのは1課題です。" in text


def test_wide_has_the_table_of_each_task(three):
    from kobai.basics.console import Console

    console = Console(width=100, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(three().view(wide=True))
    assert capture.get().count("decades") == len(TASKS)


def test_few_seeds_are_told_as_a_sketch(three):
    text = repr(three(seeds=3))
    assert "Sketch from 3 seeds: a ranking only; nothing is excluded." in text
    assert "not the best over all" not in text
    assert "●" not in text.split("digits: accuracy")[0].split("Of each task")[0]


def test_tasks_that_are_judged_on_different_scales_have_places_and_wins(monkeypatch):
    def result(name, metric, best):
        outcome = outcome_of(
            monkeypatch,
            lambda cell: 20 if isinstance(cell.optimizer, best) else 500,
            optimizers=RULES,
            task=blob_task(name=name, metric_name=metric),
            by="final",
            seeds=8,
            tuning_seeds=1,
        )
        return ComparisonResult.of(outcome, f"kobai compare {name}")

    results = [result("a", "accuracy", kobai.Adam), result("b", "score", kobai.Adam)]
    text = " ".join(repr(OverTasksResult.of(results)).split())
    assert text.startswith("a and b: each by a measure of its own; 8 fresh seeds")
    assert "adam: the best places on average; chosen on 2 of 2 tasks, among the best on 2." in text
    assert "no average can be told" in text
    assert "data-figure" not in OverTasksResult.of(results).html()
