"""Minimizers: names, ends with their remedies, mistakes."""

WORDS: dict[str, str] = {}
