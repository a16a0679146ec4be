"""What was made once and is kept, as much of it as has room."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, ParamSpec, TypeVar

import jax

P = ParamSpec("P")
T = TypeVar("T")


class Kept(Generic[P, T]):
    """A function of hashable arguments that makes each result once; the oldest go where room is short.

    Threads that ask at once for the same wait for the one that makes it.

    Args:
      make: the function.
      room: bytes of arrays that are kept; the last result is kept however large it is.
    """

    def __init__(self, make: Callable[P, T], room: int) -> None:
        self.make, self.room = make, room
        self._results: dict[Hashable, T] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def __call__(self, *key: P.args, **_: P.kwargs) -> T:
        with self._lock:
            if key in self._results:
                result = self._results.pop(key)
            else:
                result = self.make(*key)  # type: ignore[call-arg]
                self._bytes += _bytes(result)
            self._results[key] = result  # the newest stand last
            while self._bytes > self.room and len(self._results) > 1:
                self._bytes -= _bytes(self._results.pop(next(iter(self._results))))
            return result


def _bytes(result: object) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(result))
