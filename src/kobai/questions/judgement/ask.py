"""Is a run really better? ``kobai.judge("runs.csv", metric="val_loss")`` judges results from anywhere."""

import math
from collections.abc import Mapping, Sequence

from kobai.basics.checks import MAPPING, NAME, TRUTH, check_arguments, is_number
from kobai.basics.errors import UsageError, quoted, unknown
from kobai.basics.guard import guard
from kobai.questions.judgement import scale, traps
from kobai.questions.judgement.judging import Judging
from kobai.questions.judgement.outcome import Judgement, frame
from kobai.questions.judgement.readers.frames import Columns
from kobai.questions.judgement.readers.sources import load
from kobai.questions.judgement.result import JudgementResult
from kobai.questions.judgement.runs import Runs
from kobai.report.result import call
from kobai.words import current
from kobai.words import language as speaking

BASELINES = ("baseline", "main", "control")
"""An arm of such a name is the baseline where none was named."""
OF_BASELINE = "baseline"
MOST_ARMS = 200


@guard
def judge(
    source: object,
    *,
    metric: str | None = None,
    group: str | None = None,
    seed: str | None = None,
    step: str | None = None,
    baseline: str | None = None,
    arm: str | None = None,
    by: str = scale.FINAL,
    maximize: bool | None = None,
    margin: float | str | None = None,
    sigma: float | str | None = None,
    unpaired: bool = False,
    ranks: bool = False,
    slope: float | str | None = None,
    watch: bool = False,
    earlier: Mapping[str, int] | None = None,
    language: str | None = None,
    command: str | None = None,
) -> JudgementResult:
    """Is a run really better than the baseline, or is it the seed?

    Every arm is held against the baseline: better, worse, no difference larger than the margin, or undecided,
    and then with how many more seeds it would probably be decided. Arms on the same seeds are paired, as in
    `compare`; others are judged by Welch's test and a permutation, which must agree. All p-values are
    corrected for the number of arms (Holm).

    Args:
      source: a file of CSV, TSV, Parquet or JSON lines; several, one for each arm; a folder of TensorBoard,
        offline runs of W&B or runs of MLflow; the address of a study of Optuna; a frame of polars or
        pandas; or values by arm, ``{"main": [0.31, 0.29], "new": [0.28, 0.3]}``, or by arm and seed.
      metric: the column that is judged. Default: the only one with numbers.
      group, seed, step: the columns that tell the arm, the run and the step. Default: those called so.
      baseline: the arm that the others are held against. Default: the first of several files, one called
        "baseline", "main" or "control".
      arm: the one asked about, whose verdict is ``result.code``.
      by: "final", the metric at the last step; "best", of all steps; "steps:3.28", the first step from which
        on it holds.
      maximize: whether more of the metric is better. Default: what its name says.
      margin: a difference that does not matter: 0.01 of the metric, "10%" of the steps.
      sigma: the standard deviation of a run, if it is known beforehand (of the logarithm of steps); or
        "baseline": two or three runs take that of five or more on the other side, as a single one does.
      unpaired: whether equal seeds have nothing in common, such as those of two programs.
      ranks: whether ranks are compared in place of means. To be said beforehand, not once the runs are seen:
        where spreads differ a rank test is no test of means.
      slope: by so much the metric changes a step, such as -2e-5: where arms have different numbers of steps,
        the metric at the end of the fewer is extrapolated to that of the most.
      watch: whether the source grows: judged with the first 4, 8, 16, 32, … runs of each arm alone, which
        may be asked for as often as one likes.
      earlier: numbers of runs by arm that a verdict was made from before; `watch` needs none.
      language: "en" or "ja", for this call. Default: the language in use.
      command: what the page says makes it again. Default: this call.

    Returns:
      A `JudgementResult`: prints the verdicts; holds them, and is 0, 1 or 3 as ``result.code``.

    Raises:
      UsageError: for anything that cannot be meant.
    """
    command = command or call(judge, locals(), {"source": "runs", "earlier": "None"})
    _check({**locals()})
    with speaking(language):
        runs = load(source, Columns(metric, group, seed, step))
        ruler = scale.parse(by, _maximize(maximize, runs.metric), runs, slope)
        arms = scale.arms(runs, ruler)
        ordered = isinstance(source, Mapping) or (isinstance(source, list | tuple) and group is None)
        base = _baseline(baseline, runs, ordered)
        _check_arms(runs.arms, arm, base)
        known, borrow = _sigma(sigma)
        if ranks and sigma is not None:
            raise UsageError("error.judge.ranks")
        apart = unpaired or not runs.seeded
        judging = Judging(arms, base, ruler.margin(margin), known, borrow, apart, ranks)
        said, following = judging.watched() if watch else (judging.verdicts(), None)
        caution = [*traps.traps(runs, arms, ruler, sigma=known, baseline=base)]
        if not watch:
            caution += traps.looked_before(earlier or {}, arms)
        judgement = Judgement(
            runs.metric,
            ruler,
            tuple(arms),
            base,
            arm or (said[0].arm if len(said) == 1 else None),
            tuple(said),
            judging.together(watch),
            judging.margin,
            known,
            tuple(caution),
            following,
        )
        return JudgementResult(
            table=frame(judgement), command=command, language=current(), judgement=judgement
        )


def _check(values: Mapping[str, object]) -> None:
    """Refuse what no argument of its name can be; None stands for what is left out."""
    texts = dict.fromkeys(("metric", "group", "seed", "step", "baseline", "arm"), NAME)
    rules = {**texts, "maximize": TRUTH, "earlier": MAPPING}
    told = {name: rule for name, rule in rules.items() if values[name] is not None}
    check_arguments("judge", values, told | dict.fromkeys(("unpaired", "ranks", "watch"), TRUTH))


def _maximize(maximize: bool | None, metric: str) -> bool:
    if maximize is not None:
        return maximize
    likely = traps.direction(metric)
    if likely is None:
        raise UsageError("error.judge.direction", metric=metric)
    return likely


def _baseline(baseline: str | None, runs: Runs, ordered: bool) -> str:
    """The name of the baseline; the first arm where the sources stand in an order of their own."""
    names = runs.arms
    if baseline is not None:
        if baseline not in names:
            raise unknown("kind.judge.arm", baseline, names)
        return baseline
    usual = [name for name in BASELINES if name in names]
    if usual:
        return usual[0]
    if ordered:
        return names[0]
    raise UsageError("error.judge.baseline", known=", ".join(names))


def _check_arms(names: Sequence[str], asked: str | None, baseline: str) -> None:
    if len(names) < 2:
        raise UsageError("error.judge.alone", name=names[0])
    if len(names) > MOST_ARMS:
        raise UsageError("error.judge.many", count=len(names), most=MOST_ARMS)
    if asked is not None and asked not in names:
        raise unknown("kind.judge.arm", asked, names)
    if asked == baseline:
        raise UsageError("error.judge.itself", name=asked)


def _sigma(sigma: float | str | None) -> tuple[float | None, bool]:
    """The declared spread, and whether few runs borrow another's."""
    if sigma is None or (isinstance(sigma, str) and sigma == OF_BASELINE):
        return None, sigma is not None
    try:
        value = float(sigma) if isinstance(sigma, str) or is_number(sigma) else math.nan
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError("error.judge.sigma", value=quoted(sigma))
    return value, False
