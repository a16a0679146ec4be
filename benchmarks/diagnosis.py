"""How healthy trainings look to `kobai diagnose`, and how often it is right.

Healthy: every built-in task by several rules, each at the learning rate of its default grid with which it
reaches the task's target in the fewest steps on two tuning seeds (what does not reach it on both is not
healthy and is left out). Of each, three fresh seeds are diagnosed: any trouble is a false alarm. The
range of every sign over those trainings is what the bounds in `kobai.questions.diagnosis.healthy` come from.

Decayed: some of them with a penalty of .001, which is usual: what it costs is what `COSTS` comes from.

Held out: he and xavier, the seven usual rules, every task, at the rates that `benchmarks/range.py` has found
best, without those that are among the healthy ones. No bound was fitted to them.

Sick: the trainings of `kobai.questions.diagnosis.sick`, on seeds that none of the bounds has seen.

Cures: of how many of the sick trainings a cure of their own trouble is confirmed, as `kobai diagnose --cure`
tries them.

    python benchmarks/diagnosis.py [--seeds 3] [--json benchmarks/diagnosis.json]
    python benchmarks/diagnosis.py --rates benchmarks/diagnosis.json --json benchmarks/diagnosis.json
    python benchmarks/diagnosis.py --part cures [--cure-seeds 10] --json benchmarks/diagnosis.json

Takes about twenty minutes on two cores, five of them for the tuning, which `--rates` takes from an earlier
result: where a sign or a bound has changed, the rates have not. Of a file that is there the other parts stay.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from kobai.stabilizers.regularization import l2
from kobai.study import statistics
from kobai.tasks.load import load
from kobai.tasks.task import Task

FRESH = 3000
RANGE = Path(__file__).with_name("range.json")
KEPT = Path(__file__).with_suffix(".json")
HELD_OUT_STEPS = 500
"""Of the trainings in it."""
PARTS = ("sick", "healthy", "decayed", "held-out", "cures")
DECAYED, DECAY = ("sine", "digits", "digits-cnn", "mnist1d"), 0.001
"""Tasks that are trained with a penalty, and how strong it is."""
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


def _setting(row: dict[str, Any]) -> tuple[str, str, float, str]:
    """(task, rule, rate, initializer) of a healthy training, or of a case of `benchmarks/range.py`."""
    rule, rate = row.get("optimizer", row.get("rule")), row.get("learning_rate", row.get("best"))
    return row["task"], rule, round(rate, 6), row.get("initializer", row.get("start"))


def held_out(seeds: int) -> list[dict[str, object]]:
    """Every setting that no bound was fitted to, with the troubles that it is said to have.

    They are those that `benchmarks/range.py` found best: he and xavier, the seven usual rules, every task,
    each at the rate of the grid of `kobai compare` that ten seeds say is best, left out where half of them do
    not reach the target in 500 steps, and where it is one of the healthy trainings that are kept, at another
    number of steps.
    """
    with open(RANGE, encoding="utf-8") as file:
        cases = [each for each in json.load(file) if each["by"] == "steps"]
    with open(KEPT, encoding="utf-8") as file:
        healthy = {_setting(each) for each in json.load(file)["healthy"]}
    cases = [each for each in cases if _setting(each) not in healthy]
    settings = []
    for name in dict.fromkeys(each["task"] for each in cases):
        task, own = load(name), [each for each in cases if each["task"] == name]
        asked = [
            Setting(
                task,
                registry.OPTIMIZERS[each["rule"]].load()(learning_rate=each["best"]),
                parse(each["start"]),
                Strategy(),
                HELD_OUT_STEPS,
            )
            for each in own
        ]
        instruments = instruments_for(asked)
        for each, setting in zip(own, asked, strict=True):
            found = [
                trouble.name
                for trouble in troubles(examine(setting, range(FRESH, FRESH + seeds), instruments))
            ]
            settings.append(
                {"task": name, "optimizer": each["rule"], "learning_rate": each["best"]}
                | {"initializer": each["start"], "steps": HELD_OUT_STEPS, "troubles": found}
            )
            print(f"  {name} {each['start']} {setting.optimizer} {found}", flush=True)
    return settings


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


def decayed(seeds: int, rates: Rates) -> list[dict[str, object]]:
    """What a usual penalty costs healthy trainings: of each seed what `healthy.COSTS` bounds."""
    rows: list[dict[str, object]] = []
    for name in DECAYED:
        steps, initializer = TASKS[name]
        rules = rules_of(name, load(name), steps, initializer, rates)
        penalty = Strategy(l2=l2(DECAY))
        asked = [Setting(load(name), rule, parse(initializer), penalty, steps) for rule in rules.values()]
        instruments = instruments_for(asked)
        for kind, setting in zip(rules, asked, strict=True):
            case = examine(setting, range(FRESH, FRESH + seeds), instruments)
            pairs = zip(case.records, case.undecayed, strict=True)
            left = [[1 - signs.learned(each, case.level) for each in pair] for pair in pairs]
            costs = [own / usual for own, usual in left]
            found = [trouble.name for trouble in troubles(case)]
            rows.append({"task": name, "optimizer": kind, "costs": costs, "troubles": found})
            print(f"  {name} {kind} {np.round(costs, 2)} {found}", flush=True)
    return rows


def cured(cure_seeds: int) -> list[dict[str, object]]:
    """Of each sick training for which there is something to try, what it is, and the cure that helps."""
    rows: list[dict[str, object]] = []
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
                continue  # nothing of it can be changed
            cures = [{"cure": one.cure.key, "verdict": one.verdict} for one in tried]
            rows.append({"trouble": each.trouble, "family": each.family, "tried": cures})
            print(f"  {each.trouble}, {each.family}: {cures}", flush=True)
    return rows


def is_cured(row: dict[str, Any]) -> bool:
    """Whether a cure of a sick training is confirmed."""
    return any(each["verdict"] == "helps" for each in row["tried"])


def ranges_of(rows: list[dict[str, float]]) -> dict[str, list[float]]:
    """By sign: the lowest, the middle and the largest of some trainings."""
    known = {sign: [row[sign] for row in rows if np.isfinite(row[sign])] for sign in rows[0]}
    return {sign: [min(values), float(np.median(values)), max(values)] for sign, values in known.items()}


def summary(content: dict[str, Any]) -> str:
    """How often it is right."""
    named_first = [right for each in content.get("named", {}).values() for right, _ in each]
    lines = [f"named first: {sum(named_first)} of {len(named_first)}"]
    for part in ("healthy", "decayed", "held_out"):
        alarms = [row for row in content.get(part, []) if row["troubles"]]
        lines.append(
            "\n  ".join([f"{part}: {len(alarms)} alarms in {len(content.get(part, []))}", *map(str, alarms)])
        )
    cures = content.get("cures", [])
    lines.append(f"cured: {sum(map(is_cured, cures))} of {len(cures)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--rates", help="the result whose tuned rates are taken")
    parser.add_argument("--part", action="append", choices=PARTS, help="one of them; several times: several")
    parser.add_argument("--cure-seeds", type=int, default=10)
    arguments = parser.parse_args()
    parts, seeds = arguments.part or PARTS, arguments.seeds
    rates = None if arguments.rates is None else rates_of(arguments.rates)
    path = None if arguments.json is None else Path(arguments.json)
    content = json.loads(path.read_text("utf-8")) if path and path.exists() else {}
    content["seeds"] = seeds
    for part in parts:
        if part == "sick":
            content["named"] = named(seeds)
        elif part == "healthy":
            rows, content["healthy"] = healthy(seeds, rates)
            content["ranges"] = content.get("ranges", {}) | ranges_of(rows)
        elif part == "decayed":
            known = {(row["task"], row["optimizer"]): row["learning_rate"] for row in content["healthy"]}
            content["decayed"] = decayed(seeds, known)
            costs = [{"costs": cost} for row in content["decayed"] for cost in row["costs"]]
            content["ranges"] |= ranges_of(costs)
        elif part == "held-out":
            content["held_out"] = held_out(seeds)
        else:
            content["cures"] = cured(arguments.cure_seeds)
        if path:
            path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(summary(content))


if __name__ == "__main__":
    main()
