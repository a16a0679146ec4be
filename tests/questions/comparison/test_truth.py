"""What a comparison says is true: on cells whose curves are known, sentence by sentence."""

import dataclasses
import io
import math
import re

import numpy as np
import polars as pl
import pytest
from rich.cells import cell_len
from rich.console import Console

import kobai
from kobai import initializers as initial_values
from kobai import words
from kobai.basics import signs
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.engine.run import Run, evaluated_at
from kobai.questions.comparison import sentences, table, terminal
from kobai.questions.comparison.page import summary
from kobai.study import axes as of_axes
from kobai.study import protocol, runner
from kobai.study.answer import answer
from kobai.study.statistics import Estimate, limit, paired_ratio, steps_to_stay, steps_to_target
from kobai.study.study import Study
from terminal import squeezed

STEPS = 100
SGD, ADAM = kobai.SGD(0.1), kobai.Adam(0.1)


class Quiet:
    def phase(self, name, total): ...

    def advance(self, cells): ...


def task_of(**changes):
    x, y = np.ones((8, 2), np.float32), np.ones(8, np.float32)
    values = {
        "name": "blobs",
        "parameters": {"w": np.zeros((2, 1), np.float32)},
        "loss": lambda p, b: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2,
        "train": (x, y),
        "validation": (x, y),
        "test": (x, y),
        "batch_size": 4,
        "metric": lambda p, data: (p["w"] * 0).mean(),
        "metric_name": "score",
        "maximize": True,
        "target": 0.9,
    }
    return kobai.Task(**(values | changes))


def study_of(monkeypatch, metric, optimizers=(SGD, ADAM), task=None, **options):
    """The answer of a study whose cells have the curve ``metric(cell, marks)``; None: a run that diverges."""

    class Engine:
        chunk = 64

        def __init__(self, task, settings, *, steps, evaluate_every, threads=None, strategies=()):
            self.marks = evaluated_at(steps, evaluate_every)

        def memory(self, optimizer):
            return 0

        threads = 1

        def compile(self): ...

        def chunks(self, cells):
            return [list(range(len(cells)))]

        def train(self, cells, leave):  # noqa: ARG002
            return [self._run(cell) for cell in cells]

        def _run(self, cell):
            curve = metric(cell, self.marks)
            if curve is None:
                lost = np.where(self.marks > 20, np.nan, 0.1)
                return Run(lost, lost, lost, 21, None, None, seconds=0.5)
            curve = np.asarray(curve, float)
            # Each seed has a loss of its own, as it has where batches or initial values are random.
            loss = np.full(len(self.marks), 1 + cell.seed / 1e4)
            return Run(loss, loss, curve, None, 0.1, float(curve[-1]), seconds=0.5)

    monkeypatch.setattr(runner, "Sweep", Engine)
    values = {
        "task": task or task_of(),
        "candidates": candidates(list(optimizers)),
        "initializers": [initial_values.he()],
        "steps": STEPS,
        "evaluate_every": 10,
    }
    return protocol.run(Study(**(values | options)), Quiet())


def answered(*arguments, **options):
    return answer(study_of(*arguments, **options))


def arriving(step):
    """A metric that is 1 from a step on, which may depend on the cell."""
    return lambda cell, marks: marks >= (step(cell) if callable(step) else step)


def is_adam(cell):
    return isinstance(cell.optimizer, kobai.Adam)


def said(found, language="en", width=80):
    with words.language(language):
        return re.sub(r"\s+", " ", terminal.text(found, width=width))


def note(found, key):
    [one] = [str(note) for note in found.notes if note.key == key]
    return one


# A target that nobody meets


@pytest.mark.parametrize(("maximize", "way"), [(True, "lower"), (False, "higher")])
def test_nobody_arrived_and_the_remedy_makes_it_easier(monkeypatch, maximize, way):
    curve = np.linspace(0.2, 0.8, 11) if maximize else np.linspace(0.8, 0.2, 11)
    task = task_of(maximize=maximize, target=0.9 if maximize else 0.1)
    found = answered(monkeypatch, lambda cell, marks: curve, task=task)  # noqa: ARG005
    sentence = note(found, f"note.nobody.{'maximize' if maximize else 'minimize'}")
    assert f"choose a {way} --target" in sentence
    assert f"the best metric of any run was {0.8 if maximize else 0.2}" in sentence
    assert [each.key for each in found.notes] == [f"note.nobody.{'maximize' if maximize else 'minimize'}"]


