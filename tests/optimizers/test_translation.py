"""The conventions of other frameworks: every rule has a row. What it says is held by tests of programs."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai.basics.registry import OPTIMIZERS
from kobai.candidates.lists import MODERN as SINCE_ADAM
from kobai.optimizers import translation
from kobai.optimizers.translation import KERAS, OPTAX, TORCH

FREE = (kobai.ScheduleFreeSGD, kobai.ScheduleFreeAdamW)
MODERN = [name for name in SINCE_ADAM if name not in ("adamw", "lion")]


@pytest.mark.parametrize("table", [TORCH, OPTAX, KERAS], ids=["torch", "optax", "keras"])
def test_every_registered_rule_has_its_row(table):
    """Of the lecture and its kin in each; of the rules since Adam where a framework has an equal."""
    every = {name: entry.load() for name, entry in OPTIMIZERS.items()}
    assert {every[name] for name in every if name not in MODERN} <= set(table) <= set(every.values())


def test_the_rows_of_optax_make_the_same_path():
    """Those of the rules since Adam; the other rows are held by tests of programs."""
    for name in MODERN:
        rule = OPTIMIZERS[name].load()()
        # Held by programs: those that are evaluated at x, and those whose rate begins with 1e-6.
        if not translation.has(OPTAX, rule) or isinstance(rule, FREE) or rule.rate_is_factor:
            continue
        if hasattr(rule, "weight_decay"):
            rule = dataclasses.replace(rule, weight_decay=0.0)
        call = translation.optax(rule)
        factory = getattr(
            optax.contrib if ".contrib." in call.function else optax, call.function.split(".")[-1]
        )
        theirs, start = (
            factory(rule.learning_rate, **call.arguments),
            {"w": jnp.linspace(-1, 1, 12).reshape(3, 4)},
        )
        paths = []
        for each in (rule, theirs):
            θ, state = start, each.init(start)
            for k in range(12):
                Δ, state = each.update({"w": jnp.cos(k + 3 * θ["w"])}, state, θ)
                θ = optax.apply_updates(θ, Δ)
            paths.append(θ["w"])
        assert np.abs(paths[0] - start["w"]).max() > 1e-3, name
        np.testing.assert_allclose(*paths, rtol=1e-5, atol=1e-6, err_msg=name)
