"""From the name of a run to its arm and its seed: main/0, new-seed3, main/version_2."""

import re
from collections import Counter
from collections.abc import Iterable

ENDING = re.compile(r"^(?P<arm>.*?)(?:[/_\- ]*(?:seed|run|rep|trial|version)[_\-= ]?|[/_\- ])(?P<seed>\d+)$")
"""A number at the end, behind a word for it or a sign; not the 50 of resnet50, nor the 3 of 1e-3."""


def split(names: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """(arm, seed) of each name. A name is cut only where several share what is left."""
    every = list(names)
    cuts = {name: match for name in every if (match := ENDING.match(name)) and _plain(match["arm"])}
    shared = Counter(match["arm"] for match in cuts.values())
    return {
        name: (match["arm"], match["seed"])
        if (match := cuts.get(name)) and shared[match["arm"]] > 1
        else (name, None)
        for name in every
    }


def _plain(arm: str) -> bool:
    return bool(arm) and not re.search(r"\d[eE]$", arm)
