"""A study of Optuna, by the address of its storage: a row a trial, or a row a trial and step."""

import re
from pathlib import Path
from typing import Any

import polars as pl

from kobai.basics.checks import is_place
from kobai.basics.errors import UsageError, quoted

COMPLETE = "COMPLETE"
ADDRESS = re.compile(r"\w+(\+\w+)?://")


def address(storage: object) -> str:
    """The address of a storage: as it is, or of the file of a database. Raises `UsageError`."""
    if isinstance(storage, str) and ADDRESS.match(storage):
        return storage
    if not is_place(storage):
        raise UsageError("error.judge.source", value=quoted(storage))
    path = Path(storage)  # type: ignore[arg-type]
    if not path.is_file():  # Optuna would make one
        raise UsageError("error.judge.missing", path=path)
    return f"sqlite:///{path.resolve()}"


def read(storage: str, study: str | None = None) -> pl.DataFrame:
    """The trials: parameters and attributes as columns, the objective as `value`, reports by `step`.

    A trial that failed, or was pruned, has no value: it counts as one that crashed.

    Args:
      storage: an address, such as ``sqlite:///study.db``.
      study: its name; None: the only one.
    """
    loaded = load(storage, study)
    rows = []
    for trial in loaded.get_trials(deepcopy=False):
        if not trial.state.is_finished():
            continue
        known: dict[str, Any] = {**trial.user_attrs, **trial.params, "trial": trial.number}
        value = trial.values[0] if trial.values and trial.state.name == COMPLETE else None
        reports = sorted(trial.intermediate_values.items())
        rows += [{**known, "step": step, "reported": float(each)} for step, each in reports]
        rows.append({**known, "step": reports[-1][0] if reports else 0, "value": value})
    if not rows:
        raise UsageError("error.judge.empty", name=storage)
    frame = pl.DataFrame(rows, infer_schema_length=None, strict=False)
    return frame if "reported" in frame.columns else frame.drop("step")


def load(storage: str, study: str | None = None) -> Any:
    """The study in a storage. Raises `UsageError` where there is none, or none of this name."""
    try:
        import optuna
    except ImportError:
        raise UsageError("error.judge.extra", package="optuna", extra="judge") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        names = optuna.study.get_all_study_names(storage)
        if study is None and len(names) != 1:
            raise UsageError("error.judge.studies", storage=storage, known=", ".join(names) or "–")
        return optuna.load_study(study_name=study, storage=storage)
    except UsageError:
        raise
    except Exception as problem:  # of the database, of its address, of Optuna
        line = str(problem).split("\n")[0]
        raise UsageError("error.judge.storage", storage=storage, problem=line) from None
