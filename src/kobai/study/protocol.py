"""The protocol of a study: tune every candidate on a few seeds, then confirm the winners on fresh ones.

The winners are confirmed first; then who leads among them is recommended, and confirmed beside its other
learning rates, initial values and values of axes.

`run(study)` gives the frame of all its cells and the plan that they followed; `answer.py` reads them.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from kobai import initializers as initial_values
from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.basics.progress import Progress
from kobai.engine.backends import THREADS
from kobai.study import statistics
from kobai.study.cells import Cells
from kobai.study.criterion import FINAL, Measures
from kobai.study.fitting import Pace, climbed, fitted
from kobai.study.looks import settled
from kobai.study.outcome import Outcome, are_fixed
from kobai.study.question import judged
from kobai.study.ranking import Ranking, ends_of, rankings
from kobai.study.rows import test_metrics
from kobai.study.runner import Place, Runner
from kobai.study.store import Store
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING, Study, Trial


def run(
    study: Study,
    progress: Progress,
    folder: Path | None = None,
    backend: Place = THREADS,
    *,
    store: Store | None = None,
    command: str = "",
) -> Outcome:
    """Run the whole protocol of a study that was checked. Raises `Interruption` on Ctrl-C.

    On the command line the first Ctrl-C in the confirmation gives the outcome of the fresh seeds that are
    complete.

    Args:
      progress: what is told how far the study is.
      folder: where cells are kept; None: nowhere.
      backend: the place where cells are run.
      store: the cells that are kept. Default: those of the folder.
      command: what makes the report of this study again.
    """
    runner = Runner(study, progress, folder, backend, store, command)
    try:
        pace = Pace(runner, study.allowance) if study.allowance else None
        if pace is not None:
            study = climbed(study, pace)
        tuned = tune(study, runner.run(TUNING, study.trials(), list(range(study.tuning_seeds))))
        if study.within is not None:
            study = settled(study, functools.partial(_looked_at, runner, tuned), runner)
        elif pace is not None:
            study = fitted(study, with_averages(study, tuned.winners), pace)
        fresh = runner.run(CONFIRMATION, with_averages(study, tuned.winners), study.confirmation_seeds)
        there = study
        if interruption.is_winding_up():
            there = study.ended(len(complete(study, fresh, tuned.winners.values())))
            fresh = fresh.filter(pl.col("seed").is_in(there.confirmation_seeds))
        choice = chosen(there, tuned, fresh)
        runner.run(CONFIRMATION, choice.confirmed(study), study.confirmation_seeds)
        constant = initial_values.constant()
        if all(initializer.name != constant.name for initializer in study.initializers):
            winners = choice.winners.values()
            demonstration = [dataclasses.replace(trial, initializer=constant) for trial in winners]
            runner.run(DEMONSTRATION, demonstration, [0])
    except KeyboardInterrupt as stop:
        raise runner.interrupted() from stop
    finally:
        interruption.can_answer(False)
    memory = {name: runner.sweeps[trial.task].memory(trial.variant) for name, trial in choice.winners.items()}
    phases, planned = runner.found(), 0
    if interruption.is_winding_up():
        fresh = phases[CONFIRMATION]
        seeds = complete(study, fresh, choice.confirmed(study))
        seeds = seeds or complete(study, fresh, choice.winners.values())
        planned, study = study.seeds, study.ended(len(seeds))
        phases[CONFIRMATION] = fresh.filter(pl.col("seed").is_in(study.confirmation_seeds))
        choice = choice.within(phases[CONFIRMATION])
    outcome = dataclasses.replace(outcome_of(study, phases, memory, choice), planned=planned)
    if study.seeds:
        runner.finish(study, memory, test_metrics(outcome), planned)
    return dataclasses.replace(outcome, reused=runner.reused, trained=runner.trained, kept=runner.kept)


def _looked_at(runner: Runner, tuned: "Tuned", study: Study) -> Outcome | None:
    """What so many fresh seeds say of all that decides; None where the answer is wanted at once."""
    fresh = runner.run(CONFIRMATION, with_averages(study, tuned.winners), study.confirmation_seeds)
    if interruption.is_winding_up():
        return None
    choice = chosen(study, tuned, fresh)
    if len(tuned.winners) == 1:
        runner.run(CONFIRMATION, choice.confirmed(study), study.confirmation_seeds)
    return None if interruption.is_winding_up() else outcome_of(study, runner.found(), {}, choice)


@dataclasses.dataclass(frozen=True)
class Tuned:
    """What the tuning says."""

    target: float
    stated: bool
    """Whether the target was stated, or is derived from these runs."""
    by: str
    turn: str | None
    """As `Outcome` has them."""
    ranked: list[Trial]
    """Everything that was tried, best first."""

    @property
    def winners(self) -> dict[str, Trial]:
        """The best trial of each candidate, by name, best first."""
        return _best(self.ranked, lambda trial: trial.candidate.name)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What tuning chooses, and who leads on the fresh seeds; the fields are those of `Outcome`."""

    target: float
    stated: bool
    by: str
    turn: str | None
    winners: dict[str, Trial]
    leader: str
    alternatives: dict[str, dict[str, Trial]]
    neighbours: list[Trial]

    def within(self, fresh: Cells) -> "Choice":
        """The same, of trials alone whose cells are all there: an earlier kobai has confirmed others, and
        Ctrl-C may have come before them."""
        seeds = fresh["seed"].n_unique()

        def is_there(trial: Trial) -> bool:
            return fresh.count(trial) == seeds

        alternatives = {
            axis: {name: trial for name, trial in trials.items() if is_there(trial)}
            for axis, trials in self.alternatives.items()
        }
        neighbours = [trial for trial in self.neighbours if is_there(trial)]
        return dataclasses.replace(self, alternatives=alternatives, neighbours=neighbours)

    def confirmed(self, study: Study) -> list[Trial]:
        """The trials that are run on the fresh seeds."""
        others = [trial for best in self.alternatives.values() for trial in best.values()]
        return in_order(study, [*self.winners.values(), *others, *self.neighbours])


