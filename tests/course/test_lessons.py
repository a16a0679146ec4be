"""Every lesson: its notebooks are valid, alike in both languages, and run, with answers and without."""

import ast
import itertools
import json
import re
from importlib.resources import files

import jupytext
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import kobai
import quoted
from kobai import words
from kobai.course import desk, figures, job, learner, ward
from kobai.course.exercises import lesson_3_10
from kobai.course.judge import PASSED, UNWRITTEN, Verdict
from kobai.course.notebooks import KINDS, dump, notebook, rendered
from kobai.course.patient import STARTS, treatments
from kobai.course.source import LANGUAGES, LessonCell, lesson_names, load, read
from kobai.questions.diagnosis import signs
from kobai.questions.diagnosis.confirm import runs
from kobai.questions.diagnosis.troubles import troubles

LESSONS = [pytest.param(load(name), id=name) for name in lesson_names()]
SOURCES = {
    name: files("kobai.course").joinpath("lessons", f"{name}.py").read_text("utf-8")
    for name in lesson_names()
}


def run(lesson, language, kind, shown=None):
    """Execute a notebook's cells in order in this process; the verdict of each check.

    What the cells show is appended to `shown`.
    """
    namespace, verdicts = {"__name__": "__main__"}, {}
    for cell in notebook(lesson, language, kind)["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]), cell["id"])
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), namespace)
        value = last and eval(compile(ast.Expression(last.value), cell["id"], "eval"), namespace)
        if isinstance(value, Verdict):
            verdicts[value.exercise] = value
        elif shown is not None:
            shown.append(value)
    return verdicts


@pytest.fixture(autouse=True)
def _engine_once(monkeypatch):
    """What the engine computes from equal arguments it computes once: all notebooks of 3_12 ask the same."""
    monkeypatch.setattr(kobai, "transfer", _transferred)
    monkeypatch.setattr(kobai, "diagnose", _diagnosed)


def _transferred(task, *, kept={}, transfer=kobai.transfer, **settings):  # noqa: B006 - of all tests
    key = repr((task, settings))
    if key not in kept:
        kept[key] = transfer(task, **settings)
    return kept[key]


def _diagnosed(task, *, kept={}, diagnose=kobai.diagnose, **settings):  # noqa: B006 - of all tests
    key = repr((id(task), settings, words.current()))
    if key not in kept:
        kept[key] = diagnose(task, **settings)
    return kept[key]


@pytest.mark.parametrize("lesson", LESSONS)
def test_with_answers_every_check_passes_and_without_each_says_not_yet_written(lesson, capsys):
    """All four notebooks in one process, so that the others find compiled what the first needed."""
    for language, kind in itertools.product(LANGUAGES, KINDS):
        shown = []
        verdicts = run(lesson, language, kind, shown)
        assert tuple(verdicts) == lesson.exercises, (language, kind)
        printed = capsys.readouterr().out
        waiting = words.say("course.needs", exercise="")[:4] in printed
        if kind == "answer":
            assert {name: verdict for name, verdict in verdicts.items() if verdict.status != PASSED} == {}
            assert not waiting
            cells = notebook(lesson, language, kind)["cells"]
            assert quoted.not_shown(lesson.name, cells, printed, shown) == [], language
        else:
            assert {verdict.status for verdict in verdicts.values()} <= {UNWRITTEN}, language
            sentence = words.TABLES[language]["course.mark.unwritten"]
            assert all(verdict.message.startswith(sentence) for verdict in verdicts.values())


SICK = [
    ("noise_floor", ward.patients, "A", "bef"),
    ("long_term", ward.patients, "B", "d"),
    ("plateau", ward.patients, "C", "aei"),
    ("explosion", ward.patients, "D", "d"),
    ("saddle", ward.patients, "E", "ade"),
    ("explosion", ward.patients, "F", "bce"),
    ("plateau", ward.patients, "G", "gi"),
    ("plateau", ward.patients, "H", "h"),
    ("rate_too_low", ward.patients, "I", "i"),
    ("rate_too_low", job.colleagues, "A", "a"),
    ("unscaled_inputs", job.colleagues, "B", "c"),
    ("symmetry", job.colleagues, "C", "d"),
    ("overfitting", job.colleagues, "D", "be"),
    ("rate_too_high", job.colleagues, "E", "b"),
    ("saturation", job.colleagues, "F", "d"),
]
"""Of the sick trainings of 3_10 and 3_13 what kobai says, and the remedies that the check takes."""


