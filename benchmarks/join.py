"""Several processes with `--join` on one folder, killed at random moments: is anything lost, or done twice?

    python benchmarks/join.py --kills 30

One process alone runs the same study first. Then the processes run it together; again and again one of them
is killed (SIGKILL, a seeded choice after a seeded time) and another begins. It prints how many cells are
stored, how many of them twice, how many trainings were repeated, and whether all numbers equal those of one
alone, bit for bit.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

PROCESS = """
import sys
from pathlib import Path
from kobai.cli import run
from kobai.engine.sweep import Sweep
from kobai.study import claims, joined
claims.STALE, joined.LOOK = 2.0, 0.1  # a killed process is seen sooner than on a cluster
train, log = Sweep.train, Path(sys.argv.pop(1))
def logged(self, cells, leave=lambda: False):
    with log.open("a") as file:
        file.write("x" * len(cells) + "\\n")
    return train(self, cells, leave)
Sweep.train = logged
sys.exit(run(sys.argv[1:]))
"""


def process(folder: Path, log: Path, line: list[str]) -> subprocess.Popen:
    """A process that takes part, and writes down what it begins."""
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(log), *line, "--output", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def begun(log: Path) -> int:
    """How many trainings were begun."""
    return log.read_text().count("x") if log.exists() else 0


def stored(folder: Path) -> pl.DataFrame:
    """All cells that are stored, as often as they are."""
    paths = sorted((folder / "store").glob("cells-*"))
    frames = [pl.read_parquet(path) for path in paths]
    return pl.concat(frames).drop("seconds").sort("cell")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    line = (
        f"compare digits --quick --optimizers sgd,adam --initializers he --hidden 32 --steps {options.steps}"
    )
    line = [*line.split(), "--seeds", str(options.seeds), "--threads", "1"]
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        alone, together = place / "alone", place / "together"
        process(alone, place / "log", line).wait()
        cells, log = stored(alone), place / "logs"
        joined = [*line, "--join"]
        processes = [process(together, log, joined) for _ in range(options.processes)]
        kills = 0
        while kills < options.kills and not (together / "report.html").exists():
            before = begun(log)
            while begun(log) == before and not (together / "report.html").exists():
                time.sleep(0.01)  # until somebody begins a chunk
            time.sleep(draw.random() * 0.2)
            victim = processes.pop(draw.randrange(len(processes)))
            victim.kill()
            victim.communicate()
            kills += 1
            if kills < options.kills:
                processes.append(process(together, log, joined))
        errors = [each.communicate()[1].decode() for each in processes]
        codes = [each.returncode for each in processes]
        ours = stored(together)
        twice = len(ours) - ours["cell"].n_unique()
        equal = ours.unique("cell").sort("cell").equals(cells, null_equal=True)
        repeated = begun(log) - len(cells)
        print(f"{options.processes} processes, {kills} killed, codes of those that ended {codes}")
        print(f"cells: {len(cells)}, stored twice: {twice}, trainings repeated: {repeated}")
        print(f"equal to the study of one process: {'yes' if equal else 'no'}")
        # Whoever ends may make the recommended training once more, to say why.
        good = equal and not any(codes) and twice == 0 and repeated <= 4 * kills + len(codes)
        if not good:
            print("\n".join(errors))
        sys.exit(not good)


if __name__ == "__main__":
    main()
