"""Every public callable refuses nonsense in one sentence, whichever argument it stands in."""

import inspect
from types import ModuleType

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai import UsageError, initializers, schedules, stabilizers
from kobai.networks import recurrent

NONSENSE = [
    *("", "x", "\ud800", b"x", -1, 0, 2.5, 10**400, float("nan"), float("inf"), 1j, None, True, [], ["x"]),
    *([[1], [2, 3]], {"a": 1}, {1: 2, "a": 3}, object(), len, np.array(["a"]), np.array([]), np.array(2.0)),
    *(lambda *_: 1 / 0, kobai.Adam),
]
"""Some of it means something somewhere: then it is taken."""

USUAL = {
    "Landscape": {"name": "mine", "objective": lambda x: jnp.sum(x**2), "start": (1.0, 2.0)},
    "Role": {"kind": "weight"},
    "Pair": {"source": kobai.tasks.sine(), "target": kobai.tasks.sine()},
    "gradient_through_time": {
        "cell": "elman",
        "gates": recurrent.parameters("elman", 1, 2),
        "x": np.ones((2, 3, 1), np.float32),
    },
    "log_likelihood": {"log_densities": np.ones(3)},
    "likelihoods": {"data": [1.0], "candidates": {"a": (0, 1)}},
    "fit_normal": {"data": [1.0, 2.0]},
    "from_optax": {"factory": optax.adam, "learning_rate": 0.1},
    "judge": {"source": {"main": [1.0, 2.0, 1.5, 1.2], "new": [1.0, 0.9, 1.1, 1.0]}, "maximize": False},
    "confirm": {"storage": "nowhere.db", "objective": lambda trial, seed: 0.0},
    "probe": {"widths": (3, 2), "inputs": 5},
    "long_term_dependence": {"length": 3, "nodes": 2},
    "surrogate": {"points": 3, "steps": 2},
    "initializers.fans": {"shape": (2, 3)},
    "initializers.parse": {"text": "he"},
    "initializers.generator_of": {"seed": 0},
    "fill": {"parameters": {"w": np.zeros((2, 3))}, "generator": 0},
    "weights": {"normal": np.ones((2, 3)), "fan_in": 2, "fan_out": 3},
    "clip_value": {"value": 1.0},
    "clip_norm": {"norm": 1.0},
    "clip_percentile": {"percentile": 90.0},
}
"""Arguments that mean something, where there are some without a default."""

RESULTS = (
    "Result",
    "Initializer",
    "ComparisonResult",
    "OverTasksResult",
    "DescentResult",
    "TransferResult",
    "RangeResult",
    "JudgementResult",
    "DiagnosisResult",
    "ConfirmationResult",
    "Solution",
    "UsageError",
)
"""What a person is given, and does not make."""

TRYING = (
    "compare",
    "learning_rate_range",
    "descend",
    "transfer",
    "diagnose",
    "minimize",
    "minimize_many",
    "maximum_likelihood",
    "Task",
)
"""What takes long, or functions of a person's own: tools/fuzz.py and the tests of the guard try these."""


def functions(module: ModuleType):
    """What a module defines for others."""
    members = inspect.getmembers(module, inspect.isfunction)
    name = module.__name__.removeprefix("kobai.")
    return {
        f"{name}.{each}": f
        for each, f in members
        if not each.startswith("_") and f.__module__.startswith(module.__name__)
    }


CALLABLES = {
    **{name: getattr(kobai, name) for name in kobai.__all__ if callable(getattr(kobai, name))},
    **functions(initializers),
    **functions(schedules),
    **functions(stabilizers),
    "fill": initializers.he().fill,
    "weights": initializers.he().weights,
}
TRIED = [name for name in CALLABLES if name not in (*RESULTS, *TRYING)]


@pytest.mark.parametrize("name", TRIED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, at numbers that it is given
def test_nonsense_is_refused_in_one_sentence(name):
    function = CALLABLES[name]
    parameters = inspect.signature(function).parameters.values()
    named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    usual = {each.name: 1.0 for each in named if each.default is each.empty} | USUAL.get(name, {})
    for parameter in named:
        for value in NONSENSE:
            try:
                function(**{**usual, parameter.name: value})
            except UsageError as problem:
                assert "\n" not in str(problem), (parameter.name, value)  # noqa: PT017


GRU = recurrent.parameters("gru", 1, 2)


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        (lambda: kobai.probe("he", widths="x"), "widths must be a list, got 'x'"),
        (lambda: initializers.he().fill(5, 0), "fill: parameters must hold arrays, got 5"),
        (lambda: initializers.he().fill({}, 0), "fill: parameters must hold arrays, got {}"),
        (
            lambda: kobai.Landscape(name=5, objective=len, start=[1.0]),
            "name must be a text that is not empty",
        ),
        (
            lambda: kobai.gradient_through_time(
                "lstm", recurrent.parameters("gru", 1, 2), np.ones((1, 2, 1))
            ),
            "of the cell lstm: for each of input, forget, output, candidate the arrays",
        ),
        (
            lambda: kobai.gradient_through_time("gru", GRU, np.ones((1, 2, 3))),
            r"of the shape \[examples, time, 1\], got",
        ),
        (lambda: kobai.log_likelihood([[1], [2, 3]]), "log_densities must be an array of numbers"),
    ],
)
def test_what_was_taken_or_raised_is_refused(attempt, sentence):
    with pytest.raises(UsageError, match=sentence):
        attempt()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("kaiming", "he"), ("glorot", "xavier"), ("truncated_normal", "normal"), ("RandomUniform", "uniform"),
        ("variance_scaling", "lecun"),
    ],
)  # fmt: skip
def test_names_of_other_frameworks_that_mean_about_the_same_are_suggested(theirs, ours):
    with pytest.raises(UsageError, match=f"did you mean '{ours}'"):
        initializers.parse(theirs)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: kobai.descend("bowl", steps=3, methods="sgd"),
        lambda: kobai.descend(bowl, start=(1.0, 1.0), steps=3, methods="sgd"),
        lambda: kobai.compare(kobai.tasks.sine(), optimizers="sgd", steps=4, progress=False),
    ],
)
def test_a_platform_that_is_not_there_is_no_fault_of_a_function(monkeypatch, attempt):
    def raises(*_, **__):
        raise RuntimeError("Unable to initialize backend 'foo': no such thing")

    monkeypatch.setattr("jax.jit", raises)
    monkeypatch.setattr("jax.eval_shape", raises)
    with pytest.raises(UsageError, match="JAX cannot start: .*JAX_PLATFORMS"):
        attempt()


def bowl(x):
    return jnp.sum(x**2)