def test_nobody_arrived_because_everybody_diverged(monkeypatch):
    found = answered(monkeypatch, lambda cell, marks: None)  # noqa: ARG005
    assert "try smaller --learning-rates" in note(found, "note.nobody.diverged")
    assert "--target" not in said(found)
    methods = [kobai.LBFGS(), kobai.BFGS()]
    found = answered(monkeypatch, lambda cell, marks: None, optimizers=methods)  # noqa: ARG005
    assert "try other --initializers" in note(found, "note.nobody.lost")
    assert "learning rate is safer" not in said(found)
    assert "smaller learning rate" not in said(found)


def test_a_target_on_another_scale(monkeypatch):
    """95 for a metric between 0 and 1: refused where the range is known, else said when it has been seen."""
    curve = np.linspace(0.1, 0.97, 11)
    found = answered(monkeypatch, lambda cell, marks: curve, task=task_of(target=95))  # noqa: ARG005
    assert "the target 95 is far from every value that the metric had, 0.1 to 0.97" in note(
        found, "note.scale"
    )
    near = answered(monkeypatch, lambda cell, marks: curve, task=task_of(target=0.99))  # noqa: ARG005
    assert "note.scale" not in [each.key for each in near.notes]
    with pytest.raises(UsageError, match="95"):
        Study(
            task=task_of(target=95, metric_range=(0, 1)),
            candidates=candidates([SGD]),
            initializers=[initial_values.he()],
        ).check()


# A target that tells nothing


@pytest.mark.parametrize("maximize", [True, False])
def test_a_target_that_the_untrained_network_meets(monkeypatch, maximize):
    task = task_of(maximize=maximize, target=0.5)

    def curve(cell, marks):
        first = 0 if cell.seed % 10 else 40  # 9 of 10 runs
        return np.where(marks >= first, 0.9, 0.1) if maximize else np.where(marks >= first, 0.1, 0.9)

    found = answered(monkeypatch, curve, task=task)
    [warning] = sentences.warnings(found)
    assert warning.startswith("NOTHING CAN BE TOLD APART: 18 of 20 runs met the target before the first step")
    assert ("higher --target" if maximize else "lower --target") in warning
    assert ("maximize=False" if maximize else "maximize=True") in warning
    # It stands above the answer, in the terminal and in the page, and not among the cautions below again.
    text = said(found)
    assert text.index("NOTHING CAN BE") < text.index("Optimizer:")
    assert text.count("NOTHING CAN BE") == 1
    page = summary(found)
    assert 0 <= page.index("NOTHING CAN BE") < page.index("Optimizer:")


def test_a_target_that_everybody_meets_at_the_first_evaluation(monkeypatch):
    found = answered(monkeypatch, arriving(10))
    [warning] = sentences.warnings(found)
    assert "20 of 20 runs met the target 0.9 by the first evaluation, at step 10" in warning
    assert "--evaluate-every" in warning
    some = answered(monkeypatch, arriving(lambda cell: 10 if cell.seed % 3 == 0 else 20))
    assert sentences.warnings(some) == []


# A target that is lost again


def test_a_recommendation_that_does_not_stay(monkeypatch):
    """Adam arrives first on all 10 seeds, and one of its runs is still there at the end."""

    def curve(cell, marks):
        if is_adam(cell):
            return (marks >= 20) & ((marks < 60) | (cell.seed == 1003))
        return marks >= 50

    found = answered(monkeypatch, curve)
    assert found.optimizer.choice == "adam"
    adam, sgd = found.rows
    assert (adam.reached, adam.kept, sgd.kept) == (10, 1, 10)
    assert (adam.steps.value, adam.stays.value) == (20, (20 + 9 * STEPS) / 10)
    assert (sgd.steps.value, sgd.stays.value) == (50, 50)
    sentence = note(found, "note.lost")
    assert sentence.startswith(
        "adam meets the target 0.9 in 10 of 10 runs, and still meets it at the end in 1"
    )
    columns = table.columns(found)
    stays = [cells[columns.index("stays")] for cells in table.rows(found)]
    assert stays == ["92", "50"]
    lost = answered(monkeypatch, lambda cell, marks: marks == 30)  # noqa: ARG005
    assert [cells[columns.index("stays")] for cells in table.rows(lost)] == [">100", ">100"]


