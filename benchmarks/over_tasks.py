"""Simulated studies of several tasks whose truth is known: what the bounds over tasks and the set keep to.

    python benchmarks/over_tasks.py [--studies 400] [--flips 256]

No training: x [seeds, candidates] of each of three tasks are logarithms of steps, drawn as in studies.py; of
ten seeds. Numbers are per cent of the studies in which all bounds hold, each against the best of each task;
in which the best for all is in the set; in which some best for all is called "not the best"; and in which the
smaller bounds of one against another for all would hold, were they told as bounds against the best of each.
"""

import argparse

import numpy as np

from kobai.study import statistics

SPREAD, SEEDS, TASKS, CANDIDATES, LOST = 0.25, 10, 3, 4, 1.5
CASES = {
    "all equal": np.zeros((TASKS, CANDIDATES)),
    "each its own best": 0.35 * (1 - np.eye(TASKS, CANDIDATES)),
    "one best": np.tile(0.3 * (np.arange(CANDIDATES) > 0), (TASKS, 1)),
    "a ladder, turned round": np.array([[0, 0.1, 0.2, 0.3], [0.3, 0.2, 0.1, 0], [0, 0.3, 0.1, 0.2]]),
    "best but on one": np.array([[0, 0.3, 0.3, 0.3], [0, 0.3, 0.3, 0.3], [0.35, 0, 0.3, 0.3]]),
}
"""True means [tasks, candidates]."""


def rates(
    means: np.ndarray, shared: bool, failures: float, studies: int, flips: int
) -> tuple[float, float, float, float]:
    """What is kept to. `shared`: tasks have the noise in common; `failures`: of the first candidate."""
    rng = np.random.default_rng(0)
    true = means + LOST * failures * (np.arange(CANDIDATES) == 0)
    cost = (true - true.min(axis=1, keepdims=True)).mean(axis=0)
    best = np.isclose(true.mean(axis=0), true.mean(axis=0).min())
    kept = np.zeros(4)
    for _ in range(studies):
        noise = rng.normal(size=(1 if shared else TASKS, SEEDS, CANDIDATES))
        x = means[:, None] + SPREAD * noise + 0.4 * rng.normal(size=(TASKS, SEEDS, 1))
        x[..., 0] += LOST * (rng.random((TASKS, SEEDS)) < failures)
        bounds = np.mean([statistics.choose(own, most=flips).bounds for own in x], axis=0)
        together = statistics.choose(x.mean(axis=0), most=flips)
        kept += (
            (cost <= bounds + 1e-9).all(),
            together.best.members[np.flatnonzero(best)[0]],
            together.best.not_best[best].any(),
            (cost <= together.bounds + 1e-9).all(),
        )
    all_bounds, in_set, called, others = (100 * kept / studies).tolist()
    return all_bounds, in_set, called, others


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--flips", type=int, default=2**8)
    said = parser.parse_args()
    print("| case | noise | failures | all bounds | in the set | called not best | bounds of one for all |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for shared in (False, True):
        for failures in (0.0, 0.1):
            for name, means in CASES.items():
                numbers = rates(means, shared, failures, said.studies, said.flips)
                noise = "shared" if shared else "own"
                print(f"| {name} | {noise} | {failures:.0%} |", " | ".join(f"{n:.1f}" for n in numbers), "|")


if __name__ == "__main__":
    main()
