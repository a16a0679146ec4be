"""Many starts at once, and one solve, as ratios to SciPy measured in turns with it in one run.

    python benchmarks/minimize.py                               # a few minutes on two idle cores
    python benchmarks/minimize.py --write docs/explanation/minimizers-benchmarks.md

Rosenbrock's function in n variables from random starts, float64, BFGS, ‖g‖∞ ≤ 1e-6. SciPy's loop gets a
compiled value-and-gradient, runs over the first few starts and is scaled to all. Nothing here is a test.
"""

import argparse
import datetime
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# One thread of BLAS: SciPy's vectors are short, and its loop would only wait for the others.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import scipy  # noqa: E402
import scipy.optimize  # noqa: E402

import kobai  # noqa: E402

BEGIN, END = "<!-- minimize: begin -->", "<!-- minimize: end -->"
STARTS = 1000
SIZES = {2: 50, 10: 25, 100: 5}
"""Variables, and over how many starts SciPy's loop runs in each round."""


def rosenbrock(x: Any) -> Any:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


value_and_gradient = jax.jit(jax.value_and_grad(rosenbrock))


def scipy_solve(x: np.ndarray) -> Any:
    def fun(x: np.ndarray) -> tuple[float, np.ndarray]:
        f, g = value_and_gradient(x)
        return float(f), np.asarray(g)

    return scipy.optimize.minimize(fun, x, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 2000})


def measured(n: int, few: int, rounds: int) -> dict[str, float]:
    """Seconds a start, the median of the rounds: through minimize_many, through minimize, through SciPy."""
    starts = np.random.default_rng(0).uniform(-2, 2, size=(STARTS, n))
    work: dict[str, tuple[int, Callable[[], Any]]] = {
        "many": (STARTS, lambda: kobai.minimize_many(rosenbrock, starts)),
        "one": (few, lambda: [kobai.minimize(rosenbrock, x) for x in starts[:few]]),
        "scipy": (few, lambda: [scipy_solve(x) for x in starts[:few]]),
    }
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, (count, solve) in work.items():
            began = time.perf_counter()
            solve()
            if turn:  # the first compiles
                taken[name].append((time.perf_counter() - began) / count)
    return {name: statistics.median(times) for name, times in taken.items()}


def report(rounds: int) -> str:
    """The table, in Markdown."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = [
        f"{datetime.date.today()}, {cores} cores, {platform.system()}, Python {platform.python_version()}, "
        f"JAX {jax.__version__}, SciPy {scipy.__version__}.",
        "",
        "| n | SciPy, ms a start | `minimize`, ms a start | `minimize_many`, ms a start | SciPy ÷ `minimize` "
        "| SciPy ÷ `minimize_many` |",
        "| ---: |" + " ---: |" * 5,
    ]
    for n, few in SIZES.items():
        t = measured(n, few, rounds)
        cells = [f"{n}", *(f"{1e3 * t[name]:.3g}" for name in ("scipy", "one", "many"))]
        cells += [f"{t['scipy'] / t['one']:.3g}", f"{t['scipy'] / t['many']:.3g}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds through all peers")
    parser.add_argument("--write", type=Path, help=f"put the table between {BEGIN} and {END} of this page")
    given = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    text = report(given.rounds)
    print(text)
    if given.write:
        page = given.write.read_text("utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        given.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
