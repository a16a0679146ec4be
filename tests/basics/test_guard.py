"""The edge of every public function: whose fault it was, and what an argument of a name may be everywhere."""

import inspect
import json
import os
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai import words
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import ARGUMENTS, guard
from kobai.basics.own_code import described, place, told

FUNCTIONS = (
    "compare",
    "descend",
    "transfer",
    "minimize",
    "minimize_many",
    "probe",
    "long_term_dependence",
    "gradient_through_time",
    "maximum_likelihood",
    "likelihoods",
    "fit_normal",
    "surrogate",
)
HERE = os.path.relpath(__file__)


def line_of(text):
    """The number of the line of this file that ends with `text`."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    [number] = [i for i, line in enumerate(lines, start=1) if line.endswith(text)]
    return number


def bowl(x):
    return jnp.sum(x**2)


def broken(*_):
    raise ValueError("mine\nin two lines")  # here


def squares(parameters, batch):
    return jnp.mean((batch @ parameters["w"] - 1) ** 2)


@pytest.fixture(scope="module")
def task():
    x = np.ones((20, 3), np.float32)
    parameters = {"w": np.zeros((3, 1), np.float32)}
    fields = {"parameters": parameters, "loss": squares, "train": x, "validation": x}
    return {**fields, "batch_size": 4, "target": 0.5}


def mistake(call):
    """What a call says that is refused: one line, in two languages."""
    with pytest.raises(UsageError) as caught:
        call()
    english = str(caught.value)
    with words.language("ja"):
        assert str(caught.value) != english
        assert "\n" not in str(caught.value)
    assert "\n" not in english
    return english


# What an argument may be, by its name.


def test_every_function_that_a_person_calls_is_guarded():
    for name in FUNCTIONS:
        function = getattr(kobai, name)
        assert function.__wrapped__.__name__ == name
        assert inspect.signature(function) == inspect.signature(function.__wrapped__)


def wrong_calls():
    """Every function with every argument that the table knows, and a value that breaks its rule."""
    wrong = {
        "rule.text": 5,
        "rule.place": 5,
        "rule.flag": "no",
        "rule.function": 5,
        "rule.tree": {"a": 1, 1: 2},
    }
    for name in FUNCTIONS:
        for argument in inspect.signature(getattr(kobai, name)).parameters:
            if argument in ARGUMENTS:
                yield name, argument, wrong[ARGUMENTS[argument][0]]


@pytest.mark.parametrize(("name", "argument", "value"), [*wrong_calls()], ids=str)
def test_an_argument_means_the_same_everywhere(name, argument, value):
    """It is looked at before what is peculiar to a function."""
    function = getattr(kobai, name)
    needed = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    named = dict.fromkeys(needed, len)
    sentence = mistake(lambda: function(**{**named, argument: value}))
    assert sentence.startswith(f"{name}: {argument} must be ")
    assert repr(value) in sentence


def test_a_guard_lets_through_what_is_left_out():
    @guard
    def asks(output=None, quick=False):
        return output, quick

    assert asks() == (None, False)
    assert asks(None) == (None, False)
    assert asks(output="here", quick=np.True_) == ("here", True)
    assert "asks: quick" in mistake(lambda: asks(quick=None))
    with pytest.raises(TypeError, match=r"asks\(\) got an unexpected keyword argument 'quik'"):
        asks(quik=True)


# Whose code raised.


def test_an_argument_that_does_not_exist_is_one_error_and_no_chain():
    """Python's own sentence, without the guard's look at the arguments above it."""
    with pytest.raises(TypeError, match=r"compare\(\) got an unexpected keyword argument 'lr'") as caught:
        kobai.compare("digits", lr=0.1)
    assert caught.value.__context__ is None


def test_what_a_function_of_ones_own_raises_is_told_with_its_line():
    where = f"{HERE}:{line_of('# here')})"
    for call in (
        lambda: kobai.minimize(broken, [1.0, 2.0]),
        lambda: kobai.minimize_many(broken, [[1.0, 2.0]]),
        lambda: kobai.descend(broken, start=(1.0, 2.0)),
        lambda: kobai.maximum_likelihood(broken, 0.0, np.ones(3)),
    ):
        sentence = mistake(call)
        assert "ValueError: mine" in sentence
        assert sentence.endswith(where), sentence


def test_a_function_with_other_arguments_is_told_too():
    """It raises before its first line, so that no line of it can be named."""
    assert "takes 0 positional arguments" in mistake(lambda: kobai.minimize(lambda: 1.0, [1.0, 2.0]))
    assert "takes 0 positional arguments" in mistake(lambda: kobai.descend(lambda: 1.0, start=(1.0,)))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda start: kobai.minimize(lambda x: jnp.sum(x**2), start), "x0"),
        (lambda start: kobai.minimize_many(lambda x: jnp.sum(x**2), start), "starts"),
        (lambda start: kobai.maximum_likelihood(lambda p, x: -((x - p) ** 2), start, np.ones(2)), "start"),
    ],
    ids=["minimize", "minimize_many", "maximum_likelihood"],
)
def test_a_ragged_start_is_told_by_its_own_name(call, name):
    """It was handed on as a tree of lists, and the person's function was blamed."""
    sentence = mistake(lambda: call([[1.0, 2.0], [3.0]]))
    assert sentence.startswith(f"{name}: lists of numbers")
    assert "[[1.0, 2.0], [3.0]]" in sentence
    inside = mistake(lambda: call({"w": [1.0, 2.0], "b": [[1.0, 2.0], [3.0]]}))
    assert inside.startswith(f"{name}['b']: lists of numbers")


