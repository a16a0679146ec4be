"""A table of one's own: one column is predicted from the others by a dense network.

task      the task that is made of it, and what is read, split and encoded for it
read      the columns of a file or a frame: separated, encodings, texts, of_pandas, source, pages
label     what is to be predicted: classes or numbers
split     the rows in three parts
columns   what becomes of a column, told from the training rows alone
encode    the parts as arrays
transformation  new rows as inputs, and outputs in the terms of the table
baseline  what predicts without a network
describe  what is said about all this
"""

from kobai.tasks.table.read import Frame, is_table
from kobai.tasks.table.task import Prepared, prepare, table
from kobai.tasks.table.transformation import TrainedTable, Transformation

__all__ = ["Frame", "Prepared", "TrainedTable", "Transformation", "is_table", "prepare", "table"]