def complete(study: Study, fresh: Cells, trials: Iterable[Trial]) -> list[int]:
    """The first of the fresh seeds with which every one of these trials has been run."""
    there = [set(fresh.of(trial)["seed"]) for trial in trials]
    return list(itertools.takewhile(lambda seed: all(seed in own for own in there), study.confirmation_seeds))


def with_averages(study: Study, winners: Mapping[str, Trial]) -> list[Trial]:
    """The winners with every average of the study, which one training gives."""
    values = {axis.name: axis.values for axis in study.axes}.get("average", ())
    trials = [
        dataclasses.replace(
            trial, values=tuple(value if own.axis == "average" else own for own in trial.values)
        )
        for trial in winners.values()
        for value in values
    ]
    return in_order(study, [*winners.values(), *trials])


def in_order(study: Study, trials: Iterable[Trial]) -> list[Trial]:
    """Each of these trials once, in the order of the candidates."""
    distinct = {tuple(trial.named.values()): trial for trial in trials}.values()
    return sorted(distinct, key=lambda trial: study.candidates.index(trial.candidate))


def tune(study: Study, tuning: Cells) -> Tuned:
    """What these cells of the tuning say.

    Where they show that the target tells nothing apart, because most of the best trials meet it by the first
    evaluation, a harder one is derived from them; where there is none, or hardly any trial meets the first,
    the final metric decides instead. No fresh seed has a say in that.
    """
    stated = bool(study.facts.targets)
    target = (
        study.facts.targets[0]
        if stated
        else statistics.auto_target(*ends_of(tuning, study.facts.maximize), study.facts.maximize)
    )
    criteria = [FINAL] if study.by == FINAL else [study.by, FINAL]
    own, *end = ranked(study, tuning, target, *criteria)
    asked = Tuned(target, stated, study.by, None, own.trials)
    if study.by == FINAL:
        return asked
    by_final = Tuned(target, stated, FINAL, "final", end[0].trials)
    if own.reach < HALF:
        return by_final if _differ(study, tuning, by_final) else asked
    if _at_once(study, tuning, asked) > HALF:
        for harder in _harder_targets(study, tuning, target):
            tuned = Tuned(
                harder, False, study.by, "harder", ranked(study, tuning, harder, study.by)[0].trials
            )
            if _at_once(study, tuning, tuned) <= HALF <= np.isfinite(_arrivals(study, tuning, tuned)).mean():
                return tuned
        if _differ(study, tuning, by_final):
            return dataclasses.replace(by_final, turn="at_once")
    return asked


HALF = 0.5
"""Of the runs: if more arrive at once, or fewer at all, a target tells nothing apart."""


def _arrivals(study: Study, tuning: Cells, tuned: Tuned) -> np.ndarray:
    """Steps to the target of the tuning runs of the best trials."""
    best = [tuning.of(trial) for trial in tuned.winners.values()]
    return np.concatenate([study.times(cells, tuned.target) for cells in best])


