"""`transfer`: pretraining, fine tuning and transfer learning against training from scratch.

Each protocol is an arm: where its weights start, which of them move, how many steps it has, and which arm it
is compared with. Every arm gets a learning rate of its own on tuning seeds, for each amount of target data;
then all run on fresh seeds, paired: one seed is one source, one draw of fresh weights, one order of examples.
"""

import dataclasses
import math
from collections.abc import Sequence

import jax

from kobai import initializers as initial_values
from kobai.basics.checks import check_count, check_name, check_several, is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.basics.machine import cores, use_compilation_cache
from kobai.basics.progress import Progress, progress_bar
from kobai.basics.registry import PAIRS, PROTOCOLS
from kobai.candidates.grid import SLOWEST, candidates
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.questions.transfer.arms import Budget, Plan, arms, with_rate
from kobai.questions.transfer.result import TransferResult
from kobai.questions.transfer.rows import Setup, TransferOutcome, compared
from kobai.questions.transfer.weights import trained
from kobai.report.result import call
from kobai.study.budget import Epoch
from kobai.study.estimate import Estimate
from kobai.study.study import FIRST_CONFIRMATION_SEED
from kobai.tasks.check import check_start, check_task
from kobai.tasks.load import TaskSource, is_source, load
from kobai.tasks.pairs import Pair
from kobai.tasks.task import Task
from kobai.words import current
from kobai.words import language as speaking

MIDDLE = slice(2, 6)
"""The four of the eight learning rates of a default grid that are tried for a rule given by its name."""


@guard
def transfer(
    pair: Pair | tuple[TaskSource, TaskSource] | str,
    *,
    protocol: str | Sequence[str] = tuple(PROTOCOLS),
    amounts: Sequence[int] = (20, 50, 100, 400),
    optimizer: str | type[Optimizer] | Optimizer = "adam",
    learning_rates: Sequence[float] | None = None,
    source_learning_rate: float | None = None,
    initializer: str | Initializer = "he",
    steps: int | str = 300,
    source_steps: int | str = 500,
    slow: float = 0.0,
    seeds: int = 10,
    tuning_seeds: int = 2,
    language: str | None = None,
    progress: bool = True,
    command: str | None = None,
) -> TransferResult:
    """Does it help to start from the weights of another task, and with how much data of one's own?

    Protocols: "pretraining" trains all weights on the source first and pays for those steps; "fine-tuning"
    starts from all weights of a source that is there already; "transfer" keeps the features, frozen or
    slowed, and makes the head new. Where the heads differ in shape, all three make it new. Each is compared
    with training from scratch on the same data.

    Args:
      pair: a `Pair`, (source task, target task), or a built-in one: "halves", "moved", "unrelated". A task
        may be given by its name, or by a function that makes it.
      protocol: one or several of the three.
      amounts: training examples of the target that are used, the first of its training data.
      optimizer: the update rule of every training: a name, a class, or an instance, of which a list of
        learning rates is a grid.
      learning_rates: those to choose from, for each arm and amount. Default: those of the instance; of a rule
        by name, the middle four of its default grid.
      source_learning_rate: of the training on the source. Default: the second smallest of the learning rates,
        which is a usual one of the rule. (Validation data cannot choose it: of a source that teaches nothing
        they would prefer a network that has learned nothing.)
      initializer: of all fresh weights.
      steps: updates on the target, or epochs: "5epochs" are those of all its training examples, whatever the
        amount that is used.
      source_steps: updates on the source, or epochs.
      slow: factor of the learning rate of the features in a transfer; 0 freezes them.
      seeds: fresh seeds.
      tuning_seeds: seeds that choose the learning rates.
      language: "en" or "ja", for this call.
      progress: show a progress bar.
      command: what the page says reproduces it. Default: this call.

    Returns:
      A `TransferResult`: prints its answer and a table, holds a frame, a figure and a page.

    Raises:
      UsageError: for anything that cannot be run, before any training.
    """
    command = command or call(transfer, locals(), {"pair": "pair"})
    with speaking(language):
        pair, protocols = _pair(pair), [protocol] if isinstance(protocol, str) else protocol
        heads = pair.heads()
        for task in (pair.source, pair.target):
            check_task(task)
        _check(pair.target, protocols, amounts, slow, source_learning_rate)
        protocols, amounts = list(dict.fromkeys(protocols)), list(dict.fromkeys(amounts))
        target_steps: int = Epoch([pair.target]).steps("steps", steps)
        steps_before: int = Epoch([pair.source]).steps("source_steps", source_steps)
        counts = {"seeds": seeds, "tuning_seeds": tuning_seeds}
        counts |= {"steps": target_steps, "source_steps": steps_before}
        for name, count in counts.items():
            check_count(name, count, 10**6)
        name, rule, rates = _rule(optimizer, learning_rates)
        rate = rates[:2][-1] if source_learning_rate is None else source_learning_rate
        fresh = initial_values.parse(initializer)
        for task in (pair.source, pair.target):
            check_start(task, task.filled(fresh, 0))
        use_compilation_cache()
        tuning = list(range(tuning_seeds))
        confirmation = list(range(FIRST_CONFIRMATION_SEED, FIRST_CONFIRMATION_SEED + seeds))
        every = arms(protocols, Budget(target_steps, steps_before, slow, pair.keeps_head()))
        with progress_bar(progress) as bar:
            each = len(amounts) * (len(rates) * tuning_seeds + seeds)
            bar.phase("protocols", each * len(every))
            first = tuning + confirmation
            estimate = _estimate(
                bar, [steps_before] * len(first) + [arm.steps for arm in every.values()] * each
            )
            arrays = trained(pair.source, with_rate(rule, rate), fresh, first, steps_before, estimate)
            sources = dict(zip(first, arrays, strict=True))
            plan = Plan(pair.target, heads, fresh, sources, every, rule, bar.advance, estimate)
            rows = [row for amount in amounts for row in plan.rows(amount, rates, tuning, confirmation)]
        setup = Setup(
            optimizer=name,
            learning_rates=tuple(rates),
            source_learning_rate=rate,
            initializer=fresh.name,
            slow=float(slow),
            **counts,
        )
        outcome = TransferOutcome(
            frame=compared(rows),
            source=pair.source.name,
            target=pair.target.name,
            metric=pair.target.metric_label,
            setup=setup,
            new_head=not pair.keeps_head(),
        )
        return TransferResult(table=outcome.frame, command=command, language=current(), outcome=outcome)


