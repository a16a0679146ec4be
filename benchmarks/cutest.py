"""kobai's minimizers and their namesakes on problems that nobody here wrote: CUTEst's, from sif2jax.

    python benchmarks/cutest.py --cache peers.json                     # everything; keeps the peers there
    python benchmarks/cutest.py --cache peers.json --only kobai-bfgs   # that one anew, the rest kept
    python benchmarks/cutest.py --cache peers.json --kept --write docs/explanation/minimizers-benchmarks.md

Unconstrained problems in float64; absolute ‖g‖∞ ≤ 1e-6; at most 2,000 iterations. A problem is *solved* where
the objective value is within 1e-6 (1 + |f_best|) of the best that any solver in this run found, or else where
‖g‖∞ ≤ 1e-6 ("by gradient only": another stationary point). Both are evaluated here, where the solver ended.

The *cost* of a run is the number of points visited (values or gradients, whichever are more), plus n for each
dense Hessian and one for each Hessian-vector product. The performance profile (Dolan & Moré 2002) at τ is the
share of problems that a solver solved at no more than τ times the least cost among its namesakes, taking
kobai's methods one at a time. Nothing here is a time.
"""

import argparse
import contextlib
import importlib
import importlib.util
import json
import math
import re
import signal
import statistics
import sys
import time
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from peers.minimizers import GTOL, NAMESAKES, SOLVERS, Problem

HERE = Path(__file__).parent
BEGIN, END = "<!-- cutest: begin -->", "<!-- cutest: end -->"
FOLDERS = ("cutest", "cutest/_unconstrained_minimisation")
RATIOS = (1, 2, 10)
SECONDS = 60

Outcome = dict[str, Any]


def load(names: Iterable[str]) -> Iterable[Problem]:
    """The problems with these names, made one after the other.

    Importing sif2jax makes every problem of the collection, which takes over a minute. So its packages are
    replaced by empty ones that only know their folder, and the module that defines a name is found by text.
    """
    spec = importlib.util.find_spec("sif2jax")
    if spec is None:
        raise SystemExit("the problems come from the package sif2jax: pip install sif2jax")
    root = Path(spec.submodule_search_locations[0])
    for folder in ("", *FOLDERS):
        module = types.ModuleType(".".join(["sif2jax", *folder.split("/")]).rstrip("."))
        module.__path__ = [str(root / folder)]
        sys.modules[module.__name__] = module
    home = module.__name__
    texts = {file.stem: file.read_text("utf-8") for file in sorted((root / FOLDERS[-1]).glob("*.py"))}
    where = {name: stem for stem, text in texts.items() for name in re.findall(r"^class (\w+)", text, re.M)}
    for name in names:
        if name not in where:
            raise SystemExit(f"sif2jax has no unconstrained problem {name}")
        problem = getattr(importlib.import_module(f"{home}.{where[name]}"), name)()
        x0, unravel = ravel_pytree(problem.y0)

        def f(x: Any, problem: Any = problem, unravel: Any = unravel) -> Any:
            return problem.objective(unravel(x), problem.args)

        yield Problem(name, f, np.asarray(x0, np.float64))


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so many seconds of this process: SciPy's trust-exact can loop for ever."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"not finished after {seconds} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def run(solver: str, problem: Problem) -> Outcome:
    """What came of one solver on one problem; an exception is kept, and the lowest point seen counts."""
    problem.start()
    began = time.perf_counter()
    try:
        with at_most(SECONDS):
            x, counts = SOLVERS[solver](problem)
        error = ""
    except Exception as problem_of_solver:  # noqa: BLE001 - whatever it is, it did not solve the problem
        x, counts = problem.lowest, dict(problem.counts)
        error = f"{type(problem_of_solver).__name__}: {problem_of_solver}"[:200]
    counts = {"hessians": 0, "hessian_vectors": 0} | counts
    f, g = problem.peek(np.asarray(x))
    return {
        "n": problem.x0.size,
        "value": f,
        "gradient_norm": float(np.max(np.abs(g))),
        "seconds": time.perf_counter() - began,
        "error": error,
        **counts,
    }


