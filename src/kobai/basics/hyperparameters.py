"""A dataclass whose fields are hyperparameters: numbers that a compiled program takes as arguments."""

import dataclasses
from collections.abc import Iterable
from typing import TypeVar, dataclass_transform

import jax

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def hyperparameters(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass and a pytree whose leaves are its fields: traced, never static.

    Only a field whose metadata say ``{"static": True}``, a switch of True or False, is no leaf.
    """
    dataclass = dataclasses.dataclass(frozen=True)(cls)
    fields = dataclasses.fields(dataclass)  # type: ignore[arg-type]
    names = [field.name for field in fields if not field.metadata.get("static")]
    switches = [field.name for field in fields if field.metadata.get("static")]

    def flatten(rule: T) -> tuple[tuple, tuple]:
        return tuple(getattr(rule, name) for name in names), tuple(getattr(rule, name) for name in switches)

    def flatten_with_keys(rule: T) -> tuple[tuple, tuple]:
        leaves, static = flatten(rule)
        return tuple(zip(map(jax.tree_util.GetAttrKey, names), leaves, strict=True)), static

    def unflatten(static: tuple, leaves: Iterable[object]) -> T:
        # Not through __init__ and its check, as register_dataclass would: a tree operation puts anything
        # into the leaves: a placeholder, None, the derivative by a learning rate, which may be negative.
        rule = object.__new__(dataclass)
        vars(rule).update(zip([*names, *switches], [*leaves, *static], strict=True))
        return rule

    jax.tree_util.register_pytree_with_keys(dataclass, flatten_with_keys, unflatten, flatten)
    return dataclass
