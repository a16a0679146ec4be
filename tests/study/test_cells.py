"""Cells that lie in files are the cells that a frame holds: to be read, to be asked, to be answered from."""

import dataclasses
import json
import subprocess
import sys
import tempfile

import numpy as np
import polars as pl
import pytest

from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.questions.comparison.figures import figures
from kobai.questions.comparison.result import ComparisonResult
from kobai.study import cells as cells_module
from kobai.study import frame as frame_module
from kobai.study.answer import answer
from kobai.study.asked import Phase
from kobai.study.cells import Cells, Folder, Spooled
from kobai.study.criterion import CRITERIA
from kobai.study.protocol import tune
from kobai.study.store import KEPT, RESULTS
from kobai.study.study import CONFIRMATION, TUNING


def in_files(outcome, monkeypatch, at_once=7, order=None):
    """The same outcome, whose cells come in parts, in another order, and are not in memory at once."""
    monkeypatch.setattr(cells_module, "AT_ONCE", at_once)
    study, phases = outcome.study, {}
    columns = [*study.columns, "learning_rate"]
    for phase, cells in outcome.phases.items():
        trials = cells.frame.select(columns).unique(maintain_order=True).reverse()
        seeds = cells.frame["seed"].unique().sort(descending=True).to_list()
        names = trials.with_columns(pl.Series("seed", [seeds] * len(trials))).explode("seed")
        names = names.with_columns(pl.Series("cell", [f"{phase} {i}" for i in range(len(names))]))
        kept = cells.frame.join(names, on=[*columns, "seed"], nulls_equal=True).with_columns(
            happened=pl.lit(json.dumps({"machine": "Fast 3000"}))
        )
        assert len(kept) == len(cells)
        kept = kept.select("cell", *RESULTS).sample(fraction=1, shuffle=True, seed=0)
        own = Phase(trials.to_dicts(), seeds, np.reshape(names["cell"], (len(trials), -1)).tolist())
        phases[phase] = own.found(phase, kept.iter_slices(5), study.axes, study.marks)
    return dataclasses.replace(outcome, phases=phases)


@pytest.fixture
def lazy(outcome, monkeypatch):
    return in_files(outcome, monkeypatch)


@pytest.fixture
def whole(outcome):
    return outcome.with_cells(outcome.cells.with_columns(machine=pl.lit("Fast 3000")))


def test_they_are_the_same_however_they_are_read(whole, lazy):
    spooled, held = lazy.phases[TUNING], whole.phases[TUNING]
    assert type(spooled) is Spooled
    assert type(held) is Cells
    assert len(spooled.runs) > 5
    assert len(spooled) == len(held) == 54
    assert spooled.columns == held.columns
    assert spooled.frame.equals(held.frame, null_equal=True)
    assert pl.concat(spooled.parts()).equals(held.frame, null_equal=True)
    assert [len(part) for part in spooled.parts()] == [9, 6, 6, 9, 6, 6, 9, 3]  # whole trials
    assert spooled.spans == held.spans
    assert spooled.rates == held.rates
    for column in held.columns:
        assert spooled[column].equals(held[column], null_equal=True), column
    for columns in ((), ("seconds",), ("seed", "validation_loss"), ("optimizer",)):
        for (name, part), (other, expected) in zip(spooled.each(*columns), held.each(*columns), strict=True):
            assert name == other
            assert part.equals(expected, null_equal=True)
    for trial in reversed(whole.study.trials()):
        assert spooled.of(trial).equals(held.of(trial), null_equal=True)
        assert spooled.count(trial) == held.count(trial) == 3


def test_some_of_them_are_the_same(whole, lazy):
    keep = (pl.col("optimizer") == "adam") & pl.col("seed").is_in([0, 2])
    spooled, held = (each.phases[TUNING].filter(keep) for each in (lazy, whole))
    assert len(spooled) == len(held) == 18
    assert spooled.frame.equals(held.frame, null_equal=True)
    assert spooled.spans == held.spans
    trial = next(trial for trial in whole.study.trials() if trial.candidate.name == "sgd")
    assert (spooled.count(trial), len(spooled.of(trial))) == (0, 0)
    assert spooled.of(trial).schema == held.frame.schema
    none = lazy.phases[TUNING].filter(pl.col("seed") == 99)
    assert (len(none), none.spans, len(none.frame)) == (0, {}, 0)


