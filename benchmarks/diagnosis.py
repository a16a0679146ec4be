"""How healthy trainings look to `kobai diagnose`, and how often it is right.

Healthy: every built-in task by several rules, each at the learning rate of its default grid with which it
reaches the task's target in the fewest steps on two tuning seeds (what does not reach it on both is not
healthy and is left out). Of each, three fresh seeds are diagnosed: any trouble is a false alarm. The
range of every sign over those trainings is what the bounds in `kobai.questions.diagnosis.healthy` come from.

Sick: the trainings of `kobai.questions.diagnosis.sick`, on seeds that none of the bounds has seen.

Cures: with `--cures` alone, of how many of the sick trainings a cure of their own trouble is confirmed, as
`kobai diagnose --cure` tries them.

    python benchmarks/diagnosis.py [--seeds 3] [--json benchmarks/diagnosis.json]
    python benchmarks/diagnosis.py --rates benchmarks/diagnosis.json [--json benchmarks/diagnosis.json]
    python benchmarks/diagnosis.py --cures [--cure-seeds 10]

Takes about ten minutes on two cores, most of it for the tuning, which `--rates` takes from an earlier result:
where a sign or a bound has changed, the rates have not.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator

import numpy as np

from kobai.basics import registry
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import parse
from kobai.optimizers.base import Optimizer
from kobai.questions.diagnosis import signs
from kobai.questions.diagnosis.case import Case, Setting, Trouble
from kobai.questions.diagnosis.confirm import confirmed
from kobai.questions.diagnosis.cures import CURES
from kobai.questions.diagnosis.examine import examine, instruments_for
from kobai.questions.diagnosis.sick import families
from kobai.questions.diagnosis.troubles import NAMES, troubles
from kobai.study import statistics
from kobai.tasks.load import load
from kobai.tasks.task import Task

FRESH = 3000
TASKS = {
    "sine": (400, "xavier"),
    "digits": (300, "he"),
    "digits-cnn": (200, "he"),
    "mnist1d": (500, "he"),
    "mnist1d:model=cnn": (500, "he"),
    "mnist1d:model=gru": (500, "xavier"),
    "adding": (1200, "xavier"),
    "copy:length=3,items=2,symbols=4": (300, "xavier"),
    "digits:batch_norm=on": (300, "he"),
}
"""Steps and initial values. `mnist1d:model=logistic` is not among them: a linear network underfits these
curves, and that is what is said of it."""
RULES = ("sgd", "momentum", "adagrad", "rmsprop", "adam")


def tuned(task: Task, rule: Optimizer, steps: int, initializer: str) -> Optimizer | None:
    """The rule at the rate that is best; None: at none is the target reached on both seeds."""
    rates = registry.OPTIMIZERS[
        rule.name if hasattr(rule, "name") else type(rule).__name__.lower()
    ].learning_rates
    sweep = Sweep(task, [rule], steps=steps, evaluate_every=10)
    best = None
    for rate in rates:
        change = {"learning_rate": rate}
        own = dataclasses.replace(rule, **change)
        runs = sweep.train([Cell(own, parse(initializer), seed) for seed in (0, 1)])
        assert runs is not None
        curves = np.array([run.validation_metric for run in runs])
        times = statistics.steps_to_target(sweep.rows, curves, task.targets[0], task.maximize)
        mean = float(np.log(np.maximum(times, 1)).mean())
        if np.isfinite(mean) and (best is None or mean < best[0]):
            best = (mean, own)
    return None if best is None else best[1]


def read(case: Case) -> Iterator[dict[str, float]]:
    """The signs of each seed of a case."""
    assert case.control is not None
    for record in case.records:
        back, time = signs.backward(record, case.sites), signs.through_time(record, case.sites)
        yield {
            "constant": case.facts.constant,
            "size": case.facts.largest,
            "apart": case.facts.apart,
            "outnumbered": case.facts.outnumbered,
            "learned": signs.learned(record, case.level),
            "fitted": signs.fitted(record, case.level),
            "alike": float(signs.alike(record).max()),
            "more": signs.fitted(case.records[0], case.level) - signs.fitted(case.control, case.level),
            "saturated": float(signs.saturated(record, case.sites)[:, -1].max(initial=0)),
            "saturated from the start": float(
                signs.saturated(record, case.sites)[:, (0, -1)].min(axis=1).max(initial=0)
            ),
            "dead": float(signs.dead(record, case.sites)[:, -1].max(initial=0)),
            "gain of layers": float(back[0]),
            "gain of time": float(time[0]),
            "jump": signs.spike(record)[1],
            "risen": signs.risen(record),
            "borne": signs.beyond(record)[1],
            "thrown": signs.thrown(record),
            "gone": signs.fallen(record),
            "leap": signs.leap(record)[1],
            "overshot": signs.overshoot(record),
            "ahead": signs.ahead(record),
            "used": signs.slowest(record),
            "shrunk": signs.shrunk(record),
            "lag": signs.lag(record),
            "stalled": signs.stalled(record, case.level)[1],
            "bent": max(signs.bent(record, step) for step in record.curvature),
            "bent at the end": signs.bent(record, case.setting.steps),
            "averaged": signs.averaged(record),
            "forgotten": signs.forgotten(record),
            "settled": signs.settled(record),
        }


Rates = dict[tuple[str, str], float]
"""Learning rates by the names of task and rule."""


def rates_of(path: str) -> Rates:
    """Those of an earlier result."""
    with open(path, encoding="utf-8") as file:
        return {
            (each["task"], each["optimizer"]): each["learning_rate"] for each in json.load(file)["healthy"]
        }


def rules_of(
    name: str, task: Task, steps: int, initializer: str, rates: Rates | None
) -> dict[str, Optimizer]:
    """The rules that reach the target of a task, by name: tuned, or at the rates that are known."""
    found = {}
    for kind in RULES:
        rule = registry.OPTIMIZERS[kind].load()()
        if rates is None:
            own = tuned(task, rule, steps, initializer)
        else:
            rate = rates.get((name, kind))
            own = None if rate is None else dataclasses.replace(rule, learning_rate=rate)
        if own is None:
            print(f"  left out: {name} {kind} does not reach its target", flush=True)
        else:
            found[kind] = own
    return found


def healthy(seeds: int, rates: Rates | None) -> tuple[list[dict[str, float]], list[dict[str, object]]]:
    """(signs of every training, every setting with the troubles that it is said to have: false alarms)."""
    rows, settings = [], []
    for name, (steps, initializer) in TASKS.items():
        task = load(name)
        rules = rules_of(name, task, steps, initializer, rates)
        of_rules = [Setting(task, rule, parse(initializer), Strategy(), steps) for rule in rules.values()]
        instruments = instruments_for(of_rules)
        for (kind, rule), setting in zip(rules.items(), of_rules, strict=True):
            case = examine(setting, range(FRESH, FRESH + seeds), instruments)
            found = [trouble.name for trouble in troubles(case)]
            rows += read(case)
            rate = getattr(rule, "learning_rate", None)
            settings.append(
                {"task": name, "optimizer": kind, "learning_rate": rate, "initializer": initializer}
                | {"steps": steps, "troubles": found}
            )
            print(f"  {name} {rule} {found}", flush=True)
    return rows, settings


def named(seeds: int) -> dict[str, list[tuple[bool, str]]]:
    """By trouble, for each sick training whether it was named first, and what was."""
    results: dict[str, list[tuple[bool, str]]] = {name: [] for name in NAMES}
    for family in families():
        settings = [each.setting for each in family]
        instruments = instruments_for(settings)
        for each, setting in zip(family, settings, strict=True):
            found = troubles(examine(setting, range(FRESH, FRESH + seeds), instruments))
            first = found[0].name if found else "nothing"
            results[each.trouble].append((first == each.trouble, f"{each.family}: {first}"))
    return results


def cured(cure_seeds: int) -> Iterator[tuple[str, str | None]]:
    """Of each sick training for which there is something to try, what it is, and the cure that helps."""
    for family in families():
        settings = [each.setting for each in family]
        instruments = instruments_for(settings)
        for each, setting in zip(family, settings, strict=True):
            if each.trouble not in CURES:
                continue
            case = examine(setting, (FRESH,), instruments)
            trouble = Trouble(each.trouble, None, None, {}, 1)
            tried = list(confirmed(case, trouble, range(FRESH, FRESH + cure_seeds), lambda _: None))
            if not tried:
                continue  # a network that cannot be made wider
            helps = next((one.cure for one in tried if one.helps), None)
            name = f"{each.trouble}, {each.family}"
            yield name, None if helps is None else f"{helps.key} {dict(helps.values)}"


def count_cures(cure_seeds: int) -> None:
    """Print them."""
    helped = []
    for name, cure in cured(cure_seeds):
        helped.append(cure is not None)
        print(f"{name:44} {cure or 'none is confirmed'}", flush=True)
    print(f"cured: {sum(helped)} of {len(helped)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--rates", help="the result whose tuned rates are taken")
    parser.add_argument("--cures", action="store_true")
    parser.add_argument("--cure-seeds", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.cures:
        count_cures(arguments.cure_seeds)
        return
    results = named(arguments.seeds)
    for name, each in results.items():
        wrong = [what for right, what in each if not right]
        print(f"{name:24} {sum(right for right, _ in each)} of {len(each)}  {wrong or ''}", flush=True)
    every = [right for each in results.values() for right, _ in each]
    print(f"named first: {sum(every)} of {len(every)}", flush=True)
    rows, settings = healthy(arguments.seeds, None if arguments.rates is None else rates_of(arguments.rates))
    ranges = {}
    for sign in rows[0]:
        values = np.array([row[sign] for row in rows])
        values = values[np.isfinite(values)]
        ranges[sign] = [float(values.min()), float(np.median(values)), float(values.max())]
        low, middle, high = ranges[sign]
        print(f"{sign:24} {low:10.3g} {middle:10.3g} {high:10.3g}")
    alarms = [setting for setting in settings if setting["troubles"]]
    print(f"false alarms: {len(alarms)} of {len(settings)} settings", *alarms, sep="\n  ")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            content = {"seeds": arguments.seeds, "named": results, "ranges": ranges, "healthy": settings}
            json.dump(content, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
