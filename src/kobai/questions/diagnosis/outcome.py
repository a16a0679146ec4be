"""What came of a diagnosis, and its tables."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from kobai.candidates.values import hyperparameters_of
from kobai.questions.diagnosis.case import Case, Trouble
from kobai.questions.diagnosis.confirm import Confirmation
from kobai.questions.diagnosis.record import Record


@dataclasses.dataclass(frozen=True, eq=False)
class Diagnosis:
    """A case, its troubles, and what the cures did that were tried.

    Fields:
      name: what the optimizer is called.
      seeds: of the trainings.
      confirmations: by trouble, the cures in the order in which they were tried.
    """

    case: Case
    name: str
    troubles: Sequence[Trouble]
    seeds: Sequence[int]
    confirmations: Mapping[str, Sequence[Confirmation]] = dataclasses.field(default_factory=dict)

    @property
    def record(self) -> Record:
        """The training that is drawn: that of the first seed."""
        return self.case.records[0]

    @property
    def hyperparameters(self) -> dict[str, object]:
        """Those of the optimizer."""
        return dict(hyperparameters_of(self.case.setting.optimizer))


SCHEMA = {
    "trouble": pl.String,
    "layer": pl.String,
    "step": pl.Int64,
    "seeds": pl.Int64,
    "cured": pl.String,
}
"""The columns of the table, a row for each trouble, strongest first: its name, where and when it is seen, in
how many seeds; and the key of the first cure that was confirmed (null: none was, or none was tried)."""


def frame(diagnosis: Diagnosis) -> pl.DataFrame:
    """The troubles as a table (`SCHEMA`)."""
    rows = []
    for trouble in diagnosis.troubles:
        tried = diagnosis.confirmations.get(trouble.name, ())
        cured = next((each.cure.key for each in tried if each.helps), None)
        rows.append((trouble.name, trouble.layer, trouble.step, trouble.seeds, cured))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def steps_frame(diagnosis: Diagnosis) -> pl.DataFrame:
    """Every step of every seed: the batch's loss before and after it, and lengths by trained array."""
    frames = []
    for seed, record in zip(diagnosis.seeds, diagnosis.case.records, strict=True):
        count = len(record.loss)
        for i, array in enumerate(diagnosis.case.arrays):
            frames.append(
                pl.DataFrame(
                    {
                        "seed": np.full(count, seed),
                        "step": np.arange(count),
                        "loss": record.loss,
                        "loss_after": record.after,
                        "array": [array] * count,
                        "gradient": record.gradients[:, i],
                        "update": record.updates[:, i],
                        "weight": record.weights[:, i],
                    }
                )
            )
    return pl.concat(frames)


def layers_frame(diagnosis: Diagnosis) -> pl.DataFrame:
    """Every layer of units at every look of every seed: values, shares, and the gradient that gets there."""
    frames = []
    for seed, record in zip(diagnosis.seeds, diagnosis.case.records, strict=True):
        for i, unit in enumerate(record.units):
            reach = unit["reach"]
            columns = {name: unit[name] for name in ("mean", "spread", "dead", "saturated")}
            columns["gradient"] = reach if reach.ndim == 1 else np.linalg.norm(reach, axis=1)
            head = {
                "seed": np.full(len(record.marks), seed),
                "step": record.marks,
                "layer": [diagnosis.case.layer(i)] * len(record.marks),
            }
            frames.append(pl.DataFrame(head | columns))
    schema = {"seed": pl.Int64, "step": pl.Int64, "layer": pl.String}
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)
