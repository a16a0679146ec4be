"""Letters that a terminal obeys instead of showing them, and a text without them."""

import re

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal obeys instead of showing it, but for tabs and ends of lines."""


def harmless(text: str) -> str:
    """A text that only shows: a task's or a file's name may hold what moves the cursor or sets colours."""
    return CONTROL.sub("", text)
