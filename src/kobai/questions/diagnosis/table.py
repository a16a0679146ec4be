"""What is said of a diagnosis: troubles, evidence, remedies, cures. Terminal, page and JSON share it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kobai.questions.diagnosis import healthy, signs
from kobai.questions.diagnosis.case import Trouble, is_known
from kobai.questions.diagnosis.confirm import VALIDATION, Confirmation
from kobai.questions.diagnosis.cure import STEPS
from kobai.questions.diagnosis.outcome import Diagnosis
from kobai.stabilizers.clipping import Clip
from kobai.study.statistics import limit
from kobai.words import say


class Said(NamedTuple):
    """What is said of a trouble, in letters."""

    name: str
    place: str
    evidence: str
    remedy: str
    cures: list[str]


def title(diagnosis: Diagnosis) -> str:
    """The question."""
    return say("diagnose.title", task=diagnosis.case.setting.task.name)


def headline(diagnosis: Diagnosis) -> str:
    """What was trained."""
    setting = diagnosis.case.setting
    values = {"steps": setting.steps, "seeds": len(diagnosis.seeds), "initializer": setting.initializer.name}
    return say("diagnose.headline", optimizer=optimizer(diagnosis), **values)


def optimizer(diagnosis: Diagnosis) -> str:
    """The rule and its learning rate."""
    rate = diagnosis.hyperparameters.get("learning_rate")
    if rate is None:
        return diagnosis.name
    return say("diagnose.optimizer", name=diagnosis.name, rate=f"{rate:.3g}")


def answer(diagnosis: Diagnosis) -> str:
    """The first sentence."""
    found = diagnosis.troubles
    if not found:
        return say("diagnose.nothing.learned" if _learned_nothing(diagnosis) else "diagnose.nothing")
    if len(found) == 1:
        return say("diagnose.found.alone", name=name(found[0]))
    return say("diagnose.found", name=name(found[0]), more=len(found) - 1)


def _learned_nothing(diagnosis: Diagnosis) -> bool:
    """Whether the training got no farther than what can be had without the inputs."""
    level = diagnosis.case.level
    parts = [signs.learned(record, level) for record in diagnosis.case.records]
    return is_known(level) and float(np.median(parts)) < healthy.LEARNED


def name(trouble: Trouble) -> str:
    """What a trouble is called."""
    return say(f"diagnose.name.{trouble.name}")


def said(diagnosis: Diagnosis) -> Iterator[Said]:
    """What is said of each trouble, strongest first."""
    for trouble in diagnosis.troubles:
        tried = diagnosis.confirmations.get(trouble.name)
        cures = [] if tried is None else [cure(each) for each in tried] or [say("diagnose.cure.none")]
        yield Said(name(trouble), place(diagnosis, trouble), evidence(trouble), remedy(trouble), cures)


def place(diagnosis: Diagnosis, trouble: Trouble) -> str:
    """Where and when a trouble is seen, and in how many seeds."""
    parts = []
    if trouble.layer is not None:
        parts.append(say("diagnose.layer", layer=trouble.layer))
    if trouble.step is not None:
        parts.append(say("diagnose.step", step=trouble.step))
    parts.append(say("diagnose.seeds", seeds=trouble.seeds, all=len(diagnosis.seeds)))
    return say("answer.comma").join(parts)


def evidence(trouble: Trouble) -> str:
    """The numbers that show a trouble."""
    key = f"diagnose.evidence.{trouble.name}"
    numbers = {label: _written(label, value) for label, value in trouble.numbers.items()}
    if trouble.name == "explosion" and trouble.numbers["jump"] > trouble.numbers["ratio"]:
        key += ".jump"
    if trouble.name == "rate_too_high":
        curved = is_known(trouble.numbers["curvature"])
        numbers["curved"] = say(f"{key}.curved", curvature=numbers["curvature"]) if curved else ""
        if trouble.numbers["diverged"]:
            key += ".diverged"
        elif not trouble.numbers["lost"]:
            key += ".overshooting"
    if trouble.name == "unscaled_inputs" and trouble.numbers["apart"] > healthy.APART:
        key += ".apart"
    return say(key + _kind(trouble), **numbers)


def _kind(trouble: Trouble) -> str:
    """What the words of a trouble end with, of data that have it in another way than usual; else ""."""
    if trouble.name == "constant_inputs" and trouble.numbers["examples"] == 1:
        return ".one"
    if trouble.name != "unlearnable_labels":
        return ""
    if "alike" in trouble.numbers:
        return ".alike"
    # Not even the training examples are learned by heart (`of_data.nothing_to_learn`).
    return ".nothing" if trouble.numbers["fitted"] < healthy.BY_HEART else ""


SHARES = ("share", "start", "learned", "fitted", "overshoot", "shrunk", "gain", "forgotten", "ahead", "used")


def _written(label: str, value: float) -> str:
    if np.isnan(value):
        return "–"
    if label in SHARES:
        return say("diagnose.percent", value=100 * value)
    return f"{value:.0f}" if label == "diverged" or 100 <= abs(value) < 1e5 else f"{value:.2g}"


def remedy(trouble: Trouble) -> str:
    """What the lecture advises."""
    return say(f"diagnose.remedy.{trouble.name}" + _kind(trouble))


def cure(confirmation: Confirmation) -> str:
    """What a cure did."""
    change = say(f"diagnose.cure.{confirmation.cure.key}", **confirmation.cure.values)
    values = {"change": change, "better": confirmation.better, "seeds": confirmation.seeds}
    verdict = confirmation.verdict
    if confirmation.cure.by != STEPS:
        ends = {"before": _end(confirmation.before), "after": _end(confirmation.after)}
        key = confirmation.cure.key
        own = key if key == "even" or (key == "stopping" and confirmation.on == VALIDATION) else ""
        ends["loss"] = say(f"diagnose.loss.{own or confirmation.on}")
        told = say(f"diagnose.{verdict}.end", effect=_interval(confirmation), **ends, **values)
    elif confirmation.target is None:
        told = say("diagnose.not.nowhere", **values)
    else:
        ends = {"before": f"{confirmation.before:.0f}", "after": f"{confirmation.after:.0f}"}
        ends["target"] = f"{confirmation.target:.3g}"
        told = say(f"diagnose.{verdict}.steps", effect=_interval(confirmation), **ends, **values)
    before, after = confirmation.diverged
    more = say("diagnose.cure.diverged", before=before, after=after) if before or after else ""
    return told + _reservations(confirmation) + more


def _reservations(confirmation: Confirmation) -> str:
    """Why the effect has a bound in place of an interval, and why an effect is not established."""
    told = ""
    if limit(confirmation.effect, confirmation.bound) is not None:
        told += say(f"diagnose.cure.{confirmation.bound}", steps=confirmation.cure.setting.steps)
    if doubt := confirmation.doubt:
        counts = {"arrived": confirmation.arrived, "seeds": confirmation.seeds}
        tested = {"p": _short(confirmation.p), "level": _short(confirmation.level)}
        told += say(f"diagnose.cure.{doubt}", **counts, **tested)
    return told


def _end(loss: float) -> str:
    return f"{loss:.3g}" if is_known(loss) else "–"


def _interval(confirmation: Confirmation) -> str:
    """The effect with its interval: .18 [.15–.22], or what it is at most."""
    effect = confirmation.effect
    end = limit(effect, confirmation.bound)
    if end is not None:
        return f"{confirmation.bound} {_short(end)}"
    if effect.value is None:
        return "–"
    if effect.low is None or effect.high is None:
        return _short(effect.value)
    return f"{_short(effect.value)} [{_short(effect.low)}, {_short(effect.high)}]"


def _short(value: float) -> str:
    """Two figures: .031, 1.2, −.4."""
    text = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    return text.replace("0.", ".", 1).replace("-", "−") if abs(value) < 1 else text.replace("-", "−")


def notes(diagnosis: Diagnosis) -> list[str]:
    """What must be known to read it."""
    record, task = diagnosis.record, diagnosis.case.setting.task
    of_columns = (note for note in task.preparation if getattr(note, "key", "") == "dataset.left_out")
    lines = [str(note) for note in (*of_columns, *task.cautions)]
    if record.skipped:
        lines.append(say("diagnose.note.skipped", count=record.skipped))
    if not diagnosis.case.sites:
        lines.append(say("diagnose.note.no_sites"))
    if diagnosis.case.control is None:
        lines.append(say("diagnose.note.no_control"))
    return lines


def hint(diagnosis: Diagnosis) -> str | None:
    """What else could be asked; None: nothing."""
    return say("diagnose.note.cure") if diagnosis.troubles and not diagnosis.confirmations else None


def measured(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """What was measured, and how much it was."""
    record, control = diagnosis.record, diagnosis.case.control
    lengths = signs.lengths(record.gradients)
    values = {
        "train": _arrow(record.train[:, 0]),
        "validation": _arrow(record.validation[:, 0]),
        "control": _known(np.nan if control is None else signs.lowest(control)),
        "constant": _known(diagnosis.case.constant.loss),
        "gradient": _arrow(lengths),
        "ratio": f"{signs.ratio(record):.2g}",
        "noise": f"{signs.noise_scale(record):.3g}",
        "overshoot": _written("overshoot", signs.overshoot(record)),
        "curvature": _curved(record.curvature, 2),
        "lowest": _curved(record.curvature, 0),
        "largest": _curved(record.curvature, 1),
    }
    if diagnosis.case.setting.strategy.clip != Clip():
        share, factor = signs.clipped(record)
        values["clipped"] = say("diagnose.clipped", share=_written("share", share), factor=f"{factor:.2g}")
        values["skipped"] = str(record.skipped)
    return [(say(f"diagnose.measure.{key}"), value) for key, value in values.items()]


def _known(value: float) -> str:
    return f"{value:.4g}" if is_known(value) else "–"


def _arrow(values: np.ndarray) -> str:
    return f"{values[0]:.4g} → {values[-1]:.4g}"


def _curved(curvature: dict[int, tuple[float, float, float]], which: int) -> str:
    known = [each[which] for each in curvature.values() if np.isfinite(each[which])]
    return f"{known[0]:.3g} → {known[-1]:.3g}" if known else "–"


# JSON


def contents(diagnosis: Diagnosis) -> list[dict[str, object]]:
    """Every trouble as JSON holds it."""
    return [
        {
            "name": trouble.name,
            "layer": trouble.layer,
            "step": trouble.step,
            "evidence": evidence(trouble),
            "remedy": remedy(trouble),
            "seeds": trouble.seeds,
            "numbers": dict(trouble.numbers),
            "cures": [_cure(each) for each in diagnosis.confirmations.get(trouble.name, ())],
        }
        for trouble in diagnosis.troubles
    ]


def _cure(confirmation: Confirmation) -> dict[str, object]:
    return {
        "cure": confirmation.cure.key,
        "values": {key: str(value) for key, value in confirmation.cure.values.items()},
        "sentence": cure(confirmation),
        "by": confirmation.cure.by,
        "on": confirmation.on,
        "target": confirmation.target,
        "before": confirmation.before,
        "after": confirmation.after,
        "effect": confirmation.effect.value,
        "low": confirmation.effect.low,
        "high": confirmation.effect.high,
        "bound": confirmation.bound,
        "better": confirmation.better,
        "seeds": confirmation.seeds,
        "p": confirmation.p,
        "helps": confirmation.helps,
        "harms": confirmation.harms,
        "diverged": list(confirmation.diverged),
    }


def content(diagnosis: Diagnosis) -> dict[str, object]:
    """All of it, as JSON."""
    setting, record = diagnosis.case.setting, diagnosis.record
    return {
        "task": setting.task.name,
        "optimizer": diagnosis.name,
        "hyperparameters": diagnosis.hyperparameters,
        "initializer": setting.initializer.name,
        "steps": setting.steps,
        "seeds": list(diagnosis.seeds),
        "answer": answer(diagnosis),
        "troubles": contents(diagnosis),
        "looks": {
            "step": record.marks,
            "train_loss": record.train[:, 0],
            "train_metric": record.train[:, 1],
            "validation_loss": record.validation[:, 0],
            "validation_metric": record.validation[:, 1],
        },
        "curvature": [
            {"step": step, "lowest": low, "largest": high, "of_bound": seen}
            for step, (low, high, seen) in record.curvature.items()
        ],
        "clipped": signs.clipped(record)[0],
        "skipped": record.skipped,
        "notes": notes(diagnosis),
    }
