"""How far the suggestion of `kobai range` is from the best rate of the grid, beside the usual range test.

    python benchmarks/range.py --results benchmarks/range.json        # about half an hour on two cores
    python benchmarks/range.py --results benchmarks/range.json --only sine,digits    # what is there stays
    python benchmarks/range.py --results benchmarks/range.json --only "" --write docs/how-to/learning-rate.md

A case is a task, an initializer and an update rule. The truth is the grid of `kobai compare`: eight rates for
500 steps, here with ten seeds in place of the three of its tuning, so that noise decides less. The cost of a
rate is the geometric mean of its steps to the target, an unmet target counted as 500; where no rate meets it
in half of its runs, the validation loss at the end. A suggested rate is trained for as long, on the same
seeds. It is a hit where its cost is at most 25 % above that of the best of the grid.

The usual test (Smith 2017, arXiv 1506.01186, as libraries have it) is one training whose rate grows from step
to step; the loss is smoothed, and the rate of its steepest fall is the suggestion.

How the race of rates is run was chosen on the tasks in `CHOSEN_ON`; the others judge it.
"""

import argparse
import dataclasses
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import kobai
from kobai import initializers
from kobai.basics.machine import use_compilation_cache
from kobai.basics.registry import DEFAULT_OPTIMIZERS, OPTIMIZERS, TASKS
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, mini_batch, stream
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep
from kobai.study import statistics
from kobai.tasks.load import load
from kobai.tasks.task import Task

CHOSEN_ON = ("sine", "digits", "mnist1d")
STARTS = ("he", "xavier")
STEPS, EVERY, SEEDS = 500, 10, range(10)
HIT = 1.25
CALLED = {
    "kobai": "`kobai range`",
    "quick": "`kobai range --seeds 1`",
    "usual": "one ramp, steepest fall",
}
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"

RAMP, SMOOTHING, SKIPPED, BLOWN_UP = 100, 0.98, (10, 5), 4.0
"""Of the usual test: steps, weight of the past, points left out at both ends, and the loss that ends it."""


def cases(name: str, start: str) -> list[dict[str, Any]]:
    """Every rule on one task with one initializer."""
    task, initializer = load(name), initializers.parse(start)
    sweep = Sweep(
        task, [OPTIMIZERS[rule].load()() for rule in DEFAULT_OPTIMIZERS], steps=STEPS, evaluate_every=EVERY
    )
    rows = []
    for rule in DEFAULT_OPTIMIZERS:
        make, grid = OPTIMIZERS[rule].load(), OPTIMIZERS[rule].learning_rates
        found, quick = (
            kobai.learning_rate_range(name, optimizer=rule, initializer=start, seeds=seeds, progress=False)
            for seeds in (4, 1)
        )
        steep = usual_test(task, make, grid, initializer)
        suggested = {"kobai": found.suggestion, "quick": quick.suggestion, "usual": steep}
        tried = list(dict.fromkeys([*grid, *(rate for rate in suggested.values() if rate is not None)]))
        cells = [Cell(make(learning_rate=rate), initializer, seed) for rate in tried for seed in SEEDS]
        runs = THREADS.runs(sweep, cells)
        each = [runs[i : i + len(SEEDS)] for i in range(0, len(runs), len(SEEDS))]
        by_steps = max(reach(task, runs) for runs in each[: len(grid)]) >= 0.5
        costs = dict(zip(tried, [cost(task, runs, by_steps) for runs in each], strict=True))
        best = min(grid, key=lambda rate: costs[rate])
        row = {
            "task": name,
            "start": start,
            "rule": rule,
            "by": "steps" if by_steps else "final",
            "best": best,
        }
        row |= {"gradients": found.outcome.gradients, "quick_gradients": quick.outcome.gradients}
        row |= {"in_grid": any(math.isclose(best, rate, rel_tol=0.02) for rate in found.grid)}
        row |= {"agreeing": found.outcome.agreeing}
        for method, rate in suggested.items():
            row[method] = rate
            row[f"{method}_ratio"] = None if rate is None else costs[rate] / costs[best]
        rows.append(row)
        print(row, flush=True)
    return rows


def reach(task: Task, runs: Sequence[Run]) -> float:
    """The part of some runs that meets the target."""
    return float(np.mean([np.isfinite(arrival(task, run)) for run in runs]))


def arrival(task: Task, run: Run) -> float:
    """Steps to the target of one run; inf where it never got there, or diverged."""
    if run.diverged_at is not None:
        return math.inf
    marks, curves = np.arange(0, STEPS + 1, EVERY), run.validation_metric[None]
    target = float(np.float32(task.targets[0]))
    return float(statistics.steps_to_target(marks, curves, target, task.maximize)[0])


def cost(task: Task, runs: Sequence[Run], by_steps: bool) -> float:
    """What a rate costs: the geometric mean of its steps, or of its losses at the end."""
    if by_steps:
        times = np.array([arrival(task, run) for run in runs])
        return float(np.exp(statistics.log_steps(times, STEPS).mean()))
    ends = [run.validation_loss[0 if run.diverged_at is not None else -1] for run in runs]
    return float(np.exp(np.log(ends).mean()))


