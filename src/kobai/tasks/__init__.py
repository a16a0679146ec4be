"""What is trained: `Task` for anybody's own, and the built-in `digits` and `sine`."""

from kobai.tasks.digits import digits
from kobai.tasks.sine import sine
from kobai.tasks.task import Task

__all__ = ["Task", "digits", "sine"]
