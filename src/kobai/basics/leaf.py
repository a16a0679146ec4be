"""A leaf of a parameter tree: where it stands, and what it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
from jaxtyping import PyTree

from kobai.basics.errors import UsageError, quoted, unknown

WEIGHT, BIAS, SCALE, FROZEN = KINDS = ("weight", "bias", "scale", "frozen")

OUTER = "outer"
"""A weight at an end of the network, in words."""

Layout: TypeAlias = str | Callable[[tuple[int, ...]], tuple[int, int]]
"""Where the fans are in the shape of a weight: one of `layouts.LAYOUTS`, or a function of the shape."""

Fans: TypeAlias = tuple[float, float]
"""(fan in, fan out)."""


@dataclass(frozen=True)
class Role:
    """What one leaf is.

    Fields:
      kind: "weight", "bias", "scale" or "frozen".
      fans: of a weight, (fan in, fan out); None: they are read off its shape.
      layout: how they are read off it. Beside fans it says along which axes matrices with these fans lie, one
        or several: the gates of a recurrent layer along the outputs, the groups of a convolution likewise.
      copies: of a weight, how many of its first axes count copies of one layer, as `flax.linen.scan` and
        `equinox.filter_vmap` stack them: the fans are those of each copy, which is drawn by itself.
      outer: of a weight, whether it is at an end of the network: an embedding, or the output layer. None:
        that is found in the traced loss of a task (`kobai.tasks.ends`).
    """

    kind: str
    fans: Fans | None = None
    layout: Layout | None = None
    copies: int = 0
    outer: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise unknown("kind.role", self.kind, KINDS)
        fans = self.fans
        if fans is not None and not (
            self.kind == WEIGHT
            and isinstance(fans, tuple)
            and len(fans) == 2
            and all(fan > 0 for fan in fans)
        ):
            raise UsageError("error.role.fans", kind=self.kind, value=fans)
        if self.outer is not None and not (self.kind == WEIGHT and isinstance(self.outer, bool)):
            raise UsageError("error.role.outer", kind=self.kind, value=quoted(self.outer))

    @property
    def is_weight(self) -> bool:
        return self.kind == WEIGHT

    def flag(self, at_end: bool) -> bool | str:
        """What it is to a rule: `OUTER` for a weight that is said to be at an end, or found there."""
        return OUTER if self.is_weight and (at_end if self.outer is None else self.outer) else self.is_weight

    @property
    def is_trained(self) -> bool:
        return self.kind != FROZEN


def is_outer(flag: object) -> bool:
    """Whether an array is said to be at an end of the network. Raises `UsageError` for another word."""
    if isinstance(flag, str) and flag != OUTER:
        raise UsageError("error.rule.flag", value=quoted(flag))
    return isinstance(flag, str)


@dataclass(frozen=True)
class Leaf:
    """A leaf of a tree, and where it stands."""

    path: tuple[str, ...]
    """What the steps to it are called: ("layers", "0", "weight")."""
    value: PyTree
    holders: tuple[object, ...] = ()
    """All that it stands in, from the whole tree to what holds it: modules, dicts, lists."""
    is_dotted: bool = False
    """Whether its last key is several steps in one, "layers.0.weight", as PyTorch has them."""

    @property
    def owner(self) -> object:
        """What holds it; None at the top."""
        return self.holders[-1] if self.holders else None

    @property
    def name(self) -> str:
        """Its path as a caller writes it: "layers.0.weight"."""
        return ".".join(self.path)

    @property
    def title(self) -> str:
        """What it is called, or in a list of arrays what the list is; "" for no name at all."""
        return next((step for step in reversed(self.path) if not step.isdigit()), "")

    @property
    def parent(self) -> str:
        """What its holder is called."""
        return self.path[-2] if len(self.path) > 1 else ""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)


VARIABLE = "flax.nnx.variablelib.Variable"
"""What holds an array in a module of Flax NNX."""


def leaves(tree: PyTree) -> list[Leaf]:
    """The leaves of a tree, in its order."""
    return [_leaf(tree, path, value) for path, value in jax.tree_util.tree_flatten_with_path(tree)[0]]


def _leaf(tree: PyTree, path: Sequence[Any], value: PyTree) -> Leaf:
    holders, node, names = [], tree, []
    for key in path:
        holders.append(node)
        node = _inside(node, key)
        names += _names(key)
    if holders and VARIABLE in lineage(holders[-1]):  # the array in it is its "value"
        names = names[:-1]
    dotted = bool(path) and "." in jax.tree_util.keystr(tuple(path[-1:]), simple=True)
    return Leaf(tuple(names), value, tuple(holders), dotted)


def _inside(node: PyTree, key: Any) -> PyTree:
    """What stands in `node` under this key of a path; None where the key does not say."""
    if VARIABLE in lineage(node):
        return node.get_value()
    if isinstance(key, jax.tree_util.GetAttrKey):
        return getattr(node, key.name, None)
    try:
        return node[key.idx if isinstance(key, jax.tree_util.SequenceKey) else key.key]
    except (TypeError, KeyError, IndexError, AttributeError):
        return None


def _names(key: Any) -> list[str]:
    """What a step of a path is called; "layers.0.weight" of PyTorch, "dense/kernel" of Keras are several."""
    return jax.tree_util.keystr((key,), simple=True).replace("/", ".").split(".")


def lineage(owner: object) -> list[str]:
    """The full names of the classes of `owner`, its own first."""
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in type(owner).__mro__]
