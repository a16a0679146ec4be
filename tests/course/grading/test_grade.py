"""``kobai course check`` and ``grade``: whatever a learner's code or file does is a line of the table."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import types
import unicodedata
from pathlib import Path

import pytest
from rich.console import Console

import kobai
from kobai import words
from kobai.basics.errors import UsageError
from kobai.course.grading import grade, marks, sheet, table, watch
from kobai.course.grading.marks import Mark
from kobai.course.grading.overview import overview
from kobai.course.grading.points import Points
from kobai.course.grading.reading import CodeCell, Submission, Unreadable, learners_in, notebooks_of
from kobai.course.grading.reports import CellEnd
from kobai.course.grading.state import Files
from kobai.course.judge import Verdict
from kobai.course.learner import hint
from kobai.course.notebooks import dump, notebook
from kobai.course.source import lesson_names, load
from kobai.words import TABLES

NAME = "3_1_SGD_trainee.ipynb"
EXERCISES = load("3_1_SGD").exercises


def made_by_a_learner(**cells):
    """A trainee's notebook, sgd and adam right, and these sources in the cells of these ids.

    Of the other cells only the first stands in it, with the imports: the figures take their time.
    """
    made = notebook(load("3_1_SGD"), "en", "trainee")
    answers = {cell["id"]: cell for cell in notebook(load("3_1_SGD"), "en", "answer")["cells"]}
    made["cells"] = [cell for cell in made["cells"] if not re.fullmatch(r"3_1-(?!02)\d+", cell["id"])]
    for cell in made["cells"]:
        name = cell["id"].partition("-")[2]
        if name in ("sgd", "adam"):
            cell["source"] = answers[cell["id"]]["source"]
        if name in cells:
            cell["source"] = [cells[name]]
    return made


def keep(folder, made, name=NAME):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(made if isinstance(made, str) else dump(made), "utf-8")
    return folder


def by_name(result):
    return {mark.exercise.partition(".")[2]: mark for mark in result.marks}


def shown(results, width=80):
    console = Console(width=width, file=open(os.devnull, "w"), record=True)  # noqa: SIM115
    with console.file:
        console.print(table.table(results))
    return console.export_text()


ENDLESS_IN_C = "import itertools\nsum(itertools.repeat(0))"  # which no signal stops
NEVER_BACK = "class RMSProp:\n def __init__(self, **k): pass\n def update(self, p, g):\n  while True: pass"
ENDS_ALL = "class RMSProp:\n def __init__(self, **k): pass\n def update(self, p, g): os._exit(4)"


def walked(cells, cell=20.0, total=60.0, halt=None):
    """How cells end, one after another."""
    limits = watch.Limits(cell=cell, total=total, gigabytes=4)
    ends = watch.walk("3_1_SGD", [("run", source) for source in cells], limits, halt or threading.Event())
    return list(ends.values())


@pytest.fixture
def earned(tmp_path, monkeypatch):
    """earned(cell id=source, …): what a learner with these cells earned, by the name of the exercise.

    `limit` is the time of a cell: short where one never ends.
    """
    monkeypatch.setattr(watch, "GRACE", 0.5)

    def earned(limit=30, **cells):
        [result] = grade.grade([keep(tmp_path / "learner", made_by_a_learner(**cells))], cell=limit)
        return by_name(result)

    return earned


# Cells


def test_a_cell_that_does_not_run_is_told_from_one_that_is_not_written(earned):
    found = earned(
        adagrad="class AdaGrad(:\n    pass",
        adadelta="import nothing_of_that_name",
        rmsprop="kept = bytearray(2**60)",
        arrival="raise SystemExit(3)",
    )
    assert found["sgd"].status == found["adam"].status == "passed"
    for name, kind, text in (
        ("adagrad", "SyntaxError", "class AdaGrad(:"),
        ("adadelta", "ModuleNotFoundError", "No module named 'nothing_of_that_name'"),
        ("rmsprop", "MemoryError", "kept = bytearray(2**60)"),
        ("arrival", "SystemExit", "3"),
    ):
        assert found[name].status == "failed"
        assert found[name].message.startswith(f"does not run: the cell of 3_1.{name} stopped with {kind}:")
        assert text in found[name].message
    assert {found[name].status for name in ("review", "momentum", "nesterov")} == {"unwritten"}


def test_what_only_jupyter_knows_harms_nothing(earned):
    found = earned(
        review="%%time\n%matplotlib inline\n!ls\nx = (3\n% 2)\ndisplay(x)\n"
        "get_ipython().run_line_magic('time', '')\nreview = 'bcabd'",
        momentum="%%bash\nrm -r everything",
        adagrad="import plotly.io, webbrowser\nplotly.io.renderers.default = 'browser'\n"
        "figure = plotly.graph_objects.Figure()\nfigure.show()\nplotly.io.show(figure, renderer='browser')\n"
        "webbrowser.open('nowhere')",
    )
    assert found["review"].status == "passed"
    assert found["momentum"].status == found["adagrad"].status == "unwritten"


def test_an_endless_loop_is_graded_as_such_and_costs_no_other_exercise(earned):
    found = earned(limit=2, adagrad="while True: pass", adadelta=ENDLESS_IN_C, rmsprop=NEVER_BACK)
    for name in ("adagrad", "adadelta"):
        assert found[name].status == "stopped"
        assert found[name].message.startswith(f"time limit: the cell of 3_1.{name} had not ended after 2")
    assert found["rmsprop"].status == "stopped"
    assert "RMSProp had not come back" in found["rmsprop"].message
    assert found["sgd"].status == found["adam"].status == "passed"
    assert found["arrival"].status == "unwritten"


def test_a_crash_is_graded_as_such_and_costs_no_other_exercise(earned):
    found = earned(
        momentum="import os\nos._exit(3)",
        rmsprop="import os\n" + ENDS_ALL,
    )
    ended = "crashed: the cell of 3_1.momentum ended the whole program (exit code 3)"
    assert (found["momentum"].status, found["momentum"].message) == ("crashed", ended)
    used = "crashed: RMSProp ended the whole program when it was used (exit code 4)"
    assert (found["rmsprop"].status, found["rmsprop"].message) == ("crashed", used)
    assert found["sgd"].status == found["adam"].status == "passed"
    assert found["arrival"].status == "unwritten"


@pytest.mark.skipif(os.name == "nt", reason="other signals")
def test_every_way_to_end_the_program_is_told_and_the_rest_is_run():
    cells = [
        "import os, signal\nkept = 1",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "os.closerange(3, 99)",  # with the pipe that tells how steps end
        "raise KeyboardInterrupt",
        "class Mute(Exception):\n    def __str__(self): 1 / 0\nraise Mute",
        "del kept",
    ]
    ends = walked(cells)
    assert [end.status for end in ends] == ["ran", *["crashed"] * 3, *["failed"] * 2, "ran"]
    assert (ends[1].how, ends[2].how) == ("SIGKILL: often because the memory ran out", "SIGSEGV")
    assert [end.kind for end in ends[4:6]] == ["KeyboardInterrupt", "Mute"]


def test_a_loop_that_swallows_every_exception_is_ended_from_outside(monkeypatch):
    monkeypatch.setattr(watch, "GRACE", 0.2)
    cell = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    assert [end.status for end in walked([cell, "pass"], cell=1)] == ["stopped", "ran"]


def test_the_limit_of_a_cell_holds_where_no_signal_can_stop_it(monkeypatch):
    """As on Windows: no timer, no `resource`, and nothing that supervises."""
    code = (
        "import signal, sys; del signal.setitimer; sys.platform, sys.modules['resource'] = 'other', None;"
        "from kobai.course.grading.runner import main; main()"
    )
    monkeypatch.setattr(watch, "RUNNER", [sys.executable, "-P", "-c", code])
    monkeypatch.setattr(watch, "GRACE", 0.2)
    cells = ["kept = 1", "while True: pass", "assert kept"]
    assert [end.status for end in walked(cells, cell=1)] == ["ran", "stopped", "ran"]


@pytest.mark.skipif(os.name == "nt", reason="process groups")
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_process_is_ended_on_every_system(monkeypatch, platform):
    """With its group where there are groups; by a command of Windows there."""
    commands = []
    monkeypatch.setattr(watch.sys, "platform", platform)
    monkeypatch.setattr(watch.subprocess, "run", lambda command, **options: commands.append(command))
    process = subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True
    )
    with process.stdout:
        started = int(process.stdout.readline())
        watch.end_tree(process)
        assert process.returncode < 0
        if platform == "win32":
            assert commands == [["taskkill", "/F", "/T", "/PID", str(process.pid)]]
            os.kill(started, signal.SIGKILL)
        assert process.stdout.read() == b""  # the end: nobody holds the pipe any more


def test_a_machine_without_room_is_a_line_and_stops_nobody(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError("no space left")

    monkeypatch.setattr(watch.subprocess, "Popen", full)
    [result] = grade.grade([keep(tmp_path / "a", made_by_a_learner())])
    assert {mark.status for mark in result.marks} == {"crashed"}
    assert "no space left" in result.marks[0].message


def test_no_thread_and_no_atexit_of_a_notebook_holds_it_up():
    cell = "import atexit, threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()"
    assert walked([cell + "\natexit.register(time.sleep, 99)"])[0].status == "ran"


def test_a_notebook_out_of_time_keeps_what_it_earned():
    assert [end.status for end in walked(["x = 1", "while True: pass", "x"], 60, total=5)] == [
        "ran",
        "late",
        "late",
    ]
    cells = tuple(CodeCell(cell["id"], "".join(cell["source"])) for cell in made_by_a_learner()["cells"])
    submission = Submission(Path("a"), Path("a", NAME), "3_1_SGD", cells)
    steps = marks.steps_of(submission)
    ends = {n: CellEnd("ran" if kind == "run" else "late") for n, (kind, _) in enumerate(steps)}
    earned = Verdict("3_1.sgd", "wrong", "course.wrong.rebound", {"name": "SGD"}, "rebound")
    ends[steps.index(("judge", "3_1.sgd"))] = earned
    by_exercise = {mark.exercise: mark for mark in marks.marks_of(submission, ends, watch.Limits(30, 120, 4))}
    sgd, adam = by_exercise["3_1.sgd"], by_exercise["3_1.adam"]
    assert (sgd.status, sgd.mistake, sgd.message) == ("wrong", "rebound", earned.message)
    late = "time limit: the notebook had not ended after 120 seconds, and was stopped before this check"
    assert (adam.status, adam.message) == ("stopped", late)


def test_a_notebook_gets_no_more_memory_than_it_may(tmp_path):
    """Its own error is right: the answer is given where the memory is refused."""
    hungry = "try:\n    kept = bytearray(2**34)\nexcept MemoryError:\n    review = 'bcabd'"
    keep(tmp_path / "hungry", made_by_a_learner(review=hungry))
    [result] = grade.grade([tmp_path / "hungry"], gigabytes=4)
    assert by_name(result)["review"].status == "passed"


def test_too_little_memory_for_python_itself_is_told_so(tmp_path):
    keep(tmp_path / "small", made_by_a_learner())
    [result] = grade.grade([tmp_path / "small"], gigabytes=0.05)
    assert {mark.status for mark in result.marks} == {"crashed"}
    assert "--memory" in result.marks[0].message


def test_a_cell_without_an_id_is_known_by_what_it_defines(tmp_path):
    made = made_by_a_learner(adagrad="class AdaGrad:\n    1 / 0")
    for cell in made["cells"]:
        del cell["id"]
    keep(tmp_path / "old", made)
    [result] = grade.grade([tmp_path / "old"])
    found = by_name(result)
    assert found["adam"].status == "passed"
    assert found["adagrad"].message.startswith(
        "does not run: the cell of 3_1.adagrad stopped with ZeroDivision"
    )


# Cheating, and what is left behind


REDEFINED = """
import os, numpy
from kobai.course import judge
numpy.isclose = lambda *a, **k: numpy.array(True)
judge._same = lambda *a: True
judge.compared = judge.observed = lambda name, *a: judge.Verdict(name, "passed", "course.verdict.passed")

