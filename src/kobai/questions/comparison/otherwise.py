"""A question that was answered in a folder, judged by other criteria from the cells that are kept there.

What is compared of a cell by steps or by seconds is read off its curve. Its final metric is worth comparing
only where its learning rate has fallen to 0, or a schedule was asked for. And by another criterion tuning may
choose other trials: where these were not confirmed, that is said with the command that does.
"""

import ast
import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kobai.basics.errors import UsageError
from kobai.basics.notices import notice
from kobai.minimizers.base import Minimizer
from kobai.study import protocol, record
from kobai.study.asked import Asked
from kobai.study.cells import Cells
from kobai.study.criterion import FINAL, criteria
from kobai.study.outcome import Outcome
from kobai.study.store import Store
from kobai.study.study import CONFIRMATION, TUNING, Study, Trial


def found(kept: Store, asked: Asked) -> Outcome:
    """What a question has found, from the cells that are kept.

    Raises `UsageError` where another version of kobai chose otherwise, and what is chosen now has no cells.
    """
    study, phases = record.read(asked.study), asked.found(kept)
    fresh = phases[CONFIRMATION]
    tuned = protocol.tune(study, phases[TUNING])
    absent = [each for each in tuned.winners.values() if not fresh.count(each)]
    path = kept.folder.parent if kept.folder else Path()
    _refuse(absent, study, path, commanded(asked.command, [study.by], path))
    choice = protocol.chosen(study, tuned, fresh).within(fresh)
    outcome = protocol.outcome_of(study, phases, asked.memory, choice)
    return dataclasses.replace(outcome, planned=asked.planned)


def judged(kept: Store, answered: Sequence[Asked], by: object, path: Path) -> tuple[list[Outcome], str]:
    """What the latest of these questions finds by each of some criteria; and the command that asks so.

    Raises `UsageError` for what is no criterion, and where trainings are missing.
    """
    names = criteria(by)
    command = commanded(answered[-1].command, names)
    return [_judged(kept, answered, name, path) for name in names], command


def _judged(kept: Store, answered: Sequence[Asked], by: str, path: Path) -> Outcome:
    """By one criterion: as it was asked for before, or from the cells of the latest question."""
    latest = answered[-1]
    for asked in reversed(answered):
        if asked.study.get("by") == by and _matter(asked) == _matter(latest):
            return found(kept, asked)
    study = dataclasses.replace(record.read(latest.study), by=by)
    command = commanded(latest.command, [by], path)
    if study.within is not None:  # it was grown until another criterion was clear
        raise UsageError("error.by.grown", by=by, path=path, command=command)
    if by == FINAL and not _ends(study):
        raise UsageError("error.by.annealed", path=path, command=command)
    phases = latest.found(kept)
    fresh = phases[CONFIRMATION]
    tuned = protocol.tune(study, phases[TUNING])
    _refuse(_absent(study, fresh, list(tuned.winners.values())), study, path, command)
    choice = protocol.chosen(study, tuned, fresh)
    if absent := _absent(study, fresh, choice.confirmed(study)):
        notice("by.fewer", count=len(absent), path=path, command=command)
    outcome = protocol.outcome_of(study, phases, latest.memory, choice.within(fresh))
    return dataclasses.replace(outcome, planned=latest.planned)


def _ends(study: Study) -> bool:
    """Whether the ends of its trainings can be compared: there is a schedule, or nothing has a rate."""
    has_rates = not all(isinstance(each.variants[0], Minimizer) for each in study.candidates)
    return not has_rates or any(axis.name == "schedule" for axis in study.axes)


def _absent(study: Study, fresh: Cells, trials: Sequence[Trial]) -> list[Trial]:
    """Those of the trials that lack a cell of the confirmation."""
    return [trial for trial in trials if fresh.count(trial) < len(study.confirmation_seeds)]


def _refuse(absent: Sequence[Trial], study: Study, path: Path, command: str) -> None:
    """Refuse to judge where winners of the tuning are absent; the command trains them."""
    if absent:
        names = ", ".join(trial.candidate.name for trial in absent)
        raise UsageError("error.by.missing", by=study.by, names=names, path=path, command=command)


def _matter(asked: Asked) -> dict[str, Any]:
    """What two questions have in common that differ in their criterion alone, and in the schedule by which
    the final metric is judged."""
    study = asked.study
    names = ("candidates", "initializers", "steps", "evaluate_every", "seeds", "tuning_seeds", "within")
    axes = [axis for axis in study["axes"] if axis["name"] != "schedule" or len(axis["values"]) > 1]
    targets = [each["facts"].get("targets") for each in study["tasks"]]
    return {name: study.get(name) for name in names} | {"axes": axes, "targets": targets}


def commanded(command: str, by: Sequence[str], folder: Path | None = None) -> str:
    """The command, judged by other criteria: a command line, or a call in Python; with a folder, into it."""
    if not command.startswith("kobai "):
        return _called(command, by, folder)
    words: list[str] = []
    for before, word in zip(["", *shlex.split(command)], shlex.split(command), strict=False):
        if not (word == "--by" or word.startswith("--by=") or before == "--by"):
            words.append(word)
    return shlex.join([*words, "--by", ",".join(by), *(["--output", str(folder)] if folder else [])])


def _called(command: str, by: Sequence[str], folder: Path | None) -> str:
    """A call in Python with these arguments in place of its own; what is none stays what it is."""
    try:
        call = ast.parse(command, mode="eval").body
    except SyntaxError:
        return command
    if not isinstance(call, ast.Call):
        return command
    new: dict[str, object] = {"by": by[0] if len(by) == 1 else list(by)}
    new |= {} if folder is None else {"output": str(folder)}
    call.keywords = [each for each in call.keywords if each.arg not in new]
    call.keywords += [ast.keyword(name, ast.Constant(value)) for name, value in new.items()]  # type: ignore[arg-type]
    return ast.unparse(call)
