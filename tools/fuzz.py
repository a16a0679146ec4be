"""Bad inputs by the thousand: no traceback, no hang, no nonsense that is accepted without a word.

    python tools/fuzz.py              1,000 command lines and 1,000 calls, and a sample to be read
    python tools/fuzz.py 100          so many of each

Command lines run in this process through `kobai.cli.run`, calls on every public function, on those that
`kobai methods` prints, and on what a learner and a teacher call. What trains is replaced by an exception
that says so: whoever gets there was not refused. Each of those must be an input that means something; the
sample shows some, and some of the refusals. One in so many (`TRAINS`) is made as it stands, and trains;
such a command line asks for little. Ends with 1 where anything raised what is no `UsageError`, ended with a
code other than 0 or 2, or took longer than `LONGEST` seconds: then it is interrupted, and what no signal
interrupts ends the whole after `HANGS` seconds, with the place at which it hung.
"""

import contextlib
import faulthandler
import inspect
import io
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import jax.numpy as jnp
import numpy as np
import optax

import kobai
from kobai import cli, initializers, schedules, stabilizers
from kobai.basics.errors import UsageError
from kobai.basics.registry import LANDSCAPES, MINIMIZERS, OPTIMIZERS, PAIRS, TASKS
from kobai.cli import compare, descend, transfer
from kobai.course import learner
from kobai.course.grading.grade import grade
from kobai.minimizers.conjugate_gradient import linear_conjugate_gradient
from kobai.networks import recurrent

SEED = 20261126
LONGEST = 20.0
HANGS = 60.0
TRAINS = {"command lines": 20, "calls": 10}
SAMPLE = 12


class TooLong(BaseException):
    """Raised in the midst of what takes longer than it may."""


class Reached(BaseException):
    """The place where training would begin."""


# Values that mean nothing, and some that do.

MARKS = """
x 0 -1 1e400 nan inf -inf 1e-320 2.5 , 1,,2 = a.b= a.b=1 sgd adam he relu norm:1 norm:-1 cosine cosine+cosine
full .. / /dev/null True None [1] {} --steps - -- adam.decay_1=2 adam.decay_1=0.9 normal:1e400 step:0
patience:0 1e39 日本語
"""
TEXTS = [*MARKS.split(), "", " ", "9" * 30, "9" * 400, "x" * 5000, "\ud800", "a\0b", "\x1b[31m"]

COMMANDS = ["compare", "descend", "transfer", "methods", "tasks", "landscapes", "nothing"]
SUBJECTS = {
    "compare": [
        "sine",
        "digits",
        "copy:length=0",
        "adding:length=5",
        "sine:hidden=5",
        "nowhere.py",
        "sine:x",
    ],
    "descend": ["bowl", "rosenbrock", "ravine", "nothing"],
    "transfer": ["halves", "moved", "unrelated", "nothing", "sine"],
}
OPTIONS = {
    command: [*(option.name for option in module.OPTIONS), "language", "nothing"]
    for command, module in (("compare", compare), ("descend", descend), ("transfer", transfer))
}


LITTLE = {
    "compare": {"optimizers": "sgd", "initializers": "he", "learning-rates": "0.1", "steps": "4"}
    | {"seeds": "1", "tuning-seeds": "1"},
    "descend": {"methods": "sgd", "steps": "3"},
    "transfer": {"amounts": "5", "seeds": "1", "tuning-seeds": "1", "steps": "2", "source-steps": "2"}
    | {"learning-rates": "0.1"},
}
"""Options of a command line that trains; what it has of these itself stays."""


def little(line: list[str]) -> list[str]:
    """The command line with few steps and seeds where it says nothing of them."""
    options = LITTLE.get(line[0], {})
    missing = [(name, value) for name, value in options.items() if f"--{name}" not in line]
    return [*line, *(part for name, value in missing for part in (f"--{name}", value))]


