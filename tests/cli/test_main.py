"""The command line: its help, its languages, the main job through the real entry point, Ctrl-C."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

import kobai
from kobai import words
from kobai.basics import progress, registry
from kobai.basics.errors import UsageError
from kobai.basics.registry import INITIALIZERS
from kobai.candidates.grid import candidates
from kobai.cli import main
from kobai.cli.files import new_folder
from kobai.engine.sweep import Sweep
from kobai.questions.comparison import ask as comparison
from kobai.study import protocol
from kobai.study.runner import Interruption
from kobai.study.store import Store
from kobai.study.study import Study
from kobai.tasks.load import load
from kobai.words import say
from terminal import WIDTH, imports_nothing_heavy, squeezed, widest

LIGHT = [[], ["--help"], ["--version"], ["methods"], ["tasks"], ["compare", "--help"], ["methods", "--help"]]
LIGHT += [["tasks", "--help"], ["compar"], ["compare"], ["compare", "digits", "--steps", "many"]]
FINAL = {"report.html", "results.parquet", "cells.parquet", "answer.json"}
QUICK = ["compare", "digits", "--quick", "--output", "out", "--json", "copy.json"]


# Help and lists.


def test_help_and_lists_import_nothing_heavy(place):
    assert imports_nothing_heavy(LIGHT, place)


def test_what_is_said_at_once_imports_what_it_needs(place):
    """A help, the version, a mistake: no library of terminals, and no table of another language."""
    lines = [["--language", "en", *line] for line in LIGHT if line not in (["methods"], ["tasks"])]
    lines += [["--language", "en", "compare", "digts"], ["--language", "en", "judge", "--help"]]
    code = f"import sys; from kobai import cli; [cli.run(line) for line in {lines}]; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True)
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert ran.stderr.count("\nkobai: ") + ran.stderr.startswith("kobai: ") == 4
    assert {"kobai.cli.reading", "kobai.words.en"} <= loaded
    unneeded = {"jax", "numpy", "scipy", "polars", "plotly", "rich.console", "rich.text", "typer"}
    assert not loaded & {
        *unneeded,
        "pydantic",
        "asyncio",
        "tempfile",
        "kobai.words.ja",
        "kobai.report.letters",
    }


@pytest.mark.parametrize("language", words.TABLES)
@pytest.mark.parametrize("arguments", [a for a in LIGHT if not a or a[0] != "compar"], ids=" ".join)
def test_everything_fits_80_columns_and_nothing_is_cut(kobai_here, arguments, language):
    ran = kobai_here(*arguments, "--language", language)
    assert widest(ran.out + ran.err) <= WIDTH
    assert "..." not in ran.out


@pytest.mark.parametrize("language", words.TABLES)
def test_help_says_all_of_every_sentence(kobai_here, language):
    """No sentence is shortened to fit: each stands there word for word, but for the line breaks."""

    with words.language(language):
        sentences = {key: squeezed(sentence) for key, sentence in words.TABLES[language].items()}
    overview = squeezed(kobai_here("--language", language, "--help").out)
    for key in ("help.kobai", "help.compare", "help.methods", "help.tasks", "help.option.help"):
        assert sentences[key] in overview
    details = kobai_here("compare", "--language", language, "--help").out
    column = len(re.search(r"^  --help +", details, re.MULTILINE)[0])  # where the sentences begin
    right = squeezed("".join(line[column:] for line in details.splitlines()))
    options = [key for key in sentences if key.startswith("help.option.") and key != "help.option.version"]
    assert len(options) == 47
    for key in options:
        assert sentences[key] in right, key


def test_an_entirely_empty_command_line_is_answered_with_help(kobai_here):
    assert kobai_here() == kobai_here("--help")
    assert kobai_here().code == 0


def test_the_lists_are_complete(kobai_here):
    listed = kobai_here("methods").out
    for name in (*registry.OPTIMIZERS, *INITIALIZERS):
        assert re.search(rf"^  {name} ", listed, re.MULTILINE), name
    for name in registry.TASKS:
        assert re.search(rf"^  {name} ", kobai_here("tasks").out, re.MULTILINE), name


def test_the_entry_point(place, kobai_process):
    (script,) = [point for point in entry_points(group="console_scripts") if point.name == "kobai"] or [None]
    if script:  # only where the package is installed
        assert script.value == "kobai.__main__:main"
    ran = kobai_process(place, "--version")
    assert (ran.code, ran.out, ran.err) == (0, f"kobai {kobai.__version__}\n", "")
    ran = kobai_process(place, "compar")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "kobai: there is no command 'compar'; did you mean 'compare'?\n"


# Language and output.


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({"LANG": "ja_JP.UTF-8"}, [], "ja"),
        ({"LANG": "en_US.UTF-8"}, [], "en"),
        ({"LANG": "de_DE.UTF-8"}, [], "en"),
        ({"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, [], "en"),
        ({"LC_MESSAGES": "ja_JP.UTF-8", "LANG": "en_US.UTF-8"}, [], "ja"),
        ({"LANG": "ja_JP.UTF-8"}, ["--language", "en"], "en"),
        ({"LANG": "en_US.UTF-8"}, ["--language=ja"], "ja"),
    ],
    ids=str,
)
def test_the_language_is_asked_for_or_the_systems(kobai_here, monkeypatch, environment, arguments, expected):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert words.TABLES[expected]["kind.optimizer"] in kobai_here("methods", *arguments).out.splitlines()


def test_a_terminal_that_lacks_the_characters(place, kobai_process):
    ran = kobai_process(place, "methods", "--language", "ja", PYTHONIOENCODING="ascii")
    assert (ran.code, ran.err) == (0, "")
    assert "?" in ran.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_to_a_full_disk_is_one_line(place):
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "kobai", "methods"],
            cwd=place,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ran.returncode == 2
    assert re.fullmatch(r"kobai: .*No space left on device.*\n", ran.stderr)


def test_output_that_nobody_reads_is_no_error(place):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        ran = subprocess.run(
            [sys.executable, "-m", "kobai", "methods"],
            cwd=place,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ran.stderr == ""


# From the options to the study.


def test_every_option_reaches_the_study(kobai_here, monkeypatch):
    asked = {}

    def record(task, **options):
        asked.update(options, task=task)
        raise UsageError("error.resume")

    monkeypatch.setattr(comparison, "compare", record)
    line = """compare digits --optimizers sgd,adam --initializers he,constant --learning-rates 1e-3,0.01
        --set adam.decay_1=0.5,0.9 --set adam.decay_2=0.99 --set adam.decay_1=0.95 --activation tanh
        --hidden 30,20 --steps 40 --batch-size 16 --evaluate-every 5 --target 0.9,0.95 --seeds 4
        --tuning-seeds 2 --quick --threads 3 --output out --resume --html page.html"""
    assert kobai_here(*line.split()).code == 2
    task = load(asked.pop("task"), hidden=asked.pop("hidden"), activation="tanh")
    shapes = [layer["weights"].shape for layer in task.parameters]
    assert shapes == [(30, 64), (20, 30), (10, 20)]
    not_asked = ("batch_norm", "sampling", "clip", "l1", "l2", "weight_decay", "schedule", "average")
    assert [asked.pop(name, None) for name in (*not_asked, "early_stopping")] == [None] * 9
    assert asked == {
        "optimizers": ["sgd", "adam"],
        "initializers": ["he", "constant"],
        "learning_rates": [0.001, 0.01],
        "hyperparameters": {"adam.decay_1": [0.5, 0.9, 0.95], "adam.decay_2": [0.99]},
        "steps": 40,
        "activation": ["tanh"],
        "batch_size": [16],
        "evaluate_every": 5,
        "target": [0.9, 0.95],
        "seeds": 4,
        "tuning_seeds": 2,
        "quick": True,
        "threads": 3,
        "resume": True,
        "output": Path("out"),
        # Another run needs a folder of its own: what reproduces this one names none.
        "command": "kobai " + " ".join(line.split()).replace(" --output out --resume --html page.html", ""),
    }
    kobai_here("compare", "sine", "--also", "digits", "--also", "a.py:b", "--target", "auto")
    assert asked["also"] == ["digits", "a.py:b"]
    assert asked["target"] == "auto"
    assert re.fullmatch(r"kobai-runs/sine-\d{8}-\d{6}", str(asked["output"]))


@pytest.mark.parametrize(
    ("task", "folder"),
    [
        ("digits", "digits"),
        ("mnist1d:model=cnn,hidden=0.5", "mnist1d-model-cnn-hidden-0.5"),
        ("tasks/my_task.py:make(3)", "my_task"),
        ("../a b.py", "a-b"),
    ],
)
def test_a_folder_is_called_what_every_system_allows(task, folder):
    made = new_folder(task)
    assert made.parent == Path("kobai-runs")
    assert re.fullmatch(re.escape(folder) + r"-\d{8}-\d{6}", made.name)


# The main job.


@pytest.fixture(scope="module")
def quick(tmp_path_factory, kobai_process):
    """`kobai compare digits --quick` as a user runs it: where, and what it said."""
    folder = tmp_path_factory.mktemp("quick")
    return folder, kobai_process(folder, *QUICK)


def besides_store(names):
    """What stands in a folder beside the store, where every training is."""
    assert any("store/cells-" in name for name in names)
    return {name for name in names if "store" not in name}


def test_quick_digits_ends_well(quick, everything_in):
    folder, ran = quick
    assert ran.code == 0
    assert re.sub(r"^\d+ trainings, about .*\n", "", ran.err) == ""  # on a busy machine it says how long
    assert besides_store(everything_in(folder)) == {"copy.json", "out", *(f"out/{name}" for name in FINAL)}
    assert widest(ran.out) <= WIDTH
    assert "report.html, results.parquet, cells.parquet, answer.json in out" in ran.out


def test_the_files_agree_with_each_other_and_with_what_was_said(quick):
    folder, ran = quick
    text = (folder / "copy.json").read_text(encoding="utf-8")
    assert (folder / "out" / "answer.json").read_text(encoding="utf-8") == text
    answer = json.loads(text)
    rows = pl.read_parquet(folder / "out" / "results.parquet")
    cells = pl.read_parquet(folder / "out" / "cells.parquet")

    assert rows["optimizer"].to_list() == [row["optimizer"] for row in answer["rows"]]
    for name in (
        "learning_rate",
        "initializer",
        "reached",
        "diverged",
        "test_metric",
        "cost",
        "best",
        "not_best",
        "corrected_p",
        "trials",
    ):
        assert rows[name].to_list() == [row[name] for row in answer["rows"]], name
    assert rows["steps"].to_list() == [row["steps"]["value"] for row in answer["rows"]]
    assert sorted(rows["optimizer"]) == sorted(registry.DEFAULT_OPTIMIZERS)

    assert len(cells) == answer["trainings"]
    by_phase = dict(cells.group_by("phase").len().iter_rows())
    assert by_phase["tuning"] == 7 * 4 * 3 * 1  # optimizers, rates, initial values, seeds
    assert by_phase["demonstration"] == 7
    assert set(cells.filter(pl.col("phase") == "tuning")["seed"]) == set(answer["tuning_seeds"])
    assert set(cells.filter(pl.col("phase") == "confirmation")["seed"]) == set(answer["seeds"])
    assert not set(answer["seeds"]) & set(answer["tuning_seeds"])

    # Numbers of the table, counted again from the cells.
    for row in answer["rows"]:
        confirmed = cells.filter(
            pl.col("phase") == "confirmation",
            pl.col("optimizer") == row["optimizer"],
            pl.col("learning_rate") == row["learning_rate"],
            pl.col("initializer") == row["initializer"],
        )
        reached = confirmed["validation_metric"].list.eval(pl.element() >= answer["target"]).list.any()
        assert (len(confirmed), int(reached.sum())) == (row["seeds"], row["reached"])
        assert confirmed["test_metric"].mean() == pytest.approx(row["test_metric"])

    for row in answer["rows"]:
        assert re.search(rf"^{row['optimizer']} .* {row['initializer']} .*{row['reached']}/8 ", ran.out, re.M)
    [winner] = [row for row in answer["rows"] if row["optimizer"] == answer["optimizer"]["choice"]]
    rate = "learning_rate.factor" if winner["rate_is_factor"] else "learning_rate"
    assert re.search(f"^{winner['optimizer']} at ", ran.out, re.M)
    for question, sentence in (("learning_rate", rate), ("initializer",) * 2):
        with words.language("en"):
            assert say(f"answer.{sentence}", choice=answer[question]["choice"]) in ran.out

    report = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "<code>kobai compare digits --quick</code>" in report
    assert all(row["optimizer"] in report for row in answer["rows"])


def test_the_wide_answer_in_japanese(kobai_here, place, everything_in, monkeypatch):
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=WIDTH)
    monkeypatch.setattr(progress, "Console", lambda stderr: terminal)  # noqa: ARG005
    line = (
        "compare sine --optimizers sgd,adam --learning-rates 0.01,0.1 --quick --target 0.0001 --language ja"
    )
    ran = kobai_here(*line.split(), "--wide", "--hidden", "5")
    assert ran.code == 0
    assert widest(ran.out) <= WIDTH
    ja = words.TABLES["ja"]
    assert re.search(r"^(adam|sgd)（学習率0\.", ran.out, re.M)
    for key in ("answer.learning_rate", "answer.initializer"):
        assert re.search(f"^{ja[key].partition(':')[0]}: ", ran.out, re.M)
    # Two tables, each with a row for each optimizer: the wide columns stand below.
    assert len(re.findall(r"^(?:手法) .*\n(?:(?:adam|sgd) .*\n){2}", ran.out, re.M)) == 2
    assert len(re.findall(r"^(?:adam|sgd) .*[▁▂▃▄▅▆▇█]{12}", ran.out, re.M)) == 2
    assert re.search(r"^! 200ステップ以内に目標0.0001に到達した調整の学習がほとんどない", ran.out, re.M)

    (folder,) = (place / "kobai-runs").iterdir()
    assert re.fullmatch(r"sine-\d{8}-\d{6}", folder.name)
    assert besides_store(everything_in(folder)) == FINAL
    assert f"kobai-runs/{folder.name}" in ran.out

    # The progress bar: what is done, how fast, how long it will take.
    seen = shown.getvalue()
    for key in ("progress.tuning", "progress.confirmation", "progress.demonstration"):
        assert ja[key] in seen
    assert re.search(r"毎秒[\d.]+回", seen)
    plain = re.sub(r"\x1b\[[\d;]*m", " ", seen)
    assert re.search(r"\b(\d+)/\1\b", plain)  # all of all phases
    assert re.search(r"[\d-]:[\d-]{2}:[\d-]{2}", seen)


# Ctrl-C.

INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told us to ignore it
from kobai.cli import run
sys.exit(run(sys.argv[1:]))
"""
LONG = "compare sine --hidden 5 --optimizers sgd --initializers he --learning-rates 0.1,0.05,0.02,0.01"
LONG += " --steps 1500 --evaluate-every 100 --tuning-seeds 6 --seeds 4"


