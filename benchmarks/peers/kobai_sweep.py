"""kobai's engine on the sweep, with all its threads.

``--once`` does the sweep once with the compilation cache, for the time of a whole process.
"""

import time

import numpy as np
import work

from kobai.basics import registry
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.tasks import digits

given = work.arguments(every=500, rules=7, seeds=3, cells="all", once=0)
if given.once:
    from kobai.basics.machine import use_compilation_cache

    use_compilation_cache()
names = list(work.RATES)[: given.rules]
optimizers = [
    registry.OPTIMIZERS[name].load()(learning_rate=rate) for name in names for rate in work.RATES[name]
]
if given.cells == "all":
    cells = [Cell(optimizer, he(), seed) for optimizer in optimizers for seed in range(given.seeds)]
else:  # only those of the first rule, as many as all of them would be
    cells = [Cell(optimizers[0], he(), seed) for seed in range(given.seeds)]
sweep = Sweep(digits(hidden=given.hidden), optimizers, steps=given.steps, evaluate_every=given.every)


def run() -> dict[str, float]:
    runs = [run for _, runs in THREADS.run(sweep, cells) for run in runs]
    return {"runs": len(runs), "accuracy": float(np.median([run.test_metric or np.nan for run in runs]))}


if given.once:
    run()
else:
    began = time.perf_counter()
    sweep.compile()
    seconds = time.perf_counter() - began
    run()
    import jax

    work.serve(run, version=f"JAX {jax.__version__}", compile=seconds)
