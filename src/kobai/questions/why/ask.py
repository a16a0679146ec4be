"""The measurements of a finished study: made once, and kept beside its trainings.

Whoever opens the folder later has no task to measure; what was measured is read there.
"""

import contextlib
import dataclasses
import json
from pathlib import Path

from kobai.basics import files
from kobai.candidates.values import as_json
from kobai.engine.identity import digest, versions
from kobai.optimizers.base import Optimizer
from kobai.questions.why.causes import gradients_of
from kobai.questions.why.measure import MOST, Measured, Unmeasured, measured, told
from kobai.study.axes import strategy
from kobai.study.outcome import Outcome
from kobai.study.store import STORE, checksum, content_of


def measurements(outcome: Outcome, folder: Path | None) -> Measured | Unmeasured | None:
    """What was measured to say why; None where there is nothing to measure.

    Args:
      folder: of the study, where it is kept.
    """
    there = read(outcome, folder)
    if there is not None:
        return there
    found: Measured | Unmeasured | None
    try:
        found = _measured(outcome)
    except Exception as error:  # noqa: BLE001 - no answer is lost for a reason
        found = Unmeasured(told(error))
    if found is not None and folder is not None and (folder / STORE).is_dir():
        what = {"failed": found.reason} if isinstance(found, Unmeasured) else {"measured": found.plain()}
        content = json.dumps({"of": _of(outcome)} | what, ensure_ascii=False).encode()
        files.write(folder / STORE / f"why-{checksum(content)}.json", content)
    return found


def read(outcome: Outcome, folder: Path | None) -> Measured | Unmeasured | None:
    """What was measured before, if it is kept; of two processes that did so at once, one."""
    of = _of(outcome)
    for path in sorted((folder / STORE).glob("why-*.json")) if folder else ():
        content = content_of(path) or b""
        if path.name == f"why-{checksum(content)}.json":
            with contextlib.suppress(ValueError, LookupError, TypeError):  # as another version writes it
                values = json.loads(content)
                if values["of"] == of:
                    failed = values.get("failed")
                    return Measured.of(values["measured"]) if failed is None else Unmeasured(str(failed))
    return None


def _of(outcome: Outcome) -> str:
    """What this study recommends, and what it was compared with."""
    study = outcome.study
    names = [study.facts.name, outcome.recommended.named, sorted(outcome.initializers)]
    return digest(as_json([*names, study.steps, study.confirmation_seeds[0], versions()]))


def _measured(outcome: Outcome) -> Measured | Unmeasured | None:
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