def wait_until(condition, process):
    """Until `condition()` holds; not longer than a minute, nor than the process lives."""
    for _ in range(6000):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    pytest.fail("nothing happened within a minute")


def without_seconds(folder):
    return pl.read_parquet(Path(folder) / "cells.parquet").drop("seconds")


def test_ctrl_c_keeps_what_is_finished_and_resume_ends_it(kobai_here, place, everything_in, monkeypatch):
    arguments = LONG.split()
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *arguments, "--output", "out"],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: any((place / "out" / "store").glob("cells-*.parquet")), process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    said = re.fullmatch(r"\nkobai: interrupted; (\d+) .* kept in out; .*--output out\n", err)
    assert said, err
    kept = int(said[1])
    chunks = [pl.read_parquet(path) for path in (place / "out" / "store").glob("cells-*.parquet")]
    assert sum(map(len, chunks)) == kept > 0

    trained = []
    train = Sweep.train
    monkeypatch.setattr(
        Sweep, "train", lambda self, cells, leave: trained.extend(cells) or train(self, cells, leave)
    )
    assert kobai_here(*arguments, "--output", "out", "--resume").code == 0
    assert besides_store(everything_in("out")) == FINAL
    total = len(without_seconds("out"))
    assert len(trained) == total - kept + 1  # the recommended one once more, for what says why

    assert kobai_here(*arguments, "--output", "whole").code == 0
    assert without_seconds("out").equals(without_seconds("whole"))
    resumed, whole = (json.loads((place / name / "answer.json").read_text()) for name in ("out", "whole"))
    for row in (*resumed["rows"], *whole["rows"]):
        del row["seconds"], row["seconds_to_target"]
    assert resumed == whole