def test_a_run_that_leaves_and_comes_back_stays_from_its_last_return():
    marks, nan = [0, 10, 20, 30], math.nan
    curves = [[0, 1, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0], [0, 1, 1, nan]]
    assert steps_to_stay(marks, curves, 1, True).tolist() == [30, 10, 0, math.inf, math.inf, math.inf]
    assert steps_to_stay(marks, curves, 0, False).tolist() == [math.inf, math.inf, math.inf, 30, 0, math.inf]
    assert steps_to_target(marks, curves, 1, True).tolist() == [10, 10, 0, 10, math.inf, 10]


# Few arrivals


def test_one_of_ten_arrived_is_no_cost_of_the_method(monkeypatch):
    found = answered(monkeypatch, arriving(lambda cell: 50 if cell.seed in (0, 1, 2, 1004) else 1000))
    assert "95 [" in said(found)
    text = said(found)
    assert "steps to the target, which 1 of 10 runs reached: the others count as 100" in text
    assert "到達したのは10回中1回で" in said(found, "ja").replace("\n", "")
    row = found.rows[0]
    assert row.steps.low < 95 < row.steps.high
    # 9 failures of 100 steps each for one success after 50, and from so few runs almost anything is possible.
    assert row.steps_with_restarts.value == 950
    assert row.steps_with_restarts.low < 300
    assert row.steps_with_restarts.high > 3000


def test_examples_until_the_target_tell_how_many_runs_arrived(monkeypatch):
    varied = of_axes.axes({"batch_size": [4, 8]})
    tasks = of_axes.tasks(lambda: task_of(), varied)  # noqa: PLW0108
    values = {"axes": varied, "tasks": tasks, "task": next(iter(tasks.values()))}
    found = answered(monkeypatch, arriving(lambda cell: 50 if cell.seed % 2 else 1000), **values)
    assert "4: 300 (5/10), 8: 600 (5/10)" in note(found, "note.batch_size")


# Bounds, and what is equal


def test_a_bound_is_the_end_of_the_interval(monkeypatch):
    """The ratio of one study lies above the bound that it estimates in half of them."""
    found = answered(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 3) if is_adam(cell) else 1000))
    [sgd] = found.optimizer.alternatives
    assert (sgd.bound, sgd.name) == ("≥", "sgd")
    assert sgd.ratio.low < sgd.ratio.value
    assert f"sgd (≥ {sgd.ratio.low:.2f}×)" in said(found)
    assert table.rows(found)[1][table.columns(found).index("ratio")] == f"≥ {sgd.ratio.low:.2f}"
    assert f"{sgd.ratio.value:.2f}" not in said(found)


def test_the_bound_lies_below_the_truth_in_most_studies():
    """Simulated: the candidate takes 2,000 steps of 500, the reference 80 to 320. The sample value is a bound
    of half of what it should be, and exceeds the geometric mean of 500/reference in half of the studies."""
    generator = np.random.default_rng(1)
    truth = 500 / 160  # the reference is log-uniform around 160
    below, sample = 0, 0
    for _ in range(400):
        reference = 160 * np.exp(generator.uniform(-math.log(2), math.log(2), 10))
        ratio = paired_ratio(np.full(10, np.inf), reference, 500)
        below += limit(ratio, "≥") <= truth
        sample += ratio.value <= truth
    assert below >= 0.95 * 400
    assert 0.4 * 400 < sample < 0.6 * 400


def test_a_bound_of_one_seed_is_none(monkeypatch):
    found = answered(monkeypatch, arriving(lambda cell: 20 if is_adam(cell) else 1000), seeds=1)
    assert "sgd (not estimable)" in said(found)
    assert "1 fresh seed, " in said(found)


def test_equal_on_every_seed_is_said_so(monkeypatch):
    found = answered(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 4)))
    assert "(equal on every seed)" in said(found)
    cells = dict(zip(table.columns(found), table.rows(found)[1], strict=True))
    assert (cells["ratio"], cells["p"]) == ("= 1", "1")
    nobody = answered(monkeypatch, arriving(1000))
    cells = dict(zip(table.columns(nobody), table.rows(nobody)[1], strict=True))
    assert (cells["ratio"], cells["p"]) == ("–", "")
    assert "(not estimable)" in said(nobody)


