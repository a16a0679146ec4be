"""Functions that make a model: called anew for each seed, they draw its own initial values."""

import contextlib
import functools
import inspect
import random
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeGuard

import jax
import numpy as np

from kobai.basics.own_code import told
from kobai.networks.network import Network
from kobai.tasks.frameworks.calls import taken

Model: TypeAlias = Callable[..., object] | tuple[object, object] | Network
"""A model of any framework, all of which can be called; or two functions; or a function that makes one."""

Maker: TypeAlias = Callable[..., Model]
"""A function that makes a model; it may take `key` (of JAX), `rngs` (of Flax) or `seed` by name."""


def is_maker(model: Model) -> TypeGuard[Maker]:
    """Whether `model` is a function or a class that makes the model, and no model itself."""
    return inspect.isfunction(model) or inspect.ismethod(model) or isinstance(model, type | functools.partial)


def taken_by(maker: Maker) -> set[str]:
    """The arguments that it takes by name."""
    if isinstance(maker, functools.partial):
        return taken_by(maker.func) - set(maker.keywords)
    return taken(getattr(maker, "__init__") if isinstance(maker, type) else maker)  # noqa: B009


def model_of(maker: Maker, seed: int) -> Model:
    """The model that a function makes with this seed, whichever stream it draws from."""
    asked = taken_by(maker)
    arguments: dict[str, object] = {}
    if "seed" in asked:
        arguments["seed"] = seed
    if "key" in asked:
        arguments["key"] = jax.random.key(seed)
    if "rngs" in asked:
        from flax import nnx

        arguments["rngs"] = nnx.Rngs(seed)
    with seeded(seed), told("error.of.maker", every=True):
        return maker(**arguments)


def source(maker: object, arguments: str) -> tuple[str, str]:
    """("my_model:Net()", "what, it, takes") of a function or class that an import finds; else ("", "").

    Nobody finds what a function or a notebook holds; the classes of a framework, such as `nn.Sequential`,
    are found, but say nothing of the model.
    """
    module, name = getattr(maker, "__module__", ""), getattr(maker, "__qualname__", "")
    is_found = name.isidentifier() and getattr(sys.modules.get(module), name, None) is maker
    if not is_found or module.startswith(("__main__", "_own_")) or module.partition(".")[0] in LIBRARIES:
        return "", ""
    return f"{module}:{name}({arguments})", ", ".join(_parameters(maker))


def _parameters(maker: object) -> list[str]:
    """What a class or function takes by name."""
    with contextlib.suppress(TypeError, ValueError):
        known = inspect.signature(maker).parameters.values()  # type: ignore[arg-type]
        return [each.name for each in known if "VAR" not in each.kind.name]
    return []


LIBRARIES = ("torch", "keras", "flax", "equinox", "jax", "builtins")


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The streams of the whole process begin with this seed inside, and go on as they were afterwards."""
    before, numpy_before = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    torch_before = torch and torch.random.get_rng_state()
    random.seed(seed)  # from which Keras draws the seeds of its layers
    np.random.seed(seed % 2**32)
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)
        if torch:
            torch.random.set_rng_state(torch_before)
