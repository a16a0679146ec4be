"""The course."""

WORDS: dict[str, str] = {}
