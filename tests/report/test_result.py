"""Every result has one shape: text, notebook, table, figures, page, JSON, files; in its own language."""

import dataclasses
import inspect
import json

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

import kobai
from kobai import fit_normal, surrogate, words
from kobai.questions.coordinates import CoordinatesResult
from kobai.report.result import Result, call
from kobai.report.sheet import SheetResult

SMALL = {
    "compare": lambda **more: kobai.compare(
        "sine", optimizers="sgd", initializers="he", learning_rates=[0.1], seeds=2, tuning_seeds=1, steps=20,
        hidden=3, progress=False, **more,
    ),
    "descend": lambda **more: kobai.descend("bowl", ["sgd", "bfgs"], learning_rates=[0.1], steps=20, **more),
    "transfer": lambda **more: kobai.transfer(
        ("sine", "sine"), protocol="fine-tuning", amounts=[20], learning_rates=[0.01], seeds=2,
        tuning_seeds=1, steps=5, source_steps=5, progress=False, **more,
    ),
    "probe": lambda **more: kobai.probe("he", widths=(6, 5, 4), inputs=8, **more),
    "long_term_dependence": lambda **more: kobai.long_term_dependence([0.5, 1.0], length=6, nodes=3, **more),
    "fit_normal": lambda **more: fit_normal([1, 2, 3, 4, 10], **more),
    "surrogate": lambda **more: surrogate(points=11, steps=4, **more),
    "learning_rate_range": lambda **more: kobai.learning_rate_range(
        "sine", optimizer="sgd", learning_rates=[0.01, 0.1, 1.0], steps=40, progress=False, **more,
    ),
    "diagnose": lambda **more: kobai.diagnose("sine", steps=20, seeds=1, progress=False, **more),
}  # fmt: skip
"""Every question of kobai, asked in little time."""


pytestmark = pytest.mark.usefixtures("quick_engine")


@pytest.fixture(scope="module", params=SMALL)
def question(request):
    return request.param


@pytest.fixture(scope="module")
def result(question, quick_engine):  # noqa: ARG001
    return SMALL[question]()


def test_every_result_has_the_one_shape(question, result):
    assert isinstance(result, Result)
    assert result.language == "en"
    assert str(result) == repr(result)
    assert str(result).strip()
    assert "<table" in result._repr_html_()
    assert "<script" not in result._repr_html_()
    assert isinstance(result.table, pl.DataFrame)
    assert result.table.height > 0
    assert all(isinstance(figure, go.Figure) and figure.data for figure in result.figures.values())
    page = result.html()
    assert page.startswith("<!doctype html>")
    assert all(f'data-figure="{name}"' in page for name in result.figures)
    assert f"kobai.{question}(" in page
    json.loads(result.to_json(), parse_constant=pytest.fail)


def test_a_result_makes_its_folder_and_its_files_hold_what_it_has(result, tmp_path):
    folder = tmp_path / "new" / "folder"
    result.save(str(folder))
    assert {path.name for path in folder.iterdir()} == set(result.files)
    for name, attribute in result.files.items():
        content = getattr(result, attribute)
        if name.endswith(".parquet"):
            assert pl.read_parquet(folder / name).equals(content), name
        else:
            assert (folder / name).read_text("utf-8") == content(), name
    assert {name.rpartition(".")[2] for name in result.files} == {"html", "json", "parquet"}


def test_a_result_speaks_its_own_language_whichever_is_in_use(question, result):
    japanese = SMALL[question](language="ja")
    assert words.current() == "en"
    assert '<html lang="ja">' in japanese.html()
    assert str(japanese) != str(result)
    with words.language("ja"):
        assert '<html lang="en">' in result.html()
        open_ended = dataclasses.replace(result, language=None)
        assert '<html lang="ja">' in open_ended.html()
        assert str(open_ended) == str(dataclasses.replace(result, language="ja"))


def test_the_shape_is_inherited_once_and_nothing_of_it_is_overridden():
    """A sheet's result has a base of its own between, which shows the sheet."""
    bases = (Result, SheetResult)
    asked_elsewhere = (kobai.OverTasksResult, kobai.JudgementResult, kobai.ConfirmationResult)
    others = {*asked_elsewhere, CoordinatesResult}  # the last by `probe`, of several widths
    kinds = [kind for base in bases for kind in base.__subclasses__() if kind not in bases]
    assert others <= set(kinds)
    assert len(kinds) == len(SMALL) + len(others)
    own = [
        {
            name for name, what in vars(base).items()
            if not name.startswith("__") and not getattr(what, "__isabstractmethod__", False)
            and (inspect.isfunction(what) or isinstance(what, property))
        }
        for base in bases
    ]  # fmt: skip
    assert own == [{"figures", "html", "write_html", "to_json", "save", "_repr_html_"}, {"_text", "_views"}]
    for kind in kinds:
        assert kind.__subclasses__() == []
        concrete = own[0] | own[1] if issubclass(kind, SheetResult) else own[0]
        concrete = concrete - {"write_html"}  # a page may have others beside it
        assert not concrete & set(vars(kind)), kind
        assert not {"__repr__", "__str__"} & set(vars(kind)), kind


def test_the_page_of_a_small_result_is_drawn_and_asks_nobody(visit):
    page = visit(kobai.long_term_dependence([0.5, 1.0], length=6, nodes=3).html())
    page.wait_for_selector(".plot .main-svg")
    assert page.locator(".chips button").count() == 2
    page.locator(".chips button").first.click()
    shown = page.evaluate("document.querySelector('.plot').data.map((trace) => trace.visible)")
    assert shown[0] is False
    assert shown[1] is not False
    assert page.wrong == []
    page = visit(kobai.probe("he", widths=(6, 5, 4), inputs=8).html())
    page.wait_for_selector(".plot .main-svg")
    assert page.locator(".chips button").count() == 0
    assert page.wrong == []


# The call, as it was written


def test_a_call_says_what_is_not_usual():
    def said(**arguments):
        return call(kobai.descend, arguments, {"landscape": "f"})

    assert said(landscape="bowl", steps=1000, sort=None) == "kobai.descend('bowl')"
    assert said(landscape=abs, methods=["sgd"], steps=5) == "kobai.descend(f, methods=['sgd'], steps=5)"
    assert said(landscape="bowl", language="ja", command="x") == "kobai.descend('bowl')"
    assert said(landscape=abs, start=np.array([1.0, 2.0])) == "kobai.descend(f, start=[1.0, 2.0])"


def test_a_call_without_arguments_and_one_with_many_numbers():
    assert call(surrogate, {"rate": 1.0}, {}) == "kobai.surrogate()"
    assert call(surrogate, {"rate": 2.0}, {}) == "kobai.surrogate(rate=2.0)"
    assert call(fit_normal, {"data": [1.0, 2.0]}, {"data": "data"}) == "kobai.fit_normal([1.0, 2.0])"
    assert call(fit_normal, {"data": [1.0] * 99}, {"data": "data"}) == "kobai.fit_normal(data)"
    assert fit_normal([1, 2, 4], language="ja").command == "kobai.fit_normal([1, 2, 4])"
