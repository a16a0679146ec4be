"""How fast kobai's engine is, as ratios to peers that are measured in turns with it in one run.

    python benchmarks/sweep.py                              # about five minutes on two idle cores
    python benchmarks/sweep.py --only roofline,kobai --quick
    python benchmarks/sweep.py --torch-python ../torch/bin/python --write docs/explanation/benchmarks.md

Prints a section of Markdown. Every peer is a process of its own (`peers/`), or one for each core, that gets
ready once and then waits; the rounds go through all peers in turn, so that whatever else the machine does
hits all alike. Nothing here is a test: no time is asserted.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"

PEERS = {
    "roofline": "sgemm alone, the five products of a step",
    "kobai": "kobai, one compiled program",
    "optax": "optax, a jitted step in a Python loop",
    "torch": "PyTorch, fused and foreach optimizers",
}
PARTS = {
    "start": "what the command line says at once",
    "process": "whole processes",
    "compare": "`kobai compare digits`",
    "width": "growth with the hidden width",
    "cells": "growth with the number of cells",
    "optimizers": "growth with the number of optimizers",
}
STARTS = {
    "`python -c pass`": ["-c", "pass"],
    "`python -c 'import click'`": ["-c", "import click"],
    "`kobai --help`": ["-m", "kobai", "--help"],
    "`kobai judge --help`": ["-m", "kobai", "judge", "--help"],
    "`kobai methods`": ["-m", "kobai", "methods"],
    "`kobai compare digts`, a mistake": ["-m", "kobai", "compare", "digts"],
}
"""What a process of Python is given."""
WIDTHS = {32: 500, 128: 500, 512: 100, 2048: 50}
"""Hidden nodes, and the steps of a run that are measured at this width."""


class Peer:
    """One peer: its processes, and the seconds of each round."""

    def __init__(
        self, script: str, *options: object, python: str = sys.executable, per_core: bool = True
    ) -> None:
        placed = [["--core", core] for core in CORES] if per_core else [[]]
        self.processes = [
            subprocess.Popen(
                [python, str(HERE / "peers" / script), *map(str, [*where, *options])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(),
            )
            for where in placed
        ]
        self.ready = self._answers()[0]
        self.seconds: list[float] = []

    def _answers(self) -> list[dict[str, Any]]:
        lines = [process.stdout.readline() for process in self.processes]
        if not all(lines):
            raise SystemExit(f"a peer ended too early: {self.processes[0].args}")
        return [json.loads(line) for line in lines]

    def round(self) -> None:
        """Let every process do its share at once, and take the time."""
        began = time.perf_counter()
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        self.answers = self._answers()
        self.seconds.append(time.perf_counter() - began)

    def milliseconds(self, of: Callable[[list[float]], float] = min) -> float:
        """Wall time of a round over its runs: of the best round, or of another."""
        return 1e3 * of(self.seconds) / sum(answer["runs"] for answer in self.answers)

    def end(self) -> None:
        for process in self.processes:
            process.stdin.close()
            process.wait()


@contextlib.contextmanager
def in_turns(peers: dict[str, Peer], rounds: int) -> Iterator[dict[str, Peer]]:
    """Run `rounds` rounds, each through all peers."""
    try:
        for _ in range(rounds):
            for peer in peers.values():
                peer.round()
        yield peers
    finally:
        for peer in peers.values():
            peer.end()


def environment(cache: Path | None = None) -> dict[str, str]:
    """The environment of a peer: one BLAS thread, BLAS's own choice of kernels, no cache unless named."""
    ours = ("OPENBLAS_", "JAX_", "XLA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    if cache is not None:  # as kobai.basics.machine.use_compilation_cache sets it, but in a folder of our own
        kept["JAX_COMPILATION_CACHE_DIR"] = str(cache)
        kept["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        kept["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return kept


def process(*command: object, cache: Path) -> tuple[float, float, str]:
    """(seconds, peak resident MB, what it printed) of a whole process."""
    began = time.perf_counter()
    words = list(map(str, command))
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment(cache))
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"exit code {child.returncode}: {command}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return time.perf_counter() - began, usage.ru_maxrss / unit, printed


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; numbers to three figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(figure, line)) + " |" for line in lines) + "\n"