class Impatient:
    """Presses Ctrl-C after so many cells."""

    def __init__(self, patience):
        self.left = patience

    def phase(self, name, total): ...

    def tell(self, sentence): ...

    def advance(self, cells):
        self.left -= cells
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def study():
    return Study(
        task=kobai.tasks.sine(hidden=2, batch_size=8),
        candidates=candidates(["sgd"], [0.1, 0.2]),
        initializers=[kobai.initializers.he()],
        steps=10,
        tuning_seeds=4,
        seeds=4,
        threads=1,
    )


def test_ctrl_c_in_a_call_tells_how_many_are_kept(study, tmp_path):
    with pytest.raises(Interruption) as caught:
        protocol.run(study, Impatient(4), tmp_path)
    assert (caught.value.kept, caught.value.path) == (8, tmp_path)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert len(Store(tmp_path).every()) == 8
    with pytest.raises(Interruption) as caught:
        protocol.run(study, Impatient(12), tmp_path)
    assert caught.value.kept == 16
    assert len(Store(tmp_path).every()) == 16


def test_ctrl_c_without_a_folder_keeps_nothing(study):
    with pytest.raises(Interruption) as caught:
        protocol.run(study, Impatient(0), None)
    assert caught.value.path is None


@pytest.mark.parametrize(
    ("stop", "sentence"),
    [
        (KeyboardInterrupt(), "kobai: interrupted; nothing was kept\n"),
        (Interruption(0, Path("out")), "kobai: interrupted; nothing was kept\n"),
        (Interruption(3, None), "kobai: interrupted; nothing was kept\n"),
        (
            Interruption(3, Path("out")),
            "3 finished trainings are kept in out; the same command goes on with --output out\n",
        ),
    ],
    ids=str,
)
def test_what_is_said_after_ctrl_c(kobai_here, monkeypatch, stop, sentence):
    def interrupted(*_, **__):
        raise stop

    left = []
    monkeypatch.setattr(comparison, "compare", interrupted)
    monkeypatch.setattr(main.os, "_exit", left.append)
    ran = kobai_here("compare", "digits")
    assert left == [130]
    assert ran.err.startswith("\nkobai: interrupted; ")
    assert ran.err.endswith(sentence)
    assert ran.out == ""


