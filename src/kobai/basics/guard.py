"""The edge of kobai: what every public function does with its arguments, and with what fails behind it.

`guard` stands above each function that a person calls. An argument of one name means the same in all of them,
so that one table says what it may be; what is peculiar to a function it checks itself. What the person's own
code raises, wherever it is called from, is told as theirs (`own_code`).
"""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

from kobai.basics.checks import FUNCTION, PLACE, TEXT, TRUTH, Rule, check_arguments
from kobai.basics.errors import UsageError
from kobai.basics.own_code import told

P = ParamSpec("P")
R = TypeVar("R")


def is_tree(value: object) -> bool:
    """Whether JAX can take `value` apart: the keys of its dictionaries can be sorted, and it has an end."""
    try:
        jax.tree.leaves(value)
    except Exception:  # of a class of the person's own as well
        return False
    return True


TREE: Rule = ("rule.tree", is_tree)

ARGUMENTS: dict[str, Rule] = {
    "command": TEXT,
    "output": PLACE,
    "folder": PLACE,
    "progress": TRUTH,
    "quick": TRUTH,
    "resume": TRUTH,
    "keep_path": TRUTH,
    "log_density": FUNCTION,
    "x0": TREE,
    "starts": TREE,
    "start": TREE,
    "args": TREE,
    "data": TREE,
    "gates": TREE,
    "scale": TREE,
}
"""What an argument of this name may be; None too, where it is left out by None."""


def _speaks(record: logging.LogRecord) -> bool:
    return "callback failed" not in record.getMessage()


# JAX writes the traceback of a person's callback to the terminal, from whichever thread meets it, and raises
# it too, which is enough.
for _name in ("debugging", "callback"):
    logging.getLogger(f"jax._src.{_name}").addFilter(_speaks)


def guard(function: Callable[P, R]) -> Callable[P, R]:
    """The function behind its edge. Raises `UsageError` for an argument that its name does not allow."""
    signature = inspect.signature(function)
    rules = {name: rule for name, rule in ARGUMENTS.items() if name in signature.parameters}

    @functools.wraps(function)
    def guarded(*positional: P.args, **named: P.kwargs) -> R:
        try:
            values = signature.bind(*positional, **named).arguments
        except TypeError:
            values = None
        if values is None:
            return function(*positional, **named)  # Python refuses the call, by the function's name
        with told():
            applicable = {
                name: rule
                for name, rule in rules.items()
                if name in values
                and not (values[name] is None and signature.parameters[name].default is None)
            }
            try:
                check_arguments(function.__name__, values, applicable)
                return function(*positional, **named)
            except UsageError as mistake:
                mistake.speak(values.get("language"))
                raise

    return guarded
