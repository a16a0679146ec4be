"""The compiled part of a sweep as a program that travels: for a task that cannot be said in plain values.

What is a user's own stays in this process: it makes initial values and draws, and reads the rows. A block of
steps travels as the program that `jax.export` writes, with its arrays; it is compiled once in each process,
as it would be here, and gives the same bits on equal processors.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.export
import numpy as np
from jaxtyping import PyTree

from kobai.basics.machine import use_compilation_cache
from kobai.engine import convolutions
from kobai.engine.executables import compiler_options
from kobai.engine.identity import digest
from kobai.engine.program import functions
from kobai.engine.sweep import Sweep

Call: TypeAlias = Callable[..., Sequence[np.ndarray]]
"""Runs a program elsewhere: (its name, what stands for itself, its arrays or what stands for them)."""


class Elsewhere:
    """The executables of a sweep, each of which is called elsewhere.

    Args:
      sweep: what they are of.
      call: runs a program there.
      keep: brings an array or a program there once, and gives what stands for it.
    """

    def __init__(self, sweep: Sweep, call: Call, keep: Callable[[Any], Any]) -> None:
        self.call, self.keep = call, keep
        self.kept = {id(part): [keep(np.asarray(x)) for x in jax.tree.leaves(part)] for part in sweep.data}
        block, final = functions(sweep.program, sweep.data)
        self.pair = self._exported(block, 2), None if final is None else self._exported(final, 1)

    def compiled(self, size: object) -> tuple[Callable[..., PyTree], Callable[..., PyTree] | None]:
        """(block, final), as those of `Executables`."""
        assert size is None
        return self.pair

    def _exported(self, of: Sequence[Any], data: int) -> Callable[..., PyTree]:
        """The function, called elsewhere; so many of its last arguments are data, which are there already."""
        function, *arguments = of
        tree = jax.tree.structure(tuple(arguments))
        jitted = convolutions.prepared(function, *arguments)
        results = jax.tree.structure(jax.eval_shape(jitted, *arguments))

        def flat(*leaves: Any) -> list[Any]:
            return jax.tree.leaves(jitted(*jax.tree.unflatten(tree, leaves)))

        program = bytes(jax.export.export(jax.jit(flat))(*jax.tree.leaves(tuple(arguments))).serialize())
        name, there = digest(program), self.keep(program)

        def called(*arguments: PyTree) -> PyTree:
            own = [np.asarray(leaf) for leaf in jax.tree.leaves(arguments[:-data])]
            kept = [each for part in arguments[-data:] for each in self.kept[id(part)]]
            return jax.tree.unflatten(results, self.call(name, there, *own, *kept))

        return called


def elsewhere(sweep: Sweep, threads: int, call: Call, keep: Callable[[Any], Any]) -> Sweep:
    """The same sweep, whose blocks are run elsewhere, so many at once; a minimizer's runs stay here."""
    own = copy.copy(sweep)
    own.threads = threads
    own.executables = Elsewhere(sweep, call, keep)  # type: ignore[assignment]
    own.training = copy.copy(sweep.training)
    own.training.executables = own.executables
    return own


_compiled: dict[str, Callable[..., Sequence[Any]]] = {}
"""The programs of this process, by name."""


def run(name: str, program: bytes, *arrays: np.ndarray) -> list[np.ndarray]:
    """What a program makes of its arrays; compiled once in a process."""
    if name not in _compiled:
        use_compilation_cache()
        exported = jax.export.deserialize(bytearray(program))
        _compiled[name] = _compiled_of(exported)
    return [np.asarray(each) for each in _compiled[name](*arrays)]


def _compiled_of(exported: jax.export.Exported) -> Callable[..., Sequence[Any]]:
    kinds = exported.in_avals
    with jax.enable_x64(True):  # what is in double precision there is so here
        compiled = jax.jit(exported.call).lower(*kinds).compile(compiler_options())

    def call(*arrays: np.ndarray) -> Sequence[Any]:
        with jax.enable_x64(True):
            return compiled(*(np.asarray(a, kind.dtype) for a, kind in zip(arrays, kinds, strict=True)))

    return call