def figure(value: object) -> str:
    if value is None:
        return "–"
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def sweep_against_peers(given: argparse.Namespace) -> str:
    """The 63 cells, in milliseconds of wall time for each of them."""
    make = {
        "roofline": lambda: Peer("sgemm.py"),
        "kobai": lambda: Peer("kobai_sweep.py", per_core=False),
        "optax": lambda: Peer("optax_loop.py"),
        "torch": lambda: Peer("torch_loop.py", python=given.torch_python),
    }
    left_out = [name for name in ("optax", "torch") if name in given.only and not installed(name, given)]
    chosen = [name for name in PEERS if name in given.only and name not in left_out]
    with in_turns({name: make[name]() for name in chosen}, given.rounds) as peers:
        base = {name: peer.milliseconds() for name, peer in peers.items()}
        rows = [
            [
                f"{PEERS[name]} ({peer.ready['version']})",
                sum(answer["runs"] for answer in peer.answers),
                base[name],
                peer.milliseconds(statistics.median),
                base[name] / base["roofline"] if "roofline" in base else None,
                base[name] / base["kobai"] if "kobai" in base else None,
                peer.answers[0].get("accuracy"),
            ]
            for name, peer in peers.items()
        ]
    head = ["", "runs a round", "ms a run", "median", "× roofline", "× kobai", "test accuracy"]
    notes = "".join(f"\nLeft out, not installed: {name}.\n" for name in left_out)
    return "### The sweep\n\n" + table(head, rows) + notes


def installed(name: str, given: argparse.Namespace) -> bool:
    python = given.torch_python if name == "torch" else sys.executable
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode == 0


def whole_processes(given: argparse.Namespace) -> str:
    """The 63 cells from the start of Python to its end."""
    seconds: dict[tuple[int, str], list[float]] = {}
    for _ in range(min(given.rounds, 3)):
        for every in (500, 10):
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "warm"):
                    command = [sys.executable, HERE / "peers/kobai_sweep.py", "--once", 1, "--every", every]
                    seconds.setdefault((every, state), []).append(process(*command, cache=Path(cache))[0])
    rows = [
        [label, min(seconds[every, "cold"]), min(seconds[every, "warm"])]
        for every, label in ((500, "at the end only"), (10, "every 10 steps"))
    ]
    head = ["evaluated", "s, cold cache", "s, warm cache"]
    return "### Whole process of the sweep\n\n" + table(head, rows)


def starts(given: argparse.Namespace) -> str:
    """What there is to wait for where nothing is computed: of each the best of several processes."""
    seconds: dict[str, list[float]] = {}
    for _ in range(4 * given.rounds):
        for name, words in STARTS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True)
            seconds.setdefault(name, []).append(time.perf_counter() - began)
    rows = [[name, 1e3 * min(each), 1e3 * statistics.median(each)] for name, each in seconds.items()]
    return "### What is said at once\n\n" + table(["", "ms", "median"], rows)


def main_command(given: argparse.Namespace) -> str:
    """`kobai compare digits`, as a user types it, with the report."""
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        base = [sys.executable, "-m", "kobai", "compare", "digits"]
        first = [("`--quick`, cold cache", ["--quick"]), ("`--quick`, warm cache", ["--quick"])]
        for label, options in [*first, *([] if given.quick else [("all defaults, warm cache", [])])]:
            output = Path(folder) / str(len(rows))
            seconds, peak, _ = process(*base, *options, "--output", output, cache=Path(folder) / "cache")
            report = (output / "report.html").stat().st_size / 2**20
            rows.append([label, seconds, peak, report])
    return "### `kobai compare digits`\n\n" + table(["", "s", "peak MB", "report MB"], rows)


