"""Simulated studies whose truth is known: what the best set, the cost of choosing and the looks keep to.

    python benchmarks/studies.py [--studies 1000] [--flips 4096] [--write PAGE]

No training: x [seeds, candidates] are logarithms of steps, drawn at random. A *case* says how, and what their
true means are; small is best. Unless it says otherwise a candidate's own deviation is .25, so that of a
difference on one seed is .35. (The file is not named for what it is about: `import statistics` of the other
benchmarks would find it.)
"""

import argparse
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kobai.study import statistics

SPREAD = 0.25
BUDGET = 500
ROUNDING = 1e-9
TRIED = (6, 8, 10, 13, 17, 22, 28, 34, 40)
"""Numbers of seeds fixed beforehand."""


@dataclasses.dataclass(frozen=True)
class Case:
    """How the runs of a study are drawn."""

    name: str
    candidates: int
    draw: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
    """(generator, seeds) to x [seeds, candidates] and the true means [candidates]."""

    def __str__(self) -> str:
        return f"{self.name}, {self.candidates}"


def normal(name: str, means, spread=SPREAD) -> Case:
    means = np.asarray(means, float)

    def draw(rng, seeds):
        luck = 0.4 * rng.normal(size=(seeds, 1))
        return luck + means + spread * rng.normal(size=(seeds, means.size)), means

    return Case(name, means.size, draw)


def equal(candidates: int) -> Case:
    return normal("all equal", np.zeros(candidates))


def one_best(candidates: int, gap: float = 0.35) -> Case:
    return normal(f"one best by {gap:g}", np.r_[0, np.full(candidates - 1, gap)])


def two_best(candidates: int, gap: float = 0.35) -> Case:
    return normal(f"two best by {gap:g}", np.r_[0, 0, np.full(candidates - 2, gap)])


def ladder() -> Case:
    return normal("a ladder", [0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8])


def unequal_spread(candidates: int) -> Case:
    return normal("deviations from .05 to .5", np.zeros(candidates), np.linspace(0.05, 0.5, candidates))


def grid(candidates: int, median: float) -> Case:
    """Steps seen at every tenth only: with a median of 25 most pairs are ties."""

    def draw(rng, seeds):
        luck = 0.4 * rng.normal(size=(seeds, 1))
        steps = median * np.exp(luck + SPREAD * rng.normal(size=(seeds, candidates)))
        return np.log(np.minimum(np.ceil(steps / 10) * 10, BUDGET)), np.zeros(candidates)

    return Case(f"every tenth step, median {median:g}", candidates, draw)


