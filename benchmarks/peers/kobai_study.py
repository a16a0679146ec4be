"""A whole study of about ``--number`` cells: tuning, confirmation, answer and files."""

import json
import tempfile
import time
from pathlib import Path

import work

import kobai

given = work.arguments(steps=20, number=100)
rates = [10 ** (-4 + k / 3) for k in range(min(10, max(1, given.number // 10)))]
with tempfile.TemporaryDirectory() as folder:
    began = time.perf_counter()
    result = kobai.compare(
        "digits",
        optimizers=["adam"],
        initializers=["he"],
        learning_rates=rates,
        tuning_seeds=max(1, given.number // len(rates)),
        seeds=2,
        steps=given.steps,
        evaluate_every=1,
        output=Path(folder) / "study",
    )
    seconds = time.perf_counter() - began
print(json.dumps({"cells": len(result.cells), "seconds": seconds}))