def _at_once(study: Study, tuning: Cells, tuned: Tuned) -> float:
    """The part of these runs that has arrived by the first evaluation."""
    return float((_arrivals(study, tuning, tuned) <= study.marks[1]).mean())


def _differ(study: Study, tuning: Cells, tuned: Tuned) -> bool:
    """Whether the final metric tells anything apart in these cells."""
    winners = [tuning.of(trial) for trial in tuned.winners.values()]
    x = [study.measures(cells, tuned.target, FINAL, tuning) for cells in winners]
    ends = np.concatenate([each.x[each.arrived] for each in x])
    return ends.size > 0 and bool(np.ptp(ends) > 0)


def _harder_targets(study: Study, tuning: Cells, target: float) -> list[float]:
    """Targets beyond this one, up to the best median of these runs: 90 % of the way from the start, then a
    half, three quarters and nine tenths of the way from this one."""
    try:
        start, best = ends_of(tuning, study.facts.maximize)
        auto = statistics.auto_target(start, best, study.facts.maximize)
    except UsageError:
        return []
    targets = [auto, *(target + part * (best - target) for part in (0.5, 0.75, 0.9))]
    beyond = [each for each in targets if (each > target if study.facts.maximize else each < target)]
    return sorted(beyond, reverse=not study.facts.maximize)


def chosen(study: Study, tuned: Tuned, fresh: Cells) -> Choice:
    """What is recommended, and what it is compared with; `fresh` are the cells of the confirmation, at least
    of the winners."""
    cells = {name: fresh.of(trial) for name, trial in tuned.winners.items()}
    measured = {name: study.measures(own, tuned.target, tuned.by, fresh) for name, own in cells.items()}
    names, _, choice = judged(measured, [name for name, own in cells.items() if are_fixed(own)], study.looks)
    leader = names[choice.leader]
    first = tuned.winners[leader]
    return Choice(
        target=tuned.target,
        stated=tuned.stated,
        by=tuned.by,
        turn=tuned.turn,
        winners=tuned.winners,
        leader=leader,
        alternatives=_alternatives(study, tuned.ranked, first),
        neighbours=[
            dataclasses.replace(first, variant=variant)
            for variant in first.candidate.neighbours(first.variant)
        ],
    )


def outcome_of(
    study: Study, phases: Mapping[str, Cells], memory: dict[str, int], choice: Choice | None = None
) -> Outcome:
    """What a study has found whose cells are all there; `choice`: what its tuning chose, if that is known."""
    if choice is None:
        fresh = phases[CONFIRMATION]
        choice = chosen(study, tune(study, phases[TUNING]), fresh).within(fresh)
    fields = {field.name: getattr(choice, field.name) for field in dataclasses.fields(choice)}
    return Outcome(study=study, phases=phases, memory=memory, **fields)


def ranked(study: Study, tuning: Cells, target: float, *criteria: str) -> list[Ranking]:
    """Everything that is tried by each of some criteria, by the mean of what is compared (`Study.measures`).

    Of steps that is the mean logarithm, the scale of the answer (`statistics.choose`).
    """

    def compared(by: str, cells: pl.DataFrame) -> Measures:
        return study.measures(cells, target, by, tuning)

    return rankings(tuning, study.trials(), *(functools.partial(compared, by) for by in criteria))


def _best(ranked: Iterable[Trial], name: Callable[[Trial], str]) -> dict[str, Trial]:
    """The first trial of each name."""
    best: dict[str, Trial] = {}
    for trial in ranked:
        best.setdefault(name(trial), trial)
    return best


def _alternatives(study: Study, ranked: Sequence[Trial], first: Trial) -> dict[str, dict[str, Trial]]:
    """What is tried beside `first`, as `Outcome` has it."""

    settings = first.settings
    varied = [axis.name for axis in study.axes if len(axis.values) > 1]
    varied += [name for name in settings if name not in {axis.name for axis in study.axes}]
    own = [(trial, trial.settings) for trial in ranked if trial.candidate is first.candidate]

    def alike(but: str) -> list[Trial]:
        """Those that differ from `first` in this, their rate and their initial value alone."""
        return [
            trial
            for trial, others in own
            if all(others[name] == value for name, value in settings.items() if name != but)
        ]

    def best(name: str) -> dict[str, Trial]:
        return _best(alike(name), lambda trial: trial.settings[name])

    of_initializers = _best(alike("initializer"), lambda trial: trial.initializer.name)
    return {"initializer": of_initializers, **{name: best(name) for name in varied}}
