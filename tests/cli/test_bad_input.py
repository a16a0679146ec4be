"""Every mistake is one line that names the thing, the value and the remedy; nothing is left behind."""

import dataclasses
import errno
import math
import re
import shlex
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import kobai
from kobai import words
from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.engine.sweep import Sweep

JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
COUNTS = ("--steps", "--seeds", "--tuning-seeds", "--batch-size", "--threads", "--hidden", "--evaluate-every")

# What stands behind `kobai`, and what the answer must hold: the thing, the value, the remedy.
MISTAKES = [
    ("compar", "command 'compar'", "did you mean 'compare'?"),
    ("--language ja compar", "コマンド'compar'", "'compare'のことですか"),
    ("compare", "TASK is missing", "kobai compare --help"),
    ("methods digits", "kobai methods", "'digits'", "leave it out"),
    ("--language fr methods", "language 'fr'", "choose one of: en, ja"),
    ("--language", "--language needs a value", "kobai --help"),
    ("--quick", "no option --quick", "kobai --help"),
    ("compare digit", "task 'digit'", "did you mean 'digits'?"),
    ("compare quantum", "task 'quantum'", "choose one of: ", "digits, "),
    ("compare nope", "task 'nope'", "choose one of: ", "digits, "),
    ("compare digits sine", "kobai compare", "'sine'", "lists with commas"),
    ("compare digits --optimzers sgd", "--optimzers; did you mean --optimizers?"),
    ("compare digits --output ''", "--output is empty", "leave it out"),
    ("compare digits --json ''", "--json is empty", "leave it out"),
    ("compare digits --stpes 3", "no option --stpes", "--steps"),
    ("compare digits --steps", "--steps needs a value", "see kobai compare --help"),
    ("compare digits --quick=1", "--quick takes no value", "alone"),
    ("compare digits --optimizers sgd,amad", "optimizer 'amad'", "'adam'"),
    ("compare digits --optimizers zzz", "optimizer 'zzz'", "choose one of: adabelief, "),
    ("compare digits --optimizers sgd,,adam", "--optimizers", "separated by commas", "'sgd,,adam'"),
    ("compare digits --optimizers ''", "--optimizers", "separated by commas", "''"),
    ("compare digits --initializers hee", "initializer 'hee'", "'he'"),
    ("compare digits --initializers he:2", "initializer 'he' takes no value", "'2'", "write 'he'"),
    ("compare digits --initializers normal:-1", "normal: deviation", "at least 0", "-1.0"),
    ("compare digits --initializers normal:wide", "normal: deviation", "a finite number", "'wide'"),
    ("compare digits --set adam.decya_1=0.5", "hyperparameter 'adam.decya_1'", "'adam.decay_1'"),
    ("compare digits --set adam.decay_1=1.5", "Adam: decay_1", "[0, 1)", "1.5"),
    ("compare digits --set adam.decay_1=x", "adam.decay_1", "numbers", "'x'"),
    (
        "compare digits --optimizers lbfgs,conjugate_gradient --set conjugate_gradient.formula=fr,f",
        "conjugate_gradient.formula must be one of polak_ribiere (PR+), fletcher_reeves (FR)",
        "got 'f'",
    ),
    (
        "compare digits --optimizers coordinate_descent --set coordinate_descent.order=3",
        "coordinate_descent.order must be one of cyclic, random",
        "got '3'",
    ),
    ("compare digits --set adam.decay_1=", "--set", "list", "''"),
    ("compare digits --set adam", "--set", "momentum.momentum=0.5,0.9", "'adam'"),
    ("compare digits --optimizers sgd --set adam.decay_1=0", "candidate 'adam'", "sgd"),
    ("compare digits --learning-rates -1", "learning_rate", "at least 0", "-1.0"),
    ("compare digits --learning-rates 0.1,nan", "learning_rate", "a finite number", "nan"),
    ("compare digits --learning-rates inf", "learning_rate", "a finite number", "inf"),
    ("compare digits --learning-rates 0.1,1e39", "learning_rate = 1e+39", "float32", "smaller"),
    ("compare digits --set adam.epsilon=1e39", "adam: epsilon = 1e+39", "float32", "smaller"),
    ("compare digits --l2 1e39", "l2: l2 = 1e+39", "float32", "smaller"),
    ("compare digits --clip norm:1e39", "clip: norm = 1e+39", "float32", "smaller"),
    ("compare digits --learning-rates 0.1,0", "learning_rate = 0.0 moves nothing", "at least 1.2e-38"),
    ("compare digits --learning-rates 1e-320", "learning_rate = 1e-320 moves nothing", "1.2e-38"),
    ("compare digits --set adam.learning_rate=0", "adam: learning_rate = 0.0 moves nothing", "at least"),
    ("descend bowl --learning-rates 0", "learning_rate = 0.0 moves nothing", "at least"),
    ("transfer halves --learning-rates 0", "learning_rate = 0.0 moves nothing", "at least"),
    ("transfer halves --source-learning-rate 0", "source_learning_rate", "at least 1.2e-38", "0.0"),
    ("compare digits --schedule cosine+cosine", "'cosine+cosine'", "twice", "once"),
    ("compare digits --schedule step:9+cosine+step:5", "'step:9+cosine+step:5'", "step twice"),
    ("compare sine --target 1e39", "sine: target = 1e+39", "single precision", "can reach"),
    ("compare sine --target -1e39", "sine", "target", "-1e+39"),
    ("compare copy:length=0", "copy: length", "at least 1", "got 0"),
    ("compare copy:items=1000000000", "copy: items", "at most 1000"),
    ("compare adding:length=1000000000", "adding: length", "at most 10000"),
    ("compare digits:hidden=5,hidden=6", "'digits:hidden=5,hidden=6' sets hidden twice", "hidden=5,6"),
    (f"compare digits --hidden {'9' * 20}", "hidden", "at most 1000000000000000", "9" * 20),
    (f"compare digits --hidden {'9' * 13 + ',' + '9' * 13}", "memory", "smaller"),
    ("methods --language ''", "language ''", "choose one of: en, ja"),
    ("compare digits --html --steps", "--html needs a value", "--help"),
    ("course start ''", "DIR is empty", "give it a value"),
    ("course build ' '", "DIR is empty", "give it a value"),
    ("course check ''", "DIR is empty", "give it a value"),
    ("course grade full ''", "DIR is empty", "give it a value"),
    ("compare digits --output 'a\x00b'", "argument 'a\\x00b'", "write it anew"),
    ("compare '\udcff.py'", "argument '\\udcff.py'", "UTF-8", "write it anew"),
    ("compare digits --learning-rates fast", "--learning-rates", "numbers", "'fast'"),
    ("compare digits --learning-rates 1,,2", "--learning-rates", "commas", "'1,,2'"),
    ("compare digits --target 95", "target", "between 0 and 1", "accuracy", "95"),
    ("compare digits --target 0.9,-0.1", "target", "between 0 and 1", "-0.1"),
    ("compare digits --target nan", "target", "finite", "nan"),
    ("compare digits --target high", "--target", "numbers", "'high'"),
    ("compare sine --target -1", "target", "between 0 and inf", "-1"),
    ("compare digits --batch-size 1098", "batch_size", "1097 training examples", "1098"),
    ("compare digits --evaluate-every 501", "evaluate_every", "500 steps", "501"),
    ("compare digits --steps 100000000000", "steps", "at most 1000000000", "100000000000"),
    ("compare digits --steps 100000000", "evaluate_every=10", "100000000 steps", "larger"),
    ("compare digits --seeds 1000000", "seeds", "at most 100000", "1000000"),
    ("compare digits --tuning-seeds 1001", "tuning_seeds", "at most 1000", "1001"),
    ("compare digits --hidden 9999999999999", "memory", "--hidden"),
    ("compare digits --hidden 30,,20", "--hidden", "commas", "'30,,20'"),
    ("compare digits --activation rleu", "activation 'rleu'", "'relu'"),
    ("compare digits --resume", "resume", "--output"),
    ("compare digits --output full", "output folder full", "not empty", "--output"),
    ("compare digits --output full --resume", "full holds no study to go on with", "--resume"),
    ("compare digits --output file", "file is a file", "choose a folder"),
    ("compare digits --output file/new", "file/new", "Not a directory", "choose another place"),
    ("compare digits --json nowhere/answer.json", "--json nowhere/answer.json", "a folder that exists"),
    ("compare digits --json full", "--json full", "name a file"),
    (f"compare {'x' * 300}", "there is no task '" + "x" * 100, "choose one of: "),
    *[
        (f"compare digits {option} {text}", option.removeprefix("--").replace("-", "_"), " 1", text)
        for option in COUNTS
        for text in ("0", "-3")
    ],
    *[
        (f"compare digits {option} {text}", option, "a whole number", f"'{text}'")
        for option in COUNTS
        for text in ("2.5", "many", "1e3")
    ],
]


