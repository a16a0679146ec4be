"""The public names: the table that imports them when they are used, and its twin that type checkers read."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import kobai

ROOT = Path(__file__).parent.parent
SOURCE = Path(kobai.__file__)


def typed_names():
    """name -> module of everything that the TYPE_CHECKING block imports."""
    [block] = [
        node
        for node in ast.parse(SOURCE.read_text("utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname: (node.module, alias.name) for node in imports for alias in node.names}


def test_type_checkers_read_the_names_that_are_imported():
    lazy = {name: (f"kobai.{module}", name) for name, module in kobai._HOME.items()}
    lazy |= {name: ("kobai", name) for name in kobai._MODULES}
    assert typed_names() == lazy
    assert set(kobai.__all__) == {"__version__", *lazy}


@pytest.mark.parametrize("name", sorted(kobai.__all__))
def test_a_public_name_is_there(name):
    assert getattr(kobai, name) is not None
    assert name in dir(kobai)


def test_a_name_that_is_none_is_refused():
    with pytest.raises(AttributeError, match="module 'kobai' has no attribute 'Adma'"):
        kobai.Adma  # noqa: B018


def test_mypy_finds_planted_mistakes(tmp_path):
    mistakes = tmp_path / "mistakes.py"
    mistakes.write_text(
        textwrap.dedent("""
            import kobai

            kobai.Adam(learning_rate=0.1)
            kobai.Adam(lr=3)
            kobai.compare("digits", nonsense=3)
            kobai.Adma(0.1)
            kobai.compare("digits", clip=["none", kobai.clip_norm(1)], l1=[0, 0.1], batch_size=[8, "full"])
            kobai.compare("digits", clip=3.5)
            kobai.compare("digits", l1="strong")
            kobai.compare("digits", batch_size=[1.5])
            kobai.compare("digits", early_stopping=5)
            kobai.compare("digits", schedule=kobai.clip_norm(1))
            kobai.compare("digits", optimizers=["sgd", kobai.Adam, kobai.BFGS()], initializers="he")
            kobai.compare("digits", optimizers=4.5)
            kobai.compare("digits", optimizers=[4.5])
            kobai.compare("digits", hyperparameters={"momentum.momentum": [0.5], "lbfgs.pairs": 5})
            kobai.compare("digits", hyperparameters=[0.5])
            kobai.compare(lambda hidden: kobai.tasks.digits(hidden=hidden), learning_rates=[0.1])
            kobai.compare(4.5)
            kobai.compare("digits", backend=4.5)
            kobai.descend("bowl", methods=4.5)
            kobai.descend("bowl", methods=[kobai.SGD(0.1), "bfgs"], learning_rates=[0.1])
            kobai.descend(4.5)
            kobai.transfer("halves", optimizer=kobai.BFGS)
            kobai.transfer(4.5)
            kobai.probe("he", task=4.5)
            kobai.Task(parameters=[1.0], loss=lambda p, batch: p[0] * batch, train=[1.0], validation=[1.0])
            kobai.Task(parameters=[1.0], loss=lambda p: p[0], train=[1.0], validation=[1.0])
            kobai.Task(parameters=[1.0], loss=4.5, train=[1.0], validation=[1.0])
            kobai.Task(parameters=1.0, loss=lambda p, batch: 1.0, train=1.0, validation=1.0, metric="mse")
        """),
        "utf-8",
    )
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(mistakes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    wrong = [int(line.split(":")[1]) for line in ran.stdout.splitlines() if ": error: " in line]
    right = {4, 8, 14, 17, 19, 23, 28}
    assert wrong == [i for i in range(4, 32) if i not in right], ran.stdout + ran.stderr


def test_importing_kobai_imports_nothing_else():
    """But for what says its version: not even NumPy."""
    code = "import sys; import kobai; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert {name for name in loaded if name.startswith("kobai")} == {
        "kobai",
        "kobai.basics",
        "kobai.basics.version",
    }
    assert not loaded & {"numpy", "jax", "scipy", "polars", "plotly", "rich"}
