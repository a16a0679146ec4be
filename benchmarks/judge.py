"""How often `kobai judge` says better or worse of arms whose means are equal, where their shapes are not.

    python benchmarks/judge.py            # the table of docs/how-to/judge.md, 2,000 sets a cell

Distributions are centred, so that a difference of means that is found is one that is not there.
"""

import numpy as np

from kobai.questions.judgement import looks
from kobai.questions.judgement.procedures import BORROWED, PAIRED, UNPAIRED, p_values, welch_p_values

SETS = 2000


def normal(rng, shape, spread=1.0):
    return spread * rng.normal(size=shape)


def exponential(rng, shape, spread=1.0):
    return spread * (rng.exponential(size=shape) - 1)


def failing(rng, shape, spread=1.0):
    """Normal, but for a tenth of the runs, which are ten times the spread worse."""
    return spread * (rng.normal(size=shape) + 10 * (rng.random(shape) < 0.1) - 1)


PAIRS = {
    "normal, equal": (normal, 1, normal, 1),
    "normal, spreads 3 to 1": (normal, 3, normal, 1),
    "exponential, equal": (exponential, 1, exponential, 1),
    "exponential, spreads 3 to 1": (exponential, 3, exponential, 1),
    "a tenth failing, against none": (failing, 1, normal, 1),
}


def share(procedure, first, second, n, m):
    (a, s), (b, t) = first, second
    rng = np.random.default_rng([n, m])
    x, y = a(rng, (SETS, n), s), b(rng, (SETS, m), t)
    return np.mean(decided(procedure, x, y, 0.05))


def decided(procedure, x, y, level):
    """Whether each set rejects. Where Welch does not, the permutation need not be made."""
    if procedure != UNPAIRED:
        return p_values(procedure, x, y) <= level
    welch = welch_p_values(x, y) <= level
    if welch.any():
        welch[welch] = p_values(UNPAIRED, x[welch], y[welch]) <= level
    return welch


def at_looks(procedure, first, second):
    (a, s), (b, t) = first, second
    rng = np.random.default_rng(64)
    x, y = a(rng, (SETS, 64), s), b(rng, (SETS, 64), t)
    wrong = np.zeros(SETS, bool)
    for runs, level in looks.looks(64):
        wrong |= decided(procedure, x[:, :runs], y[:, :runs], level)
    return wrong.mean()


def row(a, s, b, t):
    first, second = (a, s), (b, t)
    unpaired = [share(UNPAIRED, first, second, n, m) for n, m in ((5, 5), (10, 10), (4, 20), (20, 4))]
    paired = [share(PAIRED, first, second, n, n) for n in (10, 20)]
    borrowed = [share(BORROWED, first, second, 1, m) for m in (5, 20)]
    return [*unpaired, *paired, *borrowed, at_looks(UNPAIRED, first, second)]


HEADS = ("5 : 5", "10 : 10", "4 : 20", "20 : 4", "10 pairs", "20 pairs", "1 : 5", "1 : 20", "looks to 64")

if __name__ == "__main__":
    print(f"| the arm, the baseline | {' | '.join(HEADS)} |")
    print(f"|---|{'---|' * len(HEADS)}")
    for name, pair in PAIRS.items():
        print(f"| {name} | {' | '.join(f'{each:.3f}'.removeprefix('0') for each in row(*pair))} |")
