"""The tables of options: each is an argument in Python, is read as it says, and is explained once."""

import inspect

import pytest

import kobai
from kobai import words
from kobai.basics.errors import UsageError
from kobai.cli import compare, descend, files, range, transfer
from kobai.cli.options import Option, reproducing
from kobai.cli.values import grids, names, numbers, path, sizes, target, whole

COMMANDS = {
    "compare": compare.OPTIONS,
    "descend": descend.OPTIONS,
    "transfer": transfer.OPTIONS,
    "learning_rate_range": range.OPTIONS,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_keeps_its_files_in_the_same_way(command):
    assert [option for option in COMMANDS[command] if option in files.OPTIONS] == list(files.OPTIONS)
    names = [option.name for option in COMMANDS[command]]
    assert len(set(names)) == len(names)


OF_THE_TERMINAL = {
    "wide": "the terminal alone has a width",
    "list": "lists what there is, and asks nothing",
    "html": "a file; in Python `result.html()`",
    "plan": "says what would be run, and runs nothing",
    "json": "a file; in Python `result.to_json()`",
    "output": "a folder; in Python `result.save(folder)`, but where a study keeps its chunks there",
}
"""Options that are no parameters of the Python function, and why."""

OF_PYTHON = {
    "task": "an argument of the command, without dashes",
    "landscape": "an argument of the command, without dashes",
    "pair": "one argument of the command, or two",
    "data": "of a model in Python; a file says it by the name `data`",
    "loss": "of a model in Python; a file that wants another makes a task",
    "metric": "the same",
    "roles": "the same",
    "language": "stands before all commands' own options, since the help speaks it too",
    "progress": "a terminal shows it, and a file does not",
    "command": "the command line itself",
}
"""Parameters of a Python function that have no option, and why."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_parameter_has_its_option_and_every_option_its_parameter(command):
    parameters = set(inspect.signature(getattr(kobai, command)).parameters)
    options = {option.key for option in COMMANDS[command]}
    assert options - parameters == options & set(OF_THE_TERMINAL) - parameters
    assert parameters - options == parameters & set(OF_PYTHON)
    assert not options & set(OF_PYTHON)


def test_no_exception_stands_for_nothing():
    parameters = {
        name for command in COMMANDS for name in inspect.signature(getattr(kobai, command)).parameters
    }
    options = {option.key for table in COMMANDS.values() for option in table}
    assert set(OF_PYTHON) <= parameters
    assert set(OF_THE_TERMINAL) <= options


def test_the_value_of_an_option():
    assert Option("steps", "N", whole).value(["3", "4"]) == 4  # the last holds
    assert Option("set", "A.B=X", grids, repeatable=True).value(["a.b=1", "a.b=2"]) == {"a.b": [1.0, 2.0]}
    assert Option("quick").value([""]) is True
    assert Option("batch-size", "N").key == "batch_size"
    assert Option("set", "A.B=X", keyword="hyperparameters").key == "hyperparameters"


def test_values():
    assert names("--a", "sgd, adam") == ["sgd", "adam"]
    assert numbers("--a", "1e-3,2") == [0.001, 2.0]
    assert sizes("--a", "32,full") == [32, "full"]
    assert (target("--a", "auto"), target("--a", "0.5")) == ("auto", [0.5])
    assert grids("--set", ["a.b=1,FR", "a.b=2"]) == {"a.b": [1.0, "FR", 2.0]}
    for read, text in ((whole, "1.5"), (names, "a,,b"), (numbers, "x"), (sizes, "all"), (path, "")):
        with pytest.raises(UsageError, match="--a"):
            read("--a", text)


def test_what_reproduces_a_call_names_no_place():
    line = ["compare", "my task.py", "--output=out", "--html", "a.html", "--quick", "--resume"]
    assert reproducing(line) == "kobai compare 'my task.py' --quick"


@pytest.mark.parametrize("language", words.TABLES)
def test_each_place_is_explained_once(language):
    for option in files.OPTIONS:
        keys = [
            key
            for key in words.TABLES[language]
            if key.startswith("help.") and key.endswith(f".{option.name}")
        ]
        own = ("help.course.", "help.judge.output", "help.confirm.output")  # marks; no folder unless asked
        shared = [key for key in keys if not key.startswith(own)]
        assert shared == [f"help.option.{option.name}"]
