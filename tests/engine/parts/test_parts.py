"""Parts of a strategy: what nobody has is not in the program, and a new one is a class and a line."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai import schedules
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.parts import PARTS, Field, Part, Parts, parts
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.stabilizers import cautious, early_stopping, l2, polyak, weight_decay

HE = initial_values.he()

ONE_OF_EACH = {
    "Penalties": Strategy(l2=l2(0.1)),
    "Clipping": Strategy(clip=kobai.clip_norm(1)),
    "Schedules": Strategy(schedule=schedules.cosine()),
    "Masking": Strategy(mask=cautious()),
    "Decays": Strategy(weight_decay=weight_decay(0.1)),
    "Averages": Strategy(averages=(polyak(),)),
    "Stopping": Strategy(early_stopping=early_stopping(2)),
}


def task():
    """f(w) = ‖w‖²/2 on data that change nothing: the gradient is w."""
    data = np.zeros((4, 1), np.float32)
    return kobai.Task(
        parameters={"w": np.array([[3.0], [4.0]], np.float32)},
        loss=lambda p, batch: jnp.sum(p["w"] ** 2) / 2 + 0 * jnp.sum(batch),
        train=data,
        validation=data,
        batch_size=2,
    )


def test_the_table_has_every_part():
    assert [part.__name__ for part in PARTS] == list(ONE_OF_EACH)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_program_has_the_parts_that_somebody_has_and_no_other(name):
    own = Parts([Strategy(), ONE_OF_EACH[name]], task())
    assert [type(part).__name__ for part in own.parts] == [name]
    assert Parts([Strategy(), Strategy(replacement=True)], task()).parts == []
    assert Parts([], task()).parts == []


class Sign(NamedTuple):
    """What a cell keeps for the part below."""

    on: jax.Array
    flips: jax.Array


@dataclasses.dataclass(frozen=True)
class Flipped(Strategy):
    flipped: bool = False


class Flips(Part):
    """A made-up part: every gradient of its cells points the other way, and it counts them."""

    fields = {"flipped": Field(bool, bool)}
    counts = ("flips",)

    @classmethod
    def of(cls, strategies, task):  # noqa: ARG003
        return cls() if any(getattr(strategy, "flipped", False) for strategy in strategies) else None

    def start(self, strategy, θ, state):
        return Sign(np.float32(getattr(strategy, "flipped", False)), np.int32(0))

    def gradient(self, memory, g, θ, loss):
        return g * (1 - 2 * memory.on), memory._replace(flips=memory.flips + 1), None

    def counted(self, memory):
        return (memory.flips,)


@pytest.mark.parametrize("population", [False, True])
def test_a_part_is_added_by_its_class_and_a_line_in_the_table(monkeypatch, population):
    """Nothing else of the engine knows it: on a CPU and in a population, beside a part that clips."""
    monkeypatch.setattr(parts, "PARTS", (*PARTS, Flips))
    strategies = [Flipped(flipped=True), Strategy(), Strategy(clip=kobai.clip_norm(100))]
    sweep = Sweep(
        task(), [kobai.SGD()], steps=4, evaluate_every=2, strategies=strategies, population=population
    )
    assert sweep.program.columns.counts == ("skipped", "clipped", "flips")
    cells = [Cell(kobai.SGD(0.5), HE, 0, strategy) for strategy in strategies]
    flipped, plain, clipped = THREADS.runs(sweep, cells)
    # Each step multiplies w by 1 − η, or by 1 + η the other way: the loss by the square.
    start = plain.validation_loss[0]
    np.testing.assert_allclose(plain.validation_loss, start * 0.25 ** np.array([0, 2, 4]), rtol=1e-5)
    np.testing.assert_allclose(flipped.validation_loss, start * 2.25 ** np.array([0, 2, 4]), rtol=1e-5)
    np.testing.assert_allclose(clipped.validation_loss, plain.validation_loss, rtol=1e-5)
    without = Sweep(task(), [kobai.SGD()], steps=4, evaluate_every=2)
    monkeypatch.undo()
    assert without.text() == Sweep(task(), [kobai.SGD()], steps=4, evaluate_every=2).text()