@kobai.optimizers.hyperparameters
class Stumbling(kobai.Optimizer):
    learning_rate: float = 0.1

    def rule(self, g, t):
        raise RuntimeError("no rule")  # rule


def short(task, **changes):
    options = {"optimizers": "sgd", "learning_rates": [0.1], "initializers": "he", "progress": False}
    options |= {"steps": 10, "seeds": 1, "tuning_seeds": 1}
    chosen = {name: changes.pop(name) for name in [*changes] if name in task}
    return kobai.compare(kobai.Task(**{**task, **chosen}), **{**options, **changes})


def test_a_rule_an_initializer_and_an_iterable_of_ones_own(task):
    def spread(*_):
        raise OSError("no spread")

    def rates():
        yield 0.1
        raise LookupError("no rate")

    stumbling = mistake(lambda: short(task, optimizers=Stumbling(), learning_rates=None))
    assert stumbling.endswith(f"RuntimeError: no rule ({HERE}:{line_of('# rule')})")
    own = kobai.Initializer("own", lambda z, axis: z, spread)
    assert "no spread" in mistake(lambda: short(task, initializers=own))
    assert "no rate" in mistake(lambda: short(task, l2=rates()))


def test_a_callback_that_raises_in_mid_training(task, capfd):
    """Of JAX's many lines the last is said, and nothing is written to the terminal."""
    calls = []

    def later(value):
        calls.append(value)
        if len(calls) > 50:
            raise ValueError("enough of it")  # callback

    def loss(parameters, batch):
        value = squares(parameters, batch)
        jax.debug.callback(later, value)
        return value

    sentence = mistake(lambda: short(task, loss=loss, steps=300))
    assert len(calls) > 50
    assert sentence.endswith(f"ValueError: enough of it ({HERE}:{line_of('# callback')})"), sentence
    assert capfd.readouterr().err == ""


def test_an_exit_in_a_loss_ends_nothing(task):
    def loss(parameters, batch):
        raise SystemExit(3)

    assert "SystemExit" in mistake(lambda: short(task, loss=loss))


def test_a_fault_of_kobai_is_not_blamed_on_anybody(monkeypatch):
    """Wrong variant: to take every exception for the person's own would hide our own faults."""

    monkeypatch.setattr("kobai.questions.surrogate._along", eval("lambda *_: [][0]", {"__name__": "kobai.x"}))
    with pytest.raises(IndexError):
        kobai.surrogate()


def test_memory_and_devices_are_nobodys_fault():
    def say(problem):
        def call():
            with told():
                raise problem

        return mistake(call)

    assert "memory" in say(MemoryError("Unable to allocate 38 GB"))
    assert "memory" in say(ValueError("array is too big; `arr.size * arr.dtype.itemsize` is larger"))
    assert "memory" in say(RuntimeError("RESOURCE_EXHAUSTED: Out of memory"))
    assert "JAX_PLATFORMS" in say(RuntimeError("Unable to initialize backend 'foo'"))


def test_the_place_of_a_problem():
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")  # place
    assert place(caught.value) == (HERE, line_of("# place"))
    assert re.fullmatch(r"JSONDecodeError: .+ \(.+:\d+\)", described(caught.value))
    assert place(ValueError("raised nowhere")) is None
    assert described(ValueError("raised nowhere")) == "ValueError: raised nowhere"
    assert described(ValueError()) == "ValueError"


