"""Rules of the user's own in the engine, populations, and what a kept chunk depends on."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.engine import draws
from kobai.engine.cell import Cell
from kobai.engine.draws import BATCHES, INITIAL, stream
from kobai.engine.sweep import Sweep
from kobai.optimizers import hyperparameters
from kobai.optimizers.base import State
from kobai.study import runner
from linear import X, Y, line
from swept import runs_of

HE = initial_values.he()


def by_hand(task, optimizer, seed, steps):
    """The validation loss of a plain loop on the tree of parameters, at every step."""
    parameters = HE.fill(task.parameters, stream(seed, INITIAL), layout=task.layout)
    parameters = jax.tree.map(jnp.asarray, parameters)
    state, curve, gradient = optimizer.init(parameters), [], jax.jit(jax.grad(task.loss))
    order = np.concatenate([stream(seed, BATCHES, epoch).permutation(len(X)) for epoch in range(9)])
    for step in range(steps + 1):
        curve.append(float(task.loss(parameters, task.validation)))
        rows = order[step * task.batch_size : (step + 1) * task.batch_size]
        g = gradient(parameters, tuple(a[rows] for a in task.train))
        update, state = optimizer.update(g, state, parameters)
        parameters = jax.tree.map(lambda θ, Δ: θ + Δ.astype(θ.dtype), parameters, update)
    return curve


@hyperparameters
class Warm(kobai.Optimizer):
    """Momentum whose memory begins at a value, set by a method that only JAX's arrays have."""

    learning_rate: float = 0.1

    def init(self, params):
        return jax.tree.map(lambda p: p.at[...].set(0.01), params)

    def update(self, gradient, state, params=None, weights=None):
        state = jax.tree.map(lambda v, g: 0.5 * v - self.learning_rate * g, state, gradient)
        return state, state


@hyperparameters
class Rounded(kobai.Optimizer):
    """Momentum whose memory has a precision of its own."""

    learning_rate: float = 0.1
    precision = jnp.bfloat16

    def init(self, params):
        return State(0, {"v": jax.tree.map(lambda p: jnp.zeros_like(p, self.precision), params)})

    def update(self, gradient, state, params=None, weights=None):
        def moved(v, g):
            return (0.5 * v - self.learning_rate * g).astype(self.precision)

        v = jax.tree.map(moved, state.memory["v"], gradient)
        return jax.tree.map(lambda v, g: v.astype(g.dtype), v, gradient), State(state.step + 1, {"v": v})


class Doubled(Rounded):
    precision = np.float64


Doubled = hyperparameters(Doubled)


@hyperparameters
class Noisy(kobai.Optimizer):
    """Gradient descent with noise from a random key in its state."""

    learning_rate: float = 0.1

    def init(self, params):
        return {"key": jax.random.key(7, impl="rbg"), "t": jnp.int32(0)}

    def update(self, gradient, state, params=None, weights=None):
        noise = 0.1 * jax.random.normal(jax.random.fold_in(state["key"], state["t"]))
        key = jax.random.split(state["key"])[0]
        update = jax.tree.map(lambda g: -self.learning_rate * (g + noise), gradient)
        return update, {"key": key, "t": state["t"] + 1}


NOISY_SGD = kobai.from_optax(optax.noisy_sgd, learning_rate=0.1, key=3)


@pytest.mark.parametrize("population", [False, True])
def test_own_states_follow_a_plain_loop(population):
    """A JAX-only init, a bfloat16 memory, random keys: beside Adam, with its two memories."""
    task, rules = line(), [Warm(), Rounded(), Noisy(), NOISY_SGD, kobai.Adam()]
    sweep = Sweep(task, rules, steps=12, evaluate_every=1, population=population)
    for rule, run in zip(rules, runs_of(sweep, [Cell(rule, HE, 2) for rule in rules]), strict=True):
        expected = by_hand(task, rule, 2, 12)
        np.testing.assert_allclose(run.validation_loss, expected, rtol=2e-4, err_msg=str(rule))


def test_a_memory_in_double_precision_beside_single_parameters():
    with jax.enable_x64(True):
        task, rules = line(), [Doubled(), kobai.Adam()]
        runs = runs_of(Sweep(task, rules, steps=6, evaluate_every=1), [Cell(rule, HE, 2) for rule in rules])
        np.testing.assert_allclose(runs[0].validation_loss, by_hand(task, Doubled(), 2, 6), rtol=1e-5)


# Populations.


def test_a_population_has_the_text_of_one_cell():
    sweep = Sweep(line(), [kobai.SGD()], steps=5, evaluate_every=5, population=True)
    assert sweep.text() == Sweep(line(), [kobai.SGD()], steps=5, evaluate_every=5).text()


@pytest.mark.parametrize("test", [(X[8:16], Y[8:16]), (X[8:], Y[8:])], ids=["alike", "unlike"])
def test_a_population_is_tested(test):
    """On data of the shapes of the validation data, and of others."""
    rules = [kobai.SGD(), kobai.Adam()]
    cells = [Cell(rule, HE, seed) for rule in (kobai.SGD(0.05), kobai.Adam(0.1)) for seed in (0, 1)]
    cells.append(Cell(kobai.SGD(1e30), HE, 0))
    together, alone = (
        runs_of(Sweep(line(test), rules, steps=9, evaluate_every=4, population=p), cells)
        for p in (True, False)
    )
    for run, other in zip(together[:-1], alone[:-1], strict=True):
        np.testing.assert_allclose(run.test_loss, other.test_loss, rtol=1e-4)
        assert run.test_metric == run.test_loss
    assert together[-1].diverged_at == alone[-1].diverged_at
    assert together[-1].test_loss is alone[-1].test_loss is None


def test_a_population_keeps_its_chunks_and_goes_on_from_them(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "Sweep", functools.partial(Sweep, population=True))
    ask = {"optimizers": [kobai.SGD([0.05, 0.1])], "initializers": "he", "steps": 20, "seeds": 2}
    ask |= {"tuning_seeds": 1, "progress": False, "output": tmp_path / "out"}

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runner.Runner, "finish", interrupted)  # when all cells are kept
        with pytest.raises(KeyboardInterrupt):
            kobai.compare(line(), **ask)
    monkeypatch.setattr(Sweep, "train", lambda *_: pytest.fail("trained again"))
    assert len(kobai.compare(line(), **ask, resume=True).cells) > 0


# Memory.


def test_shuffled_epochs_are_kept_by_their_bytes():
    draws._epochs.cache_clear()
    million = 10**6
    for seed in range(12):
        draws.mini_batch(seed, 0, 1, 4, million)
    kept = draws._epochs(8).cache_info()
    assert kept.misses == 12
    assert kept.currsize * million <= draws.EPOCHS_KEPT
    for seed in range(3):
        draws.mini_batch(seed, 0, 1, 4, draws.EPOCHS_KEPT)
    assert draws._epochs(2).cache_info().currsize == 2
    draws._epochs.cache_clear()
