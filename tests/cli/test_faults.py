"""No traceback reaches the terminal: a fault of kobai's own is one line and a file, its user's are theirs."""

import os
import re
import subprocess
import sys
import tempfile

import pytest

from kobai.cli import main


@pytest.fixture
def fault(monkeypatch, place):
    """`kobai methods` fails in kobai's own code; files of faults go here."""
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    broken = eval("lambda *_: {}['nowhere']", {"__name__": "kobai.broken"})
    monkeypatch.setattr(main, "listed", broken)


@pytest.mark.usefixtures("fault")
@pytest.mark.parametrize(("language", "says"), [("en", "kobai's own"), ("ja", "kobaiの不具合")])
def test_a_fault_of_kobai_is_one_line_and_a_file(kobai_here, place, language, says):
    ran = kobai_here("methods", "--language", language)
    assert (ran.code, ran.out) == (70, "")
    assert ran.err.startswith("kobai: ")
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert "KeyError: 'nowhere'" in ran.err
    [written] = place.glob("kobai-fault-*.txt")
    assert str(written) in ran.err
    text = written.read_text("utf-8")
    assert text.startswith("Traceback")
    assert text.endswith("KeyError: 'nowhere'\n")


@pytest.mark.usefixtures("fault")
def test_a_fault_that_cannot_be_written_says_where_it_was(kobai_here, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    ran = kobai_here("methods")
    assert (ran.code, ran.out, ran.err.count("\n")) == (70, "", 1)
    assert re.search(r"KeyError: 'nowhere', at <string>:1;", ran.err)


CALLBACK = """
import jax, jax.numpy as jnp, numpy as np, kobai
x, count = np.ones((20, 3), np.float32), []
def later(value):
    count.append(value)
    if len(count) > 50:
        raise ValueError("enough")
def loss(p, batch):
    value = jnp.mean((batch @ p["w"] - 1) ** 2)
    jax.debug.callback(later, value)
    return value
parameters = {"w": np.zeros((3, 1), np.float32)}
task = kobai.Task(parameters=parameters, loss=loss, train=x, validation=x, batch_size=4)
"""


def test_a_callback_that_raises_in_mid_training(kobai_process, place):
    (place / "own.py").write_text(CALLBACK)
    ran = kobai_process(place, "compare", "own.py", "--quick", "--optimizers", "sgd", "--output", "new")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "kobai: code of your own has raised ValueError: enough (own.py:7)\n"


def test_a_platform_that_does_not_exist(kobai_process, place):
    ran = kobai_process(place, "compare", "sine", "--quick", JAX_PLATFORMS="foo")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("kobai: JAX cannot start: Unable to initialize backend 'foo'")
    assert "JAX_PLATFORMS" in ran.err


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("arguments", "code"), [("methods", 0), ("nowhere", 2)])
def test_streams_that_are_closed(place, closed, arguments, code):
    """Whatever could be said is lost, but not what the shell is told."""
    line = f'"{sys.executable}" -m kobai {arguments} {closed}'
    ran = subprocess.run(["/bin/sh", "-c", line], cwd=place, capture_output=True, text=True, check=False)
    assert ran.returncode == code
    assert "Traceback" not in ran.stdout + ran.stderr
