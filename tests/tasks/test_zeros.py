"""Which results of a program are zero: of programs that the tests of roles do not make."""

import jax
import jax.numpy as jnp
import pytest

from kobai.tasks.zeros import zeros


@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey], ids=["a key", "its numbers"])
def test_a_random_key_among_the_constants_is_not_the_number_zero(make):
    """A model of flax's holds one; compared with 0 it raises. The planted zero beside it is seen."""
    key, nothing = jax.device_put(make(0)), jnp.float32(0)

    def function(x):
        return x * nothing, x + jax.random.uniform(key)

    program = jax.make_jaxpr(function)(jnp.float32(2))
    assert len(program.consts) == 2
    assert zeros(program, [False]) == [True, False]


def test_what_a_loop_stacks_and_carries():
    """The rows of a scan are told from what it carries by the shapes, whatever JAX calls these numbers."""

    def function(x, rows):
        return jax.lax.scan(lambda carry, row: (carry * 2, row + x), 0.0, rows)

    program = jax.make_jaxpr(function)(jnp.float32(1), jnp.ones(3))
    assert zeros(program, [False, False]) == [True, False]
    assert zeros(program, [True, True]) == [True, True]
