"""The result of several tasks: its frames, its files, its page and the pages beside it."""

import json
import re
from urllib.parse import unquote

import polars as pl
import pytest

import kobai
from compared import Page
from kobai.basics.errors import UsageError
from kobai.basics.notices import Notice
from kobai.questions.comparison.code.write import code_of
from kobai.questions.comparison.over_tasks.result import _file_names

pytestmark = pytest.mark.usefixtures("quick_engine")
NAMES = ["line", "steep line"]


def test_frames_have_a_column_of_the_task(two):
    result, folder = two
    assert list(result.tasks) == NAMES
    for name, frame in (("results", result.table), ("cells", result.cells)):
        assert frame.equals(pl.read_parquet(folder / f"{name}.parquet"))
        assert frame.columns[0] == "task"
        for task, own in result.tasks.items():
            rows = frame.filter(pl.col("task") == task).drop("task")
            assert rows.equals(own.table if name == "results" else own.cells)


def test_the_frame_over_tasks_has_a_row_for_each_optimizer(two):
    over = two[0].over_tasks
    assert sorted(over["optimizer"]) == ["momentum", "sgd"]
    assert over["leads"].sum() == 2
    assert two[0].best_set == tuple(over.filter("best")["optimizer"])
    for row in over.iter_rows(named=True):
        ratios = [1 + row[f"cost on {name}"] for name in NAMES]
        assert 1 + row["mean"] == pytest.approx((ratios[0] * ratios[1]) ** 0.5)


def test_the_answer_of_the_folder_holds_each_and_all(two):
    result, folder = two
    content = json.loads((folder / "answer.json").read_text("utf-8"))
    assert [each["task"] for each in content["tasks"]] == NAMES
    assert content["tasks"][1]["rows"] == json.loads(result.tasks["steep line"].to_json())["rows"]
    assert content["over_tasks"]["tasks"] == NAMES
    assert [each["name"] for each in content["over_tasks"]["candidates"]] == [*result.over_tasks["optimizer"]]


def test_the_page_is_whole_and_small_and_leads_to_the_report_of_each_task(two):
    result, folder = two
    page = Page(result.html()).check(["over_tasks"])
    assert "Curves, learning rates and more are in the report of this task alone." in page.text
    linked = Page((folder / "report.html").read_text("utf-8"))
    places = [attributes["href"] for attributes in linked.all("a")]
    assert places == ["report-line.html", "report-steep-line.html"]
    for place, own in zip(places, result.tasks.values(), strict=True):
        assert (folder / unquote(place)).read_text("utf-8") == own.html()
        assert (folder / place).stat().st_size < 6e6
    assert (folder / "report.html").stat().st_size < 6e6
    assert linked.text.count("steep line: mean squared error") <= 1
    signs = [trace["name"] for trace in linked.figures["over_tasks"]["data"] if "customdata" in trace]
    assert signs == NAMES


def test_names_of_files_suit_every_system():
    names = ["a/b", "a b", "A-B", "..", "x" * 300, "課題"]
    places = [place for _, place in _file_names(dict.fromkeys(names))]
    assert places == ["a-b", "a-b-2", "A-B-3", "task", "x" * 80, "課題"]


def test_the_program_is_of_the_task_that_is_named(two):
    folder = two[1]
    with pytest.warns(Notice, match="line, steep line; this is the program of line"):
        first = code_of(folder, "kobai")
    assert first == code_of(folder, "kobai", "line") == two[0].tasks["line"].code("kobai")
    assert code_of(folder, "kobai", "steep line") == two[0].tasks["steep line"].code("kobai")
    with pytest.raises(UsageError, match="there is no answered task 'stepe line'; did you mean 'steep line'"):
        code_of(folder, "kobai", "stepe line")


def test_a_notebook_shows_them_all(two):
    shown = two[0]._repr_html_()
    assert re.findall("<h3>(.*?)</h3>", shown)[-2:] == NAMES or "<h3>steep line</h3>" in shown
    assert "<script" not in shown


def test_the_command_line_tells_of_a_folder_of_several_tasks(two, kobai_here, place):
    folder = str(two[1])
    lines = kobai_here("status", folder).out.splitlines()
    assert any(line.startswith("Question 2 (steep line), answered: ") for line in lines)
    report = kobai_here("report", folder, "--html", "page.html", "--json", "all.json")
    assert report.code == 0
    assert report.out.startswith("line and steep line: steps to the target of each")
    assert sorted(path.name for path in place.iterdir()) == [
        "all.json",
        "page-line.html",
        "page-steep-line.html",
        "page.html",
    ]
    code = kobai_here("code", folder, "--task", "steep line", "--framework", "kobai")
    assert code.out == two[0].tasks["steep line"].code("kobai")
    assert kobai_here("code", folder, "--framework", "kobai").err.count("\n") == 1


@pytest.mark.parametrize("line", ["--also", "--also=", "--also --quick"])
def test_also_needs_a_task(kobai_here, line):
    refused = kobai_here("compare", "sine", *line.split())
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "--also" in refused.err


def test_it_speaks_the_language_of_its_call(two):
    japanese = kobai.open(two[1], language="ja")
    assert "課題ごとの最良のもの" in repr(japanese)
    assert japanese.over_tasks.equals(two[0].over_tasks)
    assert "課題ごとの比較" in japanese.html()