@pytest.fixture
def opened(monkeypatch):
    """As if the learner's answers were right."""
    right = {f"{lesson}.{part}" for lesson in ("3_10", "3_13") for part in ("troubles", "remedies")}
    monkeypatch.setattr(learner, "right", right)


@pytest.mark.parametrize(("trouble", "made", "name", "remedies"), SICK)
@pytest.mark.usefixtures("opened")
def test_the_sick_trainings_have_what_their_checks_take_for_right(trouble, made, name, remedies):
    """Of those that the notebooks have examined before; no other remedy is shown to help."""
    patient = made()[name]
    assert troubles(patient.case)[0].name == trouble
    assert "".join(letter for letter, found in patient.trials.items() if found.helps) == remedies
    others = {found.before for found in patient.trials.values() if found.cure.against is None}
    assert len(others) == 1, "one training has one baseline, but where one goes on for longer"
    lesson = "3_10" if made is ward.patients else "3_13"
    for letter in patient.remedies.keys() - set(remedies):
        key = f"course.wrong.{lesson}.remedies."
        number = ord(name) - ord("A") + 1
        own = words.TABLES["en"].get(f"{key}{number}.{letter}", words.TABLES["en"][f"{key}{letter}"])
        sentence = "not shown to help" if letter in patient.trials else "already"
        assert sentence in own, (name, letter)


def test_what_kobai_says_is_told_when_the_answer_is_right():
    patient = ward.patients()["A"]
    for part, told in (("troubles", lambda: patient.diagnosis), ("remedies", lambda: patient.trials)):
        learner.check(f"3_10.{part}", {part: "aaaaaaaaa"})
        with pytest.raises(kobai.UsageError, match=f"your own answer to 3_10.{part}"):
            told()
        learner.check(f"3_10.{part}", {part: lesson_3_10.EXERCISES[part].reference})
        assert told()
        assert not learner.done(f"3_10.{part}", {part: "aaaaaaaaa"})
        with pytest.raises(kobai.UsageError):
            told()
    assert patient.treated("b"), "one remedy at a time may be tried before"


@pytest.mark.usefixtures("opened")
def test_a_local_solution_stays_where_it_is_however_long_it_goes_on():
    """A plateau does not, nor a long way round: what tells C and I from G, beside curvature."""
    ends = {name: ward.patients()[name].trials["g"].before for name in "CGI"}
    assert ends["C"] < 0.01
    assert ends["I"] < 0.4, "the long way round leads there"
    assert ends["G"] > 0.7


@pytest.mark.usefixtures("opened")
def test_of_several_starts_the_one_with_the_lowest_training_loss_is_kept():
    """Of seed 0's, the first of which is its own and stays; all eight seeds' are in the mean."""
    found = ward.patients()["G"].trials["g"]
    first = runs([ward.settings()["G"]], [8 * start for start in range(STARTS)])[0]
    kept = min(first, key=lambda run: run.training_loss[-1])
    assert kept.validation_loss[-1] < 0.4 < 0.8 < first[0].validation_loss[-1]
    assert (found.cure.against.steps, found.better) == (STARTS * 600, 6)


DESK = {
    "A": ["imbalance"],
    "B": ["weight_decay_too_strong", "rate_too_low", "underfitting"],
    "C": ["unlearnable_labels", "rate_too_low"],
    "D": [],
    "E": ["batch_norm_lag"],
}
"""What kobai says of the trainings that come to the desk, which the sentences of their check refer to."""


