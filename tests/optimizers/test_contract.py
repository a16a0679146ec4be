"""What every update rule promises, whatever its formula: pytrees, dtypes, purity, tracing.

The checks of hyperparameters, and the words, are in `test_checks.py`.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobai.basics import registry
from kobai.basics.roles import weights as told
from kobai.optimizers import SGD, Adam, Momentum, NesterovDefinition, Optimizer

RULES = [entry.load() for entry in registry.OPTIMIZERS.values()]
FIELDS = [(rule, field.name) for rule in RULES for field in dataclasses.fields(rule)]

repeatable = settings(derandomize=True, deadline=None, max_examples=25)
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
each_field = pytest.mark.parametrize(("rule", "name"), FIELDS, ids=lambda x: getattr(x, "__name__", x))


def turned(gradient, params):
    """A gradient that depends on where it is taken, as a function of that."""
    return jax.tree.map(lambda g, θ: g + g.dtype.type(0.5) * θ, gradient, params)


def walk(optimizer, params, gradients, weights=None):
    """(updates, state) after one update for each gradient, the parameters moving along."""
    state, updates = optimizer.init(params), []
    for gradient in gradients:
        more = {} if optimizer.asks is None else {"gradient_at": functools.partial(turned, gradient)}
        gradient = turned(gradient, optimizer.lookahead(params, state))  # so that the look-ahead matters
        Δ, state = optimizer.update(gradient, state, params, weights, **more)
        params = jax.tree.map(lambda θ, d: θ + d, params, Δ)
        updates.append(Δ)
    return updates, state


# Pytrees.

shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
trees = st.recursive(
    shapes,
    lambda child: st.dictionaries(st.sampled_from("abc"), child, max_size=3) | st.lists(child, max_size=3),
    max_leaves=5,
)


def fill(tree, rng):
    """The tree of shapes with random arrays in their places."""
    return jax.tree.map(
        lambda shape: rng.normal(size=shape), tree, is_leaf=lambda node: isinstance(node, tuple)
    )


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)] or [np.zeros(0)])


def equals_the_flat_vector(optimizer, tree, seed=0):
    """Whether a rule does bit for bit on a pytree what it does on the concatenation of its arrays."""
    rng = np.random.default_rng(seed)
    params, *gradients = [fill(tree, rng) for _ in range(4)]
    updates, state = walk(optimizer, params, gradients)
    # What a vector no longer shows: which of its entries were weights.
    weights = flat(jax.tree.map(lambda array, said: np.full(array.shape, float(said)), params, told(params)))
    flat_updates, flat_state = walk(optimizer, flat(params), [flat(g) for g in gradients], weights)
    same = [np.array_equal(flat(Δ), vector) for Δ, vector in zip(updates, flat_updates, strict=True)]
    same += [np.array_equal(flat(state.memory[name]), flat_state.memory[name]) for name in optimizer.memories]
    structure = jax.tree.structure(params)
    return all(same) and all(jax.tree.structure(Δ) == structure for Δ in updates)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.elementwise], ids=lambda rule: rule.__name__)
@repeatable
@given(tree=trees, seed=st.integers(0, 1000))
def test_any_pytree_is_the_flat_vector(rule, tree, seed):
    assert equals_the_flat_vector(rule(), tree, seed)


class NormalizedSGD(SGD):
    """Looks at whole arrays: not elementwise."""

    def rule(self, g, t):
        return -self.learning_rate * g / np.sqrt(np.sum(g * g)), ()


def test_the_flat_vector_check_sees_a_rule_that_is_not_elementwise():
    assert not equals_the_flat_vector(NormalizedSGD(), {"a": (2,), "b": (3,)})


@each_rule
def test_every_field_is_a_leaf_and_nothing_is_static(rule):
    fields = [field.name for field in dataclasses.fields(rule)]
    leaves, tree = jax.tree.flatten_with_path(rule())
    assert [(path[0].name, leaf) for path, leaf in leaves] == [(n, getattr(rule(), n)) for n in fields]
    assert jax.tree.structure(rule(learning_rate=0.5)) == tree
    assert jax.tree.unflatten(tree, [leaf for _, leaf in leaves]) == rule()


@each_rule
def test_objects_keep_their_arguments_and_cannot_change(rule):
    rates = [0.1, 0.2]
    optimizer = rule(learning_rate=rates)
    assert optimizer.learning_rate is rates
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.learning_rate = 0.3


# Dtypes.

DTYPES = [
    (np, np.float32), (np, np.float64), (np, ml_dtypes.bfloat16),
    (jnp, np.float32), (jnp, np.float64), (jnp, ml_dtypes.bfloat16),
]  # fmt: skip


def dtypes_after(run, *arguments):
    """The dtypes of the updates, and those of the memories, two steps in."""
    updates, state = run(*arguments)
    return {leaf.dtype for leaf in updates}, {leaf.dtype for leaf in jax.tree.leaves(state.memory)}


def two_steps(optimizer, params):
    return walk(optimizer, params, [params, params])


@each_rule
@pytest.mark.parametrize(("library", "dtype"), DTYPES, ids=lambda x: x.__name__)
def test_the_dtype_of_the_parameters_is_kept(rule, library, dtype):
    """With Python numbers, and with float32 hyperparameters as a compiled grid has them."""
    with jax.enable_x64(dtype is np.float64):
        params = library.ones(3, dtype)
        # What is remembered of half precision is remembered in single: in bfloat16 0.999 is 1.
        remembered = np.dtype(np.float32) if dtype is ml_dtypes.bfloat16 else params.dtype
        expected = {params.dtype}, {remembered} if rule.memories or not rule.elementwise else set()
        for optimizer in (rule(), jax.tree.map(np.float32, rule())):
            if library is np:
                assert dtypes_after(two_steps, optimizer, params) == expected
            else:  # in the abstract, where dtypes follow the same promotion: as constants, then as arguments
                run = jax.tree_util.Partial(two_steps, optimizer)
                assert dtypes_after(jax.eval_shape, run, params) == expected
                assert dtypes_after(jax.eval_shape, two_steps, optimizer, params) == expected


class WideningAdam(Adam):
    """The bare formula: NumPy's ρᵗ is a float64 and widens what it divides."""

    def _on_array(self, g, θ, t, *memory):
        return self.rule(g, t, *memory)