def cost(outcome: Outcome) -> int:
    """Points visited, with the second derivatives charged as gradients."""
    points = max(outcome["values"], outcome["gradients"])
    return points + outcome["n"] * outcome["hessians"] + outcome["hessian_vectors"]


def judge(results: dict[str, dict[str, Outcome]], names: list[str]) -> dict[str, dict[str, str]]:
    """For each solver and problem: "value", "gradient" or "" (not solved)."""
    verdicts: dict[str, dict[str, str]] = {solver: {} for solver in results}
    for name in names:
        reached = [of[name]["value"] for of in results.values()]
        best = min((f for f in reached if math.isfinite(f)), default=math.inf)
        for solver, of in results.items():
            f, norm = of[name]["value"], of[name]["gradient_norm"]
            low = f <= best + 1e-6 * (1 + abs(best))
            verdicts[solver][name] = "value" if low else "gradient" if norm <= GTOL else ""
    return verdicts


def profile(group: list[str], results: Any, verdicts: Any, names: list[str]) -> dict[str, list[float]]:
    """Dolan and Moré's profile of each solver of the group at the RATIOS."""
    within = {solver: [0] * len(RATIOS) for solver in group}
    for name in names:
        costs = {s: cost(results[s][name]) for s in group if verdicts[s][name]}
        for solver, value in costs.items():
            for i, τ in enumerate(RATIOS):
                within[solver][i] += value <= τ * min(costs.values())
    return {solver: [count / len(names) for count in counts] for solver, counts in within.items()}


def report(results: dict[str, dict[str, Outcome]], names: list[str]) -> str:
    """The tables, in Markdown: one for each kobai method and its namesakes."""
    verdicts = judge(results, names)
    lines = [f"{len(names)} problems, JAX {jax.__version__}, SciPy {version('scipy')}."]
    for ours, theirs in NAMESAKES.items():
        group = [solver for solver in (ours, *theirs) if solver in results]
        if not group:
            continue
        common = [name for name in names if all(verdicts[solver][name] for solver in group)]
        shares = profile(group, results, verdicts, names)
        lines += [
            "",
            f"|  | solved | by value | by gradient only | median cost of {len(common)} | τ = 1 | 2 | 10 |",
        ]
        lines += ["| --- |" + " ---: |" * 7]
        for solver in group:
            by = list(verdicts[solver].values())
            median = statistics.median(cost(results[solver][name]) for name in common) if common else math.nan
            cells = [solver, len(by) - by.count(""), by.count("value"), by.count("gradient"), f"{median:g}"]
            cells += [f"{share:.2f}" for share in shares[solver]]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, "", easy(results, verdicts, names)])


def easy(results: dict[str, dict[str, Outcome]], verdicts: Any, names: list[str]) -> str:
    """One sentence: the median costs where the choice of problems is nobody's but the peers'."""
    peers = [solver for solver in results if not solver.startswith("kobai-")]
    common = [name for name in names if all(verdicts[solver][name] for solver in peers)]
    medians = {
        solver: statistics.median(cost(of[name]) for name in common)
        for solver, of in results.items()
        if common and solver in ("kobai-bfgs", "kobai-lbfgs", "scipy-bfgs", "scipy-l-bfgs-b")
    }
    costs = ", ".join(f"{solver} {median:g}" for solver, median in medians.items())
    return f"Median cost on the {len(common)} problems that all {len(peers)} peers solve: {costs}."


def failures(results: dict[str, dict[str, Outcome]], names: list[str], solvers: Iterable[str]) -> str:
    """What the solvers did not solve, with how far they came."""
    verdicts = judge(results, names)
    lines = []
    for solver in solvers:
        for name in names:
            if not verdicts[solver][name]:
                o = results[solver][name]
                best = min(of[name]["value"] for of in results.values() if math.isfinite(of[name]["value"]))
                lines.append(
                    f"{solver:26} {name:12} n={o['n']:<4} f={o['value']:<12.6g} best={best:<12.6g} "
                    f"|g|={o['gradient_norm']:<9.2g} cost={cost(o):<7} {o['error']}"
                )
    return "\n".join(lines)


