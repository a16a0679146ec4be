"""``kobai course``: notebooks placed without touching a learner's work, JupyterLab opened, mistakes said."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kobai.cli import course as course_cli
from kobai.course.notebooks import build, dump, notebook, place, write
from kobai.course.source import LANGUAGES, lesson_names, load

NAME = "3_1_SGD_trainee.ipynb"


@pytest.fixture
def no_jupyterlab(monkeypatch):
    monkeypatch.setattr(course_cli.importlib.util, "find_spec", lambda name: None)


# Writing notebooks


def test_build_makes_every_notebook_in_both_languages(tmp_path):
    build(tmp_path)
    names = [{path.name for path in (tmp_path / language).iterdir()} for language in LANGUAGES]
    assert names[0] == names[1]
    for name in lesson_names():
        ends = ("_trainee", "_answer") if load(name).exercises else ("",)
        assert {f"{name}{end}.ipynb" for end in ends} <= names[0]
    assert {"0_start.ipynb", "glossary.ipynb", "literature.ipynb", "teacher_guide.ipynb"} <= names[0]


def test_a_learners_work_is_never_overwritten(tmp_path):
    write(tmp_path, "en", ("trainee",))
    path = tmp_path / NAME
    mine = path.read_text("utf-8").replace("raise NotImplementedError", "pass  # mine")
    path.write_text(mine, "utf-8")
    for kinds in (("trainee",), ("trainee", "answer")):
        placed = write(tmp_path, "en", kinds)
        assert {each.outcome for each in placed if "answer" not in each.path.name} <= {"kept", "new"}
        assert path.read_text("utf-8") == mine


def test_a_newer_version_stands_beside_a_learners_work_and_replaces_what_nobody_touched(tmp_path):
    older = notebook(load("3_1_SGD"), "en", "trainee")
    newer = json.loads(json.dumps(older))
    newer["cells"][0]["source"] = ["# newer"]
    newer["metadata"]["kobai"]["digest"] = "newer"
    path = tmp_path / NAME
    assert place(path, older).outcome == "new"
    assert place(path, older).outcome == "kept"
    ran = json.loads(dump(older))
    ran["cells"][2]["outputs"] = ["run, but nothing written"]
    path.write_text(json.dumps(ran), "utf-8")
    assert place(path, newer).outcome == "replaced"

    mine = dump(older).replace("raise NotImplementedError", "pass  # mine")
    path.write_text(mine, "utf-8")
    placed = place(path, newer)
    assert (placed.outcome, placed.path.name) == ("beside", "3_1_SGD_trainee.2.ipynb")
    assert path.read_text("utf-8") == mine
    assert place(path, newer).outcome == "kept"


def test_what_is_no_notebook_is_not_overwritten_either(tmp_path):
    (tmp_path / NAME).write_text("not JSON", "utf-8")
    (tmp_path / "3_1_SGD_trainee.2.ipynb").mkdir()
    placed = place(tmp_path / NAME, notebook(load("3_1_SGD"), "en", "trainee"))
    assert (placed.outcome, placed.path.name) == ("beside", "3_1_SGD_trainee.3.ipynb")
    assert (tmp_path / NAME).read_text("utf-8") == "not JSON"


def test_start_writes_in_the_language_asked_for(kobai_here, place, no_jupyterlab):
    ran = kobai_here("course", "start", "mine", "--language", "ja")
    assert (ran.code, ran.err) == (0, "")
    assert "JupyterLabがインストールされていません" in ran.out
    assert "更新則" in (place / "mine" / NAME).read_text("utf-8")
    assert not (place / "mine" / "3_1_SGD_answer.ipynb").exists()
    assert not (place / "mine" / "teacher_guide.ipynb").exists()
    path = place / "mine" / NAME
    path.write_text(path.read_text("utf-8").replace("raise NotImplementedError", "pass"), "utf-8")
    again = kobai_here("course", "start", "mine", "--answers", "--language", "en")
    assert "as nobody had written in them: 15" in again.out  # nobody wrote in the Japanese ones
    assert "3_1_SGD_trainee.2.ipynb is the version of today; your own" in again.out
    assert "更新則" in path.read_text("utf-8")
    assert (place / "mine" / "3_1_SGD_answer.ipynb").exists()
    assert not (place / "mine" / "glossary.2.ipynb").exists()
    third = kobai_here("course", "start", "mine", "--answers")
    assert re.search(r"(\d+) files of the course, 0 of them new\n  there already.*: \1\n", third.out)


def test_start_opens_jupyterlab_where_it_is_installed(kobai_here, place, monkeypatch):
    calls = []
    monkeypatch.setattr(course_cli.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(course_cli.subprocess, "Popen", lambda command: calls.append(command) or Lab(0))
    assert kobai_here("course", "start", "mine").code == 0
    assert kobai_here("course", "start", "mine", "--no-open").code == 0
    assert calls == [[sys.executable, "-m", "jupyterlab", str(Path("mine") / "0_start.ipynb")]]


class Lab:
    """A process that is interrupted twice, as JupyterLab asks for, and then ends."""

    def __init__(self, code):
        self.code, self.interrupts = code, 2

    def wait(self):
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        return self.code


def test_a_lab_that_does_not_start_is_told_so(kobai_here, monkeypatch):
    monkeypatch.setattr(course_cli.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(course_cli.subprocess, "Popen", lambda command: Lab(1))
    ran = kobai_here("course", "start", "mine")
    assert ran.code == 2
    assert "JupyterLab ended with code 1" in ran.err
    assert "jupyter lab mine" in ran.err


# Mistakes and help


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "nowhere"], "there is no folder nowhere"),
        (["check", "."], "there are no notebooks of the course in ."),
        (["check", ".", "--seconds", "0"], "--seconds must be a number above 0, but got '0'"),
        (["check", ".", "--memory", "much"], "--memory must be a number above 0, but got 'much'"),
        (["check", ".", "--json", "no/marks.json"], "no/marks.json"),
        (["start", "file"], "file is not a folder"),
        (["start"], "DIR is missing"),
        (["strat", "x"], "did you mean 'start'?"),
        (["grade"], "is missing"),
    ],
)
def test_a_mistake_is_one_line(kobai_here, place, no_jupyterlab, arguments, sentence):
    (place / "file").write_text("")
    ran = kobai_here("course", *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert sentence in ran.err
    assert ran.out == ""


def test_the_commands_are_explained_in_both_languages(kobai_here):
    for language, sentence in (("en", "exercise by exercise"), ("ja", "どの演習が正しいか")):
        assert sentence in kobai_here("course", "check", "--help", "--language", language).out
        assert (
            kobai_here("course", "--language", language).out
            == kobai_here("course", "--help", "--language", language).out
        )


def test_help_of_the_course_imports_nothing_heavy(place):
    code = (
        "import sys; from kobai import cli;"
        "cli.run(['course', '--help']); cli.run(['course', 'start', '--help']);"
        "cli.run(['course', 'start', 'x', '--no-open']);"
        "assert not {'jax', 'numpy', 'polars', 'plotly'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