def test_the_dtype_check_sees_a_formula_that_widens():
    updates, _ = dtypes_after(two_steps, WideningAdam(), np.ones(3, np.float32))
    assert np.dtype(np.float64) in updates


@each_rule
def test_numpy_stays_numpy(rule):
    updates, state = walk(rule(), np.ones(3), [np.ones(3)])
    assert all(type(leaf) is np.ndarray for leaf in [*updates, *jax.tree.leaves(state.memory)])


@each_rule
def test_plain_numbers_are_parameters_too(rule):
    """(x, y) as two Python floats, as a first program has it."""
    params, gradient = (-7.0, 2.0), (-0.7, 4.0)
    optimizer = rule()
    more = {} if optimizer.asks is None else {"gradient_at": lambda θ: jax.tree.map(lambda x: 0.1 * x, θ)}

    def step(gradient, params):
        return optimizer.update(gradient, optimizer.init(params), params, **more)[0]

    together = step(np.array(gradient), np.array(params))
    alone = [step(g, θ) for g, θ in zip(gradient, params, strict=True)]
    assert step(gradient, params) == tuple(together if optimizer.elementwise else alone)


# Purity.


@each_rule
def test_inputs_are_never_written_to(rule):
    """Arrays are read-only, so that a write raises; results are arrays of their own."""

    def frozen(tree):
        for leaf in jax.tree.leaves(tree):
            if isinstance(leaf, np.ndarray):
                leaf.flags.writeable = False
        return tree

    optimizer, params = rule(), frozen({"w": np.ones((2, 2)), "b": np.ones(3)})
    gradient, state = frozen({"w": np.full((2, 2), 0.5), "b": np.ones(3)}), frozen(optimizer.init(params))
    before = jax.tree.map(np.copy, (params, gradient, state))
    point = optimizer.lookahead(params, state)
    more = {} if optimizer.asks is None else {"gradient_at": functools.partial(turned, gradient)}
    results = [optimizer.update(gradient, state, params, **more) for _ in range(2)]
    assert point is params or rule is NesterovDefinition
    jax.tree.map(np.testing.assert_array_equal, before, (params, gradient, state))
    jax.tree.map(np.testing.assert_array_equal, *results)
    for new in jax.tree.leaves(results[0]):
        assert not any(np.shares_memory(new, old) for old in jax.tree.leaves((params, gradient, state)))


