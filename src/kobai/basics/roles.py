"""What each leaf of a parameter tree is: a weight with its two fans, a bias, a scale, or frozen.

Only weights are drawn, decayed and penalized; biases and scales are trained from where they start; frozen
leaves stay as they are. It cannot be read off a number of dimensions: an Equinox convolution's bias is
(64, 1, 1), a layer norm's scale (8, 16), the bias of an attention (heads, dim). The caller says it, or the
tree does, by the types and names that frameworks use (`kobai.basics.names`)::

    roles(model)                                            # as far as the tree lets them be told
    roles(parameters, {"position": "weight", "mask": "frozen"})
    roles(parameters, {"query": Role("weight", fans=(128, 128))})
    roles(parameters, lambda path, leaf: "frozen" if path.startswith("encoder.") else None)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TypeAlias

import jax
from jaxtyping import PyTree

from kobai.basics.arrays import Structure, is_float
from kobai.basics.errors import UsageError, quoted, unknown
from kobai.basics.layouts import LAYOUTS
from kobai.basics.leaf import FROZEN, KINDS, OUTER, WEIGHT, Layout, Leaf, Role, leaves
from kobai.basics.names import told
from kobai.basics.own_code import told as told_as_own

Said: TypeAlias = Role | str | None
"""What a caller says of one leaf: its role, or its kind, or nothing."""

Roles: TypeAlias = PyTree[Said] | Mapping[str, Said] | Callable[[str, PyTree], Said]
"""How a caller says roles: see `roles`."""


def roles(tree: PyTree, said: Roles | None = None, layout: Layout | None = None) -> list[Role | None]:
    """The role of every leaf of `tree`, in its order; None for an array that cannot be told.

    Args:
      said: what the caller says: a tree of the structure of `tree`; a function of a leaf's path and value; or
        a mapping from names to roles, where a name is a path ("layers.0.weight"), a part of one ("encoder",
        "weight"), or a pattern ("layers.*.weight"); of several that fit, the longest counts. A role is a
        `Role`, its kind, or "outer", a weight at an end of the network. What is left out, or None, is told
        from the tree. Leaves that are no floating-point arrays are frozen, whatever is said.
      layout: how the fans of weights are read off their shapes. Default: as the framework has it, where it
        can be told, else "in_out".

    Raises:
      UsageError: for roles or a layout that cannot be.
    """
    if layout is not None and not callable(layout) and not (isinstance(layout, str) and layout in LAYOUTS):
        raise unknown("kind.layout", layout, LAYOUTS)
    every = leaves(tree)
    return [
        _role(leaf, choice, told(leaf, every, layout), layout)
        for leaf, choice in zip(every, choices(every, tree, said), strict=True)
    ]


def weights(tree: PyTree, *, biases: bool = False) -> PyTree[bool]:
    """Which leaves of `tree` are weights, as a tree of True and False; with `biases`, all that are trained.

    An array that cannot be told is a weight where it has two or more dimensions.
    """
    flags = [role.is_trained if biases else role.is_weight for role in guessed(tree)]
    return jax.tree.unflatten(jax.tree.structure(tree), flags)


def guessed(tree: PyTree, said: Roles | None = None, layout: Layout | None = None) -> list[Role]:
    """`roles`, and where an array cannot be told its number of dimensions decides."""
    known = roles(tree, said, layout)
    default = Role(WEIGHT, layout=layout or "in_out")
    return [role or default for role in known]


def _role(leaf: Leaf, choice: Said, default: Role | None, layout: Layout | None) -> Role | None:
    if not is_float(leaf.value):
        return Role(FROZEN)
    if choice is None:
        return default
    if isinstance(choice, str) and choice not in (*KINDS, OUTER):
        raise unknown("kind.role", choice, (*KINDS, OUTER))
    said = Role(WEIGHT, outer=True) if choice == OUTER else choice
    role = said if isinstance(said, Role) else Role(said)
    if role.is_weight and role.fans is None and role.layout is None:
        usual = default if default and default.is_weight else Role(WEIGHT, layout=layout or "in_out")
        role = replace(usual, outer=role.outer)
    if role.is_weight and role.fans is None and len(leaf.shape) < 2 and not callable(role.layout):
        raise UsageError("error.role.vector", name=leaf.name, shape=leaf.shape)
    return role


def choices(every: Sequence[Leaf], tree: PyTree, said: Roles | None) -> list[Said]:
    """What the caller says of each leaf of the tree; None for nothing."""
    if said is None:
        return [None] * len(every)
    if callable(said) and jax.tree_util.all_leaves([said]):  # and no module that can be called
        with told_as_own(every=True):
            every_choice = [said(leaf.name, leaf.value) for leaf in every]
    else:
        try:
            structure: Structure = jax.tree.structure(tree)
            every_choice = structure.flatten_up_to(said)
        except (ValueError, TypeError):  # of another structure
            if not isinstance(said, Mapping):
                raise UsageError("error.role.tree", value=quoted(said)) from None
            every_choice = _named(every, said)
    for leaf, choice in zip(every, every_choice, strict=True):
        if not isinstance(choice, Role | str | None):
            raise UsageError("error.role.value", name=leaf.name, value=quoted(choice))
    return every_choice


def _named(every: Sequence[Leaf], said: Mapping[str, Said]) -> list[Said]:
    for name in said:
        if not any(_fits(leaf.path, str(name)) for leaf in every):
            raise unknown("kind.parameter", name, [leaf.name for leaf in every])

    def choice(leaf: Leaf) -> Said:
        fitting = [name for name in said if _fits(leaf.path, str(name))]
        return said[max(fitting, key=lambda name: (name == leaf.name, len(name)))] if fitting else None

    return [choice(leaf) for leaf in every]


def _fits(path: Sequence[str], name: str) -> bool:
    """Whether a name, or a pattern, is a part of this path."""
    ends = range(len(path) + 1)
    return any(fnmatchcase(".".join(path[i:j]), name) for i in ends for j in ends[i + 1 :])
