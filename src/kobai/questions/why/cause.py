"""A cause, as its paragraph names it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

SLOWER = 1.25
"""A ratio of steps that matters: the same as that of a hit of `kobai range`."""


@dataclasses.dataclass(frozen=True)
class Cause:
    """Why something was chosen: the name of the cause, "none" where none was found; and its numbers."""

    name: str
    values: Mapping[str, Any]
