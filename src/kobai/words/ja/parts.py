"""Stabilizers, strategies and schedules; the tasks that show them."""

WORDS: dict[str, str] = {}
