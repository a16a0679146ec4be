"""Sentences of caution: what must be known before an answer is believed."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from kobai.basics.progress import duration
from kobai.candidates.values import hyperparameters_of, written
from kobai.engine.run import evaluated_at
from kobai.initializers import given
from kobai.stabilizers.clipping import Clip
from kobai.study import statistics
from kobai.study.baselines import Baseline, metric_value
from kobai.study.criterion import FINAL
from kobai.study.effects import Effect
from kobai.study.of_rules import of_rules
from kobai.study.outcome import Outcome
from kobai.study.protocol import HALF
from kobai.study.question import LEAST
from kobai.study.rows import Row
from kobai.study.study import CONFIRMATION
from kobai.words import Note, Term, say


def notes(
    outcome: Outcome,
    rows: Sequence[Row],
    effects: Mapping[str, Sequence[Effect]],
    baselines: Sequence[Baseline] = (),
) -> tuple[Note, ...]:
    """All of them."""
    return (
        *_of_end(outcome),
        *_of_time(outcome),
        *_of_seeds(outcome),
        *_of_baselines(outcome, rows, baselines),
        *_of_target(outcome, rows),
        *_of_budget(outcome, rows),
        *_of_starts(outcome),
        *of_rules(outcome.study.candidates, _cut(outcome), _batches(outcome)),
        *_of_runs(outcome, rows, effects),
        *outcome.study.facts.cautions,
    )


FIRST = ("note.sketch", "note.sketch.budget")
"""What stands above all, since no more than a ranking follows."""

ABOVE = (
    *("note.stopped", "note.budget", "note.budget.part", "note.budget.part.quick"),
    "note.machines",
    *("note.harder", "note.harder.derived", "note.final", "note.final.at_once"),
    *("note.untrained.maximize", "note.untrained.minimize", "note.at_once"),
    *("note.baseline.better", "note.baseline.open"),
)
"""Cautions that stand above the answers: it is not complete, nothing can be told apart,
or no network is needed."""


def _of_end(outcome: Outcome) -> Iterator[Note]:
    """That the answer was asked for before the confirmation was complete."""
    if outcome.planned > outcome.study.seeds:
        yield Note("note.stopped", {"seeds": outcome.study.seeds, "planned": outcome.planned})


def _of_time(outcome: Outcome) -> Iterator[Note]:
    """What was planned to fit into the time that the study was given."""
    study = outcome.study
    if study.allowance is not None:
        seconds = study.allowance.seconds
        time = say("progress.seconds", count=f"{seconds:g}") if seconds < EXACT else duration(seconds)
        values = {"time": time, "tuning_seeds": study.tuning_seeds, "seeds": study.seeds}
        if study.every == 1:
            yield Note("note.budget", values)
        else:
            is_all = study.allowance.rungs[-1].every == 1
            yield Note(
                "note.budget.part" if is_all else "note.budget.part.quick", {**values, "every": study.every}
            )


EXACT = 90
"""Seconds below which a given time is told as it was given."""


def _of_baselines(outcome: Outcome, rows: Sequence[Row], baselines: Sequence[Baseline]) -> Iterator[Note]:
    """The best of the baselines, where the recommended network is not shown to beat it, or on few rows."""
    if not baselines:
        return
    if baselines[0].beaten:
        yield from _of_few_rows(outcome, baselines[0])
        return
    best, metric = baselines[0], outcome.study.facts.metric_label
    row = next(row for row in rows if row.optimizer == outcome.recommended.candidate.name)
    test = "–" if row.test_metric is None else metric_value(metric, row.test_metric)
    values = {
        "name": Term("baseline", best.name),
        "metric": Term("metric", metric),
        "baseline": metric_value(metric, best.test_metric),
        "optimizer": row.optimizer,
        "test": test,
    }
    is_clear = best.better and not _is_within_margin(best)
    yield Note("note.baseline.better" if is_clear else "note.baseline.open", values)


def _of_few_rows(outcome: Outcome, best: Baseline) -> Iterator[Note]:
    """A baseline that is beaten on every seed, by less than other test rows may move."""
    if best.margin is not None and best.difference.value is not None and _is_within_margin(best):
        rows = outcome.study.facts.sizes["test"] or 0
        points = {
            "difference": f"{100 * abs(best.difference.value):.1f}",
            "margin": f"{100 * best.margin:.1f}",
        }
        yield Note("note.baseline.rows", {"rows": rows, "name": Term("baseline", best.name), **points})


def _is_within_margin(best: Baseline) -> bool:
    """Whether other test rows may turn the difference round."""
    difference = best.difference.value
    return best.margin is not None and difference is not None and abs(difference) < best.margin


def _of_target(outcome: Outcome, rows: Sequence[Row]) -> Iterator[Note]:
    """A target that everybody meets at once, that nobody meets, or that is lost again."""
    yield from _of_criterion(outcome)
    if outcome.by == FINAL:
        return
    study, target = outcome.study, f"{outcome.target:g}"
    way = "maximize" if study.facts.maximize else "minimize"
    fresh = [outcome.times(outcome.cells_of(trial, CONFIRMATION)) for trial in outcome.winners.values()]
    arrivals, [_, first, *_] = np.concatenate(fresh), evaluated_at(study.steps, study.evaluate_every)
    untrained, at_once = int((arrivals == 0).sum()), int((arrivals <= first).sum())
    values: dict[str, object] = {"target": target, "runs": len(arrivals), "step": int(first)}
    if all(row.best for row in rows):  # else something can be told apart all the same
        if untrained > HALF * len(arrivals):
            yield Note(f"note.untrained.{way}", {**values, "count": untrained})
        elif at_once > HALF * len(arrivals):
            yield Note("note.at_once", {**values, "count": at_once})
        elif np.isinf(arrivals).all():
            yield from _of_nobody(outcome, rows, way)
    winner = next(row for row in rows if row.optimizer == outcome.recommended.candidate.name)
    if winner.kept < winner.reached:
        counts = {"kept": winner.kept, "reached": winner.reached, "seeds": winner.seeds}
        yield Note("note.lost", {"optimizer": winner.optimizer, "target": target, **counts})


def _of_criterion(outcome: Outcome) -> Iterator[Note]:
    """What decides in the place of the stated target, and under which schedule the end is judged."""
    study, target = outcome.study, f"{outcome.target:.4g}"
    if outcome.by == FINAL:
        schedules = [value.name for axis in study.axes if axis.name == "schedule" for value in axis.values]
        constant = "note.constant" if study.by == FINAL else "note.constant.turn"
        yield Note("note.annealed" if schedules else constant, {"schedules": ", ".join(schedules)})
    if outcome.turn == "harder":
        values: dict[str, object] = {"target": target, "step": study.marks[1]}
        if targets := study.facts.targets:
            yield Note("note.harder", {**values, "stated": f"{targets[0]:g}"})
        else:
            yield Note("note.harder.derived", values)
    if outcome.turn == "at_once":
        yield Note("note.final.at_once", {"target": target, "step": study.marks[1]})
    if outcome.turn == "final":
        yield Note("note.final", {"target": target, "steps": study.steps})
        yield from _of_scale(outcome)


def _of_nobody(outcome: Outcome, rows: Sequence[Row], way: str) -> Iterator[Note]:
    """No fresh run has met the target: they diverged, they were too short, or it is beyond the metric."""
    target = f"{outcome.target:g}"
    if all(row.diverged == row.seeds for row in rows):
        rates = any(row.learning_rate is not None for row in rows)
        yield Note("note.nobody.diverged" if rates else "note.nobody.lost", {"target": target})
        return
    low, high = _range(outcome)
    best = high if outcome.study.facts.maximize else low
    values = {"target": target, "steps": outcome.study.steps, "best": f"{best:.4g}"}
    yield Note(f"note.nobody.{way}", values)
    yield from _of_scale(outcome)


def _range(outcome: Outcome) -> tuple[float, float]:
    """The least and the largest metric of any run."""
    every = itertools.chain(*(cells.each("validation_metric") for cells in outcome.phases.values()))
    metrics = (cells["validation_metric"].explode().to_numpy() for _, cells in every)
    finite = [own[np.isfinite(own)] for own in metrics]
    ends = [(own.min(), own.max()) for own in finite if own.size]
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def _of_scale(outcome: Outcome) -> Iterator[Note]:
    """A target that is far from all that the metric was."""
    low, high = _range(outcome)
    best, target = high if outcome.study.facts.maximize else low, f"{outcome.target:g}"
    if abs(outcome.target - best) > FAR * (high - low) > 0:
        yield Note("note.scale", {"target": target, "low": f"{low:.4g}", "high": f"{high:.4g}"})


FAR = 3
"""A target so many times as far from the best metric seen as that is from the worst is on another scale."""


def _of_budget(outcome: Outcome, rows: Sequence[Row]) -> Iterator[Note]:
    """Grids and trials that are too few, or unequal."""
    study = outcome.study
    for row in rows:
        if row.edge:
            values: dict[str, object] = {"optimizer": row.optimizer, "rate": f"{row.learning_rate:g}"}
            factor = ".factor" if row.rate_is_factor else ""
            yield Note(f"note.edge.{row.edge}{factor}", values)
    if choices := _choices(outcome):
        yield Note("note.chosen", {"hyperparameters": choices})
    if study.minimizers:
        values = {"names": ", ".join(study.minimizers), "examples": study.examples, "steps": study.epoch}
        yield Note("note.epochs", values | {"batch": study.facts.batch_size})
    if len({row.trials for row in rows}) > 1:
        yield Note("note.trials", {"trials": ", ".join(f"{row.optimizer} {row.trials}" for row in rows)})


def _choices(outcome: Outcome) -> str:
    """The hyperparameters, without the rate, that tuning chose of several values: "adam: decay_1 0.9"."""
    choices = []
    for optimizer, trial in outcome.winners.items():
        variants = [hyperparameters_of(variant) for variant in trial.candidate.variants]
        several = [
            f"{name} {written(trial.variant, name, value)}"
            for name, value in hyperparameters_of(trial.variant).items()
            if name != "learning_rate" and any(other.get(name) != value for other in variants)
        ]
        choices += [f"{optimizer}: {', '.join(several)}"] if several else []
    return "; ".join(choices)


def _of_seeds(outcome: Outcome) -> Iterator[Note]:
    """Too few seeds for anything but a ranking."""
    seeds = outcome.study.seeds
    several = len(outcome.winners) > 1 or len(outcome.neighbours) > 0
    several = several or any(len(trials) > 1 for trials in outcome.alternatives.values())
    if seeds < LEAST and several:
        key = "note.sketch" if outcome.study.allowance is None else "note.sketch.budget"
        yield Note(key, {"seeds": seeds, "least": LEAST})


def _of_starts(outcome: Outcome) -> Iterator[Note]:
    """Seeds that change nothing, or not the weights."""
    study = outcome.study
    if any(initializer == given() for initializer in study.initializers):
        yield Note("note.given.random" if study.facts.random else "note.given", {})
    fixed = [name for name, trial in outcome.winners.items() if outcome.is_fixed(trial)]
    if fixed:
        yield Note("note.fixed", {"names": tuple(fixed), "seeds": study.seeds})


def _of_runs(
    outcome: Outcome, rows: Sequence[Row], effects: Mapping[str, Sequence[Effect]]
) -> Iterator[Note]:
    """What happened in the runs on the fresh seeds."""
    for axis in ("batch_size", "accumulate"):
        if axis in outcome.alternatives:
            yield Note(f"note.{axis}", {"examples": _examples(outcome, axis)})
        elif axis == "accumulate" and (k := _batches(outcome)[0]) > 1:
            yield Note("note.accumulate.all", {"batches": k})
    first = outcome.recommended.candidate.name
    for key, diverged in _diverged(outcome, rows, effects).items():
        yield Note(key, {"runs": ", ".join(diverged)})
    left_out = {(row.optimizer, row.values["clip"]): row.skipped for row in rows if row.skipped}
    left_out |= {(first, each.value): each.skipped for each in effects.get("clip", ()) if each.skipped}
    if left_out:
        runs = ", ".join(f"{name} ({clip}) {count}" for (name, clip), count in left_out.items())
        yield Note("note.skipped", {"batches": runs})


def _cut(outcome: Outcome) -> dict[str, float]:
    """Of which part of all steps on the fresh seeds a bound of the norm has shortened the gradient, by the
    name of each candidate whose best setting has one; runs without that count have none."""
    parts = {}
    for name, trial in outcome.winners.items():
        bound = trial.parts.get("clip")
        if isinstance(bound, Clip) and (bound.norm < math.inf or bound.first):
            runs = outcome.cells_of(trial, CONFIRMATION).filter(pl.col("clipped").is_not_null())
            ends = [each for each in ("diverged_at", "stopped_at") if each in runs.columns]
            steps = runs.select(pl.min_horizontal(*ends, pl.lit(outcome.study.steps))).to_series().to_numpy()
            if steps.sum():
                parts[name] = float(runs["clipped"].to_numpy().sum() / steps.sum())
    return parts


def _batches(outcome: Outcome) -> list[int]:
    """How many batches a step has, of each value of the axis."""
    asked = [axis for axis in outcome.study.axes if axis.name == "accumulate"]
    return [int(value.name) for axis in asked for value in axis.values] or [outcome.study.facts.accumulate]


def _diverged(
    outcome: Outcome, rows: Sequence[Row], effects: Mapping[str, Sequence[Effect]]
) -> dict[str, list[str]]:
    """The runs that diverged, by the key of what is said of them: whether tuning had a choice, and a rate."""
    first = outcome.recommended.candidate.name
    runs: dict[str, list[str]] = {}
    trials = {row.optimizer: row.trials for row in rows}
    alike = {row.optimizer: (row.diverged, row.seeds, row.learning_rate) for row in rows}
    of = {name: name for name in alike}
    for axis, values in effects.items():
        for each in values:
            if each.value != outcome.recommended.settings[axis]:
                of[f"{first} ({each.value})"] = first
                alike[f"{first} ({each.value})"] = (each.diverged, each.seeds, each.learning_rate)
    for name, (diverged, seeds, rate) in alike.items():
        if diverged:
            case = "chosen" if trials[of[name]] > 1 else "alone"
            key = "note.diverged.minimizer" if rate is None else f"note.diverged.{case}"
            runs.setdefault(key, []).append(f"{name} {diverged}/{seeds}")
    return runs


def _examples(outcome: Outcome, axis: str) -> str:
    """How many examples the recommended optimizer looks at until the target, with each value of an axis."""
    study, counts = outcome.study, []
    for name, trial in outcome.alternatives[axis].items():
        arrived = outcome.times(outcome.cells_of(trial, CONFIRMATION))
        steps = statistics.geometric_mean(arrived, study.steps)
        reached = int(np.isfinite(arrived).sum())
        some = "" if reached == len(arrived) else f" ({reached}/{len(arrived)})"
        counts.append(f"{name}: {steps * study.facts_of(trial).batch_size:,.0f}{some}")
    return ", ".join(counts)
