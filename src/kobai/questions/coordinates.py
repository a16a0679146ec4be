"""The coordinate check: how far the values of a network move in its first steps, at several widths.

Yang, Hu and others (2022), Tensor Programs V, arXiv 2203.03466, appendix D.1. Where initial values and
learning rates go with the width as they ought to (μP), what each layer gives moves as far in a wide network
as in a narrow one. With one rate for all widths it moves further the wider the network is, so that each width
wants a rate of its own. A change that falls is no such sign: it has a part of the initial output, which under
μP goes as 1/√width.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from kobai.basics.checks import check_count, check_several, is_whole
from kobai.basics.errors import UsageError, quoted
from kobai.candidates.named import named
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import Initializer
from kobai.networks.mlp import layers
from kobai.networks.network import Dense
from kobai.optimizers.base import Optimizer
from kobai.report import panels
from kobai.report.sheet import Sheet, SheetResult
from kobai.study.axes import MUP, axes, made
from kobai.tasks.check import check_task
from kobai.tasks.load import TaskSource, load
from kobai.tasks.task import Task
from kobai.words import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

SEEDS = 5
"""Trainings at each width."""

EXAMPLES = 256
"""Of the validation data: what is looked at."""

FLAT = 0.2
"""A change that goes with a power of the width below this, up or down, is called flat."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CoordinatesResult(SheetResult):
    """How far what each layer gives has moved after some steps, by width. Printed, it is a table.

    The table has a row for each layer and width: ``layer`` (from 1; the last is the output), ``width``,
    ``start``, the root mean square of what the layer gives before training, and ``change``, that of how far
    it has moved, over examples, nodes and seeds; NaN where a training diverged.
    """

    title: Mapping[str, object]

    files = {"probe.html": "html", "probe.json": "to_json", "table.parquet": "table"}

    @property
    def slopes(self) -> dict[int, float]:
        """For each layer p of change ∝ width^p, by least squares."""
        slopes = {}
        for (layer,), rows in self.table.group_by("layer", maintain_order=True):
            width, change = (np.log(rows[name].to_numpy()) for name in ("width", "change"))
            fits = np.isfinite(change).all()
            slopes[int(layer)] = float(np.polyfit(width, change, 1)[0]) if fits else np.nan
        return slopes

    @property
    def verdict(self) -> str:
        """What the slopes say: "diverged", where a training did; "grows", where a layer's change goes with a
        power of the width of 0.2 or more; "falls", where none does but one goes with −0.2 or less; "flat".
        """
        slopes = list(self.slopes.values())
        if not np.isfinite(slopes).all():
            return "diverged"
        if max(slopes) >= FLAT:
            return "grows"
        return "falls" if min(slopes) <= -FLAT else "flat"

    @property
    def is_flat(self) -> bool:
        """Whether no layer's change goes with the width: |p| < 0.2 in all."""
        return self.verdict == "flat"

    def _figures(self) -> "dict[str, go.Figure]":
        """A line for each layer."""
        x = {"title_text": say("probe.column.width"), "type": "log"}
        y = {"title_text": say("probe.column.change"), "type": "log"}
        figure = panels.figure([""], [x], [y], height=300, margin={"t": 40})
        for (layer,), rows in self.table.group_by("layer", maintain_order=True):
            name = say("probe.row.layer", value=layer)
            figure.add_scatter(
                x=rows["width"].to_list(),
                y=panels.listed(rows["change"]),
                mode="lines+markers",
                line=panels.stroke(int(layer) - 1),
                name=name,
                meta=name,
            )
        figure.update_layout(title=panels.text(self._title()))
        return {"coordinates": figure}

    def _content(self) -> dict[str, object]:
        slopes = {str(layer): slope for layer, slope in self.slopes.items()}
        title = {**self.title, "initializer": str(self.title["initializer"])}
        return {**title, "rows": self.table.to_dicts(), "slopes": slopes, "verdict": self.verdict}

    def _sheet(self) -> Sheet:
        widths = self.table["width"].unique(maintain_order=True).to_list()
        heads = [say("probe.column.layer"), *map(str, widths), say("probe.column.slope")]
        changes = self.table["change"].to_numpy().reshape(-1, len(widths))
        rows = [
            [str(layer), *(_number(change) for change in row), _number(slope)]
            for (layer, slope), row in zip(self.slopes.items(), changes, strict=True)
        ]
        verdict = say(f"probe.coordinates.{self.verdict}")
        return Sheet(self._title(), heads, rows, [say("probe.coordinates.note"), verdict])

    def _title(self) -> str:
        return say("probe.title.coordinates", **self.title)


