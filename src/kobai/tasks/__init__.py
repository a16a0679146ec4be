"""What is trained: `Task` for anybody's own, and the built-in ones."""

from kobai.tasks.adding import adding
from kobai.tasks.copy import copy
from kobai.tasks.digits import digits
from kobai.tasks.digits_cnn import digits_cnn
from kobai.tasks.mnist1d import mnist1d
from kobai.tasks.sine import sine
from kobai.tasks.table import table
from kobai.tasks.task import Task

__all__ = ["Task", "adding", "copy", "digits", "digits_cnn", "mnist1d", "sine", "table"]
