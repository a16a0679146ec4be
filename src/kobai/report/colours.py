"""Colours: eight that everybody can tell apart, and which of them belongs to which optimizer.

An optimizer has the same colour and the same dash in every figure of every page (`looks`), so that whoever
has read one figure can read all of them.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kobai.basics.registry import OPTIMIZERS

PALETTE = ("#326f4c", "#c80f03", "#8c8ed8", "#ba8c09", "#f84675", "#11a69d", "#024efe", "#b51e97")
"""Eight colours, found by search. Each has a contrast of 3 or more to the light and to the dark ground, and
any two differ by a CIEDE2000 of 13 or more, for normal sight and as Machado, Oliveira and Fernandes (2009)
simulate the lack of each kind of cone."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

GREY = "#808080"
"""What is drawn beside the chosen, where there are more lines than colours."""

LECTURE = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam")
"""The optimizers of the lecture, in the order of the colours that are theirs."""

FIRST = ("solid", "dash", "dot", "dashdot", "solid", "dashdot", "solid", "dot")
"""The dash of each colour."""


class Look(NamedTuple):
    """How the line of an optimizer is drawn."""

    colour: str
    dash: str
    again: bool = False
    """Whether the colour is another's too."""

    @property
    def line(self) -> dict[str, str]:
        """As plotly has it."""
        return {"color": self.colour, "dash": self.dash}

    @property
    def swatch(self) -> str:
        """CSS of the dot beside its name: a ring where the colour is another's too."""
        return f"box-shadow:inset 0 0 0 .2em {self.colour}" if self.again else f"background:{self.colour}"


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each optimizer.

    Every registered optimizer has its own, whoever stands beside it: those of the lecture a colour each, the
    others, in the order of the registry, these colours again with other dashes. What is not registered takes
    the next that is free, from one on that its name decides: first among the colours that nobody of the
    lecture has, then among those of the absent, then with other dashes.
    """
    names = list(dict.fromkeys(names))
    own = _registered()
    places = {name: own[name] for name in names if name in own}
    for some in (names[: len(PALETTE)], names[len(PALETTE) :]):
        for name in sorted(set(some) - set(places)):
            taken = set(places.values())
            places[name] = next(place for place in _places(name) if place not in taken)
    return {name: _look(places[name]) for name in names}


def _registered() -> dict[str, int]:
    """The place of the look of each registered optimizer."""
    others = [name for name in OPTIMIZERS if name not in LECTURE]
    return {name: i for i, name in enumerate(LECTURE)} | {
        name: len(PALETTE) + i for i, name in enumerate(others)
    }


def _places(name: str) -> Iterator[int]:
    """The looks that a name may have, the nearest first: each lap has all colours once."""
    first = zlib.crc32(name.encode(errors="replace"))
    lap = 0
    while True:
        for group in (range(len(LECTURE), len(PALETTE)), range(len(LECTURE))):
            for i in range(len(group)):
                yield lap * len(PALETTE) + group[(first + i) % len(group)]
        lap += 1


def _look(place: int) -> Look:
    lap, i = divmod(place, len(PALETTE))
    return Look(PALETTE[i], DASHES[(DASHES.index(FIRST[i]) + lap) % len(DASHES)], lap > 0)
