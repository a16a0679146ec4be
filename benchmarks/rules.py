"""What a step of each rule costs, for docs/explanation/modern.md: python benchmarks/rules.py [RULE …]

Of all rules, or of those that are named: gradients, numbers that are kept, and processor time beside that of
SGD, on one thread.
"""

import sys

import kobai
from kobai.basics.machine import use_compilation_cache
from kobai.basics.registry import OPTIMIZERS
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.optimizers import Optimizer

STEPS, REPEATS = 300, 7


def seconds(task: kobai.Task, rule: Optimizer) -> float:
    """The processor time of a step: of the fastest of some trainings on one thread."""
    sweep = Sweep(task, [rule], steps=STEPS, evaluate_every=STEPS, chunk=1, threads=1)
    cells = [Cell(rule, he(), seed) for seed in range(REPEATS)]
    return min(run.seconds for _, runs in THREADS.run(sweep, cells) for run in runs) / STEPS


def arrays(task: kobai.Task, rule: Optimizer) -> float:
    """The numbers that a rule remembers, in arrays of the size of the parameters."""
    program = Sweep(task, [rule], steps=1, evaluate_every=1).program
    n = len(program.θ)
    return (program.sizes["slots"] * n + program.sizes["floats"]) / n


def cost(names: list[str]) -> None:
    tasks = [kobai.tasks.digits(hidden=100), kobai.tasks.mnist1d()]
    heads = [f"time on {task.name}, SGD = 1" for task in tasks]
    print("| rule | gradients a step | memory |", " | ".join(heads), "|")
    print("|---|---|---|" + "---|" * len(tasks))
    base = [seconds(task, kobai.SGD()) for task in tasks]
    for name in names or OPTIMIZERS:
        rule = OPTIMIZERS[name].load()()
        times = " | ".join(f"{seconds(t, rule) / b:.2f}" for t, b in zip(tasks, base, strict=True))
        print(f"| `{name}` | {rule.gradients:g} | {arrays(tasks[0], rule):.2g} | {times} |", flush=True)
    print(f"SGD: {', '.join(f'{1e6 * second:.0f} µs' for second in base)} a step")


if __name__ == "__main__":
    use_compilation_cache()
    cost(sys.argv[1:])
