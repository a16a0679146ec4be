"""Rows and results of transfers that never ran: made of curves."""

import dataclasses

import numpy as np

from kobai.engine.run import Run
from kobai.questions.transfer.arms import Budget, arms
from kobai.questions.transfer.result import TransferResult
from kobai.questions.transfer.rows import ProtocolRow, TransferOutcome, compared
from kobai.tasks.pairs import halves

TINY = {
    "amounts": [20],
    "seeds": 2,
    "tuning_seeds": 1,
    "steps": 10,
    "source_steps": 10,
    "learning_rates": [0.01],
}


def run_of(curve, final):
    nothing = np.full(len(curve), np.nan)
    return Run(nothing, nothing, np.array(curve, float), None, 0.0, final, 0.0)


def row_of(protocol, finals, base_finals, curves, base_curves, task):
    every = arms(["pretraining", "fine-tuning", "transfer"], Budget(20, 30))
    arm = every[protocol]
    runs = [run_of(curve, final) for curve, final in zip(curves, finals, strict=True)]
    base = [run_of(curve, final) for curve, final in zip(base_curves, base_finals, strict=True)]
    return ProtocolRow.of(
        protocol, 50, task, (arm, 0.01, runs), (every[arm.against], 0.1, base), tuning_of_baseline=base
    )


def result_of(frame, *more, command=""):
    """The result that has this table."""
    return TransferResult(table=frame, command=command, outcome=TransferOutcome(frame, *more))


def verdicts(*rows):
    """A frame with these (protocol, amount, gains, ratios)."""
    task, made = halves().target, []
    for protocol, amount, gain, sign in rows:
        n = 10
        jitter = np.linspace(0.9, 1.1, n)
        base_curves = [[0.2, 0.5, 1.0]] * n
        curves = [[0.95, 0.95, 0.95] if sign < 0 else [0.2, 0.5, 0.6]] * n
        row = row_of(protocol, 0.5 + gain * jitter, [0.5] * n, curves, base_curves, task)
        made.append(dataclasses.replace(row, amount=amount))
    return compared(made)
