"""What tests of a descent read off it."""

from kobai.basics import registry

SHOWN = tuple(registry.OPTIMIZERS)[:10]
"""The rules whose paths are drawn: the lecture's, `nesterov_definition`, `adamw` and `lion`."""


def rows(descent, name):
    """The rows of the table of the method `name`."""
    return [row for row in descent.outcome.rows if row.method == name]