def test_what_is_done_first_at_the_desk_acts_upon_what_kobai_names_first():
    with words.language("en"):
        asked = {
            name: _diagnosed(task, optimizer=optimizer, steps=100, progress=False)
            for name, (task, optimizer) in desk.requests().items()
        }
    assert {name: [each["name"] for each in found.troubles] for name, found in asked.items()} == DESK
    cases = {name: found.diagnosis.case for name, found in asked.items()}
    accuracy = {name: case.records[0].validation[-1, 1] for name, case in cases.items()}
    assert accuracy["A"] > accuracy["D"] > 0.9, "the most accurate is sick, the next is well"
    assert accuracy["C"] < 0.2 < 0.7 < min(accuracy[name] for name in "ABDE")
    assert {name for name, case in cases.items() if case.setting.decay} == {"B"}
    assert {name for name, case in cases.items() if case.facts.outnumbered > 10} == {"A"}
    assert {name for name, case in cases.items() if case.setting.task.state is not None} == {"E"}


def test_the_evidence_on_the_job_contradicts_what_the_checks_say_that_it_does():
    every = job.colleagues()
    ratios = {name: signs.ratio(each.case.records[0]) for name, each in every.items()}
    assert {name for name, ratio in ratios.items() if ratio > 0.5} == {"E"}
    assert {name for name, ratio in ratios.items() if ratio < 1e-3} == {"A", "F"}
    assert {name for name, each in every.items() if each.apart > 2} == {"B"}
    assert {name for name, each in every.items() if each.alike > 0.5} == {"C"}
    assert {name for name, each in every.items() if each.saturated[0] > 0.5} == {"B", "F"}
    assert {name for name, each in every.items() if each.forgotten > 0.3} == {"D"}


def test_the_evidence_contradicts_what_the_checks_say_that_it_does():
    ways, still, lowest, averaged, highest, jumps, starts = {}, {}, {}, {}, {}, {}, {}
    every = ward.patients()
    for name, each in every.items():
        ways[name] = np.median(each.gradients[:, 0] / each.gradients[:, -1]) if name != "H" else 1.0
        still[name], lowest[name], averaged[name] = each.standstill, each.lowest, each.averaged
        highest[name], jumps[name], starts[name] = each.highest, each.jump, each.starts
    assert {name: way for name, way in ways.items() if not 0.01 < way < 100}.keys() == {"B", "D"}
    assert (ways["B"] < 1e-3, ways["D"] > 1e3) == (True, True)
    assert {name for name, share in still.items() if share > 0.3} == {"B", "C", "E", "F", "G", "H"}
    assert all(still[name] < 0.2 for name in "ADI")
    # g's common sentence, "no eigenvalue is below 0", is that of A and E alone.
    assert {name for name, value in lowest.items() if value < -1} == {"A", "E"}
    assert {"2.g", "3.g", "4.g", "6.g", "8.g", "9.g"} <= set(lesson_3_10.OWN_SENTENCES)
    assert -0.1 < lowest["C"] < -0.01
    assert all(-0.005 < lowest[name] <= 0 for name in "FG")
    assert (highest["C"] < 0.02, highest["G"] > 0.2, starts["G"] < 0.5) == (True, True, True)
    # "within ±0.1 it hardly curves": both ends of C, and of no other that stands still; H knows no curvature.
    flat = {name for name in still if still[name] > 0.3 and lowest[name] > -0.1 and highest[name] < 0.1}
    assert flat == {"C", "H"}
    assert (lowest["H"], highest["H"], len(every["H"].gradients)) == (0, 0, 0)
    assert {name for name, each in every.items() if each.explained < 0.9} == {"H"}
    # Of those that never stand still, and whose averages are no lower, other starts get far below one alone.
    assert {name for name in "ADI" if starts[name] < 0.6} == {"I"}
    assert {name for name, gain in averaged.items() if gain > 0.1} == {"A"}
    assert {name for name, jump in jumps.items() if jump > 10} == {"F"}