class Momentum:
    def __init__(self, **settings):
        pass

    def update(self, params, grads):
        for p in params.values():
            p -= 1.0
"""
FORGED = r"""
passed = b'{"end": %d, "status": "passed", "message": "", "mistake": ""}'
seen = b'{"end": %d, "status": "seen", "seen": [[]]}'
lines = [passed, seen, b"[3]", b"\xff{", b'{"begin": true}', b"9" * 5000]
for n in (1, 2, *range(3, 20)):
    for step in range(40):
        try:
            os.write(n, b"\n".join(line % step if b"%d" in line else line for line in lines) + b"\n")
        except OSError:
            pass
"""


def test_a_learners_own_files_are_there_and_stay_as_they_are(earned, tmp_path):
    keep(tmp_path / "learner", "bcabd", "answers.txt")
    keep(tmp_path / "learner", "1 / 0", "numpy.py")  # it would be a learner's mistake, and not be ours
    keep(tmp_path / "learner", "def read(): return open('answers.txt').read()", "mine.py")
    found = earned(review="import mine\nreview = mine.read()\nopen('answers.txt', 'w').write('mine')")
    assert found["review"].status == "passed"
    assert (tmp_path / "learner" / "answers.txt").read_text() == "bcabd"


def test_no_forged_line_and_nothing_redefined_earns_anything(earned, tmp_path, everything_in):
    edited = {"momentum-check": "print('right!')"}
    found = earned(review="review = 'bcabd'\ncheck = print", momentum=REDEFINED, nesterov=FORGED, **edited)
    assert found["momentum"].status == "wrong"
    assert {name for name, mark in found.items() if mark.status == "passed"} == {
        "review",
        "sgd",
        "adam",
    }
    assert everything_in(tmp_path) == {"learner", f"learner/{NAME}"}


QUIZ_REPLACED = """
import numpy as np
from kobai.course import exercise
from kobai.course.exercises import find

