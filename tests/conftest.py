"""What tests share: a place of their own, two ways to run the command line, a browser."""

import dataclasses
import functools
import importlib.metadata
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

# What is promised bit for bit is promised on a CPU, and tested there on a machine with a GPU, too; what is
# promised on a GPU has tests in processes of their own (`on_gpu`).
os.environ["JAX_PLATFORMS"] = "cpu"
if "jax" in sys.modules:
    sys.modules["jax"].config.update("jax_platforms", "cpu")

# The older of the two ways in which XLA makes kernels compiles up to three times as fast; 0.11 has one alone.
if importlib.metadata.version("jaxlib") < "0.11":
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false"

from kobai import cli, words
from kobai.basics import progress
from kobai.study import estimate


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _english():
    """Every test begins in English; the command line changes the language of the whole process."""
    words.use("en")
    yield
    words.use("en")


@pytest.fixture(autouse=True)
def _no_lines(monkeypatch):
    """However long a study takes here, it does not say in between how far it is."""
    monkeypatch.setattr(progress, "INTERVAL", math.inf)
    monkeypatch.setattr(progress, "PATIENCE", threading.TIMEOUT_MAX)
    monkeypatch.setattr(estimate, "LONG", math.inf)


@pytest.fixture(autouse=True, scope="module")
def _let_programs_go():
    """Compiled programs of thousands of tests would fill gigabytes."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


def pytest_collectreport(report):
    """Write down in the file `KOBAI_ABSENT` what is skipped for want of a package: CI runs it later."""
    file, why = os.environ.get("KOBAI_ABSENT"), report.longrepr
    if file and report.skipped and "Skipped: could not import" in str(why[-1]):
        with Path(file).open("a", encoding="utf-8") as absent:
            absent.write(f"{report.nodeid}\n")


pytest_runtest_logreport = pytest_collectreport

COMPILED_FAST = ("tasks", "networks", "landscapes", "test_docs.py", "test_examples.py")
"""Tests that compile much and compute little. Those of the engine, whose numbers are to the last bit, are not
among them, nor the lessons, whose texts quote numbers."""


@pytest.fixture(autouse=True, scope="module")
def _little_optimization(request):
    """Where compiling takes most of the time, it is done with little optimization."""
    place = request.path.relative_to(Path(__file__).parent).parts[0]
    if place not in COMPILED_FAST:
        yield
        return
    import jax

    always = os.environ.get("JAX_DISABLE_MOST_OPTIMIZATIONS") == "1"
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", always)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder as the current one, 80 columns, no language from the tester's own system."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # of the task files made here
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kobai_here(place, capsys):  # noqa: ARG001
    """Run a command line in this process."""

    def run(*arguments: str) -> Ran:
        code = cli.run(list(arguments))
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def quickly():
    """jax.jit that compiles with little optimization."""
    import jax

    from kobai.basics.machine import quick_compilation

    return functools.partial(jax.jit, compiler_options=quick_compilation())


@pytest.fixture
def quick_compile(monkeypatch):
    """Compile the solves of `kobai.minimize` with little optimization."""
    from kobai.minimizers import solve

    monkeypatch.setattr(solve, "_compiled", _quickly(solve._compiled.__wrapped__))


@functools.cache
def _quickly(function):
    import jax

    from kobai.basics.machine import quick_compilation

    return jax.jit(function, static_argnums=(0, 1, 2, 3, 4), compiler_options=quick_compilation())


@pytest.fixture(scope="module")
def quick_engine():
    """Compile the engine with little optimization, in all tests of a module."""
    from kobai.basics.machine import quick_compilation
    from kobai.engine import executables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            executables, "COMPILER_OPTIONS", {**executables.COMPILER_OPTIONS, **(quick_compilation() or {})}
        )
        yield


SLOW = re.compile(
    r"^(\d+ trainings?, about .* cores?|\w+: \d+ of about \d+ trainings, .* left"
    r"|学習.*コアで約.*|.*: 約.*残り約.*|the model .* is being translated.*|モデル.*を変換しています.*)\n",
    re.MULTILINE,
)
"""Lines that a command writes only where the machine is slow."""


@pytest.fixture(scope="session")
def kobai_process():
    """Run a command line as a user does, in a process of its own; `environment` is added to ours."""

    def run(folder: Path, *arguments: str, **environment: str) -> Ran:
        found = subprocess.run(
            [sys.executable, "-m", "kobai", *arguments],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80", **environment},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return Ran(found.returncode, found.stdout, SLOW.sub("", found.stderr))

    return run


@pytest.fixture
def everything_in():
    """The names of every file and folder below a folder."""
    return lambda folder: {str(path.relative_to(folder)) for path in Path(folder).rglob("*")}


def chromium():
    """An installed Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")  # its event loop runs in this thread, where other modules start their own
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if not chromium():
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def visit(browser, tmp_path_factory):
    """visit(content, …): the page opened from a file, with a list of all that it complains of or asks for."""

    def visit(content, drawn=True, **context):
        path = tmp_path_factory.mktemp("report") / "report.html"
        path.write_text(content, "utf-8")
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}).new_page()
        page.set_default_timeout(300_000)  # on a machine that has much else to do
        page.wrong = []
        page.on("console", lambda message: page.wrong.append(message.text))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("request", lambda request: page.wrong.append(request.url))
        page.goto(path.as_uri())
        if drawn and context.get("java_script_enabled", True):
            page.wait_for_selector("figure .plot:not(.js-plotly-plot)", state="detached")
        page.wrong.remove(path.as_uri())
        return page

    return visit


TORCH_NUMBERS = Path(__file__).parent / "torch_numbers.npz"


@pytest.fixture
def from_torch():
    """``from_torch(name, compute)``: PyTorch's numbers, from the file where they are kept.

    Where PyTorch is installed they are computed anew as well, which shows that the file holds them; the tests
    do not ask for it, since it is large. ``KOBAI_KEEP_TORCH=1 pytest -n0`` writes the file.
    """

    def numbers(name, compute):
        kept = dict(np.load(TORCH_NUMBERS)) if TORCH_NUMBERS.exists() else {}
        try:
            import torch
        except ImportError:
            return kept[name]
        made = np.asarray(compute(torch))
        if os.environ.get("KOBAI_KEEP_TORCH"):
            np.savez_compressed(TORCH_NUMBERS, **{**kept, name: made})
            return made
        np.testing.assert_allclose(kept[name], made, rtol=1e-6, atol=1e-6)
        return kept[name]

    return numbers
