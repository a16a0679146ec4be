"""Times as people write them: 90s, 5m, 1h30m."""

import math
import re

from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError, quoted

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds of each."""

NUMBER = r"(\d+(?:\.\d+)?)"
WRITTEN = re.compile(rf"(?:{NUMBER}\s*([{''.join(UNITS)}])\s*)+")
PART = re.compile(rf"{NUMBER}\s*([{''.join(UNITS)}])")


def seconds_of(name: str, value: object, least: float = 1.0) -> float:
    """The seconds that are meant by a text, or by a number of them.

    Args:
      name: of the parameter, for what is refused.
      value: "90s", "5m", "1.5h", "1h30m"; a number is seconds.
      least: seconds.

    Raises `UsageError` for anything else, and for less than `least`.
    """
    seconds = math.nan
    if isinstance(value, str) and WRITTEN.fullmatch(value.strip()):
        seconds = sum(float(number) * UNITS[unit] for number, unit in PART.findall(value))
    elif is_number(value):
        seconds = float(value)
    if not least <= seconds < math.inf:
        raise UsageError("error.duration", name=name, value=quoted(value), least=f"{least:g}")
    return seconds