def command_line(draw: random.Random) -> list[str]:
    """A command with one to three options, at least one of which is likely to be wrong."""
    command = draw.choice(COMMANDS[:3] * 5 + COMMANDS[3:] + [""])
    line = [command]
    if command in SUBJECTS:
        line += [draw.choice(SUBJECTS[command])] if draw.random() < 0.9 else [draw.choice(TEXTS)]
        for _ in range(draw.randint(1, 3)):
            option = draw.choice(OPTIONS[command])
            line += [f"--{option}", draw.choice(TEXTS)] if draw.random() < 0.9 else [f"--{option}"]
    elif draw.random() < 0.7:
        line.append(draw.choice(TEXTS))
    return line


def values(draw: random.Random) -> Any:
    """Something that an argument may be given."""
    makers: list[Callable[[], Any]] = [
        lambda: draw.choice(TEXTS),
        lambda: draw.choice(
            [None, True, False, 0, 1, -1, 2, 5, 10**30, 10**400, 0.0, 0.5, -0.5, 1e-320, 1e39]
        ),
        lambda: draw.choice([float("nan"), float("inf"), -float("inf"), 1j, Fraction(1, 10), b"x", b""]),
        lambda: draw.choice([np.float32(0.5), np.int64(3), np.bool_(True), np.array(2.0), np.array([])]),
        lambda: draw.choice(
            [np.ones(3), np.ones((2, 2)), np.array(["a"]), np.array([None]), np.ones(3, int)]
        ),
        lambda: draw.choice(
            [object(), object, kobai.Adam, kobai.SGD(), kobai.BFGS(), kobai.initializers.he()]
        ),
        lambda: draw.choice(
            [len, broken, bowl, lambda: 1.0, lambda *_: None, lambda *_: "x", range(3), {1, 2}]
        ),
        lambda: [values(draw) for _ in range(draw.randint(0, 3))],
        lambda: tuple(values(draw) for _ in range(draw.randint(0, 3))),
        lambda: {
            draw.choice(["a", 1, "adam.decay_1", None]): values(draw) for _ in range(draw.randint(0, 2))
        },
    ]
    return draw.choice(makers)()


def broken(*_: Any) -> Any:
    """A function of the person's own that raises."""
    raise LookupError("of the person's own")


def bowl(x: Any, *_: Any) -> Any:
    """A function to be minimized."""
    return jnp.sum(x**2)


def squares(parameters: Any, batch: Any) -> Any:
    """The loss of a task that costs nothing."""
    return jnp.mean((batch @ parameters["w"] - 1) ** 2)


X = np.ones((20, 3), np.float32)
TASK = {"parameters": {"w": np.zeros((3, 1), np.float32)}, "loss": squares, "train": X, "validation": X}
TASK |= {"batch_size": 4, "target": 0.5}


def compared(**changes: Any) -> Any:
    """A comparison of a task, of which some fields are changed, with some options."""
    fields = {name: changes.pop(name) for name in [*changes] if name.startswith("task_")}
    task = kobai.Task(**{**TASK, **{name.removeprefix("task_"): value for name, value in fields.items()}})
    options = {
        "optimizers": "sgd",
        "initializers": "he",
        "learning_rates": [0.1],
        "steps": 4,
        "progress": False,
    }
    return kobai.compare(changes.pop("task", task), **{**options, **changes})


def answer(exercise: Any, value: Any) -> Any:
    """The check of a learner whose answer is anything at all."""
    return learner.check(exercise, {str(exercise).rpartition(".")[2]: value})


CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "compare": (compared, {}),
    "Task": (compared, {}),
    "descend": (kobai.descend, {"landscape": "bowl", "steps": 3, "methods": "sgd"}),
    "transfer": (
        kobai.transfer,
        {"pair": "halves", "amounts": (5,), "seeds": 1, "tuning_seeds": 1, "steps": 2, "source_steps": 2}
        | {"learning_rates": [0.1], "progress": False},
    ),
    "learning_rate_range": (
        kobai.learning_rate_range,
        {"task": "sine", "optimizer": "sgd", "learning_rates": [0.01, 0.1], "steps": 40, "progress": False},
    ),
    "diagnose": (kobai.diagnose, {"task": "sine", "steps": 20, "seeds": 1, "progress": False}),
    "judge": (kobai.judge, {"source": {"main": [1.0, 2.0, 1.5], "new": [1.0, 0.9, 1.1]}, "maximize": False}),
    "confirm": (kobai.confirm, {"storage": "nowhere.db", "objective": max}),
    "minimize": (kobai.minimize, {"fun": bowl, "x0": [1.0, 2.0]}),
    "minimize_many": (kobai.minimize_many, {"fun": bowl, "starts": [[1.0, 2.0], [3.0, 4.0]]}),
    "open": (kobai.open, {"folder": "nowhere"}),
    "probe": (kobai.probe, {"initializer": "he", "widths": (3, 2), "inputs": 5}),
    "long_term_dependence": (kobai.long_term_dependence, {"radii": (1.0,), "length": 3, "nodes": 2}),
    "maximum_likelihood": (
        kobai.maximum_likelihood,
        {"log_density": lambda θ, x: -((x - θ) ** 2), "start": 0.0, "data": np.ones(3)},
    ),
    "fit_normal": (kobai.fit_normal, {"data": [1, 2, 3.0]}),
    "likelihoods": (kobai.likelihoods, {"data": [1.0], "candidates": {"a": (0, 1)}}),
    "surrogate": (kobai.surrogate, {"points": 3, "steps": 2}),
    "log_likelihood": (kobai.log_likelihood, {"log_densities": np.ones(3)}),
    "gradient_through_time": (
        kobai.gradient_through_time,
        {"cell": "elman", "gates": recurrent.parameters("elman", 1, 2), "x": np.ones((2, 3, 1))},
    ),
    "Landscape": (kobai.Landscape, {"name": "mine", "objective": bowl, "start": (1.0, 2.0)}),
    "Role": (kobai.Role, {"kind": "weight"}),
    "Pair": (kobai.Pair, {"source": kobai.tasks.sine(), "target": kobai.tasks.sine()}),
    "from_optax": (kobai.from_optax, {"factory": optax.adam, "learning_rate": 0.1}),
    "fill": (initializers.he().fill, {"parameters": {"w": X}, "generator": 0}),
    "weights": (initializers.he().weights, {"normal": X, "fan_in": 2, "fan_out": 3}),
    "fans": (initializers.fans, {"shape": (2, 3)}),
    "parse": (initializers.parse, {"text": "he"}),
    **{
        function.__name__: (function, usual)
        for function, usual in [
            (initializers.constant, {}),
            (initializers.normal, {}),
            (initializers.uniform, {}),
            (initializers.orthogonal, {}),
            (schedules.step, {"every": 2, "factor": 0.5}),
            (schedules.cosine, {}),
            (schedules.warm_up, {"length": 2}),
            (schedules.schedule, {"text": "cosine"}),
            (stabilizers.clip_value, {"value": 1}),
            (stabilizers.clip_norm, {"norm": 1}),
            (stabilizers.clip_percentile, {"percentile": 90}),
            (stabilizers.early_stopping, {"patience": 2}),
            (stabilizers.exponential, {}),
            (stabilizers.polyak, {}),
            (stabilizers.l1, {"strength": 1}),
            (stabilizers.l2, {"strength": 1}),
            (stabilizers.weight_decay, {"rate": 1}),
        ]
    },
    "linear_conjugate_gradient": (
        linear_conjugate_gradient,
        {"product": lambda v: 2 * v, "b": np.ones(2), "x": np.zeros(2)},
    ),
    **{
        entry.load().__name__: (entry.load(), {})
        for entries in (OPTIMIZERS, MINIMIZERS, LANDSCAPES, PAIRS, TASKS)
        for entry in entries.values()
    },
    # what a learner and a teacher call
    "check": (learner.check, {"exercise": "3_1.adam", "namespace": {}}),
    "hint": (learner.hint, {"exercise": "3_1.adam"}),
    "done": (learner.done, {"exercise": "3_1.adam", "namespace": {}}),
    "answer": (answer, {"exercise": "3_1.adam", "value": None}),
    "grade": (grade, {"folders": [Path(".")]}),
}
"""Each function with arguments that cost nothing."""

