"""What a store of many cells costs: to open it, to ask for its cells, to put its files together.

    python benchmarks/scale.py                 # 10,000 and 100,000 cells
    python benchmarks/scale.py 1000000         # needs some GB of memory and of disk

The cells are synthetic: 51 evaluations, as those of a comparison with its defaults. Each size has a process
of its own, whose largest memory is told.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from kobai.engine.identity import digest
from kobai.study.store import KEPT, Store

EVALUATIONS, CHUNK = 51, 4


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cells", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--chunk", type=int, help="cells of a file, in this process")
    options = parser.parse_args()
    if options.chunk:
        measure(*options.cells, options.chunk)
        return
    for cells in options.cells:
        for chunk in (CHUNK, 10_000) if cells <= 10_000 else (10_000,):
            line = [sys.executable, __file__, str(cells), "--chunk", str(chunk)]
            subprocess.run(line, check=True)


if __name__ == "__main__":
    main()
