"""How a caller's mistake is told: the one exception for it, the name that was meant, what helps."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches

from kobai.words import UsageError, quoted, said

__all__ = ["UsageError", "quoted", "remedy", "said", "unknown"]


def unknown(kind: str, value: object, known: Iterable[str]) -> UsageError:
    """The error for a name that does not exist, with the nearest one that does.

    `kind` is the key of the thing's name in `words` ("kind.optimizer", "kind.task", …).
    """
    names = sorted(known)
    value = value if isinstance(value, str) else quoted(value)
    name = value.lower()
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    near = near or [other for other in names if sorted(other) == sorted(name)]  # letters in another order
    if near:
        return UsageError("error.unknown.near", kind=said(kind), value=value, near=near[0])
    return UsageError("error.unknown", kind=said(kind), value=value, known=", ".join(names))


def remedy(problem: OSError) -> said:
    """What helps where the system refused to write."""
    name = errno.errorcode.get(problem.errno or 0)
    if name in ("ENOSPC", "EDQUOT", "EFBIG"):
        return said("remedy.space")
    return said("remedy.permission" if name in ("EACCES", "EPERM", "EROFS") else "remedy.place")
