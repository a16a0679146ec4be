"""Whatever a caller means by a task is read in one place, for every question alike."""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai import initializers
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.tasks.check import check_start, check_task
from kobai.tasks.load import load
from terminal import says_in_each_language


def line(*, hidden=3, name="line"):
    """A task that costs nothing."""
    x = np.ones((20, hidden), np.float32)
    return kobai.Task(
        parameters=[{"weights": np.zeros((hidden, 1), np.float32)} for _ in range(2)],
        loss=lambda p, batch: jnp.mean((batch @ (p[0]["weights"] + p[1]["weights"]) - 1) ** 2),
        train=x,
        validation=x[:5],
        batch_size=4,
        name=name,
    )


def test_a_task_is_itself():
    task = line()
    assert load(task) is task
    assert load(task, hidden=None) is task
    with pytest.raises(UsageError, match="^hidden needs a task that can be made anew"):
        load(task, hidden=4)


def test_a_function_is_called_with_its_options():
    assert load(line).name == "line"
    assert load(line, hidden=2, name=None).train.shape == (20, 2)
    assert load(lambda **options: line(name=str(options)), batch_norm=True).name == "{'batch_norm': True}"
    with pytest.raises(UsageError, match="^batch_norm needs a task .* takes batch_norm"):
        load(line, batch_norm=True)


def test_the_options_in_a_name_are_options():
    assert load("adding:length=5,cell=gru").train[0].shape == (5000, 5, 2)
    assert load("adding:length=5", length=7).train[0].shape == (5000, 7, 2)
    with pytest.raises(UsageError, match="^the task adding takes no --batch-norm; leave it out$"):
        load("adding", batch_norm=True)


@pytest.mark.parametrize(
    "source", [3, None, lambda: 4, kobai.Adam(0.1)], ids=lambda source: type(source).__name__
)
def test_what_is_no_task_is_refused_by_every_question(source):
    is_function = callable(source)
    message = f"^task must be a kobai.Task or a function that returns one, got {'int' if is_function else ''}"
    with pytest.raises(UsageError, match=message):
        load(source)
    with pytest.raises(UsageError, match=message):
        kobai.compare(source, progress=False)
    with pytest.raises(UsageError, match=message if is_function else "^transfer needs a pair of tasks"):
        kobai.transfer((line, source), progress=False)
    if source is not None:
        with pytest.raises(UsageError, match=message):
            kobai.probe("he", task=source)


def test_every_question_takes_whatever_means_a_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("import kobai\ndef task(): return kobai.tasks.sine()\n")
    for source in ("sine", "own.py", kobai.tasks.sine, kobai.tasks.sine()):
        table = kobai.probe("he", task=source).table
        assert table.equals(kobai.probe("he", task=kobai.tasks.sine()).table)
    short = {
        "steps": 2,
        "source_steps": 2,
        "seeds": 2,
        "tuning_seeds": 1,
        "amounts": (20,),
        "progress": False,
    }
    results = [kobai.transfer((source, "own.py"), **short) for source in ("sine", kobai.tasks.sine)]
    assert results[0].table.equals(results[1].table)


def test_every_built_in_task_is_in_the_table_and_passes_its_own_check():
    for name in registry.TASKS:
        task = load(name)
        check_task(task)
        check_start(task, task.filled(initializers.he(), 0))
        assert task.name == name
        assert task.targets[0] == task.target[0]


def test_options_in_the_name_of_a_task():
    task = load("adding:length=6,cell=gru,hidden=7")
    assert task.train[0].shape[1] == 6
    assert task.parameters["recurrent"]["reset"]["recurrent"].shape == (7, 7)
    assert load("adding:length=6", hidden=[9]).parameters["output"]["weights"].shape == (9, 1)
    assert len(load("digits-cnn:hidden=3,4,5").parameters) == 4
    assert load("digits_cnn").name == load("digits-cnn").name == "digits-cnn"
    assert load("digits:batch_norm=after").state is not None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("adding:length", "options in its name must look like adding:name=value,name=value, got 'length'"),
        ("adding:=3", "must look like"),
        ("adding:lenght=3", "the task adding takes no --lenght"),
        ("adding:length=1", "length must be a whole number of at least 2, got 1"),
        ("adding:length=x", "length must be a whole number of at least 2, got 'x'"),
        ("adding:hidden=3,4", r"one hidden layer; hidden must be one whole number, got \[3, 4\]"),
        ("adding:cell=gro", "there is no recurrent cell 'gro'; did you mean 'gru'?"),
        ("copy:length=-1", "length must be a whole number of at least 1"),
        ("copy:symbols=1", "symbols must be a whole number of at least 2"),
        ("copy:items=0", "items must be a whole number of at least 1"),
        ("copi", "there is no task 'copi'; did you mean 'copy'?"),
        ("adding:cell=gru,lstm", r"there is no recurrent cell '\['gru', 'lstm'\]'"),
        ("mnist1d:model=cnn,gru", r"there is no model '\['cnn', 'gru'\]'; choose one of: cnn, gru"),
        ("digits:activation=relu,tanh", r"there is no activation '\['relu', 'tanh'\]'; choose one of"),
        ("digits:batch_norm=off,on", r"no place for batch normalization '\['off', 'on'\]'; choose one of"),
        ("digits:hidden=", "hidden must be a whole number of at least 1, got ''"),
    ],
)
def test_mistakes(name, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        load(name)


def test_an_object_that_is_called_on_something_else_makes_no_task():
    with pytest.raises(
        UsageError, match="must be a kobai.Task or a function that returns one, got Initializer"
    ):
        load(kobai.initializers.he())


def _single(hidden: int = 4, batch_norm=False):
    return hidden, batch_norm


def _several(hidden=(4, 4)):
    return hidden


def _listed(hidden: "list[int]", rate: "float" = 0.1):
    return hidden, rate


def _either(hidden: int | Sequence[int] = 4):
    return hidden


@pytest.mark.parametrize(
    ("maker", "options", "arguments"),
    [
        (_single, {"hidden": 8}, (8, False)),
        (_single, {"hidden": [8]}, (8, False)),
        (_single, {"batch_norm": "on"}, (4, True)),
        (_single, {"batch_norm": "off"}, (4, False)),  # a text that is not empty would be true
        (_single, {"batch_norm": "after"}, (4, "after")),
        (_several, {"hidden": 8}, [8]),
        (_several, {"hidden": [8, 16]}, [8, 16]),
        (_listed, {"hidden": 8, "rate": [0.5]}, ([8], 0.5)),
        (_either, {"hidden": 8}, 8),
        (_either, {"hidden": [8]}, [8]),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_an_option_reaches_a_maker_as_it_says_that_it_takes_it(maker, options, arguments):
    values = []

    @functools.wraps(maker)
    def recording(**options):
        values.append(maker(**options))
        return task

    task = line()
    assert load(recording, **options) is task
    assert values == [arguments]


def test_several_values_for_a_maker_that_takes_one_are_refused():
    with pytest.raises(UsageError) as caught:
        load(_single, hidden=[8, 16])
    assert says_in_each_language(caught.value, ["takes one value for hidden, got 8, 16", "choose one"])