@pytest.fixture
def occupied(place):
    """A place with a folder that holds something, and a file."""
    (place / "full").mkdir()
    (place / "full" / "thesis.txt").write_text("years of work")
    (place / "file").write_text("")
    return place


def check_refused(run, folder, everything_in, arguments, parts):
    """One line in each language, exit code 2, and no file or folder that was not there before."""
    before = everything_in(folder)
    english = run(*arguments)
    assert (english.code, english.out) == (2, ""), english
    assert english.err.startswith("kobai: ")
    assert english.err.count("\n") == 1
    assert english.err.endswith("\n")
    for part in parts:
        assert part in english.err, english.err
    japanese = run(*arguments, "--language", "ja") if "--language" not in arguments else english
    assert japanese.code == 2
    assert japanese.err.count("\n") == 1
    assert JAPANESE.search(japanese.err) or "--language" in arguments, japanese.err
    assert everything_in(folder) == before


@pytest.mark.parametrize(("line", "parts"), [(line, parts) for line, *parts in MISTAKES], ids=ascii)
def test_a_mistake_on_the_command_line(kobai_here, occupied, everything_in, line, parts):
    check_refused(kobai_here, occupied, everything_in, shlex.split(line), parts)


def test_the_check_sees_a_folder_that_is_left_behind(occupied, everything_in):
    def careless(*_arguments):
        (occupied / "kobai-runs").mkdir(exist_ok=True)
        return type("Ran", (), {"code": 2, "out": "", "err": "kobai: 3 は誤りです\n"})

    with pytest.raises(AssertionError, match="kobai-runs"):
        check_refused(careless, occupied, everything_in, ["compare"], ["3"])