def _estimate(progress: Progress, lengths: Sequence[int]) -> Estimate:
    """What tells how long trainings of so many steps take together."""
    return Estimate(
        progress,
        steps=sum(lengths) / len(lengths),
        trainings=len(lengths),
        programs=len(set(lengths)),
        threads=cores(),
    )


# From the arguments to what is run


def _pair(source: Pair | tuple[TaskSource, TaskSource] | str) -> Pair:
    """A pair: as it is, by its name, or of two tasks."""
    if isinstance(source, str):
        check_name("kind.pair", source, PAIRS)
        return PAIRS[source].load()()
    if isinstance(source, tuple) and len(source) == 2 and all(map(is_source, source)):
        first, second = map(_task, source)
        return Pair(first, second)
    if not isinstance(source, Pair):
        raise UsageError("error.transfer.pair", value=type(source).__name__)
    return source


def _task(source: TaskSource) -> Task:
    """The task; one of a built-in kind is called as it was written: adding:length=5."""
    task = load(source)
    return dataclasses.replace(task, name=source) if isinstance(source, str) and ".py" not in source else task


def _rule(
    optimizer: str | type[Optimizer] | Optimizer, rates: Sequence[float] | None
) -> tuple[str, Optimizer, list[float]]:
    """The name of the update rule, an instance, and the learning rates that are tried."""
    if rates is not None:
        check_several("learning_rates", rates)
    grid = candidates(optimizer, rates)
    name, rule, tried = grid[0].name, grid[0].variants[0], grid[0].learning_rates()
    alone = len(grid) == 1 and len(tried) == len(grid[0].variants)  # a grid of learning rates and no other
    if not alone or not isinstance(rule, Optimizer) or not rule.elementwise or _asks(rule):
        raise UsageError("error.transfer.optimizer", value=quoted(optimizer))
    by_name = isinstance(optimizer, str | type) and rates is None
    return name, rule, tried[MIDDLE] if by_name and len(tried) > 4 else tried


def _asks(rule: Optimizer) -> bool:
    """Whether it needs more than the gradient at the parameters, or is evaluated elsewhere."""
    kind = type(rule)
    elsewhere = kind.lookahead is not Optimizer.lookahead
    return elsewhere or rule.asks is not None or kind.evaluation_point is not Optimizer.evaluation_point


def _check(
    target: Task, protocols: Sequence[str], amounts: Sequence[int], slow: float, source_rate: float | None
) -> None:
    for name, values in (("protocol", protocols), ("amounts", amounts)):
        check_several(name, values)
    for protocol in protocols:
        check_name("kind.protocol", protocol, PROTOCOLS)
    for amount in amounts:
        check_count("amounts", amount, len(jax.tree.leaves(target.train)[0]))
    if not is_number(slow) or not 0 <= slow <= 1:
        raise UsageError("error.transfer.slow", value=quoted(slow))
    if source_rate is not None and not (is_number(source_rate) and SLOWEST <= source_rate < math.inf):
        raise UsageError("error.transfer.source_rate", value=quoted(source_rate))