def test_arriving_at_the_last_step_is_not_equal_to_never(monkeypatch):
    """Both count as the whole budget, and yet one has met the target."""
    found = answered(monkeypatch, arriving(lambda cell: 1000 if is_adam(cell) else STEPS), seeds=3)
    assert [(row.optimizer, row.reached) for row in found.rows] == [("sgd", 3), ("adam", 0)]
    assert "equal on every seed" not in said(found)
    assert "(not estimable)" in said(found)


# Seeds that change nothing


def test_runs_that_no_seed_changes_show_nothing(monkeypatch):
    """Ten equal pairs of a full batch from one start are one pair: p is 1, and not 2/2¹⁰."""

    def same(cell, marks):
        cell_of_no_seed = 20 if is_adam(cell) else 60
        return marks >= cell_of_no_seed

    outcome = study_of(monkeypatch, same)
    assert not outcome.is_fixed(outcome.recommended)  # their losses differ
    lists = pl.List(pl.Float32)
    cells = outcome.cells.with_columns(
        pl.Series("validation_loss", [[1.0] * 11] * len(outcome.cells), dtype=lists)
    )
    found = answer(dataclasses.replace(outcome, cells=cells))
    [sgd] = found.optimizer.alternatives
    assert (sgd.p, sgd.corrected_p, sgd.ratio.value, sgd.ratio.low) == (1, 1, pytest.approx(3), None)
    assert found.optimizer.smallest_p == 1
    assert "10 equal runs count as one" in note(found, "note.fixed")
    assert "note.seeds" not in [each.key for each in found.notes]  # more of them would show no more
    [sgd] = answer(outcome).optimizer.alternatives
    assert sgd.p == 2 / 2**10


# What was tried


def test_what_else_was_tried(monkeypatch):
    grid = kobai.Momentum(learning_rate=[0.1, 0.2], momentum=[0.1, 0.2, 0.5, 0.9])
    found = answered(monkeypatch, arriving(30), optimizers=[grid])
    assert "No other optimizer was tried, but 8 settings of this one." in said(found)
    assert found.optimizer.smallest_p is None
    assert '"smallest_p": null' in found.to_json()
    alone = answered(monkeypatch, arriving(30), optimizers=[SGD])
    assert "No other optimizer was tried." in said(alone)
    assert "No other learning rate was tried with its other settings." in said(alone)
    assert "No other initial value was tried." in said(alone)
    minimizer = answered(monkeypatch, arriving(30), optimizers=[kobai.LBFGS()])
    assert "Learning rate: –. lbfgs has none." in said(minimizer)


def test_rates_that_differ_in_the_seventh_figure_stay_apart(monkeypatch):
    rates = [0.1, 0.10000001, 0.10000002]
    fast = {0.1: 60, 0.10000001: 20, 0.10000002: 40}
    found = answered(
        monkeypatch,
        arriving(lambda cell: fast[cell.optimizer.learning_rate]),
        optimizers=[kobai.SGD(learning_rate=rates)],
    )
    assert found.learning_rate.choice == "0.10000001"
    ratios = {c.name: c.ratio.value for c in found.learning_rate.alternatives}
    assert ratios == {"0.1": pytest.approx(3), "0.10000002": pytest.approx(2)}


def test_diverged_though_there_was_nothing_to_choose(monkeypatch):
    def some(cell, marks):
        return None if cell.seed > 1006 else marks >= 30

    found = answered(monkeypatch, some, optimizers=[SGD])
    assert note(found, "note.diverged.alone") == "diverged: sgd 3/10; try a smaller learning rate"
    chosen = answered(monkeypatch, some, optimizers=[kobai.SGD(learning_rate=[0.1, 0.2])])
    assert note(chosen, "note.diverged.chosen").startswith("diverged, though chosen by tuning: sgd 3/10")
    minimizer = answered(monkeypatch, some, optimizers=[kobai.LBFGS()])
    assert "initial values" in note(minimizer, "note.diverged.minimizer")


# In a terminal


TWELVE = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "lion"]
TWELVE += ["conjugate_gradient", "bfgs", "lbfgs"]


def two(monkeypatch):
    return answered(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 4) + 20 * (not is_adam(cell))))


def twelve(monkeypatch):
    """Rules and minimizers, one of them at the end of its grid, one that never arrives."""
    order = {name: 20 + 5 * i for i, name in enumerate(TWELVE)}

    def curve(cell, marks):
        name = type(cell.optimizer).__name__.lower()
        if name == "lion":
            return marks < 0
        return marks >= order.get(name, 60) + 7 * (cell.seed % 4)

    names = ("xavier", "normal:0.01")
    initial = [initial_values.parse(name) for name in names]
    return answered(monkeypatch, curve, optimizers=TWELVE, initializers=initial, evaluate_every=1)