def growth_with_width(given: argparse.Namespace) -> str:
    widths = {width: steps // 5 if given.quick else steps for width, steps in WIDTHS.items()}
    peers = {}
    for width, steps in widths.items():
        options = ["--hidden", width, "--steps", steps]
        peers[f"{width} roofline"] = Peer("sgemm.py", *options)
        peers[f"{width} kobai"] = Peer("kobai_sweep.py", *options, "--every", steps, per_core=False)
    with in_turns(peers, min(given.rounds, 3)):
        rows = []
        for width, steps in widths.items():
            roofline, ours = (
                peers[f"{width} {name}"].milliseconds() * 500 / steps for name in ("roofline", "kobai")
            )
            rows.append([width, steps, roofline, ours, ours / roofline])
    head = ["hidden nodes", "steps measured", "roofline, ms for 500", "kobai, ms for 500", "ratio"]
    return "### Growth with the hidden width\n\n" + table(head, rows)


def growth_with_cells(given: argparse.Namespace) -> str:
    """Whole studies: tuning, confirmation, answer, files. 20 steps, curves of 21 points."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for asked in (10, 10, 100, 1000, 10_000)[: 4 if given.quick else 5]:  # the first one fills the cache
            command = [sys.executable, HERE / "peers/kobai_study.py", "--number", asked]
            seconds, peak, printed = process(*command, cache=Path(folder))
            study = json.loads(printed)
            rows.append([study["cells"], seconds, 1e3 * study["seconds"] / study["cells"], peak])
    rows = [[*row, row[-1] - rows[2][-1]] for row in rows[1:]]
    head = ["cells", "s, whole process", "ms a cell, study", "peak MB", "MB above 100 cells"]
    return "### Growth with the number of cells\n\n" + table(head, rows)


def growth_with_optimizers(given: argparse.Namespace) -> str:
    """Programs of more and more rules; all cells follow the first: what they pay for the others."""
    peers = {
        rules: Peer("kobai_sweep.py", "--rules", rules, "--cells", "first", "--seeds", 24, per_core=False)
        for rules in ((1, 3, 7) if given.quick else range(1, 8))
    }
    with in_turns(peers, min(given.rounds, 3)):
        rows = [[rules, peer.ready["compile"], peer.milliseconds()] for rules, peer in peers.items()]
    head = ["optimizers in the program", "s to compile", "ms a run of sgd"]
    return "### Growth with the number of optimizers\n\n" + table(head, rows)


def machine() -> str:
    """One line on where and when the numbers were taken."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        model = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[0]
    day = datetime.date.today().isoformat()
    return f"{day}, {len(CORES)} cores ({model}), {platform.system()}, Python {platform.python_version()}.\n"


def write(path: Path, section: str) -> None:
    """Put the section between the two marks of a file."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path}: no {BEGIN} … {END}")
    path.write_text(f"{before}{BEGIN}\n\n{section}\n{END}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [*PEERS, *PARTS]
    parser.add_argument("--only", default=",".join(names), help=f"parts of the run: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="one round of less: to see that it works")
    parser.add_argument("--rounds", type=int, help="rounds through the peers (default 5)")
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter that has PyTorch")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the results into FILE, between marks")
    given = parser.parse_args()
    given.only = given.only.split(",")
    given.rounds = given.rounds or (1 if given.quick else 5)
    if wrong := sorted(set(given.only) - set(names)):
        parser.error(f"--only {','.join(wrong)}: choose from {', '.join(names)}")
    parts = {
        "start": starts,
        "process": whole_processes,
        "compare": main_command,
        "width": growth_with_width,
        "cells": growth_with_cells,
        "optimizers": growth_with_optimizers,
    }
    chosen = [sweep_against_peers] if set(given.only) & set(PEERS) else []
    sections = [machine()]
    for measure in [*chosen, *(parts[name] for name in PARTS if name in given.only)]:
        began = time.perf_counter()
        sections.append(measure(given))
        print(f"{measure.__name__}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    section = "\n".join(sections)
    print(section)
    if given.write:
        write(given.write, section)


if __name__ == "__main__":
    main()