TRAINING = ("compare", "Task", "descend", "transfer", "minimize", "minimize_many", "maximum_likelihood")
"""What takes a function of a person's own, or many arguments: tried more often."""


def arguments(name: str) -> list[str]:
    """What can be changed in a call."""
    if name == "Task":
        return [f"task_{field}" for field in kobai.Task.__dataclass_fields__]
    function = kobai.compare if name == "compare" else CALLS[name][0]
    named = inspect.signature(function).parameters.values()
    return [each.name for each in named if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]


def call(draw: random.Random) -> tuple[str, dict[str, Any], Callable[[], Any]]:
    """A function with one or two of its arguments changed: its name, the changes, the call."""
    name = draw.choice([*CALLS, *TRAINING * 8])
    function, usual = CALLS[name]
    names = arguments(name)
    changes = {draw.choice(names): values(draw) for _ in range(draw.randint(1, 2)) if names}
    return name, changes, lambda: function(**{**usual, **changes})


@contextlib.contextmanager
def elsewhere(trains: bool) -> Iterator[None]:
    """In a folder of its own, and, unless it trains, with `Reached` where training or walking would begin."""
    here = Path.cwd()

    def reached(*_: Any, **__: Any) -> None:
        raise Reached

    places = ("study.protocol.run", "questions.transfer.ask.trained", "questions.descent.ask.walk")
    places += ("questions.range.ask.race", "questions.diagnosis.ask.examine")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.chdir(folder)
        for place in places if not trains else ():
            stack.enter_context(mock.patch(f"kobai.{place}", reached))
        try:
            yield
        finally:
            os.chdir(here)


def too_long(*_: Any) -> None:
    """What the alarm calls."""
    raise TooLong


def tried(attempt: Callable[[], Any]) -> tuple[str, str, float]:
    """What came of it: "refused", "reached", "answered" or "raised"; in words; seconds."""
    began = time.perf_counter()
    signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    faulthandler.dump_traceback_later(HANGS, exit=True)
    try:
        outcome, text = "answered", repr(attempt())
    except UsageError as problem:
        outcome, text = "refused", str(problem)
    except Reached:
        outcome, text = "reached", ""
    except BaseException as problem:  # noqa: BLE001 - whatever it is, it is a fault
        outcome, text = "raised", f"{type(problem).__name__}: {problem}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
    return outcome, text, time.perf_counter() - began


def ran(line: list[str]) -> str:
    """Run a command line in this process; raises what its exit code says."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(line)
    said = err.getvalue()
    if code == 2 and said.startswith("kobai: ") and said.count("\n") == 1:
        raise UsageError("error.own", problem=said.strip())
    if code or said:
        raise RuntimeError(f"exit {code}: {said}")
    return out.getvalue()[:60]


def main(count: int) -> int:
    """Try so many of each; 0 where nothing failed."""
    draw, failures = random.Random(SEED), 0
    for kind in ("command lines", "calls"):
        outcomes: list[tuple[str, str, str]] = []
        for i in range(count):
            trains = i % TRAINS[kind] == 0
            if kind == "calls":
                name, changes, attempt = call(draw)
                shown = f"{name} {ascii(changes)[:150]}"
            else:
                line = little(command_line(draw)) if trains else command_line(draw)
                shown, attempt = ascii(line)[:150], lambda line=line: ran(line)
            with elsewhere(trains):
                outcome, text, seconds = tried(attempt)
            if seconds > LONGEST:
                outcome, text = "raised", f"took {seconds:.0f} s"
            outcomes.append((outcome, shown, text))
        counts = Counter(outcome for outcome, _, _ in outcomes)
        print(f"{count} {kind}: {dict(counts)}")
        failures += counts["raised"]
        for outcome in ("raised", "reached", "answered", "refused"):
            some = [(shown, text) for found, shown, text in outcomes if found == outcome]
            few = some if outcome == "raised" else draw.sample(some, min(SAMPLE, len(some)))
            for shown, text in few:
                print(f"  {outcome}: {shown}\n    {ascii(text)[:200]}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
