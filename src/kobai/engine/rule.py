"""One update rule's place in the compiled program: its hyperparameters and state in the layout of all.

The parameters are one flat vector θ, so that a formula runs once a step and not once for every array; one
that looks at shapes (`elementwise` False) gets the arrays and its update is made flat. Hyperparameters are a
row of values, padded to the longest, and the states of all rules share one `Storage`, padded to the largest:
what a `lax.switch` over rules returns has one shape.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Flag, Integers, Number, Structure, Vector, Whole, namespace
from kobai.basics.errors import UsageError
from kobai.engine.weights import weights
from kobai.optimizers.base import RATES, Optimizer, State, decayed
from kobai.optimizers.from_optax import RESCALED, FromOptax, refused
from kobai.tasks.flat import Spans


class Storage(NamedTuple):
    """The states of all rules in one layout, padded to the largest: θ-shaped arrays, and the rest in rows."""

    slots: tuple[Vector, ...]
    floats: Vector
    integers: Integers


class Rule:
    """One optimizer's place in the program: how its hyperparameters and its state fit the common layout.

    Args:
      optimizer: one of its kind.
      θ: the parameters as one vector.
      spans: which entries of θ are weights.
      arrays: what cuts a vector like θ into the trained arrays.
      tree: what puts one value an array into the tree of the parameters.
      flags: gives what each array is to a rule that asks for the ends of the network.
      of_width: gives what the learning rate of each entry is multiplied by; None: by nothing.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        θ: np.ndarray,
        spans: Spans,
        arrays: Callable[[Vector], Iterable[Array]],
        tree: Callable[[Iterable[Array | Flag]], PyTree],
        flags: Callable[[], Sequence[Flag]],
        of_width: Callable[[int], np.ndarray] | None,
    ) -> None:
        self.spans, self.arrays, self.tree_of = spans, arrays, tree
        whole = [weight for _, weight in spans]
        self.flags: Sequence[Flag] = flags() if optimizer.ends else whole
        leaves, structure = jax.tree.flatten(optimizer)
        self.tree: Structure = structure
        self.hyperparameters = len(leaves)
        self.name = getattr(optimizer, "name", type(optimizer).__name__)
        names = [_name(path) for path, _ in jax.tree.flatten_with_path(optimizer)[0]]
        rates = [names.index(name) for name in RATES if name in names]
        self.rate = rates[0] if rates else None
        self.rates = rates[:1] + [i for i, name in enumerate(names) if name.endswith("_learning_rate")]
        """All that a schedule multiplies: the rate, and those of groups of arrays."""
        self.own_decay = names.index("weight_decay") if "weight_decay" in names else None
        self.decays_within = optimizer.decays_within and self.own_decay is not None
        self.factors = None if of_width is None else self._factors(optimizer, of_width).astype(θ.dtype)
        self.decays_beside = optimizer.decays and self.own_decay is not None
        kind = type(optimizer)
        self.looks_ahead = kind.lookahead is not Optimizer.lookahead
        self.counts = kind.init is Optimizer.init and kind.update is Optimizer.update
        """Whether all that its state counts is the updates: the loop knows that number."""
        self.own_init = kind.init is not Optimizer.init
        self.asks = optimizer.asks
        self.finds_rate = optimizer.rate_is_factor and kind.rate_at is not Optimizer.rate_at
        self.keys: dict[int, Hashable] = {}
        """Which leaves of the state are random keys, and of which kind; kept as plain integers."""

        self.evaluates_elsewhere = False
        self.hides_rate = False
        self.rescales = isinstance(optimizer, FromOptax) and optimizer.name in RESCALED

        def begin(values: Sequence[Number], θ: Vector) -> PyTree:
            state = self._begin(values, θ)
            point = self._formed(optimizer, θ)
            self.evaluates_elsewhere = optimizer.evaluation_point(point, state) is not point
            self.hides_rate = isinstance(optimizer, FromOptax) and optimizer.hides_rate(state)
            leaves = enumerate(jax.tree.leaves(state))
            self.keys = {i: jax.random.key_impl(leaf) for i, leaf in leaves if _is_key(leaf)}
            return _keyless(state)

        try:
            shapes = jax.eval_shape(begin, [0.5] * len(leaves), θ)
        except (ValueError, KeyError, AttributeError) as problem:  # labels or masks that do not fit the tree
            if not isinstance(optimizer, FromOptax):
                raise
            raise refused(optimizer.name, problem) from problem
        self.alone = not optimizer.elementwise or bool(self.keys) or self.asks is not None
        """Whether no other rule's cells step together with its own: it may cost more than a gradient, or it
        draws at random, by a generator that draws other numbers for more cells at once."""
        self.leaves, state_tree = jax.tree.flatten(shapes)
        self.state_tree: Structure = state_tree
        self.kinds = [self._kind(leaf, θ) for leaf in self.leaves]
        self.sizes = {"slots": 0, "floats": 0, "integers": 0}
        for place, leaf in zip(self.kinds, self.leaves, strict=True):
            self.sizes[place] += 1 if place == "slots" else math.prod(leaf.shape)

    def _factors(self, optimizer: Optimizer, of_width: Callable[[int], np.ndarray]) -> np.ndarray:
        """What the step of each entry is multiplied by, under μP."""
        if optimizer.degree is None:
            raise UsageError("error.mup.rule", name=self.name)
        return of_width(optimizer.degree)

    @staticmethod
    def _kind(leaf: jax.ShapeDtypeStruct, θ: Vector) -> str:
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return "integers"
        return "slots" if leaf.shape == θ.shape else "floats"

    def optimizer(self, values: Vector | Sequence[Number]) -> Optimizer:
        """The optimizer with its hyperparameters taken from a row of values."""
        return self.tree.unflatten([values[i] for i in range(self.hyperparameters)])

    def _begin(self, values: Vector | Sequence[Number], θ: Vector) -> PyTree:
        optimizer = self.optimizer(values)
        more = self._weights(optimizer, θ) if optimizer.roles else {}
        return self._uncounted(optimizer.init(self._formed(optimizer, θ), **more))

    def _formed(self, optimizer: Optimizer, θ: Vector) -> PyTree:
        """θ as the rule gets it: flat, or in its tree where the rule looks at shapes or names."""
        return θ if optimizer.elementwise else self.tree_of(self.arrays(θ))

    def learning_rate(self, s: Whole, values: Vector) -> Number | None:
        """η of the update number s, counted from 0; None where it is not known."""
        return values[self.rate] if self.rate is not None else self.optimizer(values).rate_at(s)

    def _uncounted(self, state: PyTree) -> PyTree:
        """The state without the number of updates, where the loop knows it."""
        return state._replace(step=None) if self.counts else state

    def refuse_decay(self, biases: bool) -> None:
        """Raise `UsageError` where decay beside the step has no rate to be multiplied by or another point is
        evaluated, and where biases are to decay by a formula that spares them."""
        if self.decays_within:
            if biases:
                raise UsageError("error.decay.biases", name=self.name)
            return
        if self.rescales:
            raise UsageError("error.decay.rescaled", name=self.name)
        if self.evaluates_elsewhere:
            raise UsageError("error.decay.elsewhere", name=self.name)
        if self.finds_rate:
            raise UsageError("error.decay.found", name=self.name)
        if self.hides_rate:
            raise UsageError("error.decay.schedule", name=self.name)
        if self.optimizer([0.5] * self.hyperparameters).rate_at(np.int32(0)) is None:
            raise UsageError("error.decay.rate", name=self.name)

    def init(self, values: Vector, θ: Vector, room: Storage) -> Storage:
        """The storage before the first step, on the host; an `init` of one's own may be written for JAX."""
        if self.own_init:
            values, θ = jnp.asarray(values), jnp.asarray(θ)
        state = self._begin(values, θ)
        return self.pack(jax.tree.map(np.asarray, _keyless(state)), room)

    def update(
        self,
        s: Whole,
        values: Vector,
        gradient: Vector,
        storage: Storage,
        θ: Vector,
        gradient_at: Callable[[Vector], Vector] | None = None,
    ) -> tuple[Vector, PyTree]:
        """(Δ, state): the rule on the flat vector; one that looks at shapes gets the arrays.

        `gradient_at` is for a rule that `asks`: the gradient of the step's batch as a function of θ.
        """
        own = values[self.own_decay] if self.factors is not None and self.decays_beside else None
        if own is not None:
            values = jnp.asarray(values).at[self.own_decay].set(0)
        optimizer, state = self.optimizer(values), self.unpack(s, storage)
        more = self._weights(optimizer, θ) if optimizer.decays or optimizer.roles else {}
        if self.asks is not None:
            more["gradient_at"] = gradient_at
        formed = self._formed(optimizer, gradient), state, self._formed(optimizer, θ)
        Δ, state = optimizer.update(*formed, **more)
        Δ = Δ if optimizer.elementwise else self._flat(Δ)
        if self.factors is not None:  # but for the decay beside the step, which is the same at every width
            Δ = Δ * self.factors
            η = self.learning_rate(s, values)
            Δ = Δ if own is None or η is None else decayed(Δ, θ, η * own, more["weights"])
        return Δ, state

    def _weights(self, optimizer: Optimizer, θ: Vector) -> dict[str, PyTree]:
        """What a rule is told of what is a weight, by entry or by array."""
        if optimizer.elementwise:
            return {"weights": weights(self.spans, θ.dtype)}
        return {"weights": self.tree_of(self.flags)}

    def evaluation(self, s: Whole, values: Vector, θ: Vector, storage: Storage) -> Vector:
        """Where the network is evaluated after s updates."""
        optimizer = self.optimizer(values)
        point = optimizer.evaluation_point(self._formed(optimizer, θ), self.unpack(s, storage))
        return point if optimizer.elementwise else self._flat(point).astype(θ.dtype)

    @staticmethod
    def _flat(tree: PyTree) -> Vector:
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(tree)])

    def lookahead(self, s: Whole, values: Vector, θ: Vector, storage: Storage) -> Vector:
        """Where the gradient is taken; under μP it lies as far ahead as the step leads."""
        point = self.optimizer(values).lookahead(θ, self.unpack(s, storage))
        return point if self.factors is None else θ + self.factors * (point - θ)

    def pack(self, state: PyTree, storage: Storage) -> Storage:
        """`storage` with this rule's state written into its places, which are the first ones of each kind."""
        xp = namespace(storage.floats)
        new: dict[str, list[Array]] = {"slots": [], "floats": [], "integers": []}
        state = _keyless(self._uncounted(state))
        for kind, leaf in zip(self.kinds, self.state_tree.flatten_up_to(state), strict=True):
            new[kind].append(leaf)

        def row(kind: str) -> Array:
            old = getattr(storage, kind)
            if not new[kind]:
                return old
            values = [xp.ravel(leaf).astype(old.dtype) for leaf in new[kind]]
            return xp.concatenate([*values, old[self.sizes[kind] :]])

        # A memory of another precision is kept in that of θ, as the slots of all rules are.
        slots = [leaf.astype(old.dtype) for leaf, old in zip(new["slots"], storage.slots, strict=False)]
        slots += storage.slots[self.sizes["slots"] :]
        return Storage(tuple(slots), row("floats"), row("integers"))

    def unpack(self, s: Whole, storage: Storage) -> PyTree:
        """The rule's state before update s, counted from 0."""
        place = {"slots": 0, "floats": 0, "integers": 0}
        leaves = []
        for i, (kind, leaf) in enumerate(zip(self.kinds, self.leaves, strict=True)):
            size = 1 if kind == "slots" else math.prod(leaf.shape)
            start = place[kind]
            values = storage.slots[start] if kind == "slots" else getattr(storage, kind)[start : start + size]
            values = jnp.asarray(values.reshape(leaf.shape).astype(leaf.dtype))
            leaves.append(jax.random.wrap_key_data(values, impl=self.keys[i]) if i in self.keys else values)
            place[kind] += size
        state = self.state_tree.unflatten(leaves)
        return State(s, state.memory) if self.counts else state


def _name(path: tuple[object, ...]) -> str:
    """What the last step of a path in a pytree is called."""
    return str(getattr(path[-1], "name", getattr(path[-1], "key", "")))


def _is_key(leaf: Array) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _keyless(state: PyTree) -> PyTree:
    """A state with random keys as the integers that they are made of."""
    return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, state)
