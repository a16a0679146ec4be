"""Options by which a table is read as a task."""

from kobai.cli.options import Option
from kobai.cli.values import names, number, whole

OPTIONS = (
    Option("label", "COLUMN"),
    Option("kind", "NAME"),
    Option("leave-out", "A,B,…", names),
    Option("validation", "X", number),
    Option("test", "X", number),
    Option("split-seed", "N", whole),
)
