"""How much memory a table takes: 1,000,000 × 50 numbers from a file and a frame.

    python benchmarks/tables.py [--rows N] [--columns N]

Each way is two processes of their own: one reads, encodes and fits the baselines, the other does a whole
comparison of few steps. What is told is the largest memory that a process ever held, without what it held
when it had done the same with a table of 1,000 rows and 3 columns, divided by the size of the data. That is,
of a file, its numbers in single precision, as the network gets them (as text they take 2.7 times that); of a
frame, which counts itself, its own size: in single precision of polars, in double precision of pandas, as
pandas reads a file. Then the largest memory in all, and the seconds. Needs Linux.
"""

import argparse
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BLOCK = 50_000
"""So many rows are made at once."""

WAYS = ("csv", "parquet", "polars", "pandas")


def write(folder: Path, rows: int, columns: int) -> None:
    """The table as data.csv and data.parquet: numbers, and a label that depends on two of them."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    with (folder / "data.csv").open("wb") as file:
        for start in range(0, rows, BLOCK):
            x = random.standard_normal((min(BLOCK, rows - start), columns - 1)).astype(np.float32)
            frame = pl.DataFrame({f"x{i}": column for i, column in enumerate(x.T)})
            frame = frame.with_columns(y=pl.Series(np.where(x[:, 0] + x[:, 1] > 0, "up", "down")))
            file.write(frame.write_csv(include_header=start == 0).encode())
    scan = pl.scan_csv(folder / "data.csv")
    scan.with_columns(pl.selectors.float().cast(pl.Float32)).sink_parquet(folder / "data.parquet")


def frame(way: str, rows: int, columns: int) -> Any:
    """A frame of such numbers."""
    import numpy as np
    import pandas as pd
    import polars as pl

    random = np.random.default_rng(0)
    kind: type = np.float32 if way == "polars" else np.float64
    x = [random.standard_normal(rows, kind) for _ in range(2)]
    label = np.where(x[0] + x[1] > 0, "up", "down").astype(object)
    numbers = itertools.chain(x, (random.standard_normal(rows, kind) for _ in range(columns - 3)))
    if way == "polars":
        series = [pl.Series(f"x{i}", values) for i, values in enumerate(numbers)]
        return pl.DataFrame([*series, pl.Series("y", label, dtype=pl.String)])
    return pd.DataFrame({f"x{i}": values for i, values in enumerate(numbers)} | {"y": label}, copy=False)


def compare(source: Any) -> None:
    """A whole comparison on two threads: all seven optimizers, tuned and confirmed."""
    import kobai

    few = {"steps": 40, "evaluate_every": 20, "learning_rates": [0.01], "initializers": "he"}
    kobai.compare(source, label="y", **few, tuning_seeds=1, seeds=2, threads=2, progress=False)


def prepare(source: Any) -> None:
    """What comes before any training."""
    from kobai.tasks.table import prepare

    prepare(source, label="y")


def measure(way: str, task: Callable[[Any], None], path: Path, rows: int, columns: int) -> None:
    """Print the peak of this process in bytes, what it held before, and the seconds."""
    task(frame("polars", 1000, 3))  # imports and compiles all that this takes
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    is_file = way in ("csv", "parquet")
    source = path.with_suffix(f".{way}") if is_file else frame(way, rows, columns)
    start = time.perf_counter()
    task(source)
    seconds = time.perf_counter() - start
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, before, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        measure(options.way, globals()[options.task], options.path, options.rows, options.columns)
        return
    with tempfile.TemporaryDirectory() as name:
        path, sizes = Path(name) / "data", {"rows": options.rows, "columns": options.columns}
        write(Path(name), options.rows, options.columns)
        for way in WAYS:
            size = (8 if way == "pandas" else 4) * options.rows * options.columns
            for task in (prepare, compare):
                asked = {"way": way, "task": task.__name__, "path": path, **sizes}
                arguments = [f"--{name}={value}" for name, value in asked.items()]
                command = [sys.executable, __file__, *arguments]
                ran = subprocess.run(command, capture_output=True, text=True, check=True)
                peak, before, seconds = map(float, ran.stdout.splitlines()[-1].split())
                more, whole = (peak - before) / size, peak / 1e6
                print(
                    f"{way:8} {task.__name__:8} {more:.2f} × {size / 1e6:.0f} MB, in all {whole:.0f} MB"
                    f"   {seconds:.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
