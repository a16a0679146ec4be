"""How fast kobai's engine is on one GPU, beside what a user would write instead: under four minutes.

    python benchmarks/gpu.py                  # on a machine with a GPU that JAX sees
    python benchmarks/gpu.py --quick --cpu    # anywhere, of little worth: to see that it works

Prints Markdown. Every part is a process of its own, one after the other, so that one that fails or is not
installed costs only its row, and none is begun when time is short. Nothing here is a test.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
if importlib.util.find_spec("kobai") is None:
    sys.path.insert(0, str(HERE.parent / "src"))

import numpy as np  # noqa: E402
import work  # noqa: E402

BUDGET = 225.0
"""Seconds after which no part is begun."""

SWEEPS = [(1008, 100), (63, 100), (4032, 100), (252, 1024)]
"""(cells, hidden nodes): seven rules, three rates each, 500 steps."""

PEERS = {
    "kobai": ("kobai, any mixture of rules in one program", 4),
    "products": ("the five products of a step alone, float32", 4),
    "optax": ("optax, vmap of a scan, a program for each rule", 2),
    "torch": ("PyTorch, stacked parameters, a step in a CUDA graph, Adam alone", 2),
}
"""What each is, and in how many of the sweeps it takes part."""

ROUNDS = 3
STEPS = 500

GRAPHS = "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN,DYNAMIC_SLICE_FUSION"
VARIANTS = {
    "TF32": {"JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"},
    "loops in command buffers": {"XLA_FLAGS": f"{GRAPHS},WHILE,CONDITIONAL --xla_gpu_graph_min_graph_size=1"},
    "no command buffers": {"XLA_FLAGS": "--xla_gpu_enable_command_buffer="},
}
"""Other settings of the same program, to see whether the usual ones are right."""


def best(run: Callable[[], object]) -> dict[str, float]:
    """The seconds of the first round, which compiles, of the best of the others and of their median."""
    seconds = []
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return {"first": seconds[0], "best": min(seconds[1:]), "median": statistics.median(seconds[1:])}


def part_kobai(cells: int, hidden: int, steps: int) -> dict[str, Any]:
    """The sweep by kobai's engine."""
    from kobai.basics import registry
    from kobai.engine.backends import THREADS
    from kobai.engine.cell import Cell
    from kobai.engine.sweep import Sweep
    from kobai.initializers import he
    from kobai.tasks import digits

    rules = [registry.OPTIMIZERS[name].load()(rate) for name, rates in work.RATES.items() for rate in rates]
    asked = [Cell(rule, he(), seed) for seed in range(cells // len(rules)) for rule in rules]
    sweep = Sweep(digits(hidden=hidden), rules, steps=steps, evaluate_every=steps, population=True)
    runs: list[Any] = []

    def run() -> None:
        runs[:] = THREADS.runs(sweep, asked)

    seconds = best(run)
    return {**seconds, "accuracy": float(np.median([run.test_metric or np.nan for run in runs]))}


def part_optax(cells: int, hidden: int, steps: int) -> dict[str, Any]:
    """The sweep as vmap over rates and seeds of a scan over steps: one program for each of optax's rules."""
    import jax
    import jax.numpy as jnp
    import optax
    from optax_rules import MAKE

    jax.config.update("jax_default_matmul_precision", "float32")  # as kobai has it
    (x, y), test = (tuple(map(jnp.asarray, work.data()[part])) for part in ("train", "test"))
    seeds = cells // 21

    def forward(p: list, x: jax.Array) -> jax.Array:
        return jax.nn.relu(x @ p[0] + p[1]) @ p[2] + p[3]

    def loss(p: list, rows: jax.Array) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(forward(p, x[rows]), y[rows]).mean()

    def train(rule: str, rate: jax.Array, p: list, batches: jax.Array) -> jax.Array:
        optimizer = MAKE[rule](rate)

        def step(carry: tuple, rows: jax.Array) -> tuple:
            p, state = carry
            updates, state = optimizer.update(jax.grad(loss)(p, rows), state, p)
            return (optax.apply_updates(p, updates), state), None

        (p, _), _ = jax.lax.scan(step, (p, optimizer.init(p)), batches)
        return jnp.mean(jnp.argmax(forward(p, test[0]), axis=1) == test[1])

    programs = {}
    for rule in MAKE:
        of_seeds = jax.vmap(lambda rate, p, rows, rule=rule: train(rule, rate, p, rows), (None, 0, 0))
        programs[rule] = jax.jit(jax.vmap(of_seeds, (0, None, None)))
    accuracies: list[Any] = []

    def run() -> None:
        starts = [work.start(seed, hidden) for seed in range(seeds)]
        p = [jnp.asarray(np.stack(arrays)) for arrays in zip(*starts, strict=True)]
        rows = jnp.asarray(np.stack([work.batches(seed, steps, len(y)) for seed in range(seeds)]), np.int32)
        results = [programs[rule](jnp.asarray(rates), p, rows) for rule, rates in work.RATES.items()]
        accuracies[:] = [np.asarray(result) for result in results]

    return {**best(run), "accuracy": float(np.median(np.concatenate(accuracies)))}


def part_torch(cells: int, hidden: int, steps: int) -> dict[str, Any]:
    """As many cells with stacked parameters, one step in a CUDA graph: Adam alone, all at one rate."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = False
    (x, y), (x_test, y_test) = (
        tuple(torch.from_numpy(array).to(device) for array in work.data()[part]) for part in ("train", "test")
    )
    seeds = [i % (cells // 21) for i in range(cells)]
    starts = [work.start(seed, hidden) for seed in seeds]
    before = [torch.from_numpy(np.stack(arrays)).to(device) for arrays in zip(*starts, strict=True)]
    p = [array.clone().requires_grad_() for array in before]
    drawn = {seed: work.batches(seed, steps, len(y)) for seed in set(seeds)}
    batches = torch.from_numpy(np.stack([drawn[seed] for seed in seeds], axis=1)).to(device)
    optimizer = torch.optim.Adam(p, 0.003, capturable=device == "cuda")
    rows = batches[0].clone()

    def forward(x: Any) -> Any:
        hidden = torch.relu(torch.baddbmm(p[1][:, None], x, p[0]))
        return torch.baddbmm(p[3][:, None], hidden, p[2])

    def step() -> None:
        for array in p:
            array.grad = None if array.grad is None else array.grad.zero_()
        outputs = forward(x[rows])
        loss = torch.nn.functional.cross_entropy(outputs.flatten(0, 1), y[rows].flatten(), reduction="sum")
        (loss / work.BATCH).backward()
        optimizer.step()

    one = step
    if device == "cuda":
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        one = graph.replay

    def run() -> None:
        with torch.no_grad():
            for array, start in zip(p, before, strict=True):
                array.copy_(start)
            for state in optimizer.state.values():
                for value in state.values():
                    value.zero_()
        for i in range(steps):
            rows.copy_(batches[i])
            one()
        if device == "cuda":
            torch.cuda.synchronize()

    seconds = best(run)
    with torch.no_grad():
        right = forward(x_test.expand(cells, *x_test.shape)).argmax(2) == y_test
    return {**seconds, "accuracy": float(right.float().mean(1).median())}


def part_products(cells: int, hidden: int, steps: int) -> dict[str, Any]:
    """The five products of a step and nothing else, in float32."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "float32")
    shapes = [(work.BATCH, work.INPUTS), (work.INPUTS, hidden), (hidden, work.OUTPUTS)]
    arrays = [jnp.full((cells, *shape), 1e-3, jnp.float32) for shape in shapes]

    def step(_: int, carry: tuple) -> tuple:
        x, W1, W2 = carry
        a = x @ W1
        δ2 = a @ W2
        g2, δ1 = jnp.swapaxes(a, 1, 2) @ δ2, δ2 @ jnp.swapaxes(W2, 1, 2)
        return x, jnp.swapaxes(x, 1, 2) @ δ1, g2

    program = jax.jit(lambda carry: jax.lax.fori_loop(0, steps, step, carry))
    return best(lambda: jax.block_until_ready(program(tuple(arrays))))


def part_compare(quick: bool) -> dict[str, Any]:
    """`kobai.compare("digits")`, twice in one process: the first compiles."""
    import jax

    import kobai

    given: dict[str, Any] = {"steps": 20, "seeds": 2, "tuning_seeds": 1} if quick else {}
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        result = kobai.compare("digits", progress=False, **given)
        seconds.append(time.perf_counter() - began)
    return {
        "first": seconds[0],
        "second": seconds[1],
        "answer": str(result),
        "device": jax.devices()[0].device_kind,
    }


def part_device() -> dict[str, Any]:
    """What JAX sees."""
    import jax

    device = jax.devices()[0]
    return {"backend": jax.default_backend(), "kind": device.device_kind, "jax": jax.__version__}


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "device": part_device,
    "kobai": part_kobai,
    "optax": part_optax,
    "torch": part_torch,
    "products": part_products,
    "compare": part_compare,
}

BEGAN = time.perf_counter()


def child(part: str, *given: object, most: float = 90, **environment: str) -> list[dict[str, Any]]:
    """What a part says in a process of its own, line by line; {"problem": …} last where it breaks off."""
    left = BUDGET - (time.perf_counter() - BEGAN)
    if left < 5:
        return [{"problem": "left out: no time"}]
    command = [sys.executable, __file__, "--part", json.dumps([part, *given])]
    try:
        ran = subprocess.run(
            command,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=min(left, most),
        )
        said, problem = ran.stdout, ran.stderr.decode().strip().splitlines()[-1:] if ran.returncode else []
    except subprocess.TimeoutExpired as late:
        said, problem = late.stdout or b"", ["took too long"]
    answers = [json.loads(line) for line in said.decode().splitlines() if line.startswith("{")]
    return answers + [{"problem": line[:160]} for line in problem]


def sweeps(sizes: list[tuple[int, int]], steps: int, names: list[str], ours: dict[tuple, float]) -> None:
    """The rows of some peers; kobai's times are kept for the ratios."""
    for name in names:
        title, number = PEERS[name]
        if name in ("optax", "torch") and importlib.util.find_spec(name) is None:
            print(f"| {title}: not installed |  |  |  |  |  |  |", flush=True)
            continue
        for answer in child(name, sizes[:number], steps):
            if "problem" in answer:
                print(f"| {title}: {answer['problem']} |  |  |  |  |  |  |", flush=True)
                continue
            cells, hidden = answer["cells"], answer["hidden"]
            ms, middle = 1e3 * answer["best"] / cells, 1e3 * answer["median"] / cells
            if name == "kobai":
                ours[cells, hidden] = ms
            ratio = f"{ms / ours[cells, hidden]:.2f}" if (cells, hidden) in ours else "–"
            accuracy = f"{answer['accuracy']:.3f}" if "accuracy" in answer else "–"
            row = [title, f"{cells:,}", f"{hidden:,}", f"{ms:.3f}", f"{middle:.3f}", f"{answer['first']:.1f}"]
            print("| " + " | ".join([*row, ratio, accuracy]) + " |", flush=True)


def variants(size: tuple[int, int], steps: int) -> None:
    """kobai's program under other settings of XLA."""
    print(f"\n### Other settings, {size[0]:,} cells\n\n| | ms a run |\n| --- | ---: |")
    for name, environment in VARIANTS.items():
        answer = child("kobai", [size], steps, most=40, **environment)[-1]
        said = answer.get("problem") or f"{1e3 * answer['best'] / size[0]:.3f}"
        print(f"| {name} | {said} |", flush=True)


def compare(quick: bool, cache: str, name: str, **environment: str) -> None:
    """The whole question, with its answer."""
    kept = {  # as kobai.basics.machine.use_compilation_cache has it, in a folder of our own
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    answer = child("compare", quick, most=60, **kept, **environment)[-1]
    if "problem" in answer:
        print(f"{name}: {answer['problem']}\n", flush=True)
        return
    print(f"{name}: {answer['first']:.1f} s, again {answer['second']:.1f} s ({answer['device']})\n")
    print("\n".join(f"    {line}" for line in answer["answer"].splitlines()[:4]), flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="few cells and steps: to see that it works")
    parser.add_argument("--cpu", action="store_true", help="also where JAX sees no GPU")
    given = parser.parse_args()
    if given.part:
        part, *arguments = json.loads(given.part)
        if part not in PEERS:
            print(json.dumps(PARTS[part](*arguments)))
            return
        for cells, hidden in arguments[0]:
            answer = PARTS[part](cells, hidden, arguments[1])
            print(json.dumps({"cells": cells, "hidden": hidden, **answer}), flush=True)
        return
    device = child("device")[-1]
    if "problem" in device:
        raise SystemExit(f"JAX cannot start: {device['problem']}")
    print(f"JAX {device['jax']} on {device['kind']} ({device['backend']}).\n")
    if device["backend"] == "cpu" and not given.cpu:
        raise SystemExit("JAX sees no GPU: --cpu runs all the same")
    sizes, steps = ([(21, 20)], 5) if given.quick else (SWEEPS, STEPS)
    print("|  | cells | hidden | ms a run | median | first round, s | ÷ kobai | accuracy |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    ours: dict[tuple, float] = {}
    sweeps(sizes, steps, ["kobai", "products", "optax", "torch"], ours)
    print('\n### `kobai.compare("digits")`\n')
    with tempfile.TemporaryDirectory() as cache:
        compare(given.quick, cache, "without a cache")
        compare(given.quick, cache, "with one")
        variants(sizes[0], steps)
        print()
        compare(given.quick, cache, "on the CPU", JAX_PLATFORMS="cpu")
    print(f"{time.perf_counter() - BEGAN:.0f} s in all.")


if __name__ == "__main__":
    main()
