"""The tables of options: each is an argument in Python, is read as it says, and is explained once."""

import inspect

import pytest

from kobai import words
from kobai.basics.errors import UsageError
from kobai.cli import compare, descend, files, transfer
from kobai.cli.options import Option, reproducing
from kobai.cli.values import names, numbers, path, settings, sizes, target, whole

COMMANDS = {"compare": compare.OPTIONS, "descend": descend.OPTIONS, "transfer": transfer.OPTIONS}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_keeps_its_files_in_the_same_way(command):
    assert [option for option in COMMANDS[command] if option in files.OPTIONS] == list(files.OPTIONS)
    names = [option.name for option in COMMANDS[command]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_an_argument_of_the_python_function(command):
    from kobai.questions.comparison.ask import compare
    from kobai.questions.descent.ask import descend
    from kobai.questions.transfer.ask import transfer

    function = {"compare": compare, "descend": descend, "transfer": transfer}[command]
    of_the_terminal = {"wide", "list", "html", "json"} | ({"output"} if command != "compare" else set())
    keys = {option.key for option in COMMANDS[command]} - of_the_terminal
    assert keys <= set(inspect.signature(function).parameters)
    unreachable = {"language", "progress", "command", "task", "landscape", "pair"}
    assert set(inspect.signature(function).parameters) - keys == unreachable - (
        {"landscape", "pair"} if command == "compare" else {"task", "pair", "progress"}
        if command == "descend" else {"task", "landscape"}
    )  # fmt: skip


def test_an_option_that_was_left_out_is_none_and_a_flag_is_true_or_none():
    assert Option("steps", "N", whole).value(None) is None
    assert Option("set", "A.B=X", settings, repeatable=True).value([]) is None
    assert (Option("quick").value(True), Option("quick").value(False)) == (True, None)
    assert Option("batch-size", "N").key == "batch_size"
    assert Option("set", "A.B=X", keyword="hyperparameters").key == "hyperparameters"


def test_values():
    assert names("--a", "sgd, adam") == ["sgd", "adam"]
    assert numbers("--a", "1e-3,2") == [0.001, 2.0]
    assert sizes("--a", "32,full") == [32, "full"]
    assert (target("--a", "auto"), target("--a", "0.5")) == ("auto", [0.5])
    assert settings("--set", ["a.b=1,FR", "a.b=2"]) == {"a.b": [1.0, "FR", 2.0]}
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
        shared = [key for key in keys if not key.startswith("help.course.")]  # there --json holds marks
        assert shared == [f"help.option.{option.name}"]