@pytest.mark.parametrize("language", words.TABLES)
@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("study", [two, twelve])
def test_a_table_is_stacked_and_never_cut(monkeypatch, study, width, language):
    found = study(monkeypatch)
    with words.language(language):
        text = terminal.text(found, wide=True, width=width)
        rows, heads = table.rows(found, wide=True), table.headers(found, wide=True)
    assert max(map(cell_len, text.splitlines())) <= width
    lines = text.splitlines()
    for row in rows:
        name = row[0].split(" ")[0].split("_")[0]
        own = "\n".join(line for line in lines if line.startswith(name))
        for cell in row[1:]:
            assert cell in own, (cell, own)
    for head in heads:
        assert all(part in text for part in head.split("\n"))


def test_the_usual_table_is_one_at_80_columns(monkeypatch):
    found = two(monkeypatch)
    assert len(re.findall("^adam ", terminal.text(found, width=80), re.M)) == 1
    assert len(re.findall("^adam ", terminal.text(found, width=60), re.M)) == 2


@pytest.mark.parametrize("language", words.TABLES)
def test_four_figures_and_the_edge_of_a_grid_leave_it_one_table(monkeypatch, language):
    """As `kobai compare sine` has it: three figures of steps, a test error of .0205, a rate marked ▸."""
    found = two(monkeypatch)
    numbers = {
        "learning_rate": 0.0316,
        "edge": "high",
        "steps": Estimate(150.0, 130.0, 170.0),
        "test_metric": 0.0205,
        "ratio": Estimate(1.71, 1.27, 2.31),
        "corrected_p": 0.375,
    }
    adam, sgd = found.rows
    rows = adam, dataclasses.replace(sgd, optimizer="nesterov", initializer="xavier", **numbers)
    with words.language(language):
        text = terminal.text(dataclasses.replace(found, rows=rows), width=80)
    assert re.search(r"^nesterov .*0\.0316▸ xavier .*0\.0205 1\.71 \[1\.27–2\.31\] +\.375$", text, re.M)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("written", ["cp932 en", "cp932 ja", "cp1252 en", "ascii en"])
def test_signs_that_an_encoding_lacks_stand_in_ascii(monkeypatch, written, width):
    encoding, language = written.split()
    found = twelve(monkeypatch)
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors=signs.ERRORS)
    console = Console(file=stream, width=width, color_system=None, highlight=False)
    with words.language(language):
        console.print(terminal.view(found, wide=True))
        console.print("▸ λ")
    stream.flush()
    text = raw.getvalue().decode(encoding)
    *printed, last = text.splitlines()
    assert "?" not in "".join(printed)
    assert any(">= 0.9" in line for line in printed)
    assert any(re.match(r"lion .*>= \d", line) for line in printed)
    assert max(map(cell_len, printed)) <= width
    assert last.startswith("> ")


def test_everything_that_is_said_in_english_can_be_said_in_ascii():
    for sentence in words.TABLES["en"].values():
        assert b"?" not in sentence.replace("?", "").encode("ascii", signs.ERRORS), sentence


def test_the_command_line_writes_what_its_terminal_can_show(kobai_process, tmp_path):
    """Without the handler ◂, λ and − are question marks."""
    plain, whole = (kobai_process(tmp_path, "methods", PYTHONIOENCODING=name) for name in ("ascii", "utf-8"))
    assert (plain.code, plain.err) == (0, "")
    assert not whole.out.isascii()
    assert "?" not in plain.out
    assert squeezed(plain.out) == squeezed(whole.out.encode("ascii", signs.ERRORS).decode())


def test_a_sign_without_a_form_is_a_question_mark_and_every_form_is_ascii():
    assert "日≥".encode("ascii", signs.ERRORS) == b"?>="
    assert "Poincaré, Bücher, Σᵢ x₁ᵀA⁻¹".encode("ascii", signs.ERRORS) == b"Poincare, Bucher, sum i x1TA-1"
    assert all(form.isascii() for form in signs.FORMS.values())
    assert signs.written("1.49× [1.17–1.90] ≥", "cp1252") == "1.49× [1.17–1.90] >="
    assert signs.written("λ 日本", "ascii") == "lambda 日本"
    assert signs.written("≥", "of no computer") == "≥"
