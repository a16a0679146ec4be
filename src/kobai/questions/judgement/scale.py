"""From runs to one number each, on a scale on which smaller is better and differences add up.

`final` and `best` are the metric at the last step and the best of all steps, with its sign turned where more
is better. `steps:TARGET` is the logarithm of the first step from which on the target holds to the end of the
run; a run in which it never does counts as the whole budget, as it does in `compare`.

Arms with different budgets can be put on one of them only by a slope that somebody declares: by so much the
metric changes a step. Then `final` is extrapolated to the largest budget, and said to be.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from kobai.basics.errors import UsageError, quoted
from kobai.questions.judgement.runs import Array, Run, Runs
from kobai.study.statistics import log_steps, steps_to_stay

FINAL, BEST, STEPS = "final", "best", "steps"
A_LITTLE, FAR = 1e-9, 100.0
"""By so large a part of all that was measured a run that crashed is worse than the worst, and an arm of which
every run did: it has no mean, and only on which side it stands is to be seen."""
DIGITS = 6
"""A number with so many digits is no other's by chance."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """What of a run is judged.

    Fields:
      by: "final", "best" or "steps".
      maximize: whether more of the metric is better.
      target: of the metric, where steps to it are counted.
      budget: so many steps every arm was given, where steps are counted.
      slope: by so much the metric changes a step, as declared; None: nothing is extrapolated.
      missing: of each arm, the steps by which its budget is smaller than the largest.
    """

    by: str
    maximize: bool
    target: float | None = None
    budget: float = math.inf
    slope: float | None = None
    missing: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def ratios(self) -> bool:
        """Whether a difference on the scale is the logarithm of a ratio."""
        return self.by == STEPS

    def number(self, run: Run) -> float:
        """The run on this scale; NaN where it has no such number."""
        sign = -1.0 if self.maximize else 1.0
        if self.by == STEPS:
            return float(log_steps(self.arrival(run), self.budget))
        measured = sign * run.values[np.isfinite(run.values)]
        if self.by == BEST:
            return float(measured.min()) if measured.size else math.nan
        last = float(run.values[-1]) if run.values.size else math.nan
        further = (self.slope or 0.0) * self.missing.get(run.arm, 0.0)
        return sign * (last + further) if math.isfinite(last) else math.nan

    def arrival(self, run: Run) -> float:
        """The step from which on the target holds within the budget; inf where it does not."""
        assert self.target is not None
        within = run.steps <= self.budget
        if not within.any():
            return math.inf
        return float(steps_to_stay(run.steps[within], run.values[within], self.target, self.maximize))

    def shown(self, x: float) -> float:
        """A number of the scale as the metric, or as steps."""
        return math.exp(x) if self.ratios else -x if self.maximize else x

    def effect(self, difference: float) -> float:
        """A difference of the scale as one of the metric, or as a ratio of steps."""
        return self.shown(difference)

    def size(self, difference: float) -> float:
        """How large a difference is: in the metric, or the part of steps by which the slower needs more."""
        return math.expm1(abs(difference)) if self.ratios else abs(difference)

    def margin(self, text: object) -> float | None:
        """A margin on this scale: 0.01 of the metric, or a part of the steps: 10% or 0.1."""
        if text is None:
            return None
        value = _number(text, self.ratios)
        if value is None or not 0 < value < math.inf:
            key = "error.judge.margin.steps" if self.ratios else "error.judge.margin"
            raise UsageError(key, value=quoted(text))
        return math.log1p(value) if self.ratios else value


def _number(text: object, parts: bool) -> float | None:
    """A number, or a text that is one; 10% too, where parts are meant."""
    percent = parts and isinstance(text, str) and text.strip().endswith("%")
    try:
        if isinstance(text, bool):
            return None
        value = float(str(text).strip().removesuffix("%") if percent else text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return value / 100 if percent else value


@dataclasses.dataclass(frozen=True)
class Arm:
    """The runs of one arm on a scale.

    Fields:
      x: one number a run, smaller is better, all finite [runs].
      seeds: of each run; None where it was not told.
      failed: whether a run has no number of its own [runs]: it counts as worse than all, or as the budget.
      copies: the seeds of further runs that are the same as one of these, and are not counted.
      lost: whether every run crashed, so that there is no mean, and no difference of means.
    """

    name: str
    x: Array
    seeds: tuple[str | None, ...]
    failed: Array
    copies: tuple[str | None, ...] = ()
    lost: bool = False

    def first(self, runs: int | None) -> "Arm":
        """The first so many runs alone; None: all."""
        return dataclasses.replace(self, x=self.x[:runs], seeds=self.seeds[:runs], failed=self.failed[:runs])

    @property
    def fixed(self) -> bool:
        """Whether the seed changes nothing: all its runs were one and the same."""
        return len(self.x) == 1 and bool(self.copies)


def parse(by: object, maximize: bool, runs: Runs, slope: object = None) -> Scale:
    """The scale that ``final``, ``best`` or ``steps:3.28`` names. Raises `UsageError`."""
    if slope is not None:
        return _extrapolated(by, maximize, runs, slope)
    kind, colon, target = by.partition(":") if isinstance(by, str) else ("", "", "")
    if kind in (FINAL, BEST) and not colon:
        return Scale(kind, maximize)
    value = _number(target, False)
    if kind != STEPS or value is None or not math.isfinite(value):
        raise UsageError("error.judge.by", value=quoted(by))
    if not runs.curves:
        raise UsageError("error.judge.steps", value=by)
    return Scale(STEPS, maximize, value, max(min(budgets(runs).values()), 1.0))


def budgets(runs: Runs) -> dict[str, float]:
    """The last step of each arm that has one."""
    lasts = {name: [float(run.steps[-1]) for run in runs.of(name) if run.steps.size] for name in runs.arms}
    return {name: max(own) for name, own in lasts.items() if own}


def _extrapolated(by: object, maximize: bool, runs: Runs, slope: object) -> Scale:
    """The metric at the end of the largest budget, by a slope a step."""
    value = _number(slope, False)
    if value is None or not math.isfinite(value) or value == 0:
        raise UsageError("error.judge.slope", value=quoted(slope))
    if by != FINAL:
        raise UsageError("error.judge.slope.by", value=quoted(by))
    if not runs.curves:
        raise UsageError("error.judge.steps", value=f"--slope {value:g}")
    own = budgets(runs)
    largest = max(own.values())
    missing = {name: largest - budget for name, budget in own.items()}
    return Scale(FINAL, maximize, budget=largest, slope=value, missing=missing)


def arms(runs: Runs, scale: Scale) -> list[Arm]:
    """Every arm on the scale. A run without a number counts as worse than any that has one, of any arm.

    Runs of one arm that are the same digit for digit are one run: were they counted, the noise would seem as
    much smaller as they are many.
    """
    own = {name: runs.of(name) for name in runs.arms}
    kept = {name: distinct(every) for name, every in own.items()}
    numbers = {name: np.array([scale.number(run) for run in some]) for name, some in kept.items()}
    every = np.concatenate([*numbers.values()])
    if not np.isfinite(every).any():
        raise UsageError("error.judge.nothing", metric=runs.metric)
    worst, size = np.nanmax(every), np.nanmax(np.abs(every)) or 1.0
    return [
        Arm(
            name,
            np.where(np.isnan(x), worst + size * (FAR if np.isnan(x).all() else A_LITTLE), x),
            tuple(run.seed for run in kept[name]),
            _failed(kept[name], scale),
            tuple(run.seed for run in own[name] if id(run) not in set(map(id, kept[name]))),
            bool(np.isnan(x).all()),
        )
        for name, x in numbers.items()
    ]


def _failed(own: Sequence[Run], scale: Scale) -> Array:
    if scale.by == STEPS:
        return np.array([not math.isfinite(scale.arrival(run)) for run in own])
    return np.array([math.isnan(scale.number(run)) for run in own])


def distinct(own: Sequence[Run]) -> list[Run]:
    """The runs of an arm without copies of an earlier one: where all are the same, or equal by no chance.

    Runs that crashed are no copies, however alike they are.
    """
    first = {run.values.tobytes(): run for run in reversed(own)}
    every = len(first) == 1

    def copied(run: Run) -> bool:
        earlier = first[run.values.tobytes()]
        return (
            earlier is not run and bool(np.isfinite(run.values[-1:]).any()) and (every or telling(run.values))
        )

    return [run for run in own if not copied(run)]


def telling(values: Array) -> bool:
    """Whether two runs have such values only as copies: several that differ, or one of many digits."""
    finite = values[np.isfinite(values)]
    digits = max((len(f"{abs(value):.12g}".replace(".", "").strip("0")) for value in finite[-1:]), default=0)
    return np.unique(finite).size >= 3 or digits >= DIGITS
