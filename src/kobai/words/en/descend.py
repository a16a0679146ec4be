"""Landscapes and `kobai descend`."""

WORDS: dict[str, str] = {}
