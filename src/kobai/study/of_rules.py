"""What is to be known of single update rules before an answer is believed."""

import math
from collections.abc import Iterator, Sequence

from kobai.candidates.grid import Candidate
from kobai.engine.strategy import Strategy
from kobai.optimizers.base import Optimizer
from kobai.optimizers.muon import Muon
from kobai.words import Note


def of_rules(
    candidates: Sequence[Candidate], strategies: Sequence[Strategy], batches: Sequence[int] = (1,)
) -> Iterator[Note]:
    """Steps that cost more than a gradient, what Muon leaves to AdamW, and a bound that hardly bounds.

    `batches` are how many a step has, of each task.
    """
    clipped = any(0 < strategy.clip.norm < math.inf or strategy.clip.first for strategy in strategies)
    for candidate in candidates:
        rule = candidate.variants[0]
        if isinstance(rule, Optimizer) and rule.gradients != 1:
            share = f"{100 / rule.gradients:.0f}"
            gradients = ", ".join(f"{rule.gradients * k:g}" for k in batches)
            values = {"name": candidate.name, "gradients": gradients, "share": share}
            yield Note("note.gradients", values)
        if isinstance(rule, Muon):
            yield Note("note.muon", {"name": candidate.name})
            if clipped:
                yield Note("note.muon.clip", {"name": candidate.name})
