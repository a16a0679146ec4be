"""The recipes of CONTRIBUTING, followed with methods made up for the purpose: what is written is enough."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import kobai
from kobai import initializers, optimizers, tasks, words
from kobai.basics import registry
from kobai.basics.registry import Entry, rates_from
from kobai.candidates.grid import candidates
from kobai.candidates.named import named
from kobai.tasks.load import load

ROOT = Path(__file__).parents[1]
MADE_UP = ("halving", "waves")

HALVING = '''"""Halving, which nobody proposed."""

from typing import Any

from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class Halving(Optimizer):
    """Half a step against the gradient: Δ = −ηg/2.

    Args:
      learning_rate: η ≥ 0.
    """

    learning_rate: float = 0.1

    def rule(self, g: Any, t: Any) -> tuple[Any, tuple]:
        return -self.learning_rate * g / 2, ()
'''

WAVES = '''"""Two waves."""

from kobai.tasks.sine import sine


def waves(*, hidden=3):
    """The sine once more."""
    return sine(hidden=hidden)
'''


def file_in(room, name, text, folder, monkeypatch):
    """Put a file into a room of kobai, for the length of a test."""
    (folder / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.setattr(room, "__path__", [*room.__path__, str(folder)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, f"{room.__name__}.{name}", raising=False)


def registered(table, entry, monkeypatch, english, japanese):
    """Enter a method into a table of the registry, and its sentences into both languages."""
    monkeypatch.setitem(table, entry.name, entry)
    monkeypatch.setitem(words.TABLES["en"], entry.key, english)
    monkeypatch.setitem(words.TABLES["ja"], entry.key, japanese)


def module_of(path):
    """A module of tests, read anew."""
    specification = importlib.util.spec_from_file_location(f"_again_{Path(path).stem}", ROOT / path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def halving(tmp_path, monkeypatch):
    file_in(optimizers, "halving", HALVING, tmp_path, monkeypatch)
    entry = Entry("halving", "optimizers.halving:Halving", "Nobody 1900", rates_from(-3.0), kind="optimizer")
    registered(registry.OPTIMIZERS, entry, monkeypatch, "half a step", "半分のステップ")
    yield entry
    sys.modules.pop("kobai.optimizers.halving", None)


def test_an_optimizer_is_listed_compared_and_picked_by_name(halving, kobai_here):
    for language, sentence in (("en", "half a step"), ("ja", "半分のステップ")):
        listed = kobai_here("methods", "--language", language).out
        assert re.search(rf"^  halving +{sentence} · Nobody 1900", listed, re.MULTILINE)
    ran = kobai_here(
        *("compare", "sine", "--optimizers", "halving", "--quick", "--steps", "20"),
        *("--learning-rates", "0.1,0.2", "--initializers", "he", "--json", "answer.json"),
    )
    assert ran.code == 0, ran.err
    assert "Optimizer: halving" in ran.out
    [candidate] = candidates("halving")
    assert candidate.learning_rates() == list(rates_from(-3.0))
    Halving = halving.load()
    assert optimizers.Halving is Halving
    assert named("halving").method == named(Halving).method == Halving()
    assert named(Halving).name == named(Halving(0.3)).name == "halving"
    assert "halving" in str(kobai.descend("bowl", ["halving", "sgd"], steps=5))


def test_the_common_tests_take_an_optimizer_from_the_registry(halving):
    contract = module_of("tests/optimizers/test_contract.py")
    assert halving.load() in contract.RULES
    assert (halving.load(), "learning_rate") in contract.FIELDS
    assert contract.equals_the_flat_vector(halving.load()(), {"a": (2, 3), "b": [(4,)]})
    assert halving.load() in module_of("tests/optimizers/test_checks.py").RULES


def test_what_is_forgotten_of_a_recipe_is_noticed(halving, monkeypatch):
    """The planted mistakes: no numbers of its own, no documentation, no sentence, no name in kobai."""
    with pytest.raises(AssertionError):
        module_of("tests/optimizers/test_paths.py").test_the_table_has_every_registered_rule()
    with pytest.raises(AssertionError):
        module_of("tests/test_docs.py").test_every_method_is_documented()
    entries = module_of("tests/basics/test_registry.py")
    with pytest.raises(AttributeError, match="Halving"):
        entries.test_every_class_is_in_its_room_and_in_kobai(optimizers)
    entries.test_each_entry_leads_to_what_it_names(halving)
    monkeypatch.delitem(words.TABLES["ja"], halving.key)
    with pytest.raises(AssertionError):
        entries.test_each_entry_leads_to_what_it_names(halving)


def test_an_initializer_is_listed_and_picked_by_name(kobai_here, monkeypatch):
    def thirds():
        return initializers.Initializer("thirds", lambda z, axis: z, lambda fan_in, fan_out: 1 / 3)

    monkeypatch.setattr(initializers, "thirds", thirds, raising=False)
    entry = Entry("thirds", "initializers:thirds", kind="initializer")
    registered(registry.INITIALIZERS, entry, monkeypatch, "a third", "三分の一")
    assert re.search(r"^  thirds +a third", kobai_here("methods").out, re.MULTILINE)
    assert initializers.parse("thirds").name == "thirds"
    np.testing.assert_allclose(initializers.parse("thirds").weights(np.ones((2, 5)), 2, 5), 1 / 3)


def test_a_task_is_listed_and_picked_by_name(kobai_here, tmp_path, monkeypatch):
    file_in(tasks, "waves", WAVES, tmp_path, monkeypatch)
    registered(
        registry.TASKS, Entry("waves", "tasks.waves:waves", kind="task"), monkeypatch, "two waves", "波が二つ"
    )
    assert re.search(r"^  waves +two waves", kobai_here("tasks").out, re.MULTILINE)
    ran = kobai_here("compare", "waves", "--optimizers", "waves")
    assert (ran.code, "there is no optimizer 'waves'" in ran.err) == (2, True)
    assert load("waves:hidden=4").parameters[0]["weights"].shape == (4, 1)
    sys.modules.pop("kobai.tasks.waves", None)


def test_the_recipes_name_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"`((?:src|tests|docs)/[\w./]+)`", text)
    assert len(paths) > 30
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert [path for path in missing if Path(path).stem not in MADE_UP] == []
    assert {Path(path).stem for path in missing} == set(MADE_UP)


def test_the_recipes_name_tables_and_keys_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    tables = set(re.findall(r"\b[A-Z]{5,}\b", text)) & set(vars(registry))
    assert tables == {"OPTIMIZERS", "MINIMIZERS", "INITIALIZERS", "SCHEDULES", "STABILIZERS", "TASKS"}
    kinds = {getattr(registry, table)[next(iter(getattr(registry, table)))].kind for table in tables}
    assert kinds - {"minimizer"} <= set(re.findall(r"`(\w+)\.[\w…]+`", text))
