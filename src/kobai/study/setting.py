"""What is recommended, as objects to go on with."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from kobai.candidates.named import Method
from kobai.initializers import Initializer
from kobai.study.study import Trial


@dataclasses.dataclass(frozen=True)
class Setting:
    """An optimizer with its hyperparameters, initial values, and a value of every axis."""

    optimizer: Method
    initializer: Initializer
    parts: Mapping[str, Any]
    """By the name of the axis, as `kobai.compare` takes it: ``{"clip": clip_norm(1)}``."""

    @classmethod
    def of(cls, trial: Trial) -> "Setting":
        """What a trial of a study is."""
        return cls(trial.variant, trial.initializer, trial.parts)

    @property
    def arguments(self) -> dict[str, Any]:
        """What `kobai.compare` takes to try this alone."""
        return {"optimizers": [self.optimizer], "initializers": [self.initializer], **self.parts}
