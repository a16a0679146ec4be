"""`transfer`: pretraining, fine tuning and transfer learning against training from scratch.

Each protocol is an arm: where its weights start, which of them move, how many steps it has, and which arm it
is compared with. Every arm gets a learning rate of its own on tuning seeds, for each amount of target data;
then all run on fresh seeds, paired: one seed is one source, one draw of fresh weights, one order of examples.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import jax
import numpy as np

from kobai import initializers as initial_values
from kobai.comparison import use_compilation_cache
from kobai.errors import UsageError, check_count, check_several, unknown
from kobai.initializers import Initializer
from kobai.optimizers.adam import Adam
from kobai.reuse.result import Arm, Row, Transfer, compared, interval
from kobai.reuse.weights import ArrayRates, Given, trained
from kobai.study.protocol import FIRST_CONFIRMATION_SEED
from kobai.sweep import Cell, Run, Sweep
from kobai.tasks.pairs import PAIRS, Pair
from kobai.tasks.task import Task
from kobai.words import current
from kobai.words import language as speaking

PROTOCOLS = ("pretraining", "fine-tuning", "transfer")
SCRATCH, LONGER = "scratch", "scratch, longer"
RATES = (0.001, 0.00316, 0.01, 0.0316)


def arms(
    protocols: Sequence[str], steps: int, source_steps: int, slow: float, head_fits: bool = True
) -> dict[str, Arm]:
    """The arms of these protocols, and of the trainings from scratch that they are compared with.

    Pretraining pays for its source: it is compared with training from scratch for as many steps in all. For
    fine tuning and transfer the source is there already. A head that does not fit is new in every arm.
    """
    every = {
        SCRATCH: Arm(False, False, 1.0, steps, 0, None),
        LONGER: Arm(False, False, 1.0, steps + source_steps, 0, None),
        "pretraining": Arm(True, head_fits, 1.0, steps, source_steps, LONGER),
        "fine-tuning": Arm(True, head_fits, 1.0, steps, 0, SCRATCH),
        "transfer": Arm(True, False, slow, steps, 0, SCRATCH),
    }
    wanted = {every[name].against for name in protocols} | set(protocols)
    return {name: arm for name, arm in every.items() if name in wanted}


def transfer(
    pair: Pair | tuple[Task, Task] | str,
    *,
    protocol: str | Sequence[str] = PROTOCOLS,
    amounts: Sequence[int] = (20, 50, 100, 400),
    seeds: int = 10,
    tuning_seeds: int = 2,
    steps: int = 300,
    source_steps: int = 500,
    slow: float = 0.0,
    learning_rates: Sequence[float] = RATES,
    source_learning_rate: float = 0.00316,
    initializer: str | Initializer = "he",
    language: str | None = None,
) -> Transfer:
    """Does it help to start from the weights of another task, and with how much data of one's own?

    Protocols: "pretraining" trains all weights on the source first and pays for those steps; "fine-tuning"
    starts from all weights of a source that is there already; "transfer" keeps the features, frozen or
    slowed, and makes the head new. Where the heads differ in shape, all three make it new. Each is compared
    with training from scratch on the same data. Adam throughout.

    Args:
      pair: a `Pair`, (source task, target task), or a built-in one: "halves", "moved", "unrelated".
      protocol: one or several of the three.
      amounts: training examples of the target that are used, the first of its training data.
      seeds: fresh seeds.
      tuning_seeds: seeds that choose a learning rate for each arm and amount.
      steps: updates on the target.
      source_steps: updates on the source.
      slow: factor of the learning rate of the features in a transfer; 0 freezes them.
      learning_rates: those to choose from.
      source_learning_rate: for the training of the source.
      initializer: of all fresh weights.
      language: "en" or "ja", for this call.

    Returns:
      A `Transfer`: prints its answer and a table, holds a frame and a figure.

    Raises:
      UsageError: for anything that cannot be run, before any training.
    """
    with speaking(language):
        pair, protocols = _pair(pair), [protocol] if isinstance(protocol, str) else list(protocol)
        heads = pair.heads()
        _check(pair.target, protocols, amounts, slow, learning_rates)
        counts = {"seeds": seeds, "tuning_seeds": tuning_seeds, "steps": steps, "source_steps": source_steps}
        for name, count in counts.items():
            check_count(name, count, 10**6)
        use_compilation_cache()
        fresh = initial_values.parse(initializer)
        tuning = list(range(tuning_seeds))
        confirmation = list(range(FIRST_CONFIRMATION_SEED, FIRST_CONFIRMATION_SEED + seeds))
        source = trained(
            pair.source, Adam(learning_rate=source_learning_rate), fresh, tuning + confirmation, source_steps
        )
        plan = Plan(
            pair.target,
            heads,
            fresh,
            dict(zip(tuning + confirmation, source, strict=True)),
            arms(protocols, steps, source_steps, slow, pair.keeps_head()),
        )
        rows = []
        for amount in amounts:
            task = dataclasses.replace(pair.target, train=_first(pair.target.train, amount))
            trials = plan.run(task, dict.fromkeys(plan.arms, learning_rates), tuning)
            rates = {name: _best(trials[name], task.maximize) for name in plan.arms}
            runs = plan.run(task, {name: [rate] for name, rate in rates.items()}, confirmation)
            for name, arm in plan.arms.items():
                if arm.against:
                    both = [
                        (plan.arms[each], rates[each], runs[each][rates[each]])
                        for each in (name, arm.against)
                    ]
                    base = trials[arm.against][rates[arm.against]]
                    rows.append(Row.of(name, amount, task, *both, tuning_of_baseline=base))
        return Transfer(
            compared(rows),
            pair.source.name,
            pair.target.name,
            pair.target.measure,
            seeds,
            new_head=not pair.keeps_head(),
            language=current(),
        )


@dataclasses.dataclass(frozen=True)
class Plan:
    """What all amounts have in common."""

    target: Task
    heads: Sequence[bool]
    fresh: Initializer
    sources: Mapping[int, Sequence[np.ndarray]]
    """The trained arrays of the source, by seed."""
    arms: Mapping[str, Arm]

    def run(
        self, task: Task, rates: Mapping[str, Sequence[float]], seeds: Sequence[int]
    ) -> dict[str, dict[float, list[Run]]]:
        """The runs of every arm with each of its rates, by arm and rate, one for each seed."""
        found: dict[str, dict[float, list[Run]]] = {
            name: {rate: [] for rate in rates[name]} for name in rates
        }
        for steps in {arm.steps for arm in self.arms.values()}:
            wanted = [
                (name, rate, seed)
                for name, arm in self.arms.items()
                if arm.steps == steps
                for rate in rates[name]
                for seed in seeds
            ]
            cells = [self._cell(self.arms[name], rate, seed) for name, rate, seed in wanted]
            sweep = Sweep(task, [cells[0].optimizer], steps=steps, evaluate_every=interval(steps))
            runs: dict[int, Run] = {}
            for positions, finished in sweep.run(cells):
                runs |= zip(positions, finished, strict=True)
            for i, (name, rate, _) in enumerate(wanted):
                found[name][rate].append(runs[i])
        return found

    def _cell(self, arm: Arm, rate: float, seed: int) -> Cell:
        arrays = [
            array if (arm.head_kept if head else arm.features_kept) else None
            for array, head in zip(self.sources[seed], self.heads, strict=True)
        ]
        factors = tuple(1.0 if head else arm.slow for head in self.heads)
        start: Any = Given("reused", self.fresh, arrays)
        return Cell(ArrayRates(Adam(learning_rate=rate), factors), start, seed)


def _best(trials: Mapping[float, Sequence[Run]], maximize: bool) -> float:
    """The rate with the best final validation metric, on average; one that diverges is the last choice."""

    def score(rate: float) -> float:
        final = np.mean([run.validation_metric[-1] for run in trials[rate]])
        return -math.inf if np.isnan(final) else final if maximize else -final

    return max(trials, key=score)


def _first(data: Any, amount: int) -> Any:
    """The first `amount` examples, again and again: equal shapes for every amount are one program."""
    return jax.tree.map(lambda array: array[np.resize(np.arange(amount), len(array))], data)


def _pair(given: Pair | tuple[Task, Task] | str) -> Pair:
    if isinstance(given, str):
        if given not in PAIRS:
            raise unknown("kind.pair", given, PAIRS)
        return PAIRS[given]()
    if isinstance(given, tuple) and len(given) == 2 and all(isinstance(task, Task) for task in given):
        return Pair(*given)
    if not isinstance(given, Pair):
        raise UsageError("error.transfer.pair", value=type(given).__name__)
    return given


def _check(
    target: Task, protocols: Sequence[str], amounts: Sequence[int], slow: float, rates: Sequence[float]
) -> None:
    for name, values in (("protocol", protocols), ("amounts", amounts), ("learning_rates", rates)):
        check_several(name, values)
    for protocol in protocols:
        if protocol not in PROTOCOLS:
            raise unknown("kind.protocol", protocol, PROTOCOLS)
    for amount in amounts:
        check_count("amounts", amount, len(jax.tree.leaves(target.train)[0]))
    if not isinstance(slow, Real) or not 0 <= slow <= 1:
        raise UsageError("error.transfer.slow", value=repr(slow))
