"""Several tasks in one call and in one folder."""

import json
import shutil
from types import SimpleNamespace

import polars as pl
import pytest

import kobai
from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.basics.notices import Notice
from kobai.engine.sweep import Sweep
from kobai.questions.comparison.opening import status
from kobai.questions.comparison.over_tasks import asking
from kobai.study.asked import names_in
from questions_over_tasks import ASK, line

pytestmark = pytest.mark.usefixtures("quick_engine")


@pytest.fixture
def folder(two, tmp_path):
    """A copy of the folder of two tasks."""
    return shutil.copytree(two[1], tmp_path / "out")


@pytest.fixture
def trained(monkeypatch):
    """The cells that are trained from here on."""
    cells, train = [], Sweep.train
    monkeypatch.setattr(Sweep, "train", lambda self, own, *more: cells.extend(own) or train(self, own, *more))
    return cells


def same(one, other):
    assert one.cells.equals(other.cells)
    assert one.table.equals(other.table)
    assert one.over_tasks.equals(other.over_tasks)
    assert repr(one) == repr(other)
    assert one.to_json() == other.to_json()
    assert one.html() == other.html()
    assert one.command == other.command


def test_each_task_is_answered_as_it_is_alone(two):
    alone = kobai.compare(line(1.5, "steep line"), **ASK)
    own = two[0].tasks["steep line"]
    assert own.cells.drop("seconds").equals(alone.cells.drop("seconds"))
    assert own.answer.optimizer == alone.answer.optimizer


def test_the_same_call_again_answers_at_once(two, folder, trained):
    again = kobai.compare(line(), also=[line(1.5, "steep line")], **ASK, output=folder)
    assert trained == []
    same(again, two[0])
    same(kobai.open(folder), two[0])


def test_more_seeds_are_what_is_new(folder, trained):
    more = kobai.compare(line(), also=line(1.5, "steep line"), **ASK | {"seeds": 7}, output=folder)
    outcomes = [result.outcome for result in more.tasks.values()]
    assert len(trained) == sum(outcome.trained for outcome in outcomes)
    assert {outcome.kept for outcome in outcomes} != {0}
    assert more.over.seeds == 7


def test_one_of_the_tasks_goes_on_alone_and_the_folder_tells_of_both(two, folder, trained):
    with pytest.warns(Notice, match="holds steep line too"):
        result = kobai.compare(line(), **ASK, output=folder)
    assert trained == []
    assert isinstance(result, kobai.ComparisonResult)
    assert result.table.equals(two[0].tasks["line"].table)
    assert [each["task"] for each in json.loads((folder / "answer.json").read_text("utf-8"))["tasks"]] == [
        "line",
        "steep line",
    ]
    assert names_in(folder) == ["line", "steep line"]
    assert list(kobai.open(folder).tasks) == ["line", "steep line"]


