"""What tests of a descent read off it."""


def rows(descent, name):
    """The rows of the table of the method `name`."""
    return [row for row in descent.outcome.rows if row.method == name]
