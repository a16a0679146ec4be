"""What a computation tells beside its result: a warning in Python, one line on the command line."""

import warnings

from kobai.words import say


class Notice(UserWarning):
    """Something that went on all right, but that a person should know."""


def notice(key: str, **values: object) -> None:
    """Tell what `words` has under `key`."""
    warnings.warn(say(key, **values), Notice, stacklevel=3)