class InPlaceMomentum(Momentum):
    def rule(self, g, t, v):
        v *= self.momentum
        v -= self.learning_rate * g
        return v, (v,)


def test_the_purity_check_sees_a_write():
    with pytest.raises(ValueError, match="read-only"):
        test_inputs_are_never_written_to(InPlaceMomentum)


# Tracing: hyperparameters are data.


@each_rule
def test_vmap_over_hyperparameters_is_the_loop(rule):
    """And the loop runs on NumPy arrays: one formula, both libraries."""
    start = np.linspace(-1, 1, 5, dtype=np.float32)
    gradients = [start, 2 * start, -start]
    rows = np.random.default_rng(0).uniform(0.1, 0.9, (3, len(dataclasses.fields(rule)))).astype(np.float32)
    stacked = rule(*map(jnp.asarray, rows.T))
    batched = jax.jit(jax.vmap(walk, in_axes=(0, None, None)))(stacked, start, gradients)
    for i, row in enumerate(rows.tolist()):
        # float32: the loop rounds each hyperparameter where it meets an array, the program from the start.
        jax.tree.map(
            lambda many, one, i=i: np.testing.assert_allclose(many[i], one, rtol=2e-5, atol=1e-6),
            batched,
            walk(rule(*row), start, gradients),
        )


def traces(function, arguments):
    """How often a jitted function is traced for a row of arguments."""
    count = 0

    def counted(argument):
        nonlocal count
        count += 1
        return function(argument)

    compiled = jax.jit(counted)
    for argument in arguments:
        compiled(argument)
    return count


@each_rule
def test_a_second_learning_rate_compiles_nothing(rule):
    optimizers = [rule(), rule(learning_rate=0.5), jax.tree.map(lambda value: value / 2, rule())]
    assert traces(lambda optimizer: two_steps(optimizer, jnp.ones(2)), optimizers) == 1


def test_the_trace_count_sees_static_hyperparameters():
    @jax.tree_util.register_static
    @dataclasses.dataclass(frozen=True)
    class StaticSGD(Optimizer):
        learning_rate: float
        rule = SGD.rule

    assert traces(lambda o: two_steps(o, jnp.ones(2)), [StaticSGD(0.1), StaticSGD(0.2)]) == 2


@each_rule
def test_tree_operations_are_not_checked(rule):
    """Placeholders, and derivatives by hyperparameters (here negative), are no hyperparameters."""
    optimizer = rule()
    for placeholder in (object(), None, -1.0, 2, "name", True):
        made = jax.tree.map(lambda _, p=placeholder: p, optimizer)
        assert type(made) is rule
        assert made.learning_rate is placeholder
    slopes = jax.device_get(jax.grad(lambda o: -sum(jax.tree.leaves(o)))(optimizer))
    assert all(slope == -1 for slope in vars(slopes).values())
    shapes = jax.eval_shape(lambda o: o, optimizer)
    assert shapes.learning_rate.shape == ()


@each_field
def test_traced_values_and_arrays_of_jax_pass(rule, name):
    made = rule(**{name: jnp.float32(-1)})
    assert getattr(made, name) == -1
    negative = jax.jit(lambda value: getattr(rule(**{name: value}), name))(-1.0)
    assert negative == -1