def observe(answer, *more):  # what the right letters would show, if it were not the letters themselves
    for number in range(1, 6):
        yield thing(("result", {"name": "review", "case": number}), np.asarray(float(number)))

thing = getattr(exercise, "Observation", None) or exercise.Seen
object.__setattr__(find("3_1.review"), "observe", observe)
review = "aaaaa"
"""


def test_replacing_what_reads_an_answer_earns_nothing(earned):
    assert earned(review=QUIZ_REPLACED)["review"].status == "wrong"


WRITES = """
import kobai.course.exercises.lesson_3_1 as module
from pathlib import Path
path = Path(module.__file__)
path.write_text(path.read_text("utf-8") + "\\nEXERCISES.clear()\\n", "utf-8")
"""


def test_a_notebook_that_changes_the_installed_exercises_changes_no_other_mark(tmp_path):
    """In a copy of kobai: the notebook really writes into the exercises that are installed there."""
    package = Path(grade.__file__).parents[2]
    shutil.copytree(package, tmp_path / "site" / "kobai", ignore=shutil.ignore_patterns("__pycache__"))
    keep(tmp_path / "a", made_by_a_learner())
    keep(tmp_path / "b", made_by_a_learner(momentum=WRITES.replace("\\\\", "\\")))
    keep(tmp_path / "c", made_by_a_learner())
    one_at_a_time = (
        "import os; os.cpu_count = lambda: 1; from kobai.__main__ import main; raise SystemExit(main())"
    )
    command = ["course", "grade", *"abc", "--json", "marks.json", "--output", "marks", "--language", "en"]
    ran = subprocess.run(
        [sys.executable, "-c", one_at_a_time, *command],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert b"no pages are written" in ran.stderr
    assert not (tmp_path / "marks").exists()
    honest, forger, later = json.loads((tmp_path / "marks.json").read_text("utf-8"))
    assert honest["passed"] == 2  # as without the others
    for entry_of in (forger, later):  # nothing is known of these, and nothing is made up
        assert {verdict["status"] for verdict in entry_of["verdicts"]} == {"crashed"}
        assert "lesson_3_1.py was changed while notebooks ran" in entry_of["verdicts"][0]["message"]


def test_a_file_of_another_learner_that_a_notebook_changes_is_told(tmp_path):
    keep(keep(tmp_path / "b", made_by_a_learner(), NAME), "x = 1", "mine.py")
    own = f"open({str(tmp_path / 'b' / 'mine.py')!r}, 'w').write('1 / 0')"
    keep(tmp_path / "a", made_by_a_learner(momentum=own))
    first, second = grade.grade([tmp_path / "a", tmp_path / "b"], threads=1)
    assert by_name(first)["adam"].status == "passed"
    assert "mine.py was changed" in by_name(second)["adam"].message


FLOOD = """
import os
many = b"[" + b"[]," * 10**6 + b"[]]"
for n in range(3, 20):
    try:
        for step in range(40):
            line = b'{"begin": %d}\\n{"end": %d, "status": "seen", "seen": ' % (step, step)
            os.write(n, b"\\n" + line + many + b"}\\n")
    except OSError:
        pass
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a process as Linux tells it")
def test_forged_lines_take_the_grader_no_memory(tmp_path):
    """In a process of its own, whose largest size is told at its end."""
    keep(tmp_path / "a", made_by_a_learner(momentum=FLOOD))
    code = (
        "import resource, sys; from pathlib import Path; from kobai.course.grading import grade, state;"
        "state.import_first(); size = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024;"
        "before = size();"
        f"[result] = grade.grade([Path({str(tmp_path / 'a')!r})]);"
        "print(size() - before, sum(mark.status == 'passed' for mark in result.marks))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    megabytes, passed = map(int, ran.stdout.split())
    assert passed == 2
    assert megabytes < 200


STARTS = """
import os, subprocess, time
names = [{folder!r} + name for name in ("a-grandchild", "a-session")]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(names[0], "w") as file:
            file.write(str(os.getpid()))
        os.execvp("sleep", ["sleep", "600"])
    os._exit(0)
os.wait()
command = "echo $$ > " + names[1] + "; exec sleep 600"
subprocess.Popen(["sh", "-c", command], start_new_session=True, env={{}})
while not all(os.path.exists(name) and os.path.getsize(name) for name in names):
    time.sleep(0.01)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process that leaves its group is not found")
@pytest.mark.parametrize("then", ["pass", "os._exit(1)", ENDLESS_IN_C])
def test_no_process_that_a_cell_started_outlives_it(tmp_path, monkeypatch, then):
    monkeypatch.setattr(watch, "GRACE", 0.5)
    folder = tmp_path / "started"
    folder.mkdir()
    cells = [STARTS.format(folder=f"{folder}/"), then]
    assert walked(cells, cell=2 if then == ENDLESS_IN_C else 10)[0].status == "ran"
    started = [int(path.read_text()) for path in folder.iterdir()]
    assert len(started) == 2
    assert [process for process in started if os.path.exists(f"/proc/{process}")] == []


def test_a_forked_copy_does_not_go_on_with_the_notebook(tmp_path):
    marks = tmp_path / "marks"
    cells = ["import os\nif os.fork():\n    os.wait()", f"print('x', file=open({str(marks)!r}, 'a'))"]
    assert {end.status for end in walked(cells)} == {"ran"}
    assert marks.read_text() == "x\n"


def test_an_interrupted_grading_ends_its_processes():
    """The cell would take a minute, and nothing in it can be interrupted."""
    halt = threading.Event()
    threading.Timer(0.5, halt.set).start()
    [end] = walked([ENDLESS_IN_C], cell=60, halt=halt)
    assert end.status == "late"


# Files


@pytest.mark.skipif(os.name == "nt", reason="other rights to files")
def test_every_file_that_cannot_be_read_is_a_line_and_stops_nobody(tmp_path):
    good = keep(tmp_path / "good", made_by_a_learner())
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    made = made_by_a_learner()
    odd = {
        "damaged": ("{", "damaged"),
        "list": ("[]", "no list of cells"),
        "cells": ('{"cells": 3}', "no list of cells"),
        "a_cell": ('{"cells": [[]]}', "cell 1 is damaged"),
        "a_source": (
            json.dumps({**made, "cells": [*made["cells"], {"cell_type": "code", "source": [3]}]}),
            "damaged",
        ),
        "deep": ("[" * 10**5, "damaged"),
        "huge_number": ('{"cells": ' + "9" * 5000 + "}", "damaged"),
    }
    for name, (text, _) in odd.items():
        keep(tmp_path / name, text)
    (keep(tmp_path / "latin", "") / NAME).write_bytes("é".encode("latin-1"))
    (tmp_path / "folder" / NAME).mkdir(parents=True)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / NAME).symlink_to("nowhere")
    os.mkfifo(keep(tmp_path / "pipe", "", "x") / NAME)  # nobody ever writes to it
    said = {name: sentence for name, (_, sentence) in odd.items()} | {
        "latin": "not text in UTF-8",
        "folder": "a folder or a link",
        "link": "a folder or a link",
        "pipe": "a folder or a link",
        "empty": "nothing was handed in",
        "file": "there is no folder",
        "nowhere": "there is no folder",
    }
    results = grade.grade([*(tmp_path / name for name in said), good], threads=2)
    for (name, sentence), result in zip(said.items(), results, strict=False):
        assert sentence in result.problem, name
        assert {mark.status for mark in result.marks} <= {"unreadable"}
        assert len(result.marks) == (0 if name in ("empty", "file", "nowhere") else len(EXERCISES))
    assert by_name(results[-1])["adam"].status == "passed"
    lines = shown(results)
    assert all(name in lines for name in said)
    json.loads(table.as_json(results))


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text")
def test_a_name_that_is_no_text_is_shown_and_kept(tmp_path):
    keep(tmp_path / "a", "{", "x.ipynb")
    (tmp_path / "a" / "x.ipynb").rename(tmp_path / "a" / os.fsdecode(b"3_1_SGD_\xff\x1b.ipynb"))
    results = grade.grade([tmp_path / "a", tmp_path / os.fsdecode(b"\xfe")])
    assert [result.notebook for result in results] == ["3_1_SGD_\ufffd\ufffd.ipynb", ""]
    assert table.as_json(results).encode("utf-8")
    assert shown(results).encode("utf-8")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"metadata": []},
        {"metadata": {"kobai": 3}},
        {"metadata": {"kobai": {"lesson": ["3_1_SGD"], "kind": {}}}},
        {"metadata": None, "nbformat": "x"},
    ],
)
def test_odd_metadata_is_made_up_for_by_the_name(tmp_path, change):
    made = made_by_a_learner()
    made["cells"] += [{"cell_type": "code", "id": 3, "source": "x = 1"}, {"cell_type": 7, "source": 3}]
    keep(tmp_path, json.dumps({**made, **change}))
    [found] = notebooks_of(tmp_path)
    assert (found.lesson, found.problem) == ("3_1_SGD", None)
    assert found.cells[-1] == CodeCell("", "x = 1")


def test_what_is_not_to_be_graded_is_left_out(tmp_path):
    keep(tmp_path, made_by_a_learner(), NAME)
    keep(tmp_path, "{", "._" + NAME)  # what macOS puts into an archive
    keep(tmp_path, '{"cells": []}', "own_notes.ipynb")
    answer = notebook(load("3_1_SGD"), "en", "answer")
    keep(tmp_path, answer, "3_1_SGD_answer.ipynb")
    keep(tmp_path, answer, "3_1_SGD_trainee_mine.ipynb")
    keep(tmp_path, "damaged", "3_1_SGD_answer.2.ipynb")
    assert [found.path.name for found in notebooks_of(tmp_path)] == [NAME]


# Told as what it is


def with_cells(*more, **cells):
    """A learner's notebook with further cells of the learner's own at its end."""
    made = made_by_a_learner(**cells)
    made["cells"] += [
        {"cell_type": "code", "id": f"own-{i}", "source": text, "metadata": {}, "outputs": []}
        for i, text in enumerate(more)
    ]
    return made


RIGHT_REVIEW = "# at last\nreview = 'bcabd'"


@pytest.mark.parametrize("above", ["review = ''", "review = 'aaaaa'", "pass"])
def test_an_answer_below_its_check_counts_and_is_told_as_that(tmp_path, above):
    keep(tmp_path / "a", with_cells(RIGHT_REVIEW, review=above))
    [result] = grade.grade([tmp_path / "a"])
    review = by_name(result)["review"]
    assert review.status == "passed"
    assert review.message.startswith(
        "right!\nthis answer stands below its check, in the cell that begins with “# at"
    )
    assert "below its check" in shown([result, entry("b")])


def test_what_a_later_cell_does_to_a_right_answer_above_its_check_is_nothing(tmp_path):
    keep(tmp_path / "a", with_cells("review = 'aaaaa'", review="review = 'bcabd'"))
    [result] = grade.grade([tmp_path / "a"])
    assert (by_name(result)["review"].status, by_name(result)["review"].below) == ("passed", "")


def test_a_failing_setup_cell_is_told_once_for_all_that_need_it(tmp_path):
    made = made_by_a_learner(review="review = 'bcabd'")
    made["cells"][0]["source"] = "import no_such_module\nimport numpy as np"
    [result] = grade.grade([keep(tmp_path / "a", made)])
    marks_of_all = by_name(result)
    assert marks_of_all["review"].status == "passed"
    assert marks_of_all["sgd"].status == "passed"  # which needs nothing of it
    assert marks_of_all["adam"].status == "failed"
    assert marks_of_all["adam"].message == (
        "does not run: an earlier cell, which this needs, stopped with ModuleNotFoundError: "
        "No module named 'no_such_module'\nin this line: import no_such_module"
    )


def test_a_name_that_no_earlier_cell_should_have_made_is_the_learners_own_mistake(earned):
    adam = earned(adam="class Adam:\n    def __init__(self, **k): pass\n    def update(self, p, g): nupmy")[
        "adam"
    ]
    assert (adam.status, adam.values["kind"]) == ("wrong", "NameError")


def test_answers_that_are_handed_in_are_told_as_that(tmp_path):
    answers = notebook(load("3_1_SGD"), "en", "answer")
    keep(tmp_path / "a", answers, "3_1_SGD_answer.ipynb")
    keep(tmp_path / "b", answers, NAME)  # renamed
    keep(keep(tmp_path / "c", answers, "3_1_SGD_answer.ipynb"), made_by_a_learner())
    results = grade.grade([tmp_path / name for name in "abc"])
    for result in results[:2]:
        assert {mark.status for mark in result.marks} == {"unreadable"}
        assert "the course's own notebook with the answers" in result.problem
    assert by_name(results[2])["adam"].status == "passed"
    assert len(results) == 3


def test_a_folder_of_folders_is_the_folders_of_its_learners(tmp_path):
    for name in ("anna/my-course", "ben", ".hidden", "__MACOSX", "empty"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("anna/my-course", "ben", ".hidden", "__MACOSX"):
        keep(tmp_path / name, made_by_a_learner())
    assert learners_in(tmp_path) == [tmp_path / "anna/my-course", tmp_path / "ben", tmp_path / "empty"]
    assert learners_in(tmp_path / "ben") == [tmp_path / "ben"]
    assert learners_in(tmp_path / "empty") == [tmp_path / "empty"]
    assert learners_in(tmp_path / "nowhere") == [tmp_path / "nowhere"]
    with pytest.raises(
        Unreadable, match=r"holds no notebooks itself, but folders that do \(anna.my-course, ben\)"
    ):
        notebooks_of(tmp_path)


def test_a_folder_beside_a_learners_own_notebooks_is_no_learner(tmp_path):
    for name in ("class/anna/my-course", "class/anna/data", "class/ben", "class/chris", "class/dora/empty"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("class/anna/my-course", "class/ben"):
        keep(tmp_path / name, made_by_a_learner())
    names = ["class/anna/my-course", "class/ben", "class/chris", "class/dora"]
    assert learners_in(tmp_path) == [tmp_path / name for name in names]


@pytest.mark.parametrize("language", words.TABLES)
def test_a_learner_who_handed_nothing_in_is_a_row_that_says_so(tmp_path, language):
    for name in ("anna", "ben"):
        (tmp_path / name).mkdir()
    keep(tmp_path / "anna", made_by_a_learner())
    with words.language(language):
        results = grade.grade(learners_in(tmp_path))
        sentence = words.say("course.unreadable.nothing", path=tmp_path / "ben")
        assert [result.problem for result in results] == ["", sentence]
        rows = list(csv.DictReader(io.StringIO(sheet.as_csv(overview(results, Points())))))
    assert [(row["learner"], row["points"], row["submitted"] == "") for row in rows] == [
        ("anna", rows[0]["points"], False),
        ("ben", "0", True),
    ]


def test_hints_are_counted_where_their_output_was_saved(tmp_path, capsys):
    made = made_by_a_learner()
    for language, level in (("ja", 2), ("en", 1)):
        with words.language(language):
            hint("3_1.adam", level)
    printed = capsys.readouterr().out.splitlines(keepends=True)
    made["cells"][3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": printed}]
    keep(tmp_path, made)
    [submission] = notebooks_of(tmp_path)
    assert submission.hints == {"3_1.adam": 2}
    assert submission.language == "en"


# The table


def entry(learner, file="", lesson="3_1_SGD", problem="", **statuses):
    """A result with these statuses, the others not written."""
    exercises = load(lesson).exercises if lesson else ()
    earned = [
        Mark(
            name,
            statuses.get(name.partition(".")[2], "unwritten"),
            "kind.told",
            {"text": f"sentence on {name}"},
        )
        for name in exercises
    ]
    trouble = Unreadable("kind.told", text=problem) if problem else None
    path = Path(learner, file or f"{lesson}_trainee.ipynb")
    return grade.NotebookMarks(Submission(Path(learner), path, lesson, problem=trouble), tuple(earned))


@pytest.fixture(autouse=True)
def words_of_these_tests(monkeypatch):
    for table_of_words in TABLES.values():
        monkeypatch.setitem(table_of_words, "kind.told", "{text}")


def test_of_several_notebooks_of_a_lesson_each_exercise_counts_once_where_it_is_best():
    first = entry("a", NAME, sgd="passed", adam="wrong", rmsprop="crashed")
    second = entry("a", "3_1_SGD_trainee.2.ipynb", sgd="passed", adam="passed", rmsprop="failed")
    results = grade.counted([first, second, entry("b", sgd="passed")])
    counts = [{name for name, mark in by_name(each).items() if mark.counts} for each in results]
    assert counts[0] == set(by_name(first)) - {"adam", "rmsprop"}
    assert counts[1] == {"adam", "rmsprop"}
    assert grade.total(results[:2]) == (2, len(EXERCISES))
    sentence = (
        f"{NAME}, 3_1_SGD_trainee.2.ipynb are of one lesson: each exercise counts once, where it is best"
    )
    assert sentence in shown(results[:2], 200)
    assert f"a: {sentence}" in shown(results, 200)
    assert [line.split()[1] for line in shown(results[:2]).splitlines()].count("3_1.sgd") == 1


def test_many_learners_are_one_table_of_80_columns_with_all_lessons():
    lessons = [name for name in lesson_names() if load(name).exercises]
    results = [entry("class/佐藤 愛子", lesson=name) for name in lessons]
    results += [entry("class/ben", sgd="passed", adam="crashed", rmsprop="stopped")]
    results += [entry("class/cy", "", "", "there is no folder class/cy")]
    for language in TABLES:
        with words.language(language):
            lines = shown(results).splitlines()
            assert max(map(columns, lines)) <= 80
            every = str(sum(len(load(name).exercises) for name in lessons))
            assert lines[0].split()[1:-1] == [load(name).number for name in lessons]
            assert lines[1].split()[-1] == every
            assert lines[3].split() == ["ben", "1!", *["·"] * (len(lessons) - 1), "1"]
            assert words.say("course.mark.crashed") in lines[5]
            [of_ben] = [line for line in lines if "! 3_1.adam" in line]
            assert of_ben.split() == ["ben", "!", "3_1.adam", "sentence", "on", "3_1.adam"]
            assert any(line.split()[:2] == ["cy", "?"] for line in lines)


def columns(line):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def test_every_status_has_its_mark_and_none_is_doubled():
    assert set(table.MARKS) == set(marks.BEST_FIRST)
    assert len(set(table.MARKS.values())) == len(table.MARKS)


def test_a_text_of_the_learners_cannot_disturb_the_terminal():
    assert marks.clean("a\x1b[2Jb\ud800\n[red]") == "a�[2Jb�\n[red]"
    assert len(marks.clean("x" * 10**6)) == marks.LONGEST + 1
    assert "[red]" in shown([entry("[red]a"), entry("b")])


# The commands


def test_check_prints_a_table_and_writes_json(kobai_here, place):
    made = made_by_a_learner(sgd="class SGD:\n    def __init__(self, learning_rate): pass")
    keep(place / "mine", made)
    ran = kobai_here("course", "check", "mine", "--json", "marks.json", "--language", "en")
    assert (ran.code, ran.err) == (0, "")
    assert "✓ 3_1.adam" in ran.out
    assert "has no attribute 'update'" in " ".join(ran.out.split())
    assert f"1 of {len(EXERCISES)} right" in ran.out
    [kept] = json.loads((place / "marks.json").read_text("utf-8"))
    about = {name: kept[name] for name in kept if name != "verdicts"}
    file = {"learner": "mine", "notebook": NAME, "lesson": "3_1_SGD", "problem": ""}
    assert about == {**file, "passed": 1, "counted": len(EXERCISES)}
    assert [verdict["exercise"] for verdict in kept["verdicts"]] == list(EXERCISES)
    keys = {"exercise", "status", "mistake", "message", "counts"}
    assert all(set(verdict) == keys for verdict in kept["verdicts"])


def test_grade_speaks_japanese_and_names_folders_that_are_not_there(kobai_here, place):
    keep(place / "class" / "a", made_by_a_learner(adagrad="class AdaGrad(:"))
    ran = kobai_here("course", "grade", "class/a", "class/nobody", "--language", "ja")
    assert ran.code == 0
    said = "".join(ran.out.split())
    assert "フォルダーclass/nobodyがありません" in said
    assert "実行できません:3_1.adagradのセルがSyntaxErrorで止まりました" in said
    assert f"（演習数）{len(EXERCISES)}{len(EXERCISES)}" in said


def test_grade_writes_what_a_class_is_told(kobai_here, place):
    """Of a folder of folders, with points and a deadline; each feedback in its notebook's language."""
    keep(place / "class" / "anna", made_by_a_learner(review="review = 'bcabd'"))
    japanese = made_by_a_learner()
    japanese["metadata"]["kobai"]["language"] = "ja"
    keep(place / "class" / "ben", japanese)
    (place / "points.toml").write_text('deadline = 2000-01-01\n[points]\n"3_1.adam" = 4\n')
    arguments = ("--points", "points.toml", "--output", "marks", "--language", "en")
    ran = kobai_here("course", "grade", "class", *arguments)
    assert (ran.code, ran.err) == (0, "")
    said = " ".join(ran.out.split())
    assert "class is a folder of folders: each of the 2 in it is a learner's" in said
    assert "4 files in marks: grades.csv, class.html and the feedback for each learner" in said
    written = (place / "marks" / "grades.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbflearner,3_1.review,")  # with a mark, as Excel wants it
    rows = [line.split(",") for line in written.decode("utf-8-sig").splitlines()]
    assert [row[0] for row in rows] == ["learner", "anna", "ben"]
    total = str(len(EXERCISES) + 3)
    assert [row[-5:-2] for row in rows[1:]] == [["6", total, "3"], ["5", total, "2"]]
    assert {row[-1] for row in rows[1:]} == {"yes"}
    assert 'href="feedback/anna.html"' in (place / "marks" / "class.html").read_text("utf-8")
    feedback = {path.stem: path.read_text("utf-8") for path in (place / "marks" / "feedback").iterdir()}
    assert set(feedback) == {"anna", "ben"}
    assert "Feedback for anna" in feedback["anna"]
    assert "benさんへのフィードバック" in feedback["ben"]


def test_grade_refuses_before_anything_runs(kobai_here, place, monkeypatch):
    keep(place / "a", made_by_a_learner())
    (place / "file").write_text("")
    monkeypatch.setattr(grade, "grade", None)
    for arguments, sentence in (
        (("--points", "nothing.toml"), "nothing.toml cannot be read"),
        (("--output", "file"), "file"),
        (("--json", "no/marks.json"), "no/marks.json"),
    ):
        ran = kobai_here("course", "grade", "a", *arguments, "--language", "en")
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert sentence in ran.err
    assert {path.name for path in place.iterdir()} == {"a", "file"}


@pytest.mark.parametrize("exists", [True, False])
def test_a_file_that_python_runs_at_every_start_is_told(exists, tmp_path, monkeypatch):
    """A notebook could leave a sitecustomize.py for the processes of those whose turn is still to come."""
    place = tmp_path / "site-packages"
    if exists:
        place.mkdir()
    monkeypatch.setattr("site.getusersitepackages", lambda: str(place))
    files = Files()
    assert not files.changed()
    keep(place, "raise SystemExit", "sitecustomize.py")
    assert files.changed() == str(place)


def test_a_module_that_knows_no_file_of_its_own_is_no_hindrance(monkeypatch):
    """Some modules raise what they like when they are asked for a name."""
    odd = types.ModuleType("odd")
    odd.__getattr__ = lambda name: undefined_name  # noqa: F821
    monkeypatch.setitem(sys.modules, "odd", odd)
    monkeypatch.setitem(sys.modules, "none", None)
    files = Files()
    assert files.changed() == ""
    assert grade.__file__ in files.own


@pytest.mark.parametrize("folders", [None, False, "here", [kobai.Adam]], ids=repr)
def test_what_is_no_list_of_folders_is_refused(folders):
    with pytest.raises(UsageError, match="folders must be a list of folders, got "):
        grade.grade(folders)


@pytest.mark.parametrize("limit", ["seconds", "gigabytes", "cell", "threads", "seed"])
@pytest.mark.parametrize("value", ["x", -1, float("nan")], ids=repr)
def test_a_limit_that_is_none_is_refused(limit, value, tmp_path):
    with pytest.raises(UsageError, match=f"{limit} must be"):
        grade.grade([tmp_path], **{limit: value})