def usual_test(task: Task, make: Any, grid: Sequence[float], initializer: Any) -> float | None:
    """The rate at the steepest fall of one smoothed curve, while the rate grows, from a decade below the grid
    to a decade above it."""
    rates = np.geomspace(grid[0] / 10, grid[-1] * 10, RAMP)
    examples = len(jax.tree.leaves(task.train)[0])
    batches = mini_batch(500, 0, RAMP, task.batch_size, examples)
    parameters = task.trained(task.filled(initializer, stream(500, INITIAL)))
    rule = make()

    def step(carry: Any, now: Any) -> Any:
        arrays, state = carry
        rows, rate = now
        batch = jax.tree.map(lambda part: jnp.asarray(part)[rows], task.train)

        def loss_at(arrays: Any) -> Any:
            return task.training_loss(task.with_arrays(arrays), task.state, batch, None)[0]

        loss, g = jax.value_and_grad(loss_at)(arrays)
        update, state = dataclasses.replace(rule, learning_rate=rate).update(g, state, arrays)
        return (jax.tree.map(jnp.add, arrays, update), state), loss

    arrays = [jnp.asarray(array) for array in parameters]
    _, losses = jax.lax.scan(step, (arrays, rule.init(arrays)), (batches, jnp.asarray(rates, jnp.float32)))
    return steepest(rates, np.asarray(losses, float))


def steepest(rates: np.ndarray, losses: np.ndarray) -> float | None:
    """The rate at which the smoothed loss falls most steeply by the logarithm of the rate."""
    mean, smooth = 0.0, []
    for i, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth.append(mean / (1 - SMOOTHING**i))
        if not np.isfinite(mean) or smooth[-1] > BLOWN_UP * min(smooth):
            break
    curve = np.array(smooth)[SKIPPED[0] : max(len(smooth) - SKIPPED[1], 0)]
    if len(curve) < 3:
        return None
    place = int(np.argmin(np.gradient(curve)))
    return float(rates[SKIPPED[0] + place])


def summary(rows: Sequence[dict[str, Any]], method: str) -> str:
    """Median error in decades, share within half a decade, share of hits."""
    error = [math.inf if row[method] is None else abs(math.log10(row[method] / row["best"])) for row in rows]
    hits = [row[f"{method}_ratio"] is not None and row[f"{method}_ratio"] <= HIT for row in rows]
    within = np.mean(np.array(error) < 0.51)  # rates are written with three figures
    of = f"{sum(hits)} of {len(hits)}, {100 * np.mean(hits):.0f} %"
    return f"{np.median(error):.2f} | {100 * within:.0f} % | {of}"


def agreed(rows: Sequence[dict[str, Any]], all_agreed: bool) -> str:
    """The hits among the cases in which all four seeds suggested the same, or did not."""
    own = [row for row in rows if (row["agreeing"] == 4) == all_agreed]
    hits = sum(row["kobai_ratio"] is not None and row["kobai_ratio"] <= HIT for row in own)
    return f"{hits} of {len(own)}"


def section(rows: Sequence[dict[str, Any]]) -> str:
    """The results as Markdown."""
    head = "| cases | | median error, decades | within half a decade | hits |\n|---|---|---|---|---|"
    lines = [head]
    groups = {
        "tasks on which it was chosen": [row for row in rows if row["task"] in CHOSEN_ON],
        "**other tasks**": [row for row in rows if row["task"] not in CHOSEN_ON],
    }
    groups |= {
        task: [row for row in rows if row["task"] == task] for task in dict.fromkeys(r["task"] for r in rows)
    }
    groups |= {rule: [row for row in rows if row["rule"] == rule] for rule in DEFAULT_OPTIMIZERS}
    for name, own in groups.items():
        for method, called in CALLED.items():
            if own:
                lines.append(f"| {name} | {called} | {summary(own, method)} |")
    others = groups["**other tasks**"] or rows
    there = np.mean([row["in_grid"] for row in others])
    lines += [
        "",
        f"`kobai range` took at most {max(row['gradients'] for row in rows):,} gradients, with one seed "
        f"{max(row['quick_gradients'] for row in rows)}; the grid with its ten seeds takes 40,000, a tuning "
        f"with three 12,000, the ramp {RAMP}. On the other tasks the best rate of the grid is among those "
        f"that `kobai range` names for `--learning-rates` in {100 * there:.0f} % of cases. Where all four "
        f"seeds agreed, {agreed(rows, True)} were hits; where they did not, {agreed(rows, False)}.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="file of JSON that grows")
    parser.add_argument("--only", default=",".join(TASKS), help="tasks")
    parser.add_argument(
        "--write", type=Path, nargs="*", default=[], help="pages between whose marks the tables go"
    )
    options = parser.parse_args()
    use_compilation_cache()
    rows = json.loads(options.results.read_text()) if options.results.exists() else []
    for name in filter(None, options.only.split(",")):
        for start in STARTS:
            rows = [row for row in rows if (row["task"], row["start"]) != (name, start)] + cases(name, start)
            options.results.write_text(json.dumps(rows, indent=1))
    text = section(rows)
    print(text)
    for page in options.write:
        whole = page.read_text("utf-8")
        page.write_text(re.sub(f"(?s){BEGIN}.*{END}", f"{BEGIN}\n{text}\n{END}", whole), "utf-8")


if __name__ == "__main__":
    main()
