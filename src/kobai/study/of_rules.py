"""What is to be known of single update rules before an answer is believed."""

from collections.abc import Iterator, Mapping, Sequence

from kobai.candidates.grid import Candidate
from kobai.optimizers.base import Optimizer
from kobai.optimizers.muon import Muon
from kobai.words import Note


def of_rules(
    candidates: Sequence[Candidate], cut: Mapping[str, float], batches: Sequence[int] = (1,)
) -> Iterator[Note]:
    """Steps that cost more than a gradient, what Muon leaves to AdamW, and a bound that throttles it.

    Args:
      candidates: those of a study.
      cut: of which part of the steps on the fresh seeds a bound of the norm has shortened the gradient, by
        the candidate's name.
      batches: how many a step has, of each task.
    """
    for candidate in candidates:
        rule = candidate.variants[0]
        if isinstance(rule, Optimizer) and rule.gradients != 1:
            share = f"{100 / rule.gradients:.0f}"
            gradients = ", ".join(f"{rule.gradients * k:g}" for k in batches)
            values = {"name": candidate.name, "gradients": gradients, "share": share}
            yield Note("note.gradients", values)
        if isinstance(rule, Muon):
            yield Note("note.muon", {"name": candidate.name})
            if cut.get(candidate.name, 0.0) > MOST:
                share = f"{100 * cut[candidate.name]:.0f}"
                yield Note("note.muon.clip", {"name": candidate.name, "share": share})


MOST = 0.5
"""The part of the gradients beyond which those that are cut are the rule: then all count alike."""
