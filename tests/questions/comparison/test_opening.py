"""A comparison from its folder, and one that grows."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.basics.notices import Notice
from kobai.engine.sweep import Sweep
from kobai.questions.comparison.extension import extended
from kobai.questions.comparison.opening import status
from kobai.study import protocol, store
from kobai.study.asked import questions
from kobai.study.store import Store

pytestmark = pytest.mark.usefixtures("quick_engine")
X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], np.float32) + 0.1)[:, None]
SHORT = {"initializers": "he", "learning_rates": [0.05, 0.1], "steps": 20, "tuning_seeds": 1, "seeds": 3}
NUMPY = np.__version__
SHORT |= {"progress": False, "optimizers": ["sgd"]}


def line(scale=1.0, name="line"):
    return kobai.Task(
        name=name,
        parameters={"w": np.zeros((3, 1), np.float32), "b": np.zeros(1, np.float32)},
        loss=lambda p, batch: jnp.mean((batch[0] @ p["w"] + p["b"] - batch[1]) ** 2),
        train=(X * scale, Y),
        validation=(X[:8], Y[:8]),
        test=(X[8:16], Y[8:16]),
        batch_size=4,
        target=0.1,
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def trained(monkeypatch):
    """The cells that are trained from here on."""
    cells, train = [], Sweep.train
    monkeypatch.setattr(Sweep, "train", lambda self, own, *more: cells.extend(own) or train(self, own, *more))
    return cells


def same(one, other):
    assert one.cells.equals(other.cells)
    assert one.table.equals(other.table)
    assert repr(one) == repr(other)
    assert one.to_json() == other.to_json()
    assert one.html() == other.html()
    assert one.code("torch") == other.code("torch")
    assert one.command == other.command


def test_a_result_that_is_opened_is_the_one_that_its_run_gave(folder, trained):
    """Rows, answer, cells, page and code; with parts, averages and a rule of optax; nothing is trained."""
    lion = kobai.from_optax(optax.lion, learning_rate=[0.01, 0.1])
    of_axes = {"clip": ["none", "norm:1"], "average": ["none", "polyak:4"], "early_stopping": "patience:9"}
    ask = SHORT | {"optimizers": ["sgd", lion]} | of_axes
    result = kobai.compare(line(), **ask, output=folder)
    count = len(trained)
    same(kobai.open(folder), result)
    assert len(trained) == count
    japanese = kobai.open(folder, language="ja")
    assert re.search("^(sgd|lion)（学習率", repr(japanese), re.M)
    assert japanese.table.equals(result.table)


def test_a_result_of_a_derived_target_is_opened(folder):
    result = kobai.compare(line(), **SHORT | {"target": "auto"}, output=folder)
    same(kobai.open(folder), result)


def test_what_needs_the_task_says_so(folder):
    kobai.compare(line(), **SHORT, output=folder)
    with pytest.raises(UsageError, match="without its task"):
        kobai.open(folder).extend(seeds=4)


def test_a_folder_that_holds_no_answer_is_told(folder, monkeypatch):
    with pytest.raises(UsageError, match="there is no folder"):
        kobai.open(folder)
    folder.mkdir()
    with pytest.raises(UsageError, match="holds no study"):
        kobai.open(folder)
    kobai.compare(line(), **SHORT, output=folder)
    with monkeypatch.context() as patch:
        patch.setattr("kobai.study.protocol.tune", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            kobai.compare(line(), **SHORT | {"seeds": 4}, output=folder)
    with pytest.warns(Notice, match="a later question in .* has no answer yet"):
        assert len(kobai.open(folder).answer.seeds) == 3
    for path in (folder / store.STORE).glob("question-*.json"):
        if json.loads(path.read_text())["finished"]:
            path.unlink()
    with pytest.raises(UsageError, match=r"no answer yet \(2 of 2 trainings\)"):
        kobai.open(folder)


def test_a_question_that_is_asked_again_is_one(folder):
    for _ in range(2):
        kobai.compare(line(), **SHORT, output=folder)
    kobai.compare(line(), **SHORT | {"seeds": 4}, output=folder)
    asked = questions(Store(folder))
    assert [len(each.phases["confirmation"].seeds) for each in asked] == [3, 4]
    assert all(each.finished for each in asked)
    kobai.compare(line(), **SHORT, output=folder)
    assert len(kobai.open(folder).answer.seeds) == 3  # the latest that was asked


@pytest.mark.parametrize(
    ("task", "difference"),
    [(line(2.0), "the data are others"), (line(name="other"), "line → other")],
    ids=["data", "name"],
)
def test_other_data_are_refused(folder, task, difference):
    kobai.compare(line(), **SHORT, output=folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=difference):
        kobai.compare(task, **SHORT, output=folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_cells_of_other_versions_are_not_taken(folder, trained, monkeypatch):
    """Nor is their program compared: another version lowers the same task to other words."""
    kobai.compare(line(), **SHORT, output=folder)
    count = len(trained)
    before = set((folder / store.STORE).glob("cells-*"))
    monkeypatch.setattr(np, "__version__", "1.0")
    with pytest.warns(Notice, match=rf"^{count} trainings of numpy {NUMPY} are kept but not used") as told:
        result = kobai.compare(line(), **SHORT, output=folder)
    assert len(told) == 1
    assert len(trained) == 2 * count
    assert result.outcome.reused == 0
    assert before <= set((folder / store.STORE).glob("cells-*"))
    assert status(folder)["unused"] == count
    kobai.compare(line(), **SHORT, output=folder)  # without a word, and so is what nobody has trained
    kobai.compare(line(), **SHORT | {"steps": 21}, output=folder)


def older(folder, change):
    """What a kobai 0.0.9 has answered in a folder: its versions, and `change` to what it wrote."""
    for path in (folder / store.STORE).glob("question-*"):
        content = json.loads(path.read_text())
        content["versions"] |= {"kobai": "0.0.9"}
        change(content)
        text = json.dumps(content).encode()
        path.unlink()
        (folder / store.STORE / f"question-{store.checksum(text)}.json").write_bytes(text)


READ = {
    "as it is": lambda content: None,
    "with more in it": lambda content: content.update(mood="fine", study=content["study"] | {"mood": "fine"}),
    "with less in it": lambda content: content["study"].pop("in_epochs"),
}
NOT_READ = {
    "other facts": lambda content: content["study"]["tasks"][0]["facts"].pop("metric_label"),
    "other cells": lambda content: content["phases"]["confirmation"]["trials"].clear(),
    "other phases": lambda content: content["phases"].pop("tuning"),
    "another record": lambda content: content.update(study={}),
}


@pytest.mark.parametrize("change", READ.values(), ids=READ)
def test_what_an_older_version_has_answered_is_read(folder, change):
    result = kobai.compare(line(), **SHORT, output=folder)
    older(folder, change)
    with pytest.warns(Notice, match=r"computed by other versions than those installed: kobai 0\.0\.9"):
        same(kobai.open(folder), result)


@pytest.mark.parametrize("change", NOT_READ.values(), ids=NOT_READ)
def test_what_an_older_version_has_answered_names_it_where_it_cannot_be_read(folder, change):
    kobai.compare(line(), **SHORT, output=folder)
    older(folder, change)
    with pytest.raises(UsageError, match=r"other versions \(kobai 0\.0\.9.*ask again") as refusal:
        kobai.open(folder)
    assert "\n" not in str(refusal.value)


# More of the same.

NAMES = ["phase", "optimizer", "hyperparameters", "initializer", "seed"]


@pytest.mark.parametrize("kept", [False, True], ids=["memory", "folder"])
def test_a_result_grows_and_trains_only_what_is_new(folder, trained, kept):
    result = kobai.compare(line(), **SHORT, output=folder if kept else None)
    count = len(trained)
    more = result.extend(seeds=5)
    assert len(trained) - count == more.outcome.trained == 2 * (5 - 3)
    assert len(more.answer.seeds) == 5
    assert more.outcome.reused == more.reused == count
    assert more.trained == 4
    whole = kobai.compare(line(), **SHORT | {"seeds": 5})
    assert more.cells.drop("seconds").equals(whole.cells.drop("seconds"))
    count = len(trained)
    others = more.extend(optimizers="adam", initializers=["xavier"])
    assert [row.optimizer for row in others.answer.rows if row.optimizer != "sgd"] == ["adam"]
    assert others.outcome.reused > 0
    new = others.cells.join(more.cells, on=NAMES, how="anti")
    assert len(trained) - count == len(new)
    assert (folder.exists(), others.command) == (kept, others.command)


PLAIN = {"l2": 0, "sampling": "without", "schedule": "constant", "average": "none"}
GROWTH = {
    "the same": ({}, {}),
    "optimizers": ({"optimizers": ["sgd", "adam"]}, {}),
    "rates": ({"learning_rates": [0.001, 0.05, 0.1]}, {}),
    "tuning seeds": ({"tuning_seeds": 2}, {}),
    "seeds": ({"seeds": 5}, {}),
    "initial values": ({"initializers": ["he", "xavier"]}, {}),
    "an axis": ({"clip": ["none", "norm:1"]}, {"clip": "none"}),
    "an axis of schedules": ({"schedule": ["constant", "step:10"]}, {"schedule": "constant"}),
    "what is so anyhow": (PLAIN, {name: str(value) for name, value in PLAIN.items()}),
    "a target": ({"target": 0.2}, {}),
    "a language": ({"language": "ja"}, {}),
    "a criterion": ({"by": "seconds"}, {}),
    "a longer budget": ({"steps": 40}, None),
    "another interval": ({"evaluate_every": 5}, None),
}
"""What is asked then, and the values that axes had before without being asked; None: nothing is reused."""


@pytest.mark.parametrize(("more", "before"), GROWTH.values(), ids=GROWTH)
def test_a_folder_grows_by_what_is_new_alone(folder, trained, more, before):
    """The numbers are those of a study that was begun with all of it."""
    base = kobai.compare(line(), **SHORT, output=folder)
    count = len(trained)
    grown = kobai.compare(line(), **SHORT | more, output=folder)
    assert len(trained) - count == grown.outcome.trained
    assert grown.outcome.kept == len(base.cells)
    whole = kobai.compare(line(), **SHORT | more).cells
    assert grown.cells.drop("seconds").equals(whole.drop("seconds"))
    there = base.cells.with_columns(**{name: pl.lit(value) for name, value in (before or {}).items()})
    new = whole if before is None else whole.join(there, on=[*NAMES, *before], how="anti")
    assert grown.outcome.trained == len(new)


def test_one_more_value_of_an_axis_is_what_is_trained(folder, trained):
    kobai.compare(line(), **SHORT | {"clip": ["none", "norm:1"]}, output=folder)
    count = len(trained)
    grown = kobai.compare(line(), **SHORT | {"clip": ["none", "norm:1", "norm:2"]}, output=folder)
    assert len(trained) - count == grown.outcome.trained == 2 + 3


def test_a_result_does_not_shrink_and_keeps_its_task():
    result = kobai.compare(line(), **SHORT)
    with pytest.raises(UsageError, match="seeds = 2 would be fewer than the 3"):
        result.extend(seeds=2)
    with pytest.raises(UsageError, match="there is no argument 'sedes'; did you mean 'seeds'"):
        result.extend(sedes=20)
    with pytest.raises(UsageError, match="there is no argument 'task'"):
        result.extend(task=line())
    usual = kobai.compare(line(), **SHORT | {"learning_rates": None, "optimizers": [kobai.SGD(0.1)]})
    with pytest.raises(UsageError, match="learning rates of its own"):
        usual.extend(learning_rates=[0.5])


def test_a_number_of_seeds_takes_the_place_of_what_ended_the_earlier_ones():
    """The planted mistake: "leave one of the two out", where both come from the call before."""
    before = {"seeds": None, "until_clear": True, "within": 0.1, "budget": "5m"}
    outcome = SimpleNamespace(study=SimpleNamespace(axes=[], seeds=8, tuning_seeds=1))
    grown = extended(before, outcome, {"seeds": 20})
    assert grown == {"seeds": 20, "until_clear": False, "within": None, "budget": None, "command": None}


def test_trainings_of_several_criteria_are_counted_once(folder):
    """Steps and seconds are of the same trainings, whichever comes first."""
    asked = SHORT | {"by": ["steps", "seconds"]}
    first = kobai.compare(line(), **asked, output=folder)
    assert (first.reused, first.trained) == (0, len(first.cells))
    again = kobai.compare(line(), **asked, output=folder)
    assert (again.reused, again.trained) == (len(first.cells), 0)


def test_cells_become_a_frame_of_pandas():
    pytest.importorskip("pyarrow")
    result = kobai.compare(line(), **SHORT)
    frame = result.cells.to_pandas()
    assert frame.shape == result.cells.shape
    assert frame["validation_loss"][0].tolist() == result.cells["validation_loss"][0].to_list()


# Judged by another criterion.

TWO = SHORT | {"optimizers": ["sgd", "adam"], "learning_rates": [0.1], "seeds": 6}


def test_another_criterion_is_read_from_the_cells_that_are_kept(folder, trained):
    asked = kobai.compare(line(), **TWO, output=folder, command="kobai compare line.py --by=steps")
    count = len(trained)
    by_seconds = kobai.open(folder, by="seconds")
    assert by_seconds.answer.by == by_seconds.answer.optimizer.by == "seconds"
    assert by_seconds.command == "kobai compare line.py --by seconds"
    assert by_seconds.cells.equals(asked.cells)
    both = kobai.open(folder, by=["steps", "seconds"])
    assert both.answer.optimizer == asked.answer.optimizer
    assert [other.optimizer for other in both.answer.others] == [by_seconds.answer.optimizer]
    assert len(trained) == count
    with pytest.raises(UsageError, match="did you mean 'seconds'"):
        kobai.open(folder, by="secnods")


def test_the_end_is_judged_of_annealed_trainings_alone(folder, trained):
    """Where there are none, one line names the command that makes them; afterwards they are found."""
    kobai.compare(line(), **TWO, output=folder, command="kobai compare line.py --seeds 6")
    with pytest.raises(UsageError, match="rate falls to 0") as refused:
        kobai.open(folder, by="final")
    assert str(refused.value).endswith(f"kobai compare line.py --seeds 6 --by final --output {folder}")
    final = kobai.compare(line(), **TWO, by="final", output=folder)
    kobai.compare(line(), **TWO, output=folder)
    count = len(trained)
    again = kobai.open(folder, by="final")
    assert again.answer.optimizer == final.answer.optimizer
    assert again.answer.rows[0].values == {"schedule": "cosine"}
    assert len(trained) == count


def test_a_winner_that_was_not_confirmed_is_said(folder, monkeypatch):
    kobai.compare(
        line(), **TWO | {"learning_rates": [0.001, 0.01, 0.1]}, output=folder, command="kobai.compare(t)"
    )
    ranked = protocol.ranked

    def backwards(*ask):  # as another criterion may have it
        return [each._replace(trials=each.trials[::-1]) for each in ranked(*ask)]

    monkeypatch.setattr(protocol, "ranked", backwards)
    with pytest.raises(UsageError, match="tuning chooses another setting for .*sgd") as refused:
        kobai.open(folder, by="seconds")
    assert str(refused.value).endswith(f"kobai.compare(t, by='seconds', output={str(folder)!r})")
    with pytest.raises(UsageError, match="by steps tuning chooses another setting for .*sgd") as refused:
        kobai.open(folder)  # a folder of a version that chose otherwise
    assert str(refused.value).endswith(f"kobai.compare(t, by='steps', output={str(folder)!r})")


def test_the_command_judges_otherwise_and_writes_the_page_anew(folder, kobai_here):
    kobai.compare(line(), **TWO, output=folder)
    ran = kobai_here("report", str(folder), "--by", "seconds,steps")
    assert ran.code == 0
    content = json.loads((folder / "answer.json").read_text("utf-8"))
    assert (content["by"], [other["by"] for other in content["others"]]) == ("seconds", ["steps"])
    ran = kobai_here("report", str(folder), "--by", "final")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_the_status_sets_counts_apart_and_every_field_of_it_is_explained(folder, kobai_here):
    kobai.compare(line(), **SHORT, output=folder)
    for language, said in (("en", "Steps: 20 ("), ("ja", "ステップ数: 20（")):
        ran = kobai_here("status", str(folder), "--language", language)
        assert said in ran.out
    content = status(folder)
    page = (Path(__file__).parents[3] / "docs/reference/files.md").read_text("utf-8")
    section = page[page.index("## kobai status --json") :].split("\n## ")[0]
    fields = [*content, *content["questions"][0], *content["questions"][0]["phases"]["tuning"]]
    assert [name for name in fields if f"`{name}`" not in section] == []