def test_a_long_value_is_shortened_in_a_sentence():
    sentence = mistake(lambda: kobai.descend("bowl", start="x" * 100_000))
    assert len(sentence) < 300
    assert "…" in sentence


LARGE = 10**5000
"""A whole number that Python refuses to write: it has more than 4,300 digits."""


LONG = {"digits": 10**400, "no digits": LARGE, "list": ["x"] * 10_000, "text": "x" * 10_000}

TAKES = {
    "learning_rates": lambda task, value: kobai.compare(task, learning_rates=[value], progress=False),
    "seeds": lambda task, value: kobai.compare(task, seeds=value, progress=False),
    "batch_size": lambda task, value: kobai.compare(task, batch_size=value, progress=False),
    "l2": lambda task, value: kobai.compare(task, l2=[value, "x"], progress=False),
    "quick": lambda task, value: kobai.compare(task, quick=value, progress=False),
    "optimizers": lambda task, value: kobai.compare(task, optimizers=[value], progress=False),
    "initializers": lambda task, value: kobai.compare(task, initializers=[value], progress=False),
    "task": lambda task, value: kobai.compare(value, progress=False),  # noqa: ARG005
    "steps": lambda task, value: kobai.descend("bowl", steps=value),  # noqa: ARG005
    "methods": lambda task, value: kobai.descend("bowl", methods=[value]),  # noqa: ARG005
    "start": lambda task, value: kobai.descend("bowl", start=value),  # noqa: ARG005
    "deviation": lambda task, value: kobai.initializers.normal(value),  # noqa: ARG005
    "decay": lambda task, value: kobai.Adam(decay_1=value),  # noqa: ARG005
    "kind": lambda task, value: kobai.Role(value),  # noqa: ARG005
}


@pytest.mark.parametrize("value", LONG)
@pytest.mark.parametrize("argument", TAKES)
def test_of_a_long_value_a_sentence_shows_the_beginning(task, argument, value):
    """All 401 digits of 10**400 were shown; 10**5000 ended in a ValueError of Python's own."""
    sentence = mistake(lambda: TAKES[argument](kobai.Task(**task), LONG[value]))
    assert len(sentence) < 500  # some of them list all names that there are
    assert "0" * 130 not in sentence
    assert "x" * 130 not in sentence


@pytest.mark.parametrize(
    "value", [LARGE, -LARGE, [1.0, LARGE], {"a": LARGE}], ids=["own", "minus", "list", "dict"]
)
def test_of_a_number_that_python_does_not_write_a_sentence_shows_the_first_digits(value):
    """It said "got int"."""
    for argument in ("gtol", "args", "x0"):
        call = {"x0": [1.0]} | {argument: value}
        sentence = mistake(lambda call=call: kobai.minimize(bowl, **call))
        assert "1" + "0" * 50 in sentence
        assert "…" in sentence


def test_what_cannot_be_written_is_told_by_its_class_and_its_neighbours_as_they_are():
    class Silent:
        def __repr__(self):
            raise RuntimeError("no words")

    assert quoted(Silent()) == "Silent"
    assert quoted([1.5, Silent()]) == "[1.5, Silent]"


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: kobai.descend("bowl", methods=5), ("a method must be", "5")),
        (lambda: kobai.descend("bowl", learning_rates=[10**400]), ("learning_rates must be numbers",)),
        (lambda: kobai.descend("bowl", start=[10**400, 1]), ("start",)),
        (lambda: kobai.minimize(bowl, [1.0], gtol=10**400), ("gtol",)),
        (lambda: kobai.surrogate(rate=10**400), ("rate",)),
        (lambda: kobai.descend("bowl", sort=np.ones(2)), ("column",)),
        (lambda: kobai.descend("bowl", dimension=np.array(2.0)), ("dimension must be a whole number",)),
        (lambda: kobai.descend("bowl", dimension=np.array([])), ("dimension must be a whole number",)),
        (lambda: kobai.probe("he", task=np.float32(0.5)), ("task must be a kobai.Task", "float32")),
        (lambda: kobai.minimize(bowl, [1.0], args=np.array([None])), ("args must hold arrays",)),
        (lambda: kobai.minimize(bowl, [1.0], args=np.array(["a"])), ("args must hold arrays",)),
        (lambda: kobai.minimize(bowl, {"a": 10**400}), ("x0 must hold float32 or float64",)),
        (lambda: kobai.fit_normal([1, 10**400]), ("data",)),
        (lambda: kobai.long_term_dependence([10**400]), ("radius",)),
    ],
)
def test_siblings(call, parts):
    sentence = mistake(call)
    assert all(part in sentence for part in parts), sentence