def test_a_language_that_is_empty(kobai_here):
    assert kobai_here("methods", "--language=") == kobai_here("methods", "--language", "")
    assert kobai_here("methods", "--language=").code == 2


def test_two_mistakes_are_one_line(kobai_here, occupied, everything_in):
    """Whatever else is wrong, the output folder is not made."""
    arguments = ["compare", "digits", "--output", "new", "--seeds", "0", "--steps", "0"]
    check_refused(kobai_here, occupied, everything_in, arguments, ["steps"])


# Files with a task of the user's own.

GOOD = """
import numpy as np, jax, jax.numpy as jnp, kobai
x, y = np.ones((20, 3), np.float32), np.ones((20, 1), np.float32)
def loss(p, batch): return jnp.mean((batch[0] @ p["w"] - batch[1]) ** 2)
good = dict(parameters={"w": np.zeros((3, 1), np.float32)}, loss=loss, train=(x, y), validation=(x, y),
            batch_size=4)
"""


def changed(**changes):
    """The good task with some of its arguments changed."""
    listed = ", ".join(f"{name}={value}" for name, value in changes.items())
    return f"{GOOD}task = kobai.Task(**{{**good, **dict({listed})}})\n"


FILES = {
    "syntax error": ("import kobai\ntask = (\n", "own.py, line 2", "SyntaxError"),
    "not Python": ("\0", "own.py", "null bytes"),
    "raises": (
        "import kobai\n\nraise ValueError('two\\nlines')\n",
        "own.py, line 3",
        "ValueError: two lines",
    ),
    "exits": ("import sys\nsys.exit('no')\n", "own.py, line 2", "SystemExit"),
    "import": ("import kobai_that_nobody_wrote\n", "own.py, line 1", "ModuleNotFoundError"),
    "in a function": ("def f():\n    return 1 / 0\n\ntask = f()\n", "own.py, line 2", "ZeroDivisionError"),
    "no task": (
        GOOD + "mine = kobai.Task(**good)\n",
        "own.py has no 'task'",
        "found there: mine",
        "own.py:NAME",
    ),
    "wrong type": ("task = 3\n", "own.py", "kobai.Task", "got int"),
    "nothing returned": (GOOD + "def task(): kobai.Task(**good)\n", "own.py", "kobai.Task", "NoneType"),
    "argument missing": (GOOD + "def task(n): return kobai.Task(**good)\n", "own.py", "argument: 'n'"),
    "raises when called": (GOOD + "def task():\n    return 1 / 0\n", "own.py, line 8", "ZeroDivisionError"),
    "field missing": ("import kobai\ntask = kobai.Task(loss=3)\n", "own.py, line 2", "'parameters'"),
    "loss: array": (changed(loss="lambda p, b: b[0] @ p['w']"), "loss must be a scalar", "(4, 1)", "mean"),
    "loss: nothing": (changed(loss="lambda p, b: None"), "loss must return one number", "NoneType"),
    "loss: nan": (changed(loss="lambda p, b: loss(p, b) * jnp.nan"), "loss must be finite", "nan"),
    "loss: infinite": (changed(loss="lambda p, b: loss(p, b) / 0"), "loss must be finite", "inf"),
    "loss: whole": (changed(loss="lambda p, b: jnp.sum(b[1] > 0)"), "no gradient", "int32"),
    "loss: raises": (
        changed(loss="lambda p, b: p['v']"),
        "loss cannot be computed",
        "KeyError: 'v' (own.py:7)",
    ),
    "loss: a number": (changed(loss="lambda p, b: 1.0"), "the loss is the number 1.0", "jax.numpy"),
    "loss: no function": (changed(loss="3"), "loss must be a function", "got 3"),
    "loss: arguments": (changed(loss="lambda p: 1.0"), "loss cannot be computed", "2 were given"),
    "metric: raises": (changed(metric="lambda p, d: d[7]"), "IndexError", "(own.py:7)"),
    "name: a number": (changed(name="5"), "name must be a text", "got 5"),
    "name: empty": (changed(name="' '"), "name must be a text that is not empty", "' '"),
    "name: half a letter": (changed(name="chr(0xd800)"), "name must be a text", "UTF-8", "'\\ud800'"),
    "metric name": (changed(metric_name="5"), "metric_name must be a text", "got 5"),
    "maximize": (changed(maximize="'no'", metric="loss"), "maximize must be True or False", "'no'"),
    "random": (changed(random="'no'"), "random must be True or False", "'no'"),
    "range: a number": (changed(metric_range="5"), "metric_range must be two numbers", "got 5"),
    "range: backwards": (changed(metric_range="(1, 0)"), "metric_range", "low < high", "(1, 0)"),
    "target: large": (changed(target="10**39"), "target = 1e+39", "single precision"),
    "target: too large for any": (changed(target="10**400"), "target must be a finite number", "got 1000"),
    "target: True": (changed(target="True"), "target must be a finite number", "got True"),
    "target: bytes": (changed(target="b'x'"), "target must be a finite number", "b'x'"),
    "parameters: keys": (
        changed(parameters="{'w': np.zeros((3, 1), np.float32), 1: np.zeros(1, np.float32)}"),
        "parameters must be arrays",
        "keys are of one kind",
    ),
    "state: a word": (
        changed(state="'abc'", validation_loss="loss"),
        "state must hold arrays",
        "got 'abc'",
    ),
    "loss: untraceable": (changed(loss="lambda p, b: float(loss(p, b))"), "loss cannot", "Concretization"),
    "loss: while": (
        changed(loss="lambda p, b: jax.lax.while_loop(lambda x: x < 9, lambda x: x + 1, loss(p, b))"),
        "no gradient",
        "while_loop",
    ),
    "metric: nothing": (changed(metric="lambda p, d: None"), "metric must return one number", "NoneType"),
    "metric: array": (changed(metric="lambda p, d: d[1]"), "metric must be a scalar", "(20, 1)"),
    "validation: nan": (changed(validation="(x * jnp.inf, y)"), "validation loss must be finite", "nan"),
    "test: other shape": (changed(test="(x[:, :2], y)"), "test data", "dot_general"),
    "lengths": (changed(train="(x, y[:5])"), "train must have one length", "[5, 20]"),
    "no data": (changed(validation="(x[:0], y[:0])"), "validation must have one length", "[0]"),
    "lists": (changed(train="([[1.0]], [[1.0]])"), "train must hold arrays", "float", "numpy.asarray"),
    "words": (changed(train="(np.array(['a'] * 20), y)"), "train must hold arrays", "<U1 (20,)"),
    "no parameters": (changed(parameters="{'w': np.zeros((3, 1), int)}"), "no floating-point array"),
    "target: nan": (changed(target="float('nan')"), "target must be a finite", "nan"),
    "target: word": (changed(target="'high'"), "target must be a finite", "h"),
    "target: range": (changed(target="2", metric_range="(0, 1)"), "between 0 and 1", "got 2"),
    "batch: none": (changed(batch_size="0"), "batch_size", "20 training examples", "got 0"),
    "batch: half": (changed(batch_size="2.5"), "batch_size", "got 2.5"),
    "batch: large": (changed(batch_size="21"), "batch_size", "got 21"),
    "state": (changed(state="np.zeros(3)"), "needs validation_loss"),
    "layout: unknown": (changed(layout="'inout'"), "layout 'inout'", "'in_out'"),
    "layout: raises": (changed(layout="lambda shape: 1 / 0"), "layout", "ZeroDivisionError"),
    "layout: no fans": (changed(layout="lambda shape: 3"), "layout", "(3, 1)", "3"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_mistake_in_a_file(kobai_here, place, everything_in, name):
    text, *parts = FILES[name]
    (place / "own.py").write_text(text, encoding="utf-8")
    check_refused(kobai_here, place, everything_in, ["compare", "own.py", "--output", "new"], parts)


def test_a_task_that_does_not_exist_in_a_file(kobai_here, place, everything_in):
    (place / "own.py").write_text(GOOD + "task = kobai.Task(**good)\ndef free(hidden): return task\n")
    for arguments, parts in (
        (["compare", "nowhere.py"], ["no file nowhere.py", "kobai tasks"]),
        (["compare", "own"], ["no task 'own'", "the file 'own.py'?"]),
        (["compare", "own.py:mine"], ["own.py has no 'mine'", "found there: task"]),
        (["compare", "own.py", "--hidden", "3"], ["own.py takes no --hidden", "leave it out"]),
        (["compare", "own.py:free", "--hidden", "3", "--activation", "relu"], ["no --activation"]),
    ):
        check_refused(kobai_here, place, everything_in, arguments, parts)


def test_a_file_may_be_named_from_elsewhere_and_import_its_neighbour(place):
    """With annotations as strings, whose names a dataclass looks up in the module's own table."""
    (place / "folder").mkdir()
    (place / "folder" / "kobai_neighbour.py").write_text("width = 3\n")
    (place / "folder" / "own.py").write_text(
        "from __future__ import annotations\nimport dataclasses\nfrom kobai_neighbour import width\n"
        + GOOD
        + "@dataclasses.dataclass\nclass Sizes:\n    hidden: int = width\n"
        "def task(**options): return kobai.Task(**good, name=str((Sizes(), options)))\n"
    )
    task = kobai.tasks.load.load("folder/own.py:task", hidden=[3], activation=None)
    assert task.name == "(Sizes(hidden=3), {'hidden': [3]})"


# From Python, where values are not text.


@pytest.fixture(scope="module")
def line():
    """A task that costs nothing."""
    x = np.ones((20, 3), np.float32)
    return kobai.Task(
        parameters={"w": np.zeros((3, 1), np.float32)},
        loss=lambda p, batch: jnp.mean((batch @ p["w"] - 1) ** 2),
        train=x,
        validation=x,
        batch_size=4,
        target=0.5,
    )


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"seeds": 2.5}, ("seeds", "whole number", "2.5")),
        ({"seeds": True}, ("seeds", "True")),
        ({"steps": "500"}, ("steps", "'500'")),
        ({"tuning_seeds": 0}, ("tuning_seeds", "at least 1")),
        ({"threads": -1}, ("threads", "-1")),
        ({"batch_size": True}, ("batch_size", "True")),
        ({"batch_size": 21}, ("batch_size", "20 training examples")),
        ({"target": math.inf}, ("target", "inf")),
        ({"target": "high"}, ("target", "'high'")),
        ({"target": [0.5, "low"]}, ("target", "low")),
        ({"optimizers": []}, ("optimizers", "at least one")),
        ({"optimizers": [3]}, ("optimizer", "3", "from_optax")),
        ({"optimizers": "amad"}, ("'amad'", "'adam'")),
        ({"initializers": []}, ("initializers", "at least one")),
        ({"initializers": "hee"}, ("'hee'", "'he'")),
        ({"learning_rates": []}, ("learning_rates", "at least one")),
        ({"learning_rates": ["fast"]}, ("learning_rates", "fast")),
        ({"learning_rates": [[0.1], [0.2, 0.3]]}, ("learning_rates",)),
        ({"optimizers": "adam", "hyperparameters": {"adam.decay_1": [2]}}, ("decay_1", "2")),
        ({"optimizers": "adam", "hyperparameters": ["adam.decay_1"]}, ("hyperparameters", "mapping")),
        ({"optimizers": "adam", "hyperparameters": {"adam.decay_1": []}}, ("adam.decay_1", "at least one")),
        ({"language": "fr"}, ("'fr'", "en, ja")),
        ({"language": ["en"]}, ("['en']", "en, ja")),
        ({"command": 5}, ("command must be a text", "5")),
        ({"command": "\ud800"}, ("command must be a text", "'\\ud800'")),
        ({"output": 5}, ("output must be the name of a file or folder", "5")),
        ({"output": ""}, ("output must be the name", "not empty", "''")),
        ({"output": "a\0b"}, ("output must be the name", "'a\\x00b'")),
        ({"quick": "no"}, ("quick must be True or False", "'no'")),
        ({"progress": 1}, ("progress must be True or False", "1")),
        ({"resume": "yes"}, ("resume must be True or False", "'yes'")),
        ({"target": True}, ("target must be a number", "True")),
        ({"target": b"x"}, ("target must be a number", "b'x'")),
        ({"target": 10**400}, ("target must be a number",)),
        ({"l1": b"x"}, ("l1 must be numbers", "b'x'")),
        ({"l2": {0.1: 1}}, ("l2 must be numbers", "{0.1: 1}")),
        ({"batch_size": b"4"}, ("batch_size", "b'4'")),
        ({"batch_size": np.ones(2)}, ("batch_size", "1.0")),
        ({"sampling": ["with", ["without"]]}, ("sampling", "['without']")),
        ({"learning_rates": 10**400}, ("learning_rates must be numbers",)),
        ({"learning_rates": [0.1, 0]}, ("learning_rate = 0.0 moves nothing", "1.2e-38")),
        ({"optimizers": kobai.SGD(learning_rate=0)}, ("learning_rate = 0 moves nothing",)),
        ({"optimizers": kobai.SGD(learning_rate=[0.1, 0])}, ("learning_rate = 0.0 moves nothing",)),
        ({"optimizers": {"sgd": 1}}, ("optimizer", "{'sgd': 1}")),
        ({"optimizers": b"sgd"}, ("optimizer", "b'sgd'")),
        ({"initializers": b"he"}, ("initializer", "b'he'")),
        ({"schedule": "cosine+cosine"}, ("'cosine+cosine'", "twice")),
        ({"resume": True}, ("--output",)),
    ],
    ids=str,
)
def test_a_mistake_from_python(line, arguments, parts):
    with pytest.raises(UsageError) as caught:
        kobai.compare(line, **{"optimizers": ["sgd"], "output": None, "progress": False} | arguments)
    for part in parts:
        assert part in str(caught.value)
    with words.language("ja"):
        assert JAPANESE.search(str(caught.value))


