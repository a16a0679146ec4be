"""PyTorch as its users write it: a module, a loop, the fused or foreach form of each optimizer."""

import numpy as np
import torch
import work
from torch import nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, RMSprop

MAKE = {
    "sgd": lambda parameters, rate: SGD(parameters, rate, fused=True),
    "momentum": lambda parameters, rate: SGD(parameters, rate, momentum=0.9, fused=True),
    "nesterov": lambda parameters, rate: SGD(parameters, rate, momentum=0.9, nesterov=True, fused=True),
    "adagrad": lambda parameters, rate: Adagrad(parameters, rate, fused=True),
    "adadelta": lambda parameters, rate: Adadelta(parameters, rate, rho=0.95, foreach=True),
    "rmsprop": lambda parameters, rate: RMSprop(parameters, rate, alpha=0.9, foreach=True),
    "adam": lambda parameters, rate: Adam(parameters, rate, fused=True),
}

given = work.arguments()
hidden = given.hidden
torch.set_num_threads(1)
parts = {part: tuple(map(torch.from_numpy, arrays)) for part, arrays in work.data().items()}


def train(rule: str, rate: float, seed: int, steps: int) -> float:
    """One training run; its test accuracy."""
    model = nn.Sequential(nn.Linear(work.INPUTS, hidden), nn.ReLU(), nn.Linear(hidden, work.OUTPUTS))
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), work.start(seed, hidden), strict=True):
            parameter.copy_(torch.from_numpy(values.T))
    x, y = parts["train"]
    optimizer, loss = MAKE[rule](model.parameters(), rate), nn.CrossEntropyLoss()
    for rows in torch.from_numpy(work.batches(seed, steps, len(y))):
        optimizer.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    x, y = parts["test"]
    with torch.no_grad():
        return float((model(x).argmax(1) == y).float().mean())


def run() -> dict[str, float]:
    accuracies = [train(*cell, given.steps) for cell in work.share(given.core or 0)]
    return {"runs": len(accuracies), "accuracy": float(np.median(accuracies))}


for cell in work.share(0):
    train(*cell, 10)
work.serve(run, version=f"PyTorch {torch.__version__}")