def test_the_cliff_throws_the_loss_up_at_one_step_and_clipping_holds_it():
    case = ward.patients()["F"].case
    step, factor = signs.spike(case.records[0])
    loss = case.records[0].loss
    assert (step, factor > 500) == (9, True)
    assert loss[step - 1] < loss[0] / 10
    assert loss[step] > 10 * loss[0]
    clipped = runs([ward.REMEDIES["c"](case.setting).setting], [0])[0][0]
    assert np.nanmax(clipped.training_loss) < loss[0], "never higher than at the start"


def test_the_lowest_eigenvalue_is_that_of_the_standstill():
    """Not of its tenth step, where it may be another one."""
    record = ward.patients()["C"].case.records[0]
    assert ward.patients()["C"].lowest == record.curvature[100][0] / record.train[record.marks == 100, 0][0]


def test_clipping_at_1_leaves_most_gradients_alone_where_its_check_says_so():
    for name in "ABCEGHI":
        assert np.median(signs.lengths(ward.patients()[name].case.records[0].gradients)) < 1, name


def test_chosen_remedies_are_read_as_the_check_reads_them():
    class Named:
        remedies = "abcdef"
        treated = str.upper

    two = {"A": Named, "B": Named}
    assert list(treatments(two, "A:b B:d")) == list(treatments(two, "bd")) == ["A (b) B", "B (d) D"]
    assert list(treatments(two, "")) == []


def test_an_unknown_remedy_is_refused():
    with pytest.raises(kobai.UsageError, match="no remedy 'x'"):
        ward.patients()["A"].treated("x")


