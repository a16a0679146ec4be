"""Does the gradient say how the loss changes? It is held against differences of losses a short way off.

Of an objective that jumps the gradient knows nothing of the jumps. On a plateau it is as short as the
differences are: that tells the two apart.
"""

import numpy as np

from kobai.questions.diagnosis.case import Setting
from kobai.questions.diagnosis.instruments import Instruments
from kobai.questions.diagnosis.record import Data

WIDTH = 0.01
"""How far off, times a standard normal direction."""
DIRECTIONS = 12
AT_ONCE = 4
"""Directions whose losses are computed together: those at both sides of θ and at θ itself are nine points, as
many as `record` asks for, so that nothing is compiled for them."""


def explained(instruments: Instruments, setting: Setting) -> float:
    """The part of the differences that the gradient foretells, before the first step.

    1 − Σ (s − g·u)² / Σ s², where s are the central differences along random directions u: 1 of a smooth
    loss, 0 where the gradient says nothing; NaN where nothing differs.
    """
    task = setting.task
    θ = task.start(setting.initializer, 0)
    data = Data.of(task.train, task.validation)
    examples = instruments.examples(data.train)
    _, gradient = instruments.compiled("slope", θ, task.state, examples)
    random = np.random.RandomState(0)
    directions = random.standard_normal((DIRECTIONS, len(θ)))
    slopes = []
    for part in np.split(directions, DIRECTIONS // AT_ONCE):
        points = np.concatenate([θ + WIDTH * part, θ - WIDTH * part, θ[None]]).astype(θ.dtype)
        above, below, _ = np.split(
            np.asarray(instruments.compiled("losses", points, task.state, examples), float),
            [AT_ONCE, 2 * AT_ONCE],
        )
        slopes.append((above - below) / (2 * WIDTH))
    found = np.concatenate(slopes)
    whole = float(np.sum(found**2))
    missed = float(np.sum((found - directions @ np.asarray(gradient, float)) ** 2))
    return 1 - missed / whole if whole > 0 else np.nan
