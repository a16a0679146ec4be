"""Does the best rate of a narrow network suit a wide one? For docs/explanation/strategies.md:
python benchmarks/mup.py [Adam | SGD | check …]

The training loss at the end of a short training on MNIST-1D with two hidden layers, at widths 64 and 1,024,
by learning rate, with and without μP from a base of 64, means of some seeds; the best rates are those of the
means, and what the narrow network's costs the wide one has a t interval over the seeds (95 %), of logarithms.
And how far values move by width (`check`).
"""

import sys

import numpy as np
from scipy import stats

import kobai
from kobai.basics.machine import use_compilation_cache
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.optimizers import Optimizer
from kobai.study.axes import made

STEPS, SEEDS = 40, 3
BASE, WIDE = 64, 1024
RATES = {kobai.Adam: 10 ** np.arange(-3.0, -0.9, 0.5), kobai.SGD: 10 ** np.arange(-1.5, 0.6, 0.5)}


def losses(rule: type[Optimizer], width: int, base: int | None) -> np.ndarray:
    """[rates, seeds]: the mean training loss of the last 20 steps; inf where one diverged."""
    task = made(kobai.tasks.mnist1d, {"hidden": [width, width], "parametrization": base})
    rules = [rule(float(rate)) for rate in RATES[rule]]
    sweep = Sweep(task, rules[:1], steps=STEPS, evaluate_every=20, threads=1)
    cells = [Cell(each, he(), seed) for each in rules for seed in range(SEEDS)]
    last = np.empty(len(cells))
    for places, runs in THREADS.run(sweep, cells):
        last[places] = [run.training_loss[-1] for run in runs]
    last = last.reshape(len(rules), SEEDS)
    return np.where(np.isfinite(last), last, np.inf)


def cost(ratios: np.ndarray) -> str:
    """The geometric mean of ratios over the seeds, with its interval."""
    logs = np.log(ratios)
    half = stats.t.ppf(0.975, len(logs) - 1) * stats.sem(logs) if len(logs) > 1 else np.nan
    return f"{np.exp(logs.mean()):.2f} ({np.exp(logs.mean() - half):.2f} to {np.exp(logs.mean() + half):.2f})"


def transfer(rule: type[Optimizer]) -> None:
    rates = RATES[rule]
    print(
        f"\n{rule.__name__}\n\n| | width |", " | ".join(f"{rate:.3g}" for rate in rates), "| best | by seed |"
    )
    print("|---|---|" + "---|" * (len(rates) + 2))
    for base in (None, BASE):
        name, at = "standard" if base is None else f"mup:{base}", {}
        for width in (BASE, WIDE):
            at[width] = losses(rule, width, base)
            means = at[width].mean(axis=1)
            cells = " | ".join(f"{loss:.3f}" if np.isfinite(loss) else "–" for loss in means)
            each = ", ".join(f"{rates[i]:.3g}" for i in at[width].argmin(axis=0))
            print(f"| {name} | {width} | {cells} | {rates[means.argmin()]:.3g} | {each} |", flush=True)
        narrow, wide = (at[width].mean(axis=1).argmin() for width in (BASE, WIDE))
        ratio = cost(at[WIDE][narrow] / at[WIDE][wide])
        print(f"{name}: at {WIDE} the best rate of {BASE} gives {ratio} times the loss of its own best")


def check() -> None:
    for name in ("standard", f"mup:{BASE}"):
        for rule in (kobai.Adam(0.01), kobai.SGD(0.1)):
            asked = {"task": "mnist1d", "widths": [64, 256, 1024], "parametrization": name}
            print(kobai.probe("he", optimizer=rule, steps=5, **asked))


def main(parts: list[str]) -> None:
    for rule in RATES:
        if not parts or rule.__name__ in parts:
            transfer(rule)
    if not parts or "check" in parts:
        check()


if __name__ == "__main__":
    use_compilation_cache()
    main(sys.argv[1:])