def correlated(candidates: int) -> Case:
    """Every second one does nearly what the one before it does, as Nesterov and momentum."""

    def draw(rng, seeds):
        own = rng.normal(size=(seeds, candidates))
        first = own[:, : 2 * (candidates // 2) : 2]
        own[:, 1::2] = 0.95 * first + math.sqrt(1 - 0.95**2) * own[:, 1::2]
        return SPREAD * own, np.zeros(candidates)

    return Case("correlated pairs", candidates, draw)


def tuned(candidates: int, rates: int = 8) -> Case:
    """Each candidate at the best of its rates on 3 tuning seeds."""
    means = np.tile(0.1 * np.arange(rates), (candidates, 1))

    def draw(rng, seeds):
        runs = means + SPREAD * rng.normal(size=(seeds, candidates, rates))
        tuning = means + SPREAD * rng.normal(size=(3, candidates, rates))
        chosen = np.arange(candidates), tuning.mean(axis=0).argmin(axis=1)
        return runs[:, *chosen], means[chosen]

    return Case("tuned on other seeds", candidates, draw)


def failing(candidates: int, failures, log_cost: float = 1.5) -> Case:
    """Equal means; some fail in a tenth of their runs, which then cost e^1.5 = 4.5 times the steps."""
    fails = np.asarray(failures)
    name = "one of them fails in 10 %" if fails.sum() == 1 else "all but one fail in 10 %"

    def draw(rng, seeds):
        failed = rng.random((seeds, candidates)) < 0.1
        x = SPREAD * rng.normal(size=failed.shape) + np.where(fails, log_cost * (failed - 0.1), 0)
        return x, np.zeros(candidates)

    return Case(name, candidates, draw)


def exponential(candidates: int, skewed) -> Case:
    """Equal means; some have an exponential distribution, the others hardly vary."""
    skewed = np.asarray(skewed)
    name = "one of them exponential" if skewed.sum() == 1 else "all but one exponential"

    def draw(rng, seeds):
        wide, tight = rng.exponential(size=(seeds, candidates)) - 1, rng.normal(size=(seeds, candidates))
        return np.where(skewed, 0.35 * wide, 0.05 * tight), np.zeros(candidates)

    return Case(name, candidates, draw)


def asymmetric(candidates: int) -> list[Case]:
    first = np.arange(candidates) == 0
    shapes = [shape(candidates, which) for shape in (failing, exponential) for which in (first, ~first)]
    return shapes if candidates > 2 else shapes[::2]


SYMMETRIC = [
    *(equal(candidates) for candidates in (2, 3, 7, 12)),
    *(one_best(candidates) for candidates in (3, 7, 12)),
    two_best(7),
    *(two_best(4, gap) for gap in (0.1, 0.2)),
    ladder(),
    *(unequal_spread(candidates) for candidates in (3, 7)),
    *(grid(7, median) for median in (60, 25)),
    *(correlated(candidates) for candidates in (4, 7)),
    tuned(7),
]
ASYMMETRIC = [case for candidates in (2, 3, 7) for case in asymmetric(candidates)]


@dataclasses.dataclass(frozen=True)
class Rates:
    """Parts of studies, and mean numbers of candidates."""

    member: float
    """That of the best which is least often in the set: how often it is."""
    leader: float
    """The bound of the leader is true."""
    every: float
    """The bounds of all candidates are true."""
    called: float
    """Any of the best is called "not the best"."""
    members: float
    remaining: float
    """Candidates that are not called "not the best"."""


def studied(case: Case, seeds: int, studies: int, choose: Callable = statistics.choose, **options) -> Rates:
    """What holds in so many studies of a case; `choose` reads each."""
    rng = np.random.default_rng(seeds)
    best_in, best_of, sums = np.zeros(case.candidates), np.zeros(case.candidates), np.zeros(5)
    for _ in range(studies):
        x, means = case.draw(rng, seeds)
        best = means - means.min() < ROUNDING
        choice = choose(x, **options)
        holds = means - means.min() <= choice.bounds + ROUNDING
        best_of += best
        best_in += best & choice.best.members
        called = (best & choice.best.not_best).any()
        members, remaining = choice.best.members.sum(), (~choice.best.not_best).sum()
        sums += holds[choice.leader], holds.all(), called, members, remaining
    often = best_of > studies / 10  # where tuning chooses, the best differ
    return Rates(float((best_in[often] / best_of[often]).min()), *(sums / studies).tolist())


def holm_remaining(x: np.ndarray, reference: int, alpha: float = 0.05) -> np.ndarray:
    """Who is not shown to be slower than a reference, corrected by Holm [candidates]."""
    others = np.arange(x.shape[1]) != reference
    differences = (x[:, others] - x[:, [reference]]).T
    slower = (statistics.holm(statistics.sign_flip_p_values(differences)) <= alpha) & (
        differences.mean(axis=1) > 0
    )
    remaining = np.ones(x.shape[1], bool)
    remaining[others] = ~slower
    return remaining


def holm_of_pairs(x: np.ndarray, alpha: float = 0.05) -> np.ndarray:
    """Who is not shown to be slower than any other, corrected by Holm for all pairs [candidates]."""
    i, j = np.triu_indices(x.shape[1], 1)
    differences = (x[:, i] - x[:, j]).T
    established = statistics.holm(statistics.sign_flip_p_values(differences)) <= alpha
    remaining = np.ones(x.shape[1], bool)
    for slower in (np.where(differences.mean(axis=1) > 0, i, j)[established]).tolist():
        remaining[slower] = False
    return remaining


def power(case: Case, seeds: int, studies: int, **options) -> dict[str, float]:
    """Mean numbers of candidates that remain, by procedure, where the first is the best."""
    rng, sums = np.random.default_rng(seeds), np.zeros(5)
    for _ in range(studies):
        x, _ = case.draw(rng, seeds)
        winner = int(case.draw(rng, 3)[0].mean(axis=0).argmin())
        best = statistics.best_set(x, **options)
        kept = [
            best.members,
            ~best.not_best,
            holm_of_pairs(x),
            holm_remaining(x, winner),
            holm_remaining(x, 0),
        ]
        sums += [each.sum() for each in kept]
    names = ("set", "step-down", "Holm, all pairs", "Holm, tuning's winner", "Holm, the best known")
    return dict(zip(names, (sums / studies).tolist(), strict=True))


@dataclasses.dataclass(frozen=True)
class Stops:
    """What comes of studies that are looked at until they are clear."""

    clear: float
    seeds: float
    """Their mean number."""
    excluded: float
    """That of the best which is most often excluded at any look: how often it is."""
    called: float
    """Any of the best is called "not the best" at any look."""
    false: float
    """The bound of the leader, with which the study ends, is too low."""
    fixed: float
    """The number of seeds, fixed beforehand, with which as many studies are clear, at the level 5 %."""

    @property
    def ratio(self) -> float:
        return self.seeds / self.fixed


def stopped(
    case: Case, studies: int, until: Callable = statistics.until_clear, fixed: bool = True, **options
) -> Stops:
    """`until` reads each study of at most 40 seeds."""
    rng, out = np.random.default_rng(1), np.zeros(case.candidates)
    sums, alone = np.zeros(4), dict.fromkeys(TRIED if fixed else (), 0)
    for _ in range(studies):
        x, means = case.draw(rng, statistics.LOOKS[-1])
        best = means - means.min() < ROUNDING
        decision = until(x, **options)
        choice = decision.choice
        out += best & ~choice.best.members
        false = means[choice.leader] - means.min() > choice.bounds[choice.leader] + ROUNDING
        called = (best & choice.best.not_best).any()
        sums += decision.verdict == statistics.CLEAR, choice.seeds, called, false
        for seeds in alone:
            alone[seeds] += statistics.choose(x[:seeds], **options).is_clear(statistics.WITHIN)
    clear, seeds, called, false = (sums / studies).tolist()
    return Stops(clear, seeds, float(out.max() / studies), called, false, _seeds_for(clear * studies, alone))


def _seeds_for(clear: float, alone: dict[int, int]) -> float:
    """How many seeds it takes for so many clear studies, between those that were tried."""
    tried, counts = list(alone), list(alone.values())
    enough = next((k for k, count in enumerate(counts) if count >= clear), None)
    if enough is None:
        return math.nan
    around = slice(max(enough - 1, 0), enough + 1)
    return float(np.interp(clear, counts[around], tried[around]))


def row(cells) -> str:
    return "| " + " | ".join(cells) + " |"


def percent(part: float) -> str:
    return f"{100 * part:.1f}"


def table_fixed(cases: list[Case], numbers: tuple[int, ...], studies: int, most: int) -> list[str]:
    heads = ["case", "candidates", "seeds", "in the set", "leader's bound", "all bounds", "called not best"]
    lines = [row(heads), "| --- |" + " ---: |" * (len(heads) - 1)]
    for case in cases:
        for seeds in numbers:
            rates = studied(case, seeds, studies, most=most)
            parts = map(percent, (rates.member, rates.leader, rates.every, rates.called))
            lines.append(row([case.name, str(case.candidates), str(seeds), *parts]))
            print(lines[-1], flush=True)
    return lines


def table_failures(numbers: tuple[int, ...], studies: int, most: int) -> list[str]:
    """How often a given best is in the set, by what a failure costs."""
    shapes = {
        f"{name}, {candidates}": (
            candidates,
            np.arange(candidates) < 1 if first else np.arange(candidates) > 0,
        )
        for candidates in (2, 3, 7)
        for name, first in (("one fails", True), ("all but one", False))
        if candidates > 2 or first
    }
    lines = [row(["a failure costs", "seeds", *shapes]), "| --- |" + " ---: |" * (1 + len(shapes))]
    for log_cost in (1, 1.5, 2, 3):
        for seeds in numbers:
            cases = [failing(*shape, log_cost) for shape in shapes.values()]
            rates = [percent(studied(case, seeds, studies, most=most).member) for case in cases]
            lines.append(row([f"{math.exp(log_cost):.1f} × the steps", str(seeds), *rates]))
            print(lines[-1], flush=True)
    return lines


def table_power(cases: list[Case], numbers: tuple[int, ...], studies: int, most: int) -> list[str]:
    lines: list[str] = []
    for case in cases:
        for seeds in numbers:
            left = power(case, seeds, studies, most=most)
            if not lines:
                lines = [row(["case", "candidates", "seeds", *left]), "| --- |" + " ---: |" * (2 + len(left))]
            numbers_left = (f"{each:.2f}" for each in left.values())
            lines.append(row([case.name, str(case.candidates), str(seeds), *numbers_left]))
            print(lines[-1], flush=True)
    return lines


def table_looks(cases: list[Case], studies: int, most: int) -> list[str]:
    heads = ["case", "candidates", "clear", "mean seeds", "seeds fixed beforehand", "a best excluded"]
    heads += ["called not best", "false bound"]
    lines = [row(heads), "| --- |" + " ---: |" * (len(heads) - 1)]
    for case in cases:
        stops = stopped(case, studies, most=most)
        parts = map(percent, (stops.excluded, stops.called, stops.false))
        fixed = "–" if math.isnan(stops.fixed) else f"{stops.fixed:.1f}"
        numbers = [percent(stops.clear), f"{stops.seeds:.1f}", fixed]
        lines.append(row([case.name, str(case.candidates), *numbers, *parts]))
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--flips", type=int, default=statistics.FLIPS)
    parser.add_argument("--only", default="fixed,failures,power,looks")
    parser.add_argument("--write", type=Path, help="a page, whose tables between the marks are replaced")
    options = parser.parse_args()
    tables, size = {}, (options.studies, options.flips)
    if "fixed" in options.only:
        tables["symmetric"] = table_fixed(SYMMETRIC, (8, 10, 20), *size)
        tables["asymmetric"] = table_fixed(ASYMMETRIC, (10, 20), *size)
    if "failures" in options.only:
        tables["failures"] = table_failures((10, 20), *size)
    if "power" in options.only:
        best = [one_best(candidates, gap) for candidates in (3, 7) for gap in (0.2, 0.35, 0.5)]
        tables["power"] = table_power([*best, ladder()], (8, 10, 20), *size)
    if "looks" in options.only:
        best = [one_best(candidates, gap) for candidates in (3, 7) for gap in (0.2, 0.35)]
        tables["looks"] = table_looks([*best, ladder(), equal(3), equal(7)], *size)
    if options.write:
        page = options.write.read_text("utf-8")
        for name, lines in tables.items():
            begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
            before, after = page[: page.index(begin)], page[page.index(end) :]
            page = "\n".join([before + begin, "", *lines, "", after])
        options.write.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
