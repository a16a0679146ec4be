"""Where a task comes from: what `kobai code` takes data and network from."""

import dataclasses
from typing import Any

TASK, TABLE, MODEL, FILE = "task", "table", "model", "file"
"""A built-in task; a table; a file with a model and data; a file with a task."""


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where the data and the network of a task come from.

    Fields:
      kind: "task", "table", "model" or "file"; "": only its caller knows.
      place: the name of the task, or the file.
      options: what it was made with.
      framework: of the model: "torch", "keras", "nnx"; "" for a network of kobai's own.
      model: how the model is got from the file: "model", or "model(seed=0)" of a function that makes it.
      loss: of the model by its name, "cross-entropy", of probabilities "cross-entropy.probabilities"; ""
        where there is no model of a framework.
      source: of a model that a caller gave in Python: what makes one like it, as it is imported and called,
        "my_model:Net()"; "" where no import finds it.
      needs: the arguments that it was given or may have been given there, which nobody knows any more.
    """

    kind: str = ""
    place: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    framework: str = ""
    model: str = "model"
    loss: str = ""
    source: str = ""
    needs: str = ""