def test_a_number_that_no_cell_shows_is_noticed():
    def missing(text, printed="loss 0.369 after 1,022 steps, 41.2 s, share .52", code="steps = 3_000"):
        cells = [
            {"id": "a", "cell_type": "code", "metadata": {}, "source": [code]},
            {"id": "b", "cell_type": "markdown", "metadata": {"tags": ["result"]}, "source": [text]},
        ]
        return [number for _, number in quoted.not_shown("", cells, printed, [])]

    assert missing("0.37、1,022ステップ、3,000、約1,000、52%、9回、$x_{17}$、`12.5`") == []
    assert missing("0.38、1,122ステップ、3,200、57%") == ["0.38", "1,122", "3,200", "57"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_notebooks_are_valid_and_their_cells_have_equal_ids(lesson):
    made = [notebook(lesson, language, kind) for language in LANGUAGES for kind in KINDS]
    for each in made:
        nbformat.validate(nbformat.from_dict(each))
    ids = [[cell["id"] for cell in each["cells"]] for each in made]
    assert ids[1:] == ids[:-1]
    assert len(set(ids[0])) == len(ids[0])


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_notebook_is_built_the_same_each_time(lesson):
    assert dump(notebook(lesson, "ja", "trainee")) == dump(notebook(load(lesson.name), "ja", "trainee"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_code_differs_between_languages_in_words_only(lesson):
    """The same statements, but for strings: nothing is computed in one language alone."""

    def bare(language):
        for cell in notebook(lesson, language, "answer")["cells"]:
            if cell["cell_type"] == "code":
                for node in ast.walk(ast.parse("".join(cell["source"]))):
                    if not isinstance(node, ast.Constant | ast.JoinedStr | ast.FormattedValue):
                        yield type(node).__name__

    assert list(bare("ja")) == list(bare("en"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_everything_imported_is_used(lesson):
    """But `hint`, which is there for the learner to call."""
    cells = notebook(lesson, "en", "answer")["cells"]
    code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    nodes = list(ast.walk(ast.parse(code)))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {(each.asname or each.name).partition(".")[0] for node in imports for each in node.names}
    assert imported - {node.id for node in nodes if isinstance(node, ast.Name)} <= {"hint"}


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_text_has_its_partner_in_the_other_language(lesson):
    for identity, cells in lesson.numbered():
        if cells[0].kind == "markdown":
            assert [cell.tags[0] for cell in cells] == ["ja", "en"], identity
            assert cells[0].tags[1:] == cells[1].tags[1:], identity
            assert set(cells[0].tags[1:]) <= {"result", "slide"}, identity
            japanese, english = (cell.text for cell in cells)
            headings = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (japanese, english)]
            assert headings[0] == headings[1], identity
            assert re.search(r"[ぁ-ん]", japanese), identity
            assert not re.search(r"[ぁ-んァ-ン]", english), identity


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_solution_is_left_in_a_trainees_notebook(lesson):
    for cell in lesson.cells:
        if "exercise" in cell.tags:
            trainee, answer = (rendered(cell, "en", kind) for kind in KINDS)
            assert "SOLUTION" not in trainee + answer
            assert trainee != answer
            if "BEGIN SOLUTION" in cell.text:
                assert "raise NotImplementedError" in trainee
                assert "raise NotImplementedError" not in answer


PREDICT = {"ja": "**予想**", "en": "**Predict**"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lesson", LESSONS)
def test_what_comes_out_is_folded_until_it_has_been_predicted(lesson, language):
    """A question to predict is followed by a folded result before the text goes on."""
    asked = ""
    for cell in notebook(lesson, language, "trainee")["cells"]:
        text = "".join(cell["source"])
        if "result" in cell["metadata"].get("tags", []):
            assert text.startswith("<details><summary>")
            assert text.endswith("\n\n</details>")
            asked = ""
        elif cell["cell_type"] == "markdown" and (text.startswith("#") or PREDICT[language] in text):
            assert not asked, (asked, cell["id"])
            asked = cell["id"] if PREDICT[language] in text else ""
    assert not asked


MINUTES = {"ja": r"（(\d+)分(?:、[^）]*)?）$", "en": r"\((\d+) min(?:, [^)]*)?\)$"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lesson", LESSONS)
def test_the_heading_above_an_exercise_says_three_to_eight_minutes(lesson, language):
    """One exercise a heading; questions to answer are exercises, too."""
    heading = ""
    for cell in notebook(lesson, language, "trainee")["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = (re.findall(r"^#{2,3} .*$", text, re.MULTILINE) or [heading])[-1]
        elif "exercise" in cell["metadata"].get("tags", []):
            found = re.search(MINUTES[language], heading)
            assert found, (cell["id"], heading)
            assert 3 <= int(found[1]) <= 8
            heading = f"used by {cell['id']}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_ends_with_a_summary_and_three_questions_with_folded_answers(lesson):
    for language, (summary, folded) in {
        "ja": ("## まとめ", "<summary>答え</summary>"),
        "en": ("## Summary", "<summary>Answers</summary>"),
    }.items():
        last = "".join(notebook(lesson, language, "trainee")["cells"][-1]["source"])
        questions, _, answers = last.partition("<details>")
        assert summary in questions
        assert folded in answers
        for part in (questions.rpartition("###")[2], answers):
            assert re.findall(r"^(\d)\. ", part, re.MULTILINE) == ["1", "2", "3"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lesson", LESSONS)
def test_commands_for_the_terminal_speak_the_notebooks_language(lesson, language):
    for cell in notebook(lesson, language, "trainee")["cells"]:
        if cell["cell_type"] == "markdown":
            for command in re.findall(r"kobai (?:compare|descend) [^`\n]*", "".join(cell["source"])):
                assert command.endswith(f" --language {language}")


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_japanese_text_keeps_to_one_word_for_a_thing(lesson):
    """Words for which the glossary, or kobai's own tables, have another."""
    for cell in notebook(lesson, "ja", "answer")["cells"]:
        others = "端末|雑音|偽の主張|例ごと|初到達|モメンタム|ローカルミニマム|チューニング(?![)）])"
        assert not re.search(others, "".join(cell["source"])), cell["id"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_of_the_group_work_have_the_columns_that_the_commands_print(language):
    table = words.TABLES[language]
    for lesson, columns in {
        "3_1_SGD": ("descent.column.first", "descent.column.stays"),
        "3_2_SGD_withNN": ("table.reached", "table.first.steps"),
    }.items():
        cells = notebook(load(lesson), language, "trainee")["cells"]
        text = "".join("".join(cell["source"]) for cell in cells)
        for column in columns:
            # A column of a table is narrow: its words are broken, and an interval may follow them.
            printed = (
                re.sub(r" ?\[.*", "", table[column]).strip().replace("\n", " " if language == "en" else "")
            )
            assert f"| {printed} |" in text


OTHER_ANSWERS = {
    # The array that it is given never changes.
    ("3_2_SGD_withNN", "numerical_gradient", "class Network"): """
def numerical_gradient(f, x, h=1e-4):
    found = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        found[i] = (f(above) - f(below)) / (2 * h)
    return found
""",
    # ∞/∞ is no number.
    ("3_10_difficulties", "clip", "positions = {}"): """
def clip(grads, threshold):
    norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
    return {key: g * (threshold / max(norm, threshold)) for key, g in grads.items()}
""",
    # Numbers of minima that are no integers.
    ("3_10_difficulties", "nearest", "maps = {}"): """
def nearest(ends, minima):
    found = np.zeros(len(ends))
    for i, end in enumerate(ends):
        found[i] = np.argmin(((end - minima) ** 2).sum(axis=1))
    return found
""",
}


@pytest.mark.parametrize(("lesson", "exercise", "cell"), OTHER_ANSWERS)
def test_the_next_cell_says_the_same_with_another_right_answer(lesson, exercise, cell, capsys):
    sources = {
        each["id"]: "".join(each["source"])
        for each in notebook(load(lesson), "en", "answer")["cells"]
        if each["cell_type"] == "code"
    }
    [last] = [source for source in sources.values() if cell in source]
    said = []
    for answer in (None, OTHER_ANSWERS[lesson, exercise, cell]):
        namespace = {}
        exec(sources[f"{load(lesson).number}-02"], namespace)
        for identity in [identity for identity in sources if re.search(r"-[a-z_]+$", identity)]:
            exec(sources[identity], namespace)
        if answer:
            exec(answer, namespace)
            assert namespace["check"](f"{load(lesson).number}.{exercise}", namespace).status == PASSED
        capsys.readouterr()
        exec(last, namespace)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0].strip()


def test_the_group_work_measures_what_descend_does(capsys):
    run(load("3_1_SGD"), "en", "answer")
    lines = capsys.readouterr().out.splitlines()
    measured = [line for line in lines if line.startswith("first there")]
    rules = [kobai.SGD(0.95), kobai.SGD(1.01), kobai.Momentum(0.1)]
    for line, rule in zip(measured, rules, strict=True):
        [row] = kobai.descend("bowl", rule).outcome.rows
        first, stays, diverged = (each or "–" for each in (row.first, row.stays, row.diverged_at))
        assert line == f"first there {first}  stays from {stays}  diverged {diverged}"


@pytest.mark.parametrize("name", SOURCES)
def test_jupytext_reads_a_lesson_as_we_do(name):
    """All but what we leave out: blank lines at the ends of a cell."""
    theirs = jupytext.reads(SOURCES[name], fmt="py:percent").cells
    ours = list(read(SOURCES[name]))
    assert [(cell.kind, cell.text) for cell in ours] == [
        (cell.cell_type, cell.source.strip("\n")) for cell in theirs
    ]
    assert [list(cell.tags) for cell in ours] == [cell.metadata.get("tags", []) for cell in theirs]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_on_transfer_quotes_what_its_cells_measure(language):
    """0.02: a last digit may differ from machine to machine."""
    cells = notebook(load("3_12_pretraining_and_transfer"), language, "answer")["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    [after] = [i for i, text in enumerate(texts) if 'kobai.transfer("halves"' in text]
    quoted = [float(number) for number in re.findall(r"\d\.\d\d", texts[after - 1])]
    settings = next(text for text in texts if "settings = {" in text).partition("}")[0] + "}"
    namespace = {}
    exec(settings, namespace)
    found = [kobai.transfer(task, **namespace["settings"]).table for task in ("moved", "unrelated")]
    measured = [
        abs(value)
        for frame in found
        for column in ("metric", "metric_scratch", "difference", "ratio")
        for value in frame[column]
    ]
    assert len(quoted) == 10
    assert [number for number in quoted if min(abs(number - value) for value in measured) > 0.02] == []


def test_a_line_stands_only_in_the_notebooks_it_is_marked_for():
    text = (
        "# ja: 日\n# en: E\nx = 1  # ja\nx = 2  # en\ny = 3  # trainee\ny = 4  # answer\n"
        "def f():\n    ### BEGIN SOLUTION\n    return 5\n    ### END SOLUTION"
    )
    cell = LessonCell("code", text)
    assert rendered(cell, "ja", "answer") == "# 日\nx = 1\ny = 4\ndef f():\n    return 5"
    assert rendered(cell, "en", "trainee") == (
        "# E\nx = 2\ny = 3\ndef f():\n    # write your code here, in place of the next line\n"
        "    raise NotImplementedError"
    )


def test_a_map_of_regions_has_a_colour_for_each_place_and_a_gap_for_none():
    made = figures.regions({"SGD": [[0, 1], [-1, 1]]}, (-2, 2), (0, 1), ["left", "right"])
    heat, *legend = made.data
    assert [list(row) for row in heat.z] == [[0, 1], [None, 1]]
    assert (tuple(heat.x), tuple(heat.y)) == ((-2.0, 2.0), (0.0, 1.0))
    colours = [heat.colorscale[2 * i][1] for i in range(2)]
    assert [(each.name, each.marker.color) for each in legend] == list(
        zip(["left", "right"], colours, strict=True)
    )
    # A whole number lies in the middle of its colour: from 0 to 1/2, and from 1/2 to 1.
    assert [step for step, _ in heat.colorscale] == [0, 0.5, 0.5, 1]
    assert (heat.zmin, heat.zmax) == (-0.5, 1.5)


def test_lines_over_a_logarithmic_axis_show_the_numbers_given_and_single_points():
    made = figures.against([0.1, 1], {"mean": [3, 5]}, points=[[2, 4], [5, 5]])
    assert made.layout.xaxis.type == "log"
    assert made.layout.xaxis.ticktext == ("0.1", "1")
    points, mean = made.data
    assert list(zip(points.x, points.y, strict=True)) == [(0.1, 2), (0.1, 4), (1, 5), (1, 5)]
    assert (mean.x, mean.y) == ((0.1, 1), (3, 5))


def test_histograms_can_share_their_ends():
    made = figures.histograms({"wide": [-1, 0, 0.9], "narrow": [0, 0, 0]}, bins=2, within=(-1, 1))
    assert [list(bars.y) for bars in made.data] == [pytest.approx([1 / 3, 2 / 3]), [0, 1]]
    assert made.layout.xaxis.range == made.layout.xaxis2.range == (-1, 1)


@pytest.mark.parametrize(
    ("name", "language", "kind"),
    [
        ("3_1_SGD", "ja", "answer"),
        ("3_1_SGD", "en", "trainee"),
        ("3_8_learning_vs_optimization", "ja", "trainee"),
        ("3_7_two_layer_NeuralNetwork_regression", "en", "answer"),
    ],
)
def test_a_notebook_runs_in_a_real_kernel(name, language, kind, tmp_path):
    made = nbformat.reads(dump(notebook(load(name), language, kind)), as_version=4)
    NotebookClient(made, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    checked = [cell.outputs for cell in made.cells if cell.id.endswith("-check")]
    sentence = words.TABLES[language][
        "course.verdict.passed" if kind == "answer" else "course.mark.unwritten"
    ]
    assert len(checked) == len(load(name).exercises)
    assert all(sentence in json.dumps(outputs, ensure_ascii=False) for outputs in checked)
    assert "application/vnd.plotly.v1+json" in json.dumps(made)
