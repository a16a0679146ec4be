"""What a study's runs say, and how surely: pure functions from arrays of numbers to estimates.

A run becomes one number, its *steps to target* (`steps_to_target`), which is infinite where the target was
never met; `steps_to_stay` is the step from which on it stays met. `restricted` counts such a run as the whole
budget. From there:

- one candidate: `geometric_steps`, `mean_steps`, `wilson` (reach rate), `kaplan_meier` and
  `steps_with_restarts`;
- a candidate against the reference, paired by seed: `paired_ratio`, `paired_difference`, `sign_flip_p`, and
  for a whole family `compare`, corrected by `holm`; `smallest_p` and `seeds_needed` say what so many seeds
  can show at best;
- all candidates at once, on the same seeds: `best_set` (who may be the best) and `cost_bounds` (what choosing
  each costs, at most), both in `choose`; of a study that grows, `until_clear`, `choose_at`
  and `forecast`;
- the cost of tuning: `best_after_k`, `working_range`; and `auto_target` where a task states none.

Intervals are 95 %, two-sided. scipy.stats takes a second to import, so the few functions that are asked for
stand in scipy.special, which each imports when called.
"""

from kobai.study.statistics.best import ALPHA, BestSet, best_set
from kobai.study.statistics.choice import REACH, Choice, choose
from kobai.study.statistics.cost import cost_bounds
from kobai.study.statistics.estimates import (
    BOOTSTRAP_FROM,
    LEVEL,
    NOT_ESTIMABLE,
    Estimate,
    Interval,
    geometric_mean,
    geometric_steps,
    kaplan_meier,
    log_steps,
    mean_steps,
    restricted,
    steps_to_stay,
    steps_to_target,
    steps_with_restarts,
    wilson,
)
from kobai.study.statistics.flips import BATCH, FLIPS
from kobai.study.statistics.looks import (
    CLEAR,
    LOOKS,
    OPEN,
    UNDECIDED,
    WITHIN,
    Decision,
    Forecast,
    choose_at,
    forecast,
    looks_until,
    until_clear,
)
from kobai.study.statistics.pairs import (
    Comparison,
    bound,
    compare,
    holm,
    limit,
    paired_difference,
    paired_ratio,
    seeds_needed,
    sign_flip_p,
    sign_flip_p_values,
    smallest_p,
)
from kobai.study.statistics.tuning import auto_target, best_after_k, working_range

__all__ = [
    "ALPHA",
    "BATCH",
    "BOOTSTRAP_FROM",
    "BestSet",
    "CLEAR",
    "Choice",
    "Comparison",
    "Decision",
    "Estimate",
    "FLIPS",
    "Forecast",
    "Interval",
    "LEVEL",
    "LOOKS",
    "NOT_ESTIMABLE",
    "OPEN",
    "REACH",
    "UNDECIDED",
    "WITHIN",
    "auto_target",
    "best_after_k",
    "best_set",
    "bound",
    "choose",
    "choose_at",
    "compare",
    "cost_bounds",
    "forecast",
    "geometric_mean",
    "geometric_steps",
    "holm",
    "kaplan_meier",
    "limit",
    "log_steps",
    "looks_until",
    "mean_steps",
    "paired_difference",
    "paired_ratio",
    "restricted",
    "seeds_needed",
    "sign_flip_p",
    "sign_flip_p_values",
    "smallest_p",
    "steps_to_stay",
    "steps_to_target",
    "steps_with_restarts",
    "until_clear",
    "wilson",
    "working_range",
]