def test_a_study_of_one_task_takes_another_with_also_alone(tmp_path, trained):
    folder = tmp_path / "out"
    kobai.compare(line(), **ASK, output=folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="line → steep line.*--also line"):
        kobai.compare(line(1.5, "steep line"), **ASK, output=folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    count = len(trained)
    both = kobai.compare(line(1.5, "steep line"), also=[line()], **ASK, output=folder)
    assert both.tasks["line"].outcome.trained == 0
    assert len(trained) - count == both.tasks["steep line"].outcome.trained > 0
    assert list(kobai.open(folder).tasks) == ["steep line", "line"]


def test_other_data_under_a_name_of_the_folder_are_refused(folder):
    with pytest.raises(UsageError, match="the data are others"):
        kobai.compare(line(), also=[line(2.0, "steep line")], **ASK, output=folder)


def test_a_result_of_several_tasks_grows_in_memory_and_by_a_task(trained):
    first = kobai.compare(line(), **ASK)
    count = len(trained)
    both = first.extend(also=[line(1.5, "steep line")])
    assert both.tasks["line"].table.equals(first.table)
    assert len(trained) - count == both.tasks["steep line"].outcome.trained
    count = len(trained)
    more = both.extend(seeds=7)
    assert len(trained) - count == sum(result.outcome.trained for result in more.tasks.values()) > 0
    assert more.over.seeds == 7
    assert list(more.tasks) == ["line", "steep line"]


def test_what_was_read_from_a_folder_cannot_be_extended(two):
    with pytest.raises(UsageError, match="without its task"):
        kobai.open(two[1]).extend(seeds=9)


def test_the_status_names_the_task_of_each_question(folder):
    assert [question["task"] for question in status(folder)["questions"]] == ["line", "steep line"]


def test_an_interruption_keeps_the_tasks_that_are_finished(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    train = Sweep.train

    def stopped(self, cells, *more):
        if self.task.name == "steep line":
            raise KeyboardInterrupt
        return train(self, cells, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Sweep, "train", stopped)
        with pytest.raises(KeyboardInterrupt) as stop:
            kobai.compare(line(), also=[line(1.5, "steep line")], **ASK, output=folder)
    with pytest.warns(Notice, match="steep line in .*: no answer yet"):
        opened = kobai.open(folder)
    assert isinstance(opened, kobai.ComparisonResult)
    assert stop.value.kept == len(opened.cells)
    both = kobai.compare(line(), also=[line(1.5, "steep line")], **ASK, output=folder)
    assert both.tasks["line"].outcome.trained == 0


def test_where_the_answer_is_wanted_at_once_what_is_not_begun_is_left(monkeypatch):
    questions = [[SimpleNamespace(facts=SimpleNamespace(name=name))] for name in ("first", "second")]
    answers = iter([False, True])
    monkeypatch.setattr(interruption, "is_winding_up", lambda: next(answers))
    bar = SimpleNamespace(tell=lambda _: None)
    with pytest.warns(Notice, match="Not begun.*: second"):
        found = list(asking.run_each(questions, bar, lambda studies: studies[0].facts.name))
    assert found == ["first"]


SPELLED = ["digits", "digits:hidden=20", "digits:hidden=30"]


def test_tasks_of_one_name_are_called_as_they_were_said():
    ask = ASK | {"learning_rates": [0.1], "seeds": 1, "steps": 2, "optimizers": "sgd"}
    result = kobai.compare(SPELLED[0], also=SPELLED[1:], **ask)
    assert list(result.tasks) == SPELLED
    assert result.command.startswith("kobai.compare('digits', optimizers='sgd'")
    assert "also=['digits:hidden=20', 'digits:hidden=30']" in result.command


@pytest.mark.parametrize(
    ("also", "mistake"),
    [
        ([], "also is empty"),
        (["sine"], "'sine' is named twice"),
        (["nine"], "there is no task 'nine'; did you mean 'sine'"),
        (["digits", "digits"], "'digits' is named twice"),
        (["digits-cnn", "digits_cnn"], "'digits-cnn' is named twice"),
        ([line(), line(2.0)], "two different tasks are both named line"),
        (["adding:length=x"], "adding"),
        (3, "task"),
    ],
    ids=["none", "twice", "unknown", "one twice", "two spellings", "one name", "an option", "no task"],
)
def test_a_mistake_is_refused_before_any_training(tmp_path, also, mistake):
    with pytest.raises(UsageError, match=mistake):
        kobai.compare("sine", also=also, **ASK, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tables_with_the_same_label_are_tasks_of_one_study(tmp_path):
    for name, slope in (("low", 1.0), ("high", 3.0)):
        a = [i / 40 for i in range(40)]
        pl.DataFrame({"a": a, "y": [slope * x for x in a]}).write_csv(tmp_path / f"{name}.csv")
    ask = ASK | {"learning_rates": [0.1], "seeds": 1, "steps": 2, "target": 0.5}
    result = kobai.compare(tmp_path / "low.csv", also=[tmp_path / "high.csv"], label="y", **ask)
    assert list(result.tasks) == ["low", "high"]


def test_an_option_that_does_not_fit_one_of_the_tasks_names_it():
    with pytest.raises(UsageError, match="label: belongs to a table, and 'sine' is none"):
        kobai.compare(
            pl.DataFrame({"a": [1.0, 2.0] * 20, "b": [1.0, 2.0] * 20}), also="sine", label="b", **ASK
        )
    with pytest.raises(UsageError, match="hidden"):
        kobai.compare("digits", also=[line()], hidden=5, **ASK)


def test_until_clear_adds_seeds_task_by_task():
    ask = {**ASK, "until_clear": True, "within": 0.5}
    del ask["seeds"]
    result = kobai.compare(line(), also=[line(1.5, "steep line")], **ask)
    assert all(own.answer.stop is not None for own in result.tasks.values())
    assert result.over.seeds == min(len(own.answer.seeds) for own in result.tasks.values())
