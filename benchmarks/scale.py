"""What a store of many cells costs: to open it, to ask for its cells, to put its files together.

    python benchmarks/scale.py                 # 10,000 and 100,000 cells
    python benchmarks/scale.py 1000000         # needs some GB of memory and of disk
    python benchmarks/scale.py --study 10000 100000    # whole studies: all but the trainings, then all again

The cells are synthetic: 51 evaluations, as those of a comparison with its defaults. Each size has a process
of its own, whose largest memory is told. Of a study the second process finds every cell in the store.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import polars as pl

import kobai
from kobai.engine.cell import Cell
from kobai.engine.identity import digest
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep
from kobai.study.store import KEPT, Store

EVALUATIONS, CHUNK = 51, 4
PART = 1000
"""Cells of a file that a synthetic study writes: to write small ones would be all that is timed."""


def frame(first: int, cells: int) -> pl.DataFrame:
    """Cells as a study keeps them, whose curves are noise."""
    draw = np.random.default_rng(first)
    curves = {
        name: pl.Series(name, draw.random((cells, EVALUATIONS), np.float32)).arr.to_list()
        for name, kind in KEPT.items()
        if isinstance(kind, pl.List)
    }
    columns = {
        **{name: pl.Series(name, [None] * cells, kind) for name, kind in KEPT.items()},
        **curves,
        "cell": pl.Series("cell", [digest(str(i)) for i in range(first, first + cells)]),
        "task": pl.Series("task", ["digits"] * cells),
        "method": pl.Series("method", [f"sgd learning_rate={i % 8}" for i in range(cells)]),
        "seed": pl.Series("seed", np.arange(first, first + cells)),
    }
    return pl.DataFrame({name: columns[name] for name in KEPT}, schema=KEPT)


def seconds(label: str, deed) -> object:
    began = time.perf_counter()
    result = deed()
    print(f"  {label:<44}{time.perf_counter() - began:8.2f} s", flush=True)
    return result


def measure(cells: int, chunk: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = Store(folder)
        print(f"{cells:,} cells in files of {chunk:,}", flush=True)

        def write() -> None:
            for first in range(0, cells, chunk):
                store.put(frame(first, min(chunk, cells - first)))

        seconds("write them", write)
        kept = seconds("open the store", lambda: Store(folder, reading=True))
        names = list(kept.places)
        seconds("look for new files, where there are none", kept.refresh)
        seconds("get one cell", lambda: kept.get(names[:1]))
        seconds("get them all", lambda: kept.get(names))
        if chunk < cells:
            seconds("put the files together", Store(folder).compact)
            seconds("open it then", lambda: Store(folder, reading=True))
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"  on disk {size / 1e6:,.0f} MB, memory at most {most / 1e3:,.0f} MB", flush=True)


class Synthetic:
    """A backend that trains nothing: losses fall, the faster the nearer a rate is to 0.1."""

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[tuple[list[int], list[Run]]]:
        draw, marks = np.random.default_rng(0), np.linspace(0, 1, len(sweep.rows))
        for first in range(0, len(cells), PART):
            part = list(range(first, min(first + PART, len(cells))))
            yield part, [self.trained(cells[i].optimizer.learning_rate, draw, marks) for i in part]

    def trained(self, rate: float, draw: np.random.Generator, marks: np.ndarray) -> Run:
        pace = 4 / (0.1 + abs(np.log10(10 * rate)))
        curve = (np.exp(-pace * marks) * (1 + 0.05 * draw.random(len(marks)))).astype(np.float32)
        return Run(curve, curve, curve, None, float(curve[-1]), float(curve[-1]), 0.001)


def study(cells: int, folder: str) -> None:
    """A comparison of so many cells for its tuning; every one of them is asked of the store first."""
    seeds = 1000 if cells >= 10**6 else 100
    x = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
    task = kobai.Task(
        name="line",
        parameters={"w": np.zeros((3, 1), np.float32)},
        loss=lambda p, batch: jnp.mean((batch[0] @ p["w"] - batch[1]) ** 2),
        train=(x, x[:, :1]),
        validation=(x[:8], x[:8, :1]),
        batch_size=4,
        target=0.1,
    )
    began, busy = time.perf_counter(), time.process_time()
    result = kobai.compare(
        task,
        optimizers=["sgd", "momentum", "nesterov", "adam", "rmsprop"],
        initializers=["he", "xavier"],
        learning_rates=list(np.geomspace(1e-4, 10, cells // seeds // 10).round(9)),
        tuning_seeds=seeds,
        output=folder,
        backend=Synthetic(),
        progress=False,
    )
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    took, busy = time.perf_counter() - began, time.process_time() - busy
    new, files = result.outcome.trained, len(list(Path(folder).glob("store/cells-*")))
    print(
        f"  {new:,} new: {took:.1f} s, of the processor {busy:.1f} s; {most:,.0f} MB; {files} files",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cells", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--chunk", type=int, help="cells of a file, in this process")
    parser.add_argument("--study", action="store_true", help="whole studies, whose trainings are synthetic")
    parser.add_argument("--folder", help="of a study, in this process")
    options = parser.parse_args()
    if options.folder:
        study(*options.cells, options.folder)
        return
    if options.study:
        for cells in options.cells:
            print(f"a study of {cells:,} cells", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                for _ in range(2):
                    line = [sys.executable, __file__, str(cells), "--folder", f"{folder}/study"]
                    subprocess.run(line, check=True)
        return
    if options.chunk:
        measure(*options.cells, options.chunk)
        return
    for cells in options.cells:
        for chunk in (CHUNK, 10_000) if cells <= 10_000 else (10_000,):
            line = [sys.executable, __file__, str(cells), "--chunk", str(chunk)]
            subprocess.run(line, check=True)


if __name__ == "__main__":
    main()
