"""What was judged, and what came of it; as a table and as JSON."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from kobai.questions.judgement.choice import Best
from kobai.questions.judgement.scale import Arm, Scale
from kobai.questions.judgement.verdicts import BETTER, EQUIVALENT, UNDECIDED, WORSE, Verdict
from kobai.study import statistics
from kobai.words import Note

CODES = {BETTER: 0, WORSE: 1, EQUIVALENT: 1, UNDECIDED: 3}
"""Exit codes of the command line; 2 is a mistake."""


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What came of it.

    Fields:
      metric: its name.
      arms: in the order of their first appearance, the baseline among them.
      baseline: the name of the one that all others are judged against.
      asked: the name of the one arm asked about; None: all.
      verdicts: of all others.
      best: all together.
      margin: of equivalence, on the scale; None: none.
      sigma: the declared spread of a run; None: none.
      looking: whether the file grows, and is looked at with declared numbers of runs.
      next: the number of runs of the next look, if it is.
    """

    metric: str
    scale: Scale
    arms: tuple[Arm, ...]
    baseline: str
    asked: str | None
    verdicts: tuple[Verdict, ...]
    best: Best
    margin: float | None
    sigma: float | None
    warnings: tuple[Note, ...]
    next: int | None = None

    @property
    def code(self) -> int:
        """The exit code: of the arm asked about, else 0 if any is better, 3 if any is undecided, else 1."""
        codes = [CODES[each.verdict] for each in self.verdicts if self.asked in (None, each.arm)]
        return next(code for code in (0, 3, 1) if code in codes)

    def means(self, arm: Arm) -> tuple[float, float | None, float | None]:
        """Mean and 95 % interval of an arm, in the metric; of steps the geometric mean; or NaN."""
        if arm.lost:
            return math.nan, None, None
        own = statistics.estimates.mean(arm.x)
        shown = [None if each is None else self.scale.shown(each) for each in (own.low, own.high)]
        low, high = shown if not self.scale.maximize or self.scale.ratios else shown[::-1]
        return self.scale.shown(float(arm.x.mean())), low, high

    def effect(self, verdict: Verdict) -> tuple[float, float | None, float | None]:
        """The difference to the baseline in the metric, or the ratio of steps, with its interval; or NaN."""
        scale, contrast = self.scale, verdict.contrast
        if math.isinf(contrast.difference):
            return math.nan, None, None
        ends = contrast.interval(1 - verdict.level)
        if ends is None:
            return scale.effect(contrast.difference), None, None
        low, high = sorted(scale.effect(end) for end in ends)
        return scale.effect(contrast.difference), low, high


SCHEMA = {
    "arm": pl.String,
    "runs": pl.Int64,
    "failed": pl.Int64,
    "mean": pl.Float64,
    "mean_low": pl.Float64,
    "mean_high": pl.Float64,
    "verdict": pl.String,
    "within_margin": pl.Boolean,
    "effect": pl.Float64,
    "effect_low": pl.Float64,
    "effect_high": pl.Float64,
    "p": pl.Float64,
    "corrected_p": pl.Float64,
    "procedure": pl.String,
    "power": pl.Float64,
    "detectable": pl.Float64,
    "seeds_needed": pl.Int64,
    "may_be_best": pl.Boolean,
    "cost": pl.Float64,
}
"""Columns of the table: one row an arm; of the baseline no verdict."""


def frame(judgement: Judgement) -> pl.DataFrame:
    """The table."""
    said = {each.arm: each for each in judgement.verdicts}
    rows = [_row(judgement, arm, said.get(arm.name)) for arm in judgement.arms]
    return pl.DataFrame(rows, SCHEMA).with_columns(pl.col("mean", "effect").fill_nan(None))


def _row(judgement: Judgement, arm: Arm, verdict: Verdict | None) -> dict[str, object]:
    mean, low, high = judgement.means(arm)
    cost = judgement.best.costs[arm.name]
    row: dict[str, object] = {
        "arm": arm.name,
        "runs": len(arm.x),
        "failed": int(arm.failed.sum()),
        "mean": mean,
        "mean_low": low,
        "mean_high": high,
        "may_be_best": arm.name in judgement.best.members,
        "cost": None if cost is None else judgement.scale.size(cost),
    }
    return row if verdict is None else row | _said(judgement, verdict)


def _said(judgement: Judgement, verdict: Verdict) -> dict[str, object]:
    effect, low, high = judgement.effect(verdict)
    size = judgement.scale.size
    return {
        "verdict": verdict.verdict,
        "within_margin": verdict.within,
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
        "p": verdict.contrast.p,
        "corrected_p": verdict.corrected_p,
        "procedure": verdict.contrast.procedure,
        "power": verdict.power,
        "detectable": None if verdict.detectable is None else size(verdict.detectable),
        "seeds_needed": verdict.more,
    }


def content(judgement: Judgement, warnings: list[str]) -> Mapping[str, Any]:
    """What the JSON holds; docs/reference/files.md has its schema."""
    scale = judgement.scale
    return {
        "metric": judgement.metric,
        "better": "larger" if scale.maximize else "smaller",
        "by": scale.by if scale.target is None else f"{scale.by}:{scale.target:g}",
        "scale": "ratio" if scale.ratios else "difference",
        "baseline": judgement.baseline,
        "arm": judgement.asked,
        "margin": None if judgement.margin is None else scale.size(judgement.margin),
        "sigma": judgement.sigma,
        "slope": scale.slope,
        "arms": [_arm(judgement, arm) for arm in judgement.arms],
        "verdicts": [_verdict(judgement, each) for each in judgement.verdicts],
        "best_set": list(judgement.best.members),
        "next_look": judgement.next,
        "exit_code": judgement.code,
        "warnings": warnings,
    }


def _arm(judgement: Judgement, arm: Arm) -> dict[str, object]:
    mean, low, high = judgement.means(arm)
    cost = judgement.best.costs[arm.name]
    return {
        "name": arm.name,
        "n": len(arm.x),
        "failed": int(arm.failed.sum()),
        "mean": mean,
        "interval": None if low is None else [low, high],
        "cost": None if cost is None else judgement.scale.size(cost),
    }


def _verdict(judgement: Judgement, verdict: Verdict) -> dict[str, object]:
    said = _said(judgement, verdict)
    low, high = said.pop("effect_low"), said.pop("effect_high")
    return {
        "arm": verdict.arm,
        "baseline": judgement.baseline,
        "verdict": said.pop("verdict"),
        "within_margin": said.pop("within_margin"),
        "effect": said.pop("effect"),
        "interval": None if low is None else [low, high],
        "p": said.pop("corrected_p"),
        "uncorrected_p": said.pop("p"),
        "seeds_needed": said.pop("seeds_needed"),
        **said,
        "look": verdict.look,
    }
