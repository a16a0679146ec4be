"""What is measured of a network to say why: gradients by array and entry, units, noise, and the curvature.

At the start of one seed with every initial value that was tried, and at the end of the recommended training,
which is made once more (a study keeps no weights). The gradients of a few batches tell most of it: those that
the rule sees, of loss and penalties. The spectrum of the Hessian takes 20 products, each as much as two
gradients, and is seen from three directions where there is room for it. All of it together is a small part of
what the study took (`Measured.gradients`), or left out.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from kobai.basics.arrays import ModelState, Vector, on_device
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.questions.curvature import first_batches, first_of
from kobai.questions.range.bounds import COST
from kobai.questions.stability import Reach, of_memory
from kobai.questions.why.curved import MEMORY, PROBES, Curved, curving, is_divided, plain, unlimited
from kobai.questions.why.look import Look, looking
from kobai.stabilizers.averaging import polyak
from kobai.tasks.task import Task

BATCHES = 8
"""Batches whose gradients are looked at."""

MOST = 0.1
"""So much of the gradients of a study may be taken to say why."""

LAST = 0.25
"""The part of a training whose iterates are averaged, to see its noise floor."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """All that was measured.

    Fields:
      starts: by the name of the initial value, the recommended one first.
      end: at the end of the recommended training; None where that was too dear, or diverged.
      averaged: the loss on the same batches at the mean of the iterates of its last quarter; None likewise.
      curved_at_start, curved_at_end: with the recommended initial values; None where that was too dear.
      gradients: how many were computed, each of a batch; a product with the Hessian counts as two.
      sizes: how many weights each array holds.
      failed: why the curvature could not be measured; "": it could.
      left_out: what was not measured, by the key of the sentence that says so.
    """

    starts: Mapping[str, Look]
    end: Look | None
    averaged: float | None
    curved_at_start: Curved | None
    curved_at_end: Curved | None
    gradients: int
    sizes: Mapping[str, int]
    failed: str = ""
    left_out: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As plain values, for a file."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Measured":
        """What `plain` gave."""
        end = None if values["end"] is None else Look(**values["end"])
        starts = {name: Look(**look) for name, look in values["starts"].items()}
        curved = {name: plain(values[name]) for name in ("curved_at_start", "curved_at_end")}
        left = {"left_out": tuple(values["left_out"])}
        return cls(**{**values, "starts": starts, "end": end, **curved, **left})


class Unmeasured(NamedTuple):
    """Why nothing could be measured: an error in letters, or that the study is too small for it (`SMALL`)."""

    reason: str


SMALL = "small"
"""The reason of a study a tenth of whose gradients is too few for anything."""


def measured(
    task: Task,
    rule: Optimizer,
    initializers: Sequence[Initializer],
    strategy: Strategy,
    *,
    seed: int,
    steps: int,
    most: float,
) -> Measured | Unmeasured:
    """What there is to measure, at `most` so many gradients, where that is not too few for anything.

    Args:
      rule: the recommended one, with its rate.
      initializers: the recommended one first.
      strategy: of the recommended training.
      seed: of the starts, and of the training that is made again.
      steps: of that training.
    """
    gradients = BATCHES * len(initializers)
    if gradients > most:
        return Unmeasured(SMALL)
    batches = first_batches(task, seed, BATCHES)
    look = looking(task, batches, strategy)
    curve = curving(task, rule, first_of(batches), strategy)
    why_not = unlimited(rule, strategy, steps)
    is_at_end = why_not in ("", MEMORY)  # there the rule's own memory is known
    dear = COST * (2 if is_divided(rule) else 1)
    dear_at_end = dear if is_at_end else COST
    ending = steps + 2 * BATCHES
    probes = PROBES if gradients + PROBES * (dear + dear_at_end) + ending <= most else 1
    dear, dear_at_end = probes * dear, probes * dear_at_end
    starts = {each.name: on_device(task.start(each, stream(seed, INITIAL))) for each in initializers}
    looks = {name: look(θ, task.state) for name, θ in starts.items()}
    own = initializers[0].name
    seen = {name: each for name, (each, _) in looks.items()}
    left = () if seen[own].activations else ("units",)
    spans = zip(task.places, task.spans, strict=True)
    sizes = {place.name: size for place, (size, is_weight) in spans if is_weight}
    found = Measured(seen, None, None, None, None, gradients, sizes, left_out=(*left, "curvature", "end"))
    if gradients + dear > most:
        return found
    begin, failed = _tried(
        lambda: curve(
            starts[own], task.state, looks[own][1], limited=not why_not, divided=True, probes=probes
        )
    )
    gradients += dear
    left = (*left, why_not) if why_not and not failed else left
    found = dataclasses.replace(
        found, curved_at_start=begin, gradients=gradients, failed=failed, left_out=(*left, "end")
    )
    if gradients + ending + dear_at_end > most:
        return found
    ends = _trained(task, rule, initializers[0], strategy, seed, steps)
    found = dataclasses.replace(found, gradients=gradients + steps, left_out=left)
    if ends is None:
        return dataclasses.replace(found, left_out=(*left, "diverged"))
    (θ, state, memory), (mean_of_θ, state_of_mean, _) = ends
    (last, v), (mean, _) = look(θ, state), look(mean_of_θ, state_of_mean)
    gradients += ending
    there = _reach(rule, memory, θ.shape, steps) if is_at_end else None
    limited = {"limited": is_at_end, "divided": is_at_end}
    end = None if failed else curve(θ, state, v, probes=probes, own=there, **limited)
    return dataclasses.replace(
        found,
        end=last,
        averaged=mean.loss,
        curved_at_end=end,
        gradients=gradients + (0 if failed else dear_at_end),
    )


def _tried(measure: Callable[[], Curved]) -> tuple[Curved | None, str]:
    """What is measured, or why it cannot be: a loss without a second derivative, say."""
    try:
        return measure(), ""
    except Exception as error:  # noqa: BLE001 - no answer is lost for a reason
        return None, told(error)


def told(error: Exception) -> str:
    """An error in one line."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _reach(
    rule: Optimizer, memory: Mapping[str, np.ndarray], shape: tuple[int, ...], steps: int
) -> Reach | None:
    """What the rule multiplies gradients by at the end; what never had a gradient does not move."""
    found = of_memory(rule, memory, shape, steps)
    if found is None or not memory:
        return found
    moved = np.any([values != 0 for values in memory.values()], axis=0)
    return found._replace(factors=np.where(moved, found.factors, 0))


End: TypeAlias = tuple[Vector, ModelState, Mapping[str, np.ndarray]]
"""θ, the state of the model, and what the rule remembers."""


def _trained(
    task: Task, rule: Optimizer, initializer: Initializer, strategy: Strategy, seed: int, steps: int
) -> list[End] | None:
    """The end of a training, and that of the mean of its last iterates; None: it diverged."""
    mean = polyak(max(steps - round(LAST * steps), 1))
    own = dataclasses.replace(strategy, averages=(mean,))
    sweep = Sweep(task, [rule], steps=steps, evaluate_every=steps, strategies=[own], keep_model=True)
    [run] = THREADS.runs(sweep, [Cell(rule, initializer, seed, own)])
    models = [run.model, run.averages[0].model]
    if any(model is None for model in models):
        return None
    return [(on_device(task.flatten(each.parameters)), each.state, each.memory) for each in models if each]