def test_a_fraction_is_a_target(line):
    task = dataclasses.replace(line, target=Fraction(1, 2))
    result = kobai.compare(task, optimizers="sgd", initializers="he", quick=True, steps=10, progress=False)
    assert result.answer.target == 0.5
    assert '"target": 0.5' in result.to_json()


@pytest.mark.parametrize("hidden", [2.5, [10, True], (0,), "many"])
def test_widths_that_are_none(hidden):
    with pytest.raises(UsageError, match="hidden must be a whole number"):
        kobai.tasks.digits(hidden=hidden)


def test_one_optimizer_and_one_initial_value_need_no_list(line):
    for optimizers in ("sgd", kobai.SGD):
        result = kobai.compare(
            line, optimizers=optimizers, initializers="he", quick=True, seeds=1, steps=10, progress=False
        )
        assert set(result.cells["initializer"]) == {"he", "constant:0.5"}
        assert set(result.cells["optimizer"]) == {"sgd"}


# A disk that fills up.

STUDY = ["compare", "own.py", "--optimizers", "sgd", "--learning-rates", "0.1,0.2", "--initializers", "he"]
STUDY += ["--steps", "10", "--seeds", "4", "--tuning-seeds", "2"]
FINAL = ("cells.parquet", "results.parquet", "answer.json", "report.html")  # in the order of writing


