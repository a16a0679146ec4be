"""The one exception for a caller's mistake, the check of a count, the search for the name that was meant."""

import errno
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

from kobai.words import say


class UsageError(ValueError):
    """A caller's mistake: names the parameter, the rule, the value received and the remedy.

    Holds the key of its sentence and the values in it, and speaks the language in use when it is shown.
    The command line prints it as one line and exits with 2.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return say(self.key, **self.values)


def is_whole(value: Any) -> bool:
    """Whether `value` is a whole number, of Python or NumPy; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether `value` is a real number of Python or NumPy; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_count(name: str, value: Any, most: int | None = None) -> None:
    """Refuse anything but a whole number of at least 1 (and at most `most`)."""
    if not is_whole(value) or value < 1:
        raise UsageError("error.count", name=name, value=repr(value))
    if most is not None and value > most:
        raise UsageError("error.most", name=name, value=value, most=most)


def check_seed(name: str, value: Any) -> None:
    """Refuse anything but a whole number of 32 bits."""
    if not is_whole(value) or not 0 <= value < 2**32:
        raise UsageError("error.seed.range", name=name, most=2**32 - 1, value=repr(value))


def check_several(name: str, values: Any) -> None:
    """Refuse anything but a list, a tuple or an array of at least one value; one alone is none."""
    several = isinstance(values, Collection) and not isinstance(values, str)
    if not several or getattr(values, "shape", None) == ():
        raise UsageError("error.several", name=name, value=repr(values))
    if len(values) == 0:
        raise UsageError("error.empty", name=name)


def check_name(kind: str, value: Any, known: Iterable[str]) -> None:
    """Refuse anything but one of the names in `known`; `kind` as in `unknown`."""
    if not isinstance(value, str) or value not in known:
        raise unknown(kind, value, known)


def unknown(kind: str, value: object, known: Iterable[str]) -> UsageError:
    """The error for a name that does not exist, with the nearest one that does.

    `kind` is the key of the thing's name in `words` ("kind.optimizer", "kind.task", …).
    """
    names = sorted(known)
    given = str(value).lower()
    near = get_close_matches(given, names, n=1, cutoff=0.6)
    near = near or [name for name in names if sorted(name) == sorted(given)]  # letters in another order
    if near:
        return UsageError("error.unknown.near", kind=said(kind), value=value, near=near[0])
    return UsageError("error.unknown", kind=said(kind), value=value, known=", ".join(names))


def remedy(problem: OSError) -> "said":
    """What helps where the system refused to write."""
    name = errno.errorcode.get(problem.errno or 0)
    if name in ("ENOSPC", "EDQUOT", "EFBIG"):
        return said("remedy.space")
    return said("remedy.permission" if name in ("EACCES", "EPERM", "EROFS") else "remedy.place")


class said:
    """A key said only when the sentence around it is, so that both speak one language."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __format__(self, specification: str) -> str:
        return format(say(self.key), specification)
