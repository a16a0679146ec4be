"""A command line, read: what the words ask for, and what is refused in which words."""

import pytest

from kobai.basics.errors import UsageError
from kobai.cli.commands import Group
from kobai.cli.options import Argument, Option
from kobai.cli.reading import read
from kobai.cli.values import grids, whole

OPTIONS = (Option("steps", "N", whole), Option("set", "A.B=X", grids, repeatable=True), Option("quick"))


@pytest.fixture
def kobai():
    group = Group("kobai", "what it does", {"version": lambda: 7})

    def deed(*words, **ask):
        return lambda: (words, ask)

    group.add("one", deed, [Argument("TASK", "help.task")], OPTIONS, meaning="one")
    group.add(
        "two", deed, [Argument("A", "", required=False), Argument("[B]", "", required=False)], meaning=""
    )
    group.add_group("more", "more").add("all", deed, [Argument("DIR…", "")], OPTIONS[:1], meaning="all")
    return group


@pytest.mark.parametrize(
    ("line", "words", "ask"),
    [
        ("one sine", ("sine",), {}),
        ("--language ja one sine --language en", ("sine",), {}),
        ("one --steps 3 sine --quick", ("sine",), {"steps": 3, "quick": True}),
        ("one sine --steps=3 --steps 4", ("sine",), {"steps": 4}),
        ("one sine --steps -3", ("sine",), {"steps": -3}),  # a number below 0 is no option
        ("one --set a.b=1 sine --set=a.b=2", ("sine",), {"set": {"a.b": [1.0, 2.0]}}),
        ("one -", ("-",), {}),
        ("one --steps 3 -- --quick", ("--quick",), {"steps": 3}),
        ("two", (None, None), {}),
        ("two x", ("x", None), {}),
        ("two x y", ("x", "y"), {}),
        ("more all a b --steps 2 c", (["a", "b", "c"],), {"steps": 2}),
    ],
)
def test_what_is_written_is_what_is_asked(kobai, line, words, ask):
    assert read(kobai, line.split())() == (words, ask)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("on", "there is no command 'on'; did you mean 'one'?"),
        ("--quick one", "there is no option --quick; see kobai --help"),
        ("one", "TASK is missing; see kobai one --help"),
        ("one --", "TASK is missing; see kobai one --help"),
        ("more all", "DIR… is missing; see kobai more all --help"),
        ("one sine --stpes 3", "there is no option --stpes; did you mean --steps?"),
        ("one sine -q", "there is no option -q; see kobai one --help"),
        ("one sine --steps", "--steps needs a value; see kobai one --help"),
        ("one sine --steps --quick", "--steps needs a value; see kobai one --help"),
        ("one sine --quick=yes", "--quick takes no value; write it alone"),
        ("one sine digits --steps x", "kobai one has no use for 'digits'; leave it out"),
        ("one sine --steps x", "--steps must be a whole number, got 'x'"),
    ],
)
def test_what_is_refused(kobai, line, sentence):
    with pytest.raises(UsageError) as caught:
        read(kobai, line.split())
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("", "Usage: kobai COMMAND [OPTIONS]"),
        ("--help one", "Usage: kobai COMMAND [OPTIONS]"),
        ("one --help", "Usage: kobai one TASK [OPTIONS]"),
        ("one --steps many --help", "Usage: kobai one TASK [OPTIONS]"),  # before anything is read
        ("more", "Usage: kobai more COMMAND [OPTIONS]"),
    ],
)
def test_help(kobai, capsys, line, usage):
    read(kobai, line.split())()
    assert capsys.readouterr().out.startswith(usage + "\n")


def test_a_flag_that_is_a_command(kobai):
    assert read(kobai, ["--version", "one"])() == 7
