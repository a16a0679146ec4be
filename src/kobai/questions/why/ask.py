"""The measurements of a finished study: made once, and kept beside its trainings.

Whoever opens the folder later has no task to measure; what was measured is read there.
"""

import dataclasses
import json
from pathlib import Path

from kobai.basics import files
from kobai.candidates.values import as_json
from kobai.engine.identity import digest, versions
from kobai.optimizers.base import Optimizer
from kobai.questions.why.causes import gradients_of
from kobai.questions.why.measure import MOST, Measured, measured
from kobai.study.axes import strategy
from kobai.study.outcome import Outcome
from kobai.study.store import STORE


def measurements(outcome: Outcome, folder: Path | None) -> Measured | None:
    """What was measured to say why; None where the study is too small for it, or nothing can be measured.

    Args:
      folder: of the study, where it is kept.
    """
    there = read(outcome, folder)
    if there is not None:
        return there
    try:
        found = _measured(outcome)
    except Exception:  # noqa: BLE001 - a loss without a second derivative, say: no answer is lost for a reason
        return None
    if found is not None and folder is not None and (folder / STORE).is_dir():
        files.write_text(_place(outcome, folder), files.json_text(found.plain()))
    return found


def read(outcome: Outcome, folder: Path | None) -> Measured | None:
    """What was measured before, if it is kept."""
    if folder is None or not (path := _place(outcome, folder)).is_file():
        return None
    try:
        return Measured.of(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError, KeyError):  # as another version writes it
        return None


def _place(outcome: Outcome, folder: Path) -> Path:
    """The file of what this study recommends, and of what it was compared with."""
    study = outcome.study
    what = [
        study.facts.name,
        outcome.recommended.named,
        sorted(outcome.initializers),
        study.steps,
        versions(),
    ]
    return folder / STORE / f"why-{digest(as_json(what))}.json"


def _measured(outcome: Outcome) -> Measured | None:
    trial, study = outcome.recommended, outcome.study
    if study.task is None or not isinstance(trial.variant, Optimizer):
        return None
    others = [each.initializer for each in outcome.initializers.values()]
    parts = {name: part for name, part in trial.parts.items() if name != "average"}
    return measured(
        study.variants[trial.task],
        trial.variant,
        [trial.initializer, *(each for each in others if each.name != trial.initializer.name)],
        dataclasses.replace(strategy(parts), averages=()),
        seed=study.confirmation_seeds[0],
        steps=study.steps,
        most=MOST * gradients_of(outcome),
    )