def details(results: dict[str, dict[str, Outcome]], names: list[str], solvers: list[str]) -> str:
    """The cost of each solver on each problem: + solved by value, ~ by gradient only, - not solved."""
    verdicts = judge(results, names)
    lines = [f"{'':12}{'n':>5}" + "".join(f"{solver[-16:]:>18}" for solver in solvers)]
    for name in names:
        marks = [{"value": "+", "gradient": "~", "": "-"}[verdicts[solver][name]] for solver in solvers]
        cells = [f"{cost(results[s][name]):>16} {m}" for s, m in zip(solvers, marks, strict=True)]
        lines.append(f"{name:12}{results[solvers[0]][name]['n']:>5}" + "".join(cells))
    return "\n".join(lines)


def version(package: str) -> str:
    return importlib.import_module(package).__version__


def collect(arguments: argparse.Namespace, names: list[str]) -> dict[str, dict[str, Outcome]]:
    """Outcomes of every solver: kept ones where they may be, the rest run now, problem after problem."""
    cache = arguments.cache
    kept = json.loads(cache.read_text("utf-8")) if cache and cache.exists() else {}
    wanted = arguments.only or list(SOLVERS)
    ours = [] if arguments.kept else [solver for solver in wanted if solver.startswith("kobai-")]
    anew = wanted if arguments.fresh else ours
    todo = {name: [s for s in wanted if s in anew or name not in kept.get(s, {})] for name in names}
    for problem in load(name for name in names if todo[name]):
        began = time.perf_counter()
        for solver in todo[problem.name]:
            kept.setdefault(solver, {})[problem.name] = run(solver, problem)
        print(f"{problem.name:12} {time.perf_counter() - began:6.1f} s", file=sys.stderr, flush=True)
        jax.clear_caches()  # hundreds of compiled programs would stay in memory
        if cache:
            temporary = cache.with_suffix(".part")
            temporary.write_text(json.dumps(kept), "utf-8")
            temporary.replace(cache)
    return {
        solver: of for solver, of in kept.items() if solver in SOLVERS and all(name in of for name in names)
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--problems", type=Path, default=HERE / "cutest_open.txt", help="names, one on a line"
    )
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of {', '.join(SOLVERS)}")
    parser.add_argument("--cache", type=Path, help="a JSON file that keeps outcomes; peers are not run again")
    parser.add_argument("--fresh", action="store_true", help="run the peers again too")
    parser.add_argument("--kept", action="store_true", help="run nothing of kobai again that the cache has")
    parser.add_argument(
        "--failures", action="store_true", help="list what the solvers of this run did not solve"
    )
    parser.add_argument(
        "--details", action="store_true", help="list the cost of every problem, group by group"
    )
    parser.add_argument("--write", type=Path, help=f"put the tables between {BEGIN} and {END} of this page")
    arguments = parser.parse_args()
    unknown = set(arguments.only or ()) - set(SOLVERS)
    if unknown:
        parser.error(f"unknown solver {', '.join(sorted(unknown))}; there are {', '.join(SOLVERS)}")
    jax.config.update("jax_enable_x64", True)
    names = arguments.problems.read_text("utf-8").split()
    results = collect(arguments, names)
    text = report(results, names)
    print(text)
    if arguments.failures:
        print("\n" + failures(results, names, [s for s in arguments.only or results if s in results]))
    if arguments.details:
        for ours, theirs in NAMESAKES.items():
            group = [s for s in (ours, *theirs) if s in results]
            if group and (not arguments.only or set(group) & set(arguments.only)):
                print("\n" + details(results, names, group))
    if arguments.write:
        page = arguments.write.read_text("utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        arguments.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