def coordinates(
    initializer: Initializer,
    source: TaskSource,
    widths: Sequence[int],
    optimizer: object,
    parametrization: str | None,
    *,
    steps: int,
    seed: int,
) -> CoordinatesResult:
    """See `kobai.probe`. Raises `UsageError` for what cannot be made at several widths, or trained."""
    check_several("widths", widths)
    if len(set(widths)) < 2 or not all(is_whole(width) and width >= 1 for width in widths):
        raise UsageError("error.probe.task_widths", value=widths)
    check_count("steps", steps)
    rule = named(optimizer).method
    if not isinstance(rule, Optimizer):
        raise UsageError("error.probe.optimizer", value=quoted(optimizer))
    [axis] = axes({MUP: parametrization or "standard"})
    if len(axis.values) > 1:
        raise UsageError("error.parametrization", value=quoted(parametrization))
    [value] = axis.values
    make = functools.partial(load, source)
    depth = max(len(_dense(make()).widths) - 2, 1)
    rows: list[dict[str, float]] = []
    for width in sorted(set(widths)):
        hidden = width if depth == 1 else [width] * depth
        task = made(make, {"hidden": hidden, MUP: value.part})
        check_task(task)
        rows += _moved(task, rule, initializer, width, steps, range(seed, seed + SEEDS))
    title = {
        "initializer": initializer,
        "task": task.name,
        "steps": steps,
        "optimizer": type(rule).__name__,
        "rate": rule.rate_at(np.int32(0)),
        "parametrization": value.name,
    }
    table = pl.DataFrame(rows).sort("layer", "width")
    return CoordinatesResult(table=table, title=title)


def _dense(task: Task) -> Dense:
    """The dense network of the task, whose layers are known one by one. Raises `UsageError` for another."""
    if task.dense is None or task.dense.batch_norm != "off" or len(task.dense.widths) < 3:
        raise UsageError("error.probe.dense", task=task.name)
    return task.dense


def _moved(
    task: Task, rule: Optimizer, initializer: Initializer, width: int, steps: int, seeds: Sequence[int]
) -> list[dict[str, float]]:
    """The rows of one width: the engine's own trainings, looked at before and after."""
    x, activation = task.validation[0][:EXAMPLES], _dense(task).activation
    sweep = Sweep(task, [rule], steps=steps, evaluate_every=steps, keep_model=True)
    runs = THREADS.runs(sweep, [Cell(rule, initializer, seed, Strategy()) for seed in seeds])
    starts: list[list[float]] = []
    changes: list[list[float]] = []
    for seed, run in zip(seeds, runs, strict=True):
        before = layers(task.unflatten(task.start(initializer, stream(seed, INITIAL))), x, activation)
        starts.append([float(np.mean(np.square(a))) for a in before])
        if run.model is None:
            changes.append([np.nan] * len(before))
            continue
        after = layers(run.model.parameters, x, activation)
        changes.append([float(np.mean(np.square(b - a))) for a, b in zip(before, after, strict=True)])
    start, change = (np.sqrt(np.mean(each, axis=0)) for each in (starts, changes))
    return [
        {"layer": i + 1, "width": width, "start": float(start[i]), "change": float(change[i])}
        for i in range(len(start))
    ]


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3g}"
