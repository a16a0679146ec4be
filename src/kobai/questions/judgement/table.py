"""What is said of a judgement: title, answer, table, notes. Terminal and page share them."""

import math
from collections.abc import Iterator

from kobai.questions.judgement.outcome import Judgement
from kobai.questions.judgement.procedures import BORROWED, FEWEST, PAIRED, RANKS, ROUNDING, SIGMA, SIGNED
from kobai.questions.judgement.ranks import RankContrast
from kobai.questions.judgement.scale import Arm
from kobai.questions.judgement.verdicts import UNDECIDED, Verdict
from kobai.report import cut
from kobai.words import say

COLUMNS = ("arm", "runs", "mean", "effect", "p", "verdict", "cost", "detectable")
LEFT = ("arm", "verdict")
GROUNDS = {PAIRED: "paired", SIGMA: "sigma", BORROWED: "borrowed", SIGNED: "signed", RANKS: "ranks"}


def title(judgement: Judgement) -> str:
    """The question."""
    if judgement.asked is None:
        return say("judge.title.several", baseline=judgement.baseline)
    return say("judge.title", arm=judgement.asked, baseline=judgement.baseline)


def headline(judgement: Judgement) -> str:
    """What is judged, in one sentence."""
    scale = judgement.scale
    values = {"metric": judgement.metric, "baseline": judgement.baseline, "target": f"{scale.target or 0:g}"}
    way = "larger" if scale.maximize else "smaller"
    parts = [say(f"judge.headline.{scale.by}.{way}", **values, budget=f"{scale.budget:g}")]
    if judgement.margin is not None:
        parts.append(say("judge.headline.margin", margin=_size(judgement, judgement.margin)))
    return say("report.space").join(parts)


def answers(judgement: Judgement) -> list[tuple[Verdict, str]]:
    """Each verdict with its sentence; the one asked about first."""
    ordered = sorted(judgement.verdicts, key=lambda each: each.arm != judgement.asked)
    return [(each, say("report.space").join(_sentences(judgement, each))) for each in cut.first(ordered)]


def _sentences(judgement: Judgement, verdict: Verdict) -> Iterator[str]:
    names = {"arm": verdict.arm, "baseline": judgement.baseline}
    kind = f"{verdict.verdict}.within" if verdict.within else verdict.verdict
    margin = "" if judgement.margin is None else _size(judgement, judgement.margin)
    yield say(f"judge.verdict.{kind}", **names, margin=margin)
    lost = [arm.name for arm in judgement.arms if arm.lost and arm.name in (verdict.arm, judgement.baseline)]
    if lost:
        yield say("judge.seen.lost", names=say("answer.comma").join(lost))
    if math.isfinite(verdict.contrast.error):
        scale = "ratio" if judgement.scale.ratios else "difference"
        level = f"{100 * (1 - verdict.level):.3g}"
        yield say(
            f"judge.seen.{scale}",
            effect=effect(judgement, verdict),
            p=cut.p_value(verdict.corrected_p),
            level=level,
        )
    yield _ground(judgement, verdict)
    if verdict.verdict == UNDECIDED:
        yield _remedy(judgement, verdict)


def _ground(judgement: Judgement, verdict: Verdict) -> str:
    """What the verdict stands on: how many runs, and where the noise is known from."""
    contrast, base = verdict.contrast, judgement.baseline
    n, m = contrast.runs
    names = (verdict.arm, base) if n < m else (base, verdict.arm)
    if not math.isfinite(contrast.error) and contrast.least == 1:
        return say("judge.ground.none", n=n, m=m)
    values = {"n": n, "m": m, "few": names[0], "many": names[1], "most": max(n, m), "sigma": judgement.sigma}
    ground = say(f"judge.ground.{GROUNDS.get(contrast.procedure, 'unpaired')}", **values)
    tied = isinstance(contrast, RankContrast) and contrast.tied
    return say("report.space").join([ground, say("judge.ground.tied")] if tied else [ground])


