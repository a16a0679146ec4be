"""How fast a PyTorch module trains in kobai, beside PyTorch's own loop: ratios within one run.

    python benchmarks/frameworks.py                        # some minutes; needs kobai[torch]
    python benchmarks/frameworks.py --only mlp,cnn-16-32-3 --rounds 3 --write docs/explanation/benchmarks.md

The same module, batches of 128, rule (SGD with momentum) and number of steps on either side, one thread
each, in turns. What is told is processor time of a step, of the best round. PyTorch trains in its default
layout and in channels_last, with the fused form of the optimizer. The cells of one sweep are as many
trainings there.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sweep import machine, table
from torch import nn

import kobai
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he

BATCH, CLASSES = 128, 10
RATES = (0.003, 0.01, 0.03)
BEGIN, END = "<!-- frameworks: begin -->", "<!-- frameworks: end -->"


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, CLASSES))


def cnn(first: int, second: int, kernel: int) -> nn.Module:
    """Two convolutions with pooling on 28 × 28."""
    return nn.Sequential(
        nn.Conv2d(1, first, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(first, second, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(second * 49, CLASSES),
    )


class Block(nn.Module):
    """Two convolutions with batch normalization, and what goes past them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        self.past = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norms[0](self.first(x)))
        return torch.relu(self.norms[1](self.second(y)) + self.past(x))


def resnet() -> nn.Module:
    """Three blocks of 16, 32, 64 channels: with the first and the last layer eight."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        Block(16, 16, 1),
        Block(16, 32, 2),
        Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "mlp": (mlp, 8, 300),
    "cnn-16-32-3": (lambda: cnn(16, 32, 3), 28, 10),
    "cnn-16-32-5": (lambda: cnn(16, 32, 5), 28, 10),
    "cnn-32-64-3": (lambda: cnn(32, 64, 3), 28, 10),
    "resnet-8": (resnet, 28, 5),
}
"""A module, the positions along an edge of its images, and the steps of a training."""


def kobai_side(module: nn.Module, x: np.ndarray, y: np.ndarray, steps: int) -> Callable[[], int]:
    """A function that trains one cell for each rate, and says how many steps that were."""
    task = kobai.Task.of(module, (x, y), batch_size=BATCH, validation=0.1, test=0.1)
    rules = [kobai.Momentum(learning_rate=rate) for rate in RATES]
    sweep = Sweep(task, rules[:1], steps=steps, evaluate_every=steps, threads=1)
    cells = [Cell(rule, he(), seed) for seed, rule in enumerate(rules)]

    def train() -> int:
        sweep.pace.steps = steps  # as on an idle machine: the length of a block follows the clock on the wall
        sweep.train(cells)
        return steps * len(cells)

    return train


def torch_side(
    make: Callable[[], nn.Module], x: np.ndarray, y: np.ndarray, steps: int, layout: torch.memory_format
) -> Callable[[], int]:
    """The same in PyTorch's own loop, and the evaluation at its end."""
    labels, images = torch.from_numpy(y), torch.from_numpy(x)
    images = images.contiguous(memory_format=layout) if images.ndim == 4 else images
    loss, examples = nn.CrossEntropyLoss(), len(y) * 8 // 10

    def train() -> int:
        for seed, rate in enumerate(RATES):
            torch.manual_seed(seed)
            model = make().to(memory_format=layout)
            optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9, fused=True)
            order = torch.cat([torch.randperm(examples) for _ in range(-(-steps * BATCH // examples))])
            for rows in order[: steps * BATCH].split(BATCH):
                optimizer.zero_grad()
                loss(model(images[rows]), labels[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                loss(model(images[examples:]), labels[examples:])
        return steps * len(RATES)

    return train


def milliseconds(sides: dict[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """Processor time of a step of each side, of its best round; the first round gets everything ready."""
    best = dict.fromkeys(sides, np.inf)
    for turn in range(rounds + 1):
        for name, train in sides.items():
            began = time.process_time()
            steps = train()
            if turn:
                best[name] = min(best[name], 1e3 * (time.process_time() - began) / steps)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default=",".join(NETWORKS), help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the results into FILE, between marks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    random, rows = np.random.default_rng(0), []
    for name in options.only.split(","):
        make, edge, steps = NETWORKS[name]
        x = random.standard_normal((1600, 1, edge, edge)).astype(np.float32)
        y = random.integers(0, CLASSES, len(x))
        sides = {"kobai": kobai_side(make(), x, y, steps)}
        for side, layout in (("default", torch.contiguous_format), ("last", torch.channels_last)):
            if edge > 8 or side == "default":
                sides[side] = torch_side(make, x, y, steps, layout)
        best = milliseconds(sides, options.rounds)
        ours, last = best["kobai"], best.get("last")
        rows.append([f"`{name}`", ours, best["default"], last, best["default"] / ours, last and last / ours])
        print(rows[-1], flush=True)
    head = ["", "kobai, ms", "PyTorch, ms", "channels_last, ms", "PyTorch ÷ kobai", "channels_last ÷ kobai"]
    section = machine() + "\n" + table(head, rows)
    print(section)
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n\n{section}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
