"""What makes a run look better than it is: told beside every verdict, wherever the runs show it."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kobai.questions.judgement.pairing import common
from kobai.questions.judgement.runs import Run, Runs
from kobai.questions.judgement.scale import BEST, Arm, Scale, budgets, telling
from kobai.words import Note

MANY = 3
"""So many runs beside one alone make one think of the others that the one was chosen from."""
APART = 0.01
"""Level at which a declared spread is contradicted."""
SMALLER = r"loss|err|perplex|ppl|nll|bpb|bpc|mse|mae|rmse|wer|cer|fid|cost|regret|time|latency"
LARGER = r"acc|f1|auc|reward|return|score|iou|bleu|rouge|precision|recall|psnr|ssim|r2|map|win"


def direction(metric: str) -> bool | None:
    """Whether more is better, as far as the name of a metric tells."""
    words = metric.lower()
    smaller, larger = re.search(SMALLER, words), re.search(LARGER, words)
    return None if bool(smaller) == bool(larger) else bool(larger)


def traps(
    runs: Runs, arms: Sequence[Arm], scale: Scale, *, sigma: float | None, baseline: str
) -> Iterator[Note]:
    """What is to be read with care."""
    yield from runs.notes
    yield from _direction(runs, scale)
    yield from _failed(arms, scale)
    yield from _chosen(arms)
    yield from _checkpoints(runs, scale)
    yield from _budgets(runs, scale)
    yield from _copies(runs)
    yield from _same(arms)
    yield from _without_partner(arms, baseline)
    yield from _spread(arms, sigma)


def _direction(runs: Runs, scale: Scale) -> Iterator[Note]:
    """The name says the other direction, or the runs get worse as they go on."""
    likely, way = direction(runs.metric), "larger" if scale.maximize else "smaller"
    if likely is not None and likely != scale.maximize:
        yield Note(f"judge.trap.direction.{way}", {"metric": runs.metric})
        return
    long = [run.values[np.isfinite(run.values)] for run in runs.runs]
    long = [values for values in long if values.size >= 3]
    fall = [values[-1] < values[0] if scale.maximize else values[-1] > values[0] for values in long]
    if len(long) >= 2 and np.mean(fall) > 0.8:
        yield Note(
            f"judge.trap.worsens.{way}", {"metric": runs.metric, "count": int(np.sum(fall)), "all": len(long)}
        )


def _failed(arms: Sequence[Arm], scale: Scale) -> Iterator[Note]:
    """Runs without a number: counted, not dropped."""
    for arm in arms:
        count = int(arm.failed.sum())
        if count:
            key = "judge.trap.late" if scale.ratios else "judge.trap.failed"
            yield Note(
                key, {"name": arm.name, "count": count, "all": len(arm.x), "budget": f"{scale.budget:g}"}
            )


def _chosen(arms: Sequence[Arm]) -> Iterator[Note]:
    """One run against many: the best of several seeds, perhaps."""
    most = max(len(arm.x) for arm in arms)
    for arm in arms:
        if len(arm.x) == 1 and most >= MANY and not arm.fixed:
            yield Note("judge.trap.one", {"name": arm.name, "most": most})


def _checkpoints(runs: Runs, scale: Scale) -> Iterator[Note]:
    """The best checkpoint by the judged metric itself is better than the run is."""
    if scale.by != BEST:
        return
    counts = {name: round(float(np.mean([run.values.size for run in runs.of(name)]))) for name in runs.arms}
    if len(set(counts.values())) > 1:
        told = tuple(f"{name} {count}" for name, count in counts.items())
        yield Note("judge.trap.checkpoints.unequal", {"counts": told, "metric": runs.metric})
    elif max(counts.values()) > 1:
        yield Note("judge.trap.checkpoints", {"count": max(counts.values()), "metric": runs.metric})


def _budgets(runs: Runs, scale: Scale) -> Iterator[Note]:
    """Arms, or runs of one arm, that did not end at the same step."""
    if not runs.curves:
        return
    own = budgets(runs)
    if scale.slope is not None:
        yield from _extrapolated(own, scale)
    elif len(set(own.values())) > 1:
        told = tuple(f"{name} {steps:g}" for name, steps in own.items())
        yield Note("judge.trap.budgets", {"budgets": told})
    for name, budget in own.items():
        lasts = [run.steps[-1] for run in runs.of(name) if run.steps.size]
        short = sum(last < budget for last in lasts)
        if short:
            yield Note(
                "judge.trap.short", {"name": name, "count": short, "all": len(lasts), "budget": f"{budget:g}"}
            )


def _extrapolated(own: Mapping[str, float], scale: Scale) -> Iterator[Note]:
    """What no run was trained to."""
    slope = scale.slope or 0.0
    values = {"slope": f"{slope:g}", "largest": f"{scale.budget:g}"}
    if not any(scale.missing.values()):
        yield Note("judge.trap.slope", values)
    for name, missing in scale.missing.items():
        if missing > 0:
            yield Note(
                "judge.trap.extrapolated",
                {
                    **values,
                    "name": name,
                    "budget": f"{own[name]:g}",
                    "change": f"{slope * missing:+.4g}".replace("-", "−"),
                },
            )


def _copies(runs: Runs) -> Iterator[Note]:
    """Runs that are copies of one another, digit for digit."""
    seen: dict[bytes, Run] = {}
    pairs: dict[tuple[str, str], int] = {}
    constant = {name for name in runs.arms if len({run.values.tobytes() for run in runs.of(name)}) == 1}
    for run in runs.runs:
        if not telling(run.values):
            continue
        first = seen.setdefault(run.values.tobytes(), run)
        if first is not run and not (first.arm == run.arm and run.arm in constant):
            pairs[first.arm, run.arm] = pairs.get((first.arm, run.arm), 0) + 1
    for (one, other), count in pairs.items():
        key = "judge.trap.copies.within" if one == other else "judge.trap.copies"
        yield Note(key, {"name": one, "other": other, "count": count})


def _same(arms: Sequence[Arm]) -> Iterator[Note]:
    """Seeds that change nothing."""
    for arm in arms:
        if arm.fixed:
            yield Note("judge.trap.fixed", {"name": arm.name, "count": 1 + len(arm.copies)})


def _without_partner(arms: Sequence[Arm], baseline: str) -> Iterator[Note]:
    """Seeds of the baseline that an arm lacks, or the other way round, where they are paired."""
    (base,) = [arm for arm in arms if arm.name == baseline]
    for arm in arms:
        if arm is base or None in (*arm.seeds, *base.seeds):
            continue
        for one, other in itertools.permutations((arm, base)):
            missing = tuple(str(seed) for seed in one.seeds if seed not in other.seeds + other.copies)
            if missing and 2 * len(common(arm, base)) > len(one.x):
                yield Note("judge.trap.partner", {"name": other.name, "other": one.name, "seeds": missing})


def _spread(arms: Sequence[Arm], sigma: float | None) -> Iterator[Note]:
    """A declared σ that the runs contradict."""
    many = [arm for arm in arms if len(arm.x) > 1]
    if sigma is None or not many:
        return
    from scipy import special

    freedom = sum(len(arm.x) - 1 for arm in many)
    squares = sum(float(np.square(arm.x - arm.x.mean()).sum()) for arm in many)
    if special.chdtrc(freedom, squares / sigma**2) < APART:
        yield Note("judge.trap.sigma", {"sigma": f"{sigma:g}", "seen": f"{np.sqrt(squares / freedom):.3g}"})


def looked_before(earlier: Mapping[str, int], arms: Sequence[Arm]) -> Iterator[Note]:
    """A verdict of fewer runs of the same arms was there: who looks often sees what is not there."""
    now = {arm.name: len(arm.x) for arm in arms}
    if earlier and set(earlier) <= set(now) and any(earlier[name] < now[name] for name in earlier):
        yield Note("judge.trap.looks", {"before": sum(earlier.values()), "now": sum(now.values())})
