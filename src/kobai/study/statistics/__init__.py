"""What a study's runs say, and how surely: pure functions from arrays of numbers to estimates.

A run becomes one number, its *steps to target* (`steps_to_target`), which is infinite where the target was
never met; `steps_to_stay` is the step from which on it stays met. `restricted` counts such a run as the whole
budget. From there:

- one candidate: `mean_steps`, `wilson` (reach rate), `kaplan_meier`, `steps_with_restarts`;
- a candidate against the reference, paired by seed: `paired_ratio`, `paired_difference`, `sign_flip_p`, and
  for a whole family `compare`, corrected by `holm`; `smallest_p` and `seeds_needed` say what so many seeds
  can show at best;
- the cost of tuning: `best_after_k`, `working_range`; and `auto_target` where a task states none.

Intervals are 95 %, two-sided. scipy.stats takes a second to import, so each function imports it when called.
"""

from kobai.study.statistics.estimates import (
    BOOTSTRAP_FROM,
    LEVEL,
    NOT_ESTIMABLE,
    Estimate,
    Interval,
    kaplan_meier,
    mean_steps,
    restricted,
    steps_to_stay,
    steps_to_target,
    steps_with_restarts,
    wilson,
)
from kobai.study.statistics.pairs import (
    BATCH,
    FLIPS,
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
    "BATCH",
    "BOOTSTRAP_FROM",
    "Comparison",
    "Estimate",
    "FLIPS",
    "Interval",
    "LEVEL",
    "NOT_ESTIMABLE",
    "auto_target",
    "best_after_k",
    "bound",
    "compare",
    "holm",
    "kaplan_meier",
    "limit",
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
    "wilson",
    "working_range",
]