def full():
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def own_task(place):
    (place / "own.py").write_text(GOOD + "task = kobai.Task(**good, target=0.5)\n")


def check_full(ran, kept):
    """One line, and no file that is only half there."""
    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(r"kobai: new/\S+ cannot be written: No space left on device; .*\n", ran.err)
    assert not any(name.rpartition("/")[2].startswith(".") for name in kept)
    for name in kept:
        if name.endswith(".parquet"):
            assert len(pl.read_parquet(f"new/{name}")) > 0


@pytest.mark.usefixtures("own_task")
@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_disk_that_fills_up_during_the_trainings(kobai_here, everything_in, monkeypatch, room):
    left, fsync = iter(range(room)), files.os.fsync
    monkeypatch.setattr(files.os, "fsync", lambda file: full() if next(left, None) is None else fsync(file))
    ran = kobai_here(*STUDY, "--output", "new")
    kept = everything_in("new") - {"store"}
    check_full(ran, kept)
    assert len(kept) == room
    assert all(name.startswith("store/") for name in kept)


@pytest.mark.usefixtures("own_task")
@pytest.mark.parametrize("name", FINAL)
def test_a_disk_that_fills_up_at_the_end(kobai_here, everything_in, monkeypatch, name):
    """What was written stays, and with room again the study ends without another training."""
    replace = files.os.replace
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", lambda a, b: full() if b.name == name else replace(a, b))
        ran = kobai_here(*STUDY, "--output", "new")
    kept = everything_in("new")
    check_full(ran, kept)
    assert {file for file in kept if "/" not in file} == {*FINAL[: FINAL.index(name)], "store"}

    monkeypatch.setattr(Sweep, "train", lambda *_: pytest.fail("trained again"))
    assert kobai_here(*STUDY, "--output", "new", "--resume").code == 0
    assert {file for file in everything_in("new") if "/" not in file} == {*FINAL, "store"}


@pytest.mark.usefixtures("own_task")
def test_a_disk_that_is_full_for_the_second_answer(kobai_here, everything_in, place, monkeypatch):
    replace = files.os.replace
    monkeypatch.setattr(files.os, "replace", lambda a, b: full() if b.name == "a.json" else replace(a, b))
    ran = kobai_here(*STUDY, "--output", "new", "--json", "a.json")
    assert ran.code == 2
    assert ran.err.startswith("kobai: a.json cannot be written: No space left on device")
    names = {name for name in everything_in(place) if not name.startswith("new/store")}
    assert names == {"own.py", "new", *(f"new/{name}" for name in FINAL)}
