"""What every peer does, and how `sweep.py` talks to it.

A peer is a process that gets ready once and then, for each line it is sent, does its share of the work and
answers with one line of JSON. `sweep.py` takes the time, in turns with the other peers. This file needs
nothing but numpy, so that a peer can live in another environment than kobai's.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

INPUTS, OUTPUTS, BATCH = 64, 10, 128

RATES = {
    "sgd": (0.1, 0.316, 1.0),
    "momentum": (0.01, 0.0316, 0.1),
    "nesterov": (0.01, 0.0316, 0.1),
    "adagrad": (0.01, 0.0316, 0.1),
    "adadelta": (0.316, 1.0, 3.16),
    "rmsprop": (0.001, 0.00316, 0.01),
    "adam": (0.001, 0.00316, 0.01),
}
"""The sweep: seven rules with three learning rates each, all of which work."""


def arguments(**defaults: Any) -> argparse.Namespace:
    """The options of a peer, ``--core 0 --hidden 100 …``; pins the process where a core is given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--core", type=int)
    for name, default in {"hidden": 100, "steps": 500, **defaults}.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    given = parser.parse_args()
    if given.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {given.core})
    return given


def share(core: int) -> list[tuple[str, float, int]]:
    """(rule, learning rate, seed) of the runs that the peer on one core does each time: every rule once."""
    return [(rule, rates[(i + core) % 3], core) for i, (rule, rates) in enumerate(RATES.items())]


def data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(images [n, 64], labels [n]) of each part of the digits, as kobai splits them."""
    file = Path(__file__).parents[2] / "src/kobai/tasks/data/digits.npz"
    with np.load(file, allow_pickle=False) as kept:
        images, labels = kept["images"].astype(np.float32) / 16, kept["labels"].astype(np.int64)
        parts = ("train", "validation", "test")
        return {
            part: (images[kept["split"] == i], labels[kept["split"] == i]) for i, part in enumerate(parts)
        }


def start(seed: int, hidden: int) -> list[np.ndarray]:
    """He's initial values: weights [64, hidden], biases, weights [hidden, 10], biases."""
    random = np.random.default_rng(seed)
    made = []
    for fan_in, fan_out in ((INPUTS, hidden), (hidden, OUTPUTS)):
        weights = random.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
        made += [weights.astype(np.float32), np.zeros(fan_out, np.float32)]
    return made


def batches(seed: int, steps: int, examples: int) -> np.ndarray:
    """[steps, batch]: the examples of each step, from shuffled epochs."""
    random = np.random.default_rng([seed, 1])
    epochs = -(-steps * BATCH // examples)
    row = np.concatenate([random.permutation(examples) for _ in range(epochs)])
    return row[: steps * BATCH].reshape(steps, BATCH)


def serve(run: Callable[[], dict[str, Any]], **ready: Any) -> None:
    """Say that everything is ready, then run once for each line that comes in."""
    print(json.dumps(ready), flush=True)
    for _ in sys.stdin:
        print(json.dumps(run()), flush=True)
