"""The tables of methods: each entry leads to what it names, is described, and is used as the list says."""

import json
import re
import subprocess
import sys
from importlib import import_module

import pytest

import kobai
from kobai import minimizers, optimizers, words
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.basics.registry import Entry

TABLES = {
    **registry.METHODS,
    "task": registry.TASKS,
    "landscape": registry.LANDSCAPES,
    "pair": registry.PAIRS,
}
ENTRIES = [pytest.param(entry, id=entry.key) for table in TABLES.values() for entry in table.values()]
PYTHON_NAME = re.compile(r"\bkobai((?:\.\w+)+)")


def test_nothing_is_left_out():
    """Every table of the registry is one of those that the tests here walk."""
    tables = [value for value in vars(registry).values() if isinstance(value, dict) and value]
    tables = [table for table in tables if all(isinstance(entry, Entry) for entry in table.values())]
    assert len(tables) == len(TABLES) == 14
    assert len(ENTRIES) > 80


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_entry_leads_to_what_it_names(entry):
    assert callable(entry.load())
    assert entry.load().__name__ == entry.attribute
    assert entry.load().__module__ == f"kobai.{entry.home.partition(':')[0]}"
    assert TABLES[entry.kind][entry.name] is entry
    assert all(entry.key in table for table in words.TABLES.values())


def test_an_entry_that_leads_nowhere_is_noticed():
    """The planted mistakes: a class and a module that do not exist."""
    with pytest.raises(AttributeError, match="Lyon"):
        Entry("lion", "optimizers.lion:Lyon").load()
    with pytest.raises(ModuleNotFoundError, match="lyon"):
        Entry("lion", "optimizers.lyon:Lion").load()


def test_every_rule_and_minimizer_has_a_source_and_every_rule_a_grid():
    for table in (registry.OPTIMIZERS, registry.MINIMIZERS):
        assert [name for name, entry in table.items() if not entry.source] == []
    grids = {name: entry.learning_rates for name, entry in registry.OPTIMIZERS.items()}
    assert grids["lion"] == (1e-5, 3.16e-5, 1e-4, 3.16e-4, 1e-3, 3.16e-3, 0.01, 0.0316)
    assert all(list(grid) == sorted(grid) and len(grid) == registry.RATES for grid in grids.values())


@pytest.mark.parametrize("room", [optimizers, minimizers])
def test_every_class_is_in_its_room_and_in_kobai(room):
    table = registry.OPTIMIZERS if room is optimizers else registry.MINIMIZERS
    for entry in table.values():
        assert getattr(room, entry.attribute) is entry.load() is getattr(kobai, entry.attribute)
        assert registry.home_of(entry.load(), table) is entry
    with pytest.raises(AttributeError, match="Amad"):
        _ = room.Amad


def test_a_class_of_ones_own_has_no_home():
    class Adam(kobai.Optimizer):
        """Named as ours."""

    assert registry.home_of(Adam, registry.OPTIMIZERS) is None


def test_a_name_is_found_in_one_of_several_tables():
    tables = (registry.OPTIMIZERS, registry.MINIMIZERS)
    assert registry.find("kind.optimizer", "bfgs", *tables) is registry.MINIMIZERS["bfgs"]
    with pytest.raises(UsageError, match="there is no optimizer 'bfsg'; did you mean 'bfgs'"):
        registry.find("kind.optimizer", "bfsg", *tables)


# What `kobai methods` prints


IMPORTABLE = """
import importlib, json, sys
import kobai
for path in json.loads(sys.argv[1]):
    value = kobai
    for part in path.split("."):
        value = getattr(value, part)
    module, _, name = f"kobai.{path}".rpartition(".")
    try:
        found = importlib.import_module(f"kobai.{path}")
    except ModuleNotFoundError:
        found = getattr(importlib.import_module(module), name)
    assert found is value, path
"""


@pytest.fixture
def listed(kobai_here, monkeypatch):
    """What ``kobai methods`` prints, without line breaks inside a line."""
    monkeypatch.setenv("COLUMNS", "1000")
    return "".join(kobai_here("methods", "--language", language).out for language in words.TABLES)


def test_everything_that_is_printed_is_importable_by_the_name_that_is_printed(listed, place):
    """As a module, and as an attribute of `kobai` alone in a process of its own."""
    paths = sorted({path[1:] for path in PYTHON_NAME.findall(listed)})
    assert {"Adam", "networks.layers", "networks.recurrent", "maximum_likelihood", "minimize_many"} <= set(
        paths
    )
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTABLE, json.dumps(paths)], cwd=place, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr.decode()


def plain(name):
    """A name as it is compared: ConjugateGradient and conjugate_gradient are one, and so is a hyphen."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def test_each_name_that_is_printed_is_importable_by_itself(kobai_here):
    """It is the name of the class or function that it leads to, and of no other."""
    lines = kobai_here("methods").out.splitlines()
    for table in registry.METHODS.values():
        for entry in table.values():
            assert any(line.startswith(f"  {entry.name} ") for line in lines), entry
            module, name = entry.home.split(":")
            assert plain(name) == plain(entry.name)
            assert getattr(import_module(f"kobai.{module}"), name) is entry.load()


@pytest.mark.parametrize("kind", ["initializer", "schedule", "stabilizer", "cell"])
def test_a_method_is_in_the_module_that_its_kind_names(kind):
    paths = [path[1:] for path in PYTHON_NAME.findall(registry.USES[kind])]
    modules = [
        import_module(f"kobai.{path}") for path in paths if path.rpartition(".")[2] not in TABLES[kind]
    ]
    modules += [import_module(f"kobai.{path.rpartition('.')[0]}") for path in paths if "." in path]
    for name, entry in TABLES[kind].items():
        assert any(getattr(module, name, None) is entry.load() for module in modules), name


@pytest.mark.parametrize("kind", ["principle", "measurement"])
def test_a_function_is_named_in_its_sentence(kind):
    for name, entry in TABLES[kind].items():
        for table in words.TABLES.values():
            assert f"kobai.{name}" in table[entry.key] or f"kobai {name}" in table[entry.key]
        assert getattr(kobai, name) is entry.load()
