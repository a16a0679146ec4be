"""The training that a study recommends, as plain values: what `kobai code` writes it down from.

Methods and parts are spelled as the cells of a study are (`kobai.engine.spelling`); what is a user's own
cannot be, and is named instead.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from kobai.basics.errors import UsageError
from kobai.engine.spelling import Spelling, spell_initializer, spell_method, spell_strategy
from kobai.networks.network import Convolutional, Dense, Recurrent
from kobai.stabilizers.averaging import Averaging
from kobai.study.axes import MUP, OF_PARTS, strategy
from kobai.study.facts import Examples
from kobai.study.study import Study, Trial
from kobai.tasks.parametrization import Growth
from kobai.tasks.provenance import Provenance


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """The recommended training."""

    task: str
    optimizer: Spelling | None
    """None: the user's own, as everything is that `own` names."""
    initializer: str | None
    strategy: Spelling
    own: Mapping[str, str]
    """The name of each part that is the user's own: ``{"schedule": "halves"}``."""
    steps: int
    evaluate_every: int
    batch_size: int
    examples: Examples | None
    """None: the data are no arrays x and y that a dense network could learn."""
    dense: Dense | None
    """The network, where it is a dense one of kobai's own."""
    convolutional: Convolutional | None = None
    """The network, where it is a convolutional one of kobai's own."""
    recurrent: Recurrent | None = None
    """The network, where it is a recurrent one of kobai's own."""
    provenance: Provenance = Provenance()
    """Where data and network come from, if the data are arrays x and y."""
    has_state: bool = False
    """Whether the network carries a state beside its parameters: running statistics."""
    is_random: bool = False
    """Whether the network draws at random in training: dropout."""
    accumulate: int = 1
    """So many batches made the examples of a step, one after the other."""
    parametrization: str = "standard"
    """Its name, "mup:64" where initial values and learning rates go with the width."""
    growth: Mapping[str, Growth] = dataclasses.field(default_factory=dict)
    """How each array that is trained has grown from the base width, in tree order; none at the standard."""

    @classmethod
    def of(cls, study: Study, trial: Trial) -> "Recommendation":
        """The training of one trial of a study."""
        facts, own = study.facts_of(trial), {}

        def spelled(part: str, name: str, spell: Callable[[], Any], otherwise: Any = None) -> Any:
            try:
                return spell()
            except UsageError:
                own[part] = name
                return otherwise

        optimizer = spelled("optimizer", trial.candidate.name, functools.partial(spell_method, trial.variant))
        initializer = trial.initializer
        start = spelled("initializer", initializer.name, functools.partial(spell_initializer, initializer))
        parts: Spelling = {}
        for value in trial.values:
            if value.axis in OF_PARTS or value.axis == "sampling":
                averages = [value.part] if isinstance(value.part, Averaging) else []
                part = strategy({value.axis: value.part}, averages)
                parts |= spelled(value.axis, value.name, functools.partial(spell_strategy, part), {})
        return cls(
            task=facts.name,
            optimizer=optimizer,
            initializer=start,
            strategy=parts,
            own=own,
            steps=study.steps,
            evaluate_every=study.evaluate_every,
            batch_size=facts.batch_size,
            examples=facts.examples,
            dense=facts.dense,
            convolutional=facts.convolutional,
            recurrent=facts.recurrent,
            provenance=facts.provenance,
            has_state=facts.has_state,
            is_random=facts.random,
            accumulate=facts.accumulate,
            parametrization=next((each.name for each in trial.values if each.axis == MUP), "standard"),
            growth=facts.growth,
        )

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Recommendation":
        """What ``answer.json`` holds of it, with its tuples and classes.

        Raises `KeyError` and `TypeError` for what is none.
        """
        examples, dense, convolutional = (content[name] for name in ("examples", "dense", "convolutional"))
        recurrent = content.get("recurrent")
        if examples is not None:
            examples = Examples.read(examples)
        if dense is not None:
            dense = Dense(**{**dense, "widths": tuple(dense["widths"])})
        if convolutional is not None:
            convolutional = Convolutional.read(convolutional)
        read = {
            "examples": examples,
            "dense": dense,
            "convolutional": convolutional,
            "recurrent": None if recurrent is None else Recurrent(**recurrent),
            "provenance": Provenance(**content["provenance"]),
            "growth": {name: Growth.read(each) for name, each in content.get("growth", {}).items()},
        }
        return cls(**{**content, **read})
