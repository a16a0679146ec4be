"""What a cell is, as a hash: equal for two cells of which the same numbers come, in whatever study they are.

A study trains its cells in one program that holds all of its rules and parts. A cell does not depend on the
others, bit for bit, and so its identity is made of what it would be alone: the lowered program of its task
with the parts of its own strategy, the lowered formulas of its rule, and what the host adds to them (data,
initial values and states, hyperparameters, seed, schedule, budget, versions).
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Vector, Whole
from kobai.basics.version import __version__
from kobai.candidates.values import as_json, hyperparameters_of
from kobai.engine.blocks import Data
from kobai.engine.cell import Cell
from kobai.engine.full_batch import FullBatch
from kobai.engine.program import Program, lowered
from kobai.engine.rule import Rule, Storage
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.optimizers.sgd import SGD

NOTHING = Strategy()

LETTERS = 32
"""Of a hash."""


def versions() -> dict[str, str]:
    """What numbers depend on beside programs and data: that of another version may differ in rounding."""
    return {
        "kobai": __version__,
        "numpy": np.__version__,
        "jax": jax.__version__,
        "device": jax.default_backend(),
    }


def versions_named() -> str:
    """The versions as a cell keeps them: "kobai 0.1.0, numpy 2.1.0, …"."""
    return ", ".join(f"{name} {version}" for name, version in versions().items())


class Identity:
    """The identities of the cells of one task.

    What is lowered is lowered once: the program for each set of parts, the formulas for each rule.

    Args:
      program: that of the sweep, which has all of its rules.
      data: of its task; for the programs only the shapes matter.
      full_batch: the minimizers of the sweep.
      steps, evaluate_every: of each run.
    """

    def __init__(
        self,
        program: Program,
        data: Data,
        full_batch: Mapping[Minimizer, FullBatch],
        *,
        steps: int,
        evaluate_every: int,
    ) -> None:
        self.task, self.program, self.data, self.full_batch = program.task, program, data, full_batch
        self.steps, self.every = steps, evaluate_every
        self._hashes: dict[Hashable, str] = {}

    def of(self, cell: Cell) -> str:
        """The identity of a cell: 32 letters."""
        return self.of_seeds(cell, [cell.seed])[0]

    def of_seeds(self, cell: Cell, seeds: Sequence[int]) -> list[str]:
        """The identities that a cell has with each of some seeds. All but the seed is hashed once."""
        method, start, strategy = cell.optimizer, cell.initializer, cell.strategy
        parts = [
            self.of_data(),
            self._once(("method", _kind(method)), lambda: self._of_method(method)),
            hyperparameters_of(method),
            self._once(("start", start.name), lambda: self._of_start(start)),
            self._once(strategy, lambda: self._of_strategy(strategy)),
        ]
        before = hashlib.sha256(f"{as_json(parts)[:-1]}, [".encode())
        after = f", {self.steps}, {self.every}], {as_json(versions())}]".encode()
        identities = []
        for seed in seeds:
            hashed = before.copy()
            hashed.update(b"%d%b" % (seed, after))
            identities.append(hashed.hexdigest()[:LETTERS])
        return identities

    def of_task(self) -> dict[str, str]:
        """What the task is, by what it is told from another: its name, its data, its program."""
        return {"name": self.task.name, "data": self.of_data(), "program": self.of_program()}

    def of_data(self) -> str:
        """The hash of the three parts of the data."""
        task = self.task
        return self._once("data", lambda: digest(_content((task.train, task.validation, task.test))))

    def of_program(self, strategy: Strategy = NOTHING) -> str:
        """The hash of the program of this task with the parts of one strategy, whatever the rule."""
        alone = Program(self.task, [SGD()], capacity=self.program.capacity, strategies=[strategy])
        kinds = [(type(part), part.evaluations, getattr(part, "room", 0)) for part in alone.parts.parts]

        def program() -> str:
            texts = [each.as_text() for each in lowered(alone, self.data) if each]
            return digest("".join(texts))

        return self._once(("program", *kinds), program)

    def _once(self, key: Hashable, make: Callable[[], str]) -> str:
        if key not in self._hashes:
            self._hashes[key] = make()
        return self._hashes[key]

    def _of_method(self, method: Optimizer | Minimizer) -> str:
        if isinstance(method, Minimizer):
            return digest("".join(program.as_text() for program in self.full_batch[method].traced()[:2]))
        return self._of_rule(self.program.rules[self.program.position_of(method)])

    def _of_rule(self, rule: Rule) -> str:
        """Of its formulas, with the hyperparameters as arguments, and of the state that it begins with."""
        θ = self.program.θ
        values = np.full(rule.hyperparameters, 0.5, θ.dtype)
        room = Storage(
            slots=tuple(np.zeros_like(θ) for _ in range(rule.sizes["slots"])),
            floats=np.zeros(rule.sizes["floats"], θ.dtype),
            integers=np.zeros(rule.sizes["integers"], np.int32),
        )
        formulas = jax.jit(functools.partial(_formulas, rule)).lower(np.int32(0), values, θ, room, θ)
        return digest(formulas.as_text().encode() + _content(rule.init(values, θ, room)))

    def _of_start(self, initializer: Initializer) -> str:
        """Of an initial value: what it makes of one seed, which tells two functions of one name apart."""
        start = self.task.filled(initializer, 0)
        return digest(initializer.name.encode() + _content((start, self.task.state)))

    def _of_strategy(self, strategy: Strategy) -> str:
        """Of its program and its numbers; of a schedule and an average what they do at every step. A schedule
        that never changes the rate is none."""
        if strategy.schedule is not None:
            factors = np.asarray(strategy.schedule.factors(0, self.steps, self.steps))
            strategy = strategy if np.any(factors != 1) else dataclasses.replace(strategy, schedule=None)
        fields = {field.name: getattr(strategy, field.name) for field in dataclasses.fields(strategy)}
        schedule, averages = fields.pop("schedule"), fields.pop("averages")
        if strategy.mask is None:  # the hash is that of before there were masks
            del fields["mask"]
        content = [repr(fields).encode(), self.of_program(strategy).encode()]
        if schedule is not None:
            content.append(factors.tobytes())
        content += [np.asarray(each.weight(np.arange(1, self.steps + 1))).tobytes() for each in averages]
        return digest(b"".join(content))


def _kind(method: Optimizer | Minimizer) -> Hashable:
    """What has a program of its own: the class of a rule, whatever its numbers; a minimizer with its own."""
    return method if isinstance(method, Minimizer) else jax.tree.structure(method)


def _formulas(rule: Rule, s: Whole, values: Vector, gradient: Vector, storage: Storage, θ: Vector) -> PyTree:
    """All that the program asks of a rule."""
    # For a rule that asks for other gradients any function of θ stands in.
    Δ, state = rule.update(s, values, gradient, storage, θ, (lambda at: gradient * at) if rule.asks else None)
    return (
        Δ,
        rule.pack(state, storage),
        rule.lookahead(s, values, θ, storage) if rule.looks_ahead else None,
        rule.evaluation(s, values, θ, storage) if rule.evaluates_elsewhere else None,
        rule.learning_rate(s, values),
    )


def digest(content: str | bytes | np.ndarray) -> str:
    """A hash of `LETTERS`; of an array that of its bytes, which are read where they lie."""
    if isinstance(content, np.ndarray):
        content = np.ascontiguousarray(content).reshape(-1).view(np.uint8)
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:LETTERS]


def _content(tree: PyTree) -> bytes:
    """What the arrays of a tree hold: a hash for each, beside its shape and kind."""
    arrays = [np.asarray(leaf) for leaf in jax.tree.leaves(tree) if hasattr(leaf, "shape")]
    hashes = [[str(array.dtype), array.shape, digest(array)] for array in arrays]
    return json.dumps(hashes).encode()
