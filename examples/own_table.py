"""A table of one's own: is a fruit ripe? What tells it differs from kind to kind, so that no line does.

kobai compare examples/own_table.py
kobai compare examples/fruit.csv --label ripe     # the same from the command line alone

The fruit is made up; the file is a small one, with gaps, dates, texts and a number for each row.
"""

from pathlib import Path

import kobai

FRUIT = Path(__file__).with_name("fruit.csv")


def task(**options: object) -> kobai.Task:
    """The task; `options` are those of the network: hidden, activation, batch_norm."""
    return kobai.tasks.table(FRUIT, label="ripe", leave_out="colour", **options)
