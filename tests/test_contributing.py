"""The recipes of CONTRIBUTING, followed with methods made up for the purpose: what is written is enough."""

import dataclasses
import importlib
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
from kobai.engine import parts, spelling
from kobai.engine.strategy import Strategy
from kobai.study import axes, protocol, study
from kobai.tasks.load import load

ROOT = Path(__file__).parents[1]
MADE_UP = ("halving", "waves", "flips")

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

FLIPS = '''"""The gradient the other way, from a step on."""

from typing import Any, NamedTuple

import dataclasses

import numpy as np

from kobai.basics.errors import UsageError
from kobai.engine.parts.part import Field, Part


@dataclasses.dataclass(frozen=True)
class Flip:
    """From step `first` on."""

    first: int = 0

    @property
    def name(self) -> str:
        return f"from:{self.first}"


def flip(text: str) -> Flip | None:
    """What a user writes: "none", "from:3"."""
    return None if text == "none" else Flip(int(text.removeprefix("from:")))


class Memory(NamedTuple):
    first: Any
    step: Any
    flips: Any


class Flips(Part):
    """The flips of the cells."""

    fields = {"flip": Field(Flip, flip, happens=("flips",))}
    counts = ("flips",)

    @classmethod
    def of(cls, strategies, spans):
        return cls() if any(strategy.flip for strategy in strategies) else None

    @classmethod
    def check(cls, strategy, steps):
        if strategy.flip and strategy.flip.first >= steps:
            shortest = strategy.flip.first + 1
            raise UsageError("error.shortest", name=strategy.flip.name, shortest=shortest, steps=steps)

    def start(self, strategy, θ, state):
        first = strategy.flip.first if strategy.flip else 2**30
        return Memory(np.int32(first), np.int32(0), np.int32(0))

    def gradient(self, memory, g, θ, loss):
        on = (memory.step >= memory.first).astype(np.int32)
        return g * (1 - 2 * on), Memory(memory.first, memory.step + 1, memory.flips + on), None

    def counted(self, memory):
        return (memory.flips,)
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
    assert re.search(r"^halving at 0\.[12] with he", ran.out, re.M)
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


@dataclasses.dataclass(frozen=True)
class Flipping(Strategy):
    """A strategy with the field that the recipe asks for."""

    flip: object = None


class Quiet:
    def phase(self, name, total): ...

    def advance(self, cells): ...

    def tell(self, sentence): ...


def bowl():
    """f(w) = ‖w‖²/2, whatever the data: a step multiplies w by 1 − η, or by 1 + η the other way."""
    data = np.zeros((4, 1), np.float32)
    return kobai.Task(
        parameters={"w": np.full((2, 1), 3.0, np.float32)},
        loss=lambda p, batch: (p["w"] ** 2).sum() / 2 + 0 * batch.sum(),
        train=data,
        validation=data,
        batch_size=2,
    )


@pytest.fixture
def flips(tmp_path, monkeypatch):
    file_in(parts, "flips", FLIPS, tmp_path, monkeypatch)
    part = importlib.import_module("kobai.engine.parts.flips").Flips
    everything = (*parts.PARTS, part)
    monkeypatch.setattr("kobai.engine.parts.parts.PARTS", everything)
    monkeypatch.setattr(Strategy, "flip", None, raising=False)
    for module in (axes, study):
        monkeypatch.setattr(module, "Strategy", Flipping)
    field = parts.fields_of(everything, Flipping)["flip"]
    monkeypatch.setitem(spelling.FIELDS, "flip", field)
    monkeypatch.setitem(axes.OF_PARTS, "flip", field)
    monkeypatch.setitem(axes.KINDS, "flip", axes.reader("flip", field))
    yield part
    sys.modules.pop("kobai.engine.parts.flips", None)


def study_of_flips(*values, clip=None):
    return study.Study(
        task=bowl(),
        candidates=candidates(kobai.SGD(0.5)),
        initializers=[initializers.he()],
        axes=axes.axes({"clip": clip, "flip": list(values)}),
        steps=4,
        evaluate_every=2,
        tuning_seeds=1,
        seeds=2,
    )


@pytest.mark.usefixtures("flips", "quick_engine")
def test_a_part_is_an_axis_with_a_column_of_its_own():
    """What it makes happen stands in the frame, beside what clipping does."""
    cells = protocol.run(study_of_flips("none", "from:2", clip="norm:100"), Quiet()).cells
    assert set(cells.filter(phase="tuning")["flip"]) == {"none", "from:2"}
    assert set(cells["skipped"]) == {0}
    for value, counted, factors in (("none", 0, (0.5, 0.5)), ("from:2", 2, (0.5, 1.5))):
        for row in cells.filter(flip=value, phase="tuning").iter_rows(named=True):
            assert row["flips"] == counted
            start, *curve = row["validation_loss"]
            first, second = (factor**4 for factor in factors)
            np.testing.assert_allclose(curve, [start * first, start * first * second], rtol=1e-5)


@pytest.mark.usefixtures("flips")
def test_a_part_says_which_run_is_too_short_for_it_and_travels():
    study_of_flips("from:3").check()
    with pytest.raises(kobai.UsageError, match="from:4"):
        study_of_flips("from:4").check()
    assert spelling.FIELDS["flip"].read("from:7") == spelling.FIELDS["flip"].kind(first=7)
    assert spelling._part(spelling.FIELDS["flip"].read("from:7"), spelling.FIELDS["flip"]) == {"first": 7}


def test_the_recipes_name_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"`((?:src|tests|docs)/[\w./]+)`", text)
    assert len(paths) > 30
    missing = [path for path in paths if not (ROOT / path).exists()]
    stems = [Path(path).stem.removeprefix("test_") for path in missing]
    assert set(stems) == set(MADE_UP), missing


def test_the_recipes_name_tables_and_keys_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    tables = set(re.findall(r"\b[A-Z]{5,}\b", text)) & set(vars(registry))
    assert tables == {"OPTIMIZERS", "MINIMIZERS", "INITIALIZERS", "SCHEDULES", "STABILIZERS", "TASKS"}
    kinds = {getattr(registry, table)[next(iter(getattr(registry, table)))].kind for table in tables}
    assert kinds - {"minimizer"} <= set(re.findall(r"`(\w+)\.[\w…]+`", text))
