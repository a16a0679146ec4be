"""Where cells are run: a backend takes cells and gives their runs, chunk by chunk, as they finish.

    threads     the cores of this machine, or its GPU
    ray         the machines of a Ray cluster

`Backend` is all that a study asks of one.
"""

from kobai.engine.backends.backend import Backend
from kobai.engine.backends.threads import THREADS, Threads

__all__ = ["THREADS", "Backend", "Threads"]