def _remedy(judgement: Judgement, verdict: Verdict) -> str:
    """What would decide."""
    if not math.isfinite(verdict.contrast.error) and verdict.more is None:
        two = [arm for arm in judgement.arms if arm.name in (verdict.arm, judgement.baseline)]
        return say("judge.more.one_pair" if all(arm.fixed for arm in two) else "judge.more.few", count=FEWEST)
    if verdict.look is not None and judgement.next is not None and verdict.more is not None:
        return say("judge.more.look", count=min(verdict.contrast.runs) + verdict.more)
    if verdict.more is not None:
        return say("judge.more", count=verdict.more)
    return say("judge.more.never" if judgement.margin is not None else "judge.more.margin")


def together(judgement: Judgement) -> str:
    """Who may be the best of all."""
    names = cut.listed(say("answer.comma").join(judgement.best.members))
    count = len(judgement.best.members)
    key = "one" if count == 1 else "all" if count == len(judgement.arms) else "several"
    return say(f"judge.best.{key}", names=names, count=count)


def headers(judgement: Judgement) -> list[str]:
    """The heads of the columns."""
    scale = "ratio" if judgement.scale.ratios else "difference"
    own = {
        "effect": f"judge.column.{scale}",
        "mean": f"judge.column.{'steps' if judgement.scale.ratios else 'mean'}",
    }
    return [say(own.get(name, f"judge.column.{name}")) for name in COLUMNS]


def cells(judgement: Judgement) -> list[list[str]]:
    """The table, a row for each arm, the baseline first."""
    said = {each.arm: each for each in judgement.verdicts}
    ordered = sorted(judgement.arms, key=lambda arm: arm.name != judgement.baseline)
    return [_row(judgement, arm, said.get(arm.name)) for arm in cut.first(ordered)]


def _row(judgement: Judgement, arm: Arm, verdict: Verdict | None) -> list[str]:
    runs = f"{len(arm.x)}" + (say("judge.failed", count=int(arm.failed.sum())) if arm.failed.any() else "")
    cost = judgement.best.costs[arm.name]
    row = [arm.name, runs, interval(*judgement.means(arm))]
    last = "–" if cost is None else _size(judgement, cost)
    if verdict is None:
        return [*row, "", "", say("judge.column.baseline"), last, ""]
    detectable = "–" if verdict.detectable is None else _size(judgement, verdict.detectable)
    kind = f"{verdict.verdict}.within" if verdict.within else verdict.verdict
    seen = effect(judgement, verdict)
    return [*row, seen, cut.p_value(verdict.corrected_p), say(f"judge.word.{kind}"), last, detectable]


def warnings(judgement: Judgement) -> list[str]:
    """What is to be read with care."""
    missing = cut.word("rows", min(len(judgement.arms), cut.ROWS), len(judgement.arms))
    return [*missing, *map(str, judgement.warnings)]


# Numbers


def effect(judgement: Judgement, verdict: Verdict) -> str:
    """The difference or the ratio with its interval: −0.0121 [−0.0180, −0.0062], ×0.81 [0.70, 0.94]."""
    value, low, high = judgement.effect(verdict)
    if judgement.scale.ratios:
        return "×" + interval(value, low, high)
    return interval(value, low, high, signed=True)


def interval(value: float, low: float | None, high: float | None, signed: bool = False) -> str:
    """A number with its interval, to two figures of the interval's half: 0.312 [0.301, 0.324]."""
    if low is None or high is None or not high - low > ROUNDING * abs(value):
        return number(value, None, signed)
    digits = min(max(1 - math.floor(math.log10((high - low) / 2)), 0), 9)
    ends = ", ".join(number(end, digits, signed) for end in (low, high))
    return f"{number(value, digits, signed)} [{ends}]"


def number(value: float, digits: int | None, signed: bool = False) -> str:
    """With so many digits behind the point, or four figures."""
    if not math.isfinite(value):
        return "–"
    sign = "+" if signed else ""
    text = format(value, f"{sign}.4g") if digits is None else format(value, f"{sign}.{digits}f")
    return text.replace("-", "−")


def _size(judgement: Judgement, difference: float) -> str:
    """A difference without its direction: 0.012, or a part of the steps."""
    size = judgement.scale.size(difference)
    return f"{100 * size:.2g} %" if judgement.scale.ratios and size < 10 else f"{size:.3g}"