def test_what_is_not_kept_is_not_there(whole, monkeypatch):
    """A study that was asked for its answer early lacks cells, and no other stands in their place."""
    monkeypatch.setattr(cells_module, "AT_ONCE", 3)
    trials = [{**trial.named, "learning_rate": 0.1} for trial in whole.study.trials()[:2]]
    kept = whole.phases[TUNING].frame.head(6).with_columns(happened=pl.lit("{}"))
    kept = kept.with_columns(cell=pl.Series([f"{i}" for i in range(6)])).select("cell", *RESULTS)
    phase = Phase(trials, [5, 3, 4], [["0", "1", "2"], ["3", "4", "5"]])
    found = phase.found(TUNING, [kept[[5, 0]], kept[[2]]], (), whole.study.marks)
    assert found.frame["seed"].to_list() == [4, 5, 4]
    assert found["validation_loss"].to_list() == kept[[2, 0, 5]]["validation_loss"].to_list()
    assert [last - first for first, last in found.spans.values()] == [2, 1]


@pytest.mark.parametrize("by", CRITERIA)
def test_the_answer_is_that_of_the_whole_frame(whole, lazy, by):
    """To the last bit: every number, sentence and point."""
    whole, lazy = (dataclasses.replace(each, by=by) for each in (whole, lazy))
    here, there = answer(whole), answer(lazy)
    assert here == there
    assert here.to_json() == there.to_json()
    drawn, others = figures(whole, here), figures(lazy, there)
    assert [each.to_json() for each in drawn.values()] == [each.to_json() for each in others.values()]
    study = dataclasses.replace(whole.study, by=by)
    assert tune(study, whole.phases[TUNING]) == tune(study, lazy.phases[TUNING])


def test_no_more_of_them_is_read_at_once_than_is_said(lazy, monkeypatch):
    read, rows = [], Spooled.rows

    def counted(cells, first, last, *columns):
        if not columns or "validation_loss" in columns:
            read.append(last - first)
        return rows(cells, first, last, *columns)

    monkeypatch.setattr(Spooled, "rows", counted)
    found = answer(lazy)
    figures(lazy, found)
    assert max(read) <= 10  # of the confirmation one trial
    assert lazy.phases[CONFIRMATION].frame.height == 60
    assert max(read) <= 10


def test_the_table_of_cells_is_written_as_they_come(whole, lazy, tmp_path):
    ours, theirs = (ComparisonResult.of(each, "kobai compare") for each in (whole, lazy))
    for result, folder in ((ours, tmp_path / "whole"), (theirs, tmp_path / "parts")):
        result.save(folder)
    tables = [pl.read_parquet(tmp_path / name / "cells.parquet") for name in ("whole", "parts")]
    assert tables[0].equals(tables[1], null_equal=True)
    assert tables[0].schema == tables[1].schema == pl.Schema(frame_module.schema(()))
    for name in ("answer.json", "report.html", "results.parquet"):
        contents = [(tmp_path / folder / name).read_bytes() for folder in ("whole", "parts")]
        assert contents[0] == contents[1], name


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    (tmp_path / "cells.parquet").write_text("before")

    def full(*_, **__):
        raise pl.exceptions.ComputeError(
            "parquet: underlying IO error: No space left on device (os error 28)"
        )

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)
    with pytest.raises(UsageError, match="No space left on device"):
        files.write_frames(tmp_path / "cells.parquet", pl.Schema(KEPT), iter(()))
    assert [path.name for path in tmp_path.iterdir()] == ["cells.parquet"]
    assert (tmp_path / "cells.parquet").read_text() == "before"


HOLDING = """
import os, signal, sys
from kobai.study.cells import Folder
folder = Folder()
(folder.path / "0.parquet").write_bytes(b"cells")
print(folder.path, flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(files.fcntl is None, reason="needs locks")
def test_what_a_killed_process_left_goes_with_the_next_and_what_a_living_one_holds_stays(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    other = tmp_path / "kobai-other"
    other.mkdir()  # of which nobody says that it is left
    held = Folder()
    command = [sys.executable, "-c", HOLDING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        theirs = process.stdout.readline().strip()
        with_both = {path.name for path in tmp_path.iterdir()}
        mine = Folder()
        assert {path.name for path in tmp_path.iterdir()} == {*with_both, mine.path.name}  # all three live
        process.communicate("now\n")
    assert (tmp_path / theirs / "0.parquet").exists()  # nobody has cleared up after it
    last = Folder()
    left = {path for path in tmp_path.iterdir() if path.is_dir()}
    assert left == {other, held.path, mine.path, last.path}
    del held, mine, last
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.skipif(files.fcntl is None, reason="needs locks")
def test_without_locks_nothing_is_taken_for_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(files, "lock", lambda *_: True)  # as where there are none
    first, second = Folder(), Folder()
    assert first.path.exists()
    assert second.path.exists()