def test_a_comparison_goes_into_one_page_without_a_folder(kobai_here, place, everything_in):
    line = "compare sine --hidden 3 --optimizers sgd --initializers he --learning-rates 0.1 --steps 10"
    ran = kobai_here(*line.split(), "--seeds", "2", "--tuning-seeds", "1", "--html", "page.html")
    assert (ran.code, ran.err) == (0, "")
    assert everything_in(place) == {"page.html"}
    assert re.search(r"^page\.html \([\d.]+ s\)$", ran.out, re.MULTILINE)
    assert f"<code>kobai {line} --seeds 2 --tuning-seeds 1</code>" in (place / "page.html").read_text("utf-8")


def test_hidden_in_python_is_that_of_the_command_line():
    asked = {"hidden": [4, 3], "optimizers": "sgd", "initializers": "he", "learning_rates": [0.1]}
    found = kobai.compare("digits", **asked, steps=5, seeds=2, tuning_seeds=1, progress=False)
    shapes = [layer["weights"].shape for layer in found.outcome.study.task.parameters]
    assert shapes == [(4, 64), (3, 4), (10, 3)]
    assert "hidden=[4, 3]" in found.command
    with pytest.raises(UsageError, match="hidden"):
        kobai.compare(kobai.tasks.sine(hidden=2), hidden=3)
