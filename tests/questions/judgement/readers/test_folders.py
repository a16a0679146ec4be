"""Folders of TensorBoard, W&B and MLflow, written by these programs themselves (tools/make_runs.py)."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import kobai
from kobai import UsageError
from kobai.questions.judgement.readers.frames import Columns
from kobai.questions.judgement.readers.sources import load

GOLDEN = Path(__file__).parent / "golden"


def loss(arm, seed, step):
    """What tools/make_runs.py wrote."""
    return 3 - (0.004 if arm == "new" else 0.002) * step + 0.25 * seed


@pytest.mark.parametrize("program", ["tensorboard", "wandb", "mlflow"])
def test_each_folder_holds_the_same_runs(program):
    runs = load(GOLDEN / program, Columns(metric="val_loss"))
    assert {(run.arm, run.seed) for run in runs.runs} == {(a, s) for a in ("main", "new") for s in "01"}
    assert (runs.curves, runs.seeded) == (True, True)
    for run in runs.runs:
        assert run.steps.tolist() == [0, 100, 200]
        expected = [loss(run.arm, int(run.seed), step) for step in run.steps]
        rtol = 1e-6 if program == "tensorboard" else 0  # which keeps single precision
        np.testing.assert_allclose(run.values, expected, rtol=rtol)


def test_settings_are_columns():
    arms = load(GOLDEN / "wandb", Columns("val_loss", group="lr")).arms
    assert sorted(arms) == ["0.1", "0.2"]
    assert sorted(load(GOLDEN / "mlflow", Columns("val_loss", group="method")).arms) == ["main", "new"]


def test_a_folder_is_judged():
    result = kobai.judge(GOLDEN / "tensorboard", metric="val_loss", baseline="main", by="steps:2.9")
    assert result.judgement.verdicts[0].contrast.procedure == "paired"
    assert result.code == 3


@pytest.mark.parametrize("program", ["tensorboard", "wandb", "mlflow"])
def test_what_is_half_written_is_read_as_far_as_it_goes(program, tmp_path):
    folder = tmp_path / program
    shutil.copytree(GOLDEN / program, folder)
    patterns = {"tensorboard": "*main*/*/event*", "wandb": "*.wandb", "mlflow": "val_loss"}
    path = sorted(each for each in folder.rglob("*") if each.match(patterns[program].split("/")[-1]))[0]
    path.write_bytes(path.read_bytes()[:-15])
    lengths = sorted(len(run.steps) for run in load(folder, Columns("val_loss")).runs)
    assert lengths[1:] == [3, 3, 3]
    assert lengths[0] in (2, 3)


def test_a_folder_without_results_and_one_with_a_table_an_arm(tmp_path):
    with pytest.raises(UsageError, match="holds no results"):
        load(tmp_path, Columns())
    for arm in ("main", "new"):
        (tmp_path / f"{arm}.csv").write_text("seed,loss\n0,1\n1,2\n", "utf-8")
    assert load(tmp_path, Columns()).arms == ["main", "new"]


def test_damaged_files_are_refused(tmp_path):
    content = (GOLDEN / "tensorboard/main/version_0/events.out.tfevents.1.host").read_bytes()
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(content[:12] + b"\xff" * (len(content) - 12))
    with pytest.raises(UsageError, match="damaged"):
        load(tmp_path, Columns())
