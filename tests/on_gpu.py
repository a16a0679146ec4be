"""What a GPU computes, as JSON: in a process of its own, since the tests themselves keep to the CPU.

``python tests/on_gpu.py FOLDER`` runs the cells of `cells` in step, in other chunks, and a study in FOLDER
that goes on from what it kept.
"""

import json
import sys

import jax

import kobai
from kobai import initializers as initial_values
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.population import free_bytes
from kobai.engine.sweep import Sweep

RULES = [kobai.SGD(), kobai.Adam(), kobai.NesterovDefinition(0.05)]
LENGTH = {"steps": 33, "evaluate_every": 5}


def task():
    return kobai.tasks.digits(hidden=8, batch_size=16)


def cells():
    """Rules, rates, initial values and seeds mixed; the first diverges."""
    he, normal = initial_values.he(), initial_values.parse("normal:0.01")
    rules = [kobai.SGD(1e30), kobai.SGD(0.1), kobai.Adam(0.01), kobai.NesterovDefinition(0.05)]
    return [Cell(rule, start, seed) for seed in (0, 1) for rule in rules for start in (he, normal)]


def curves(**options):
    """The validation losses of the cells, NaN as null; and how many stepped together."""
    sweep = Sweep(task(), RULES, **LENGTH, **options)
    runs = THREADS.runs(sweep, cells())
    losses = [[x if x == x else None for x in map(float, run.validation_loss)] for run in runs]
    return {"losses": losses, "chunks": list(map(len, sweep.chunks(cells())))}


def study(folder):
    """Whether a study that is asked twice trains its cells once."""
    given = {"optimizers": [kobai.SGD([0.05, 0.1])], "initializers": "he", "steps": 20, "seeds": 2}
    given |= {"tuning_seeds": 1, "progress": False, "output": folder}
    first = kobai.compare("sine", **given)
    train, trained = Sweep.train, []
    Sweep.train = lambda sweep, cells, *more: trained.append(len(cells)) or train(sweep, cells, *more)
    again = kobai.compare("sine", **given, resume=True)
    Sweep.train = train
    return {"trained": sum(trained), "equal": first.cells.equals(again.cells, null_equal=True)}


if __name__ == "__main__":
    said = {"device": jax.default_backend()}
    if said["device"] != "cpu":
        said |= {
            "free": free_bytes(),
            "whole": curves(),
            "parts": curves(chunk=5),
            "study": study(sys.argv[1]),
        }
    print(json.dumps(said))
