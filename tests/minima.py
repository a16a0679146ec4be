"""Gradients of landscapes, and the minima that SciPy finds."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize


def gradient(landscape, x):
    return np.asarray(jax.grad(landscape.objective)(jnp.asarray(x)))


def best_of(landscape):
    """SciPy's BFGS from the landscape's start."""
    both = jax.jit(jax.value_and_grad(landscape.objective))
    return optimize.minimize(
        lambda x: tuple(map(np.asarray, both(x))),
        np.array(landscape.start),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-7, "maxiter": 2000},
    )
