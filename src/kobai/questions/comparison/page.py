"""The report of a study: `page(outcome, answer, command)` fills report.html with the parts made here.

Every text passes through `html.escape`; what a page is made of in general stands in `document`.
"""

import html
import re
from collections.abc import Mapping, Sequence

from kobai.basics.checks import is_number
from kobai.candidates.values import hyperparameters_of
from kobai.questions.comparison import costs, cut, effects, sentences, table
from kobai.questions.comparison.code import section
from kobai.questions.comparison.curves import looks_of
from kobai.questions.comparison.figures import figures
from kobai.questions.comparison.numbers import unit
from kobai.questions.comparison.rates import crossed, measure
from kobai.questions.why import section as causes
from kobai.questions.why.causes import Why
from kobai.questions.why.measure import Unmeasured
from kobai.report import document
from kobai.report.colours import PALETTE, Look
from kobai.report.document import definitions, escaped, figure, folded, scrolling
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome
from kobai.study.recommendation import Recommendation
from kobai.words import metric, say

OF_OPTIMIZERS = ("curves", "reached", "tuning")
"""Figures whose lines are optimizers: the buttons of the page are their legend."""


def page(outcome: Outcome, answer: Answer, command: str, why: Why | Unmeasured | None = None) -> str:
    """The whole report; `command` is the shell command or the Python call that makes it again."""
    answer = cut.shown(answer)
    few = cut.drawn(outcome, answer)
    look = looks_of(answer)
    parts = {
        "answer": _above(answer) + _answer(answer),
        "costs": figure("costs", costs.captions(answer)) if len(answer.rows) > 1 else "",
        "notes": document.notes(sentences.notes(answer)),
        "table": _comparison(answer, look),
        "baselines": _criteria(answer) + _baselines(answer),
        "others": _other_targets(answer),
        "effects": _effects(answer),
        "why": causes.section(why),
        "code": section.section(Recommendation.of(outcome.study, outcome.recommended)),
        "evidence": document.evidence(
            "report",
            chips=[(row.optimizer, look[row.optimizer].swatch) for row in answer.rows],
            figures=_figures(few, answer, look),
            setup=_setup(outcome, answer),
            command=command,
            chosen=len(PALETTE) if len(answer.rows) > len(PALETTE) else None,
        ),
    }
    return document.page(
        title=say("report.title", task=answer.task),
        headline=sentences.headline(answer),
        main=document.fill(document.read("kobai.questions.comparison", "report.html"), parts),
        data=_data(outcome, answer),
        style=section.style(),
        script=section.script(),
    )


def summary(answer: Answer) -> str:
    """Answer, cautions and table alone, without style or script: for a notebook."""
    answer = cut.shown(answer)
    left = [table.columns(answer).index(name) for name in ("optimizer", "initializer", *answer.columns)]
    listing = scrolling(table.headers(answer), escaped(table.rows(answer)), sentences.headline(answer), left)
    notes = document.notes(sentences.notes(answer))
    return f"{_above(answer)}{_answer(answer)}{notes}{listing}{_baselines(answer)}"


def _data(outcome: Outcome, answer: Answer) -> str:
    """The figures as JSON that can stand in a script element."""
    drawings = figures(outcome, answer)
    for name in drawings.keys() & OF_OPTIMIZERS:
        drawings[name].update_layout(showlegend=False)
    return document.data(drawings)


# The answer


def _answer(answer: Answer) -> str:
    """The three answers: the choice in large letters, the evidence beside it."""
    lines = [line.partition(say("answer.join")) for line in sentences.lines(answer)]
    items = (f"<strong>{whole(choice)}</strong> <span>{whole(rest)}</span>" for choice, _, rest in lines)
    return f'<ol class="answer">{"".join(f"<li>{item}</li>" for item in items)}</ol>'


def whole(text: str) -> str:
    """The text as HTML, its percentages held together at the end of a line: 35 %."""
    return re.sub(r"\d[\d,.]* ?%", r'<span class="whole">\g<0></span>', html.escape(text))


# Tables


def _comparison(answer: Answer, look: dict[str, Look]) -> str:
    """The table of the terminal, with the colours of the figures; and what its columns mean."""
    headers, rows = table.headers(answer, wide=True), escaped(table.rows(answer, wide=True))
    for row, cells in zip(answer.rows, rows, strict=True):
        mark = ' class="chosen"' if row.optimizer == answer.optimizer.choice else ""
        cells[0] = f'<span{mark}><i style="{look[row.optimizer].swatch}"></i>{cells[0]}</span>'
    columns = table.columns(answer, wide=True)
    left = [columns.index(name) for name in ("optimizer", "initializer", "loss", *answer.columns)]
    caption = say("report.table.caption", seeds=len(answer.seeds))
    values = {"metric": metric(answer.metric), "reference": answer.optimizer.choice}
    meanings = [
        (
            head.replace("\n", " "),
            say("report.column.axis") if name in answer.columns else say(f"report.column.{name}", **values),
        )
        for head, name in zip(headers, columns, strict=True)
    ]
    below = "".join(f'<p class="use">{html.escape(sentence)}</p>' for sentence in sentences.factors(answer))
    listing = scrolling(headers, rows, caption, left, deciding=columns.index(table.deciding(answer)))
    return listing + below + folded(say("report.columns"), meanings)


def _criteria(answer: Answer) -> str:
    """The costs by every criterion, side by side; nothing where one alone decides."""
    rows = table.criterion_rows(answer)
    if not rows:
        return ""
    heads = [head.replace("\n", " ") for head in table.criterion_headers(answer)]
    listing = scrolling(heads, escaped(rows), say("report.criteria.caption"))
    return f'<div class="others"><h3>{html.escape(say("report.criteria"))}</h3>{listing}</div>'


def _baselines(answer: Answer) -> str:
    """What predicts without a trained network, on the same test data; nothing where the task has none."""
    rows = table.baseline_rows(answer)
    if not rows:
        return ""
    heads = [head.replace("\n", " ") for head in table.baseline_headers(answer)]
    caption = say("baselines.caption", optimizer=answer.optimizer.choice, metric=metric(answer.metric))
    listing = scrolling(heads, escaped(rows), caption, left=(0, 3))
    return f'<div class="others"><h3>{html.escape(say("baselines.title"))}</h3>{listing}</div>'


def _above(answer: Answer) -> str:
    """Whatever must be known before the answer: that it is a sketch, why a growing study has ended, how the
    data were prepared, and cautions."""
    texts = [sentences.stopping(answer), sentences.preparation(answer)]
    opening = "".join(f'<p class="headline">{html.escape(text)}</p>' for text in texts if text)
    first, warnings = (
        document.notes(each) for each in (sentences.sketch(answer), sentences.warnings(answer))
    )
    return first + opening + warnings


def _other_targets(answer: Answer) -> str:
    """Every target of a task that states several."""
    if not any(row.other_targets for row in answer.rows):
        return ""
    relation, cost = "≥" if answer.maximize else "≤", unit(answer)
    targets = [answer.target, *(target for target, _, _ in answer.rows[0].other_targets)]
    order = sorted(range(len(targets)), key=lambda i: targets[i], reverse=not answer.maximize)
    rows = []
    for row in answer.rows:
        arrivals = [
            (row.reached, row.steps.value or 0.0),
            *((reached, steps) for _, reached, steps in row.other_targets),
        ]
        cells = [
            f"{reached}/{row.seeds}" + (f" · {cost.count(steps)}" if reached else "")
            for reached, steps in arrivals
        ]
        rows.append([row.optimizer, *(cells[i] for i in order)])
    headers = [
        say("table.optimizer"),
        *(f"{metric(answer.metric)} {relation} {targets[i]:.4g}" for i in order),
    ]
    caption = say("report.others.caption", budget=sentences.budget(answer))
    listing = scrolling(headers, escaped(rows), caption)
    return f'<div class="others"><h3>{html.escape(say("report.others"))}</h3>{listing}</div>'


def _effects(answer: Answer) -> str:
    """The section of the effects of axes, a table for each; nothing where no axis has several values."""
    if not answer.effects:
        return ""
    tables = ""
    for axis, values in answer.effects.items():
        rows = escaped(effects.rows(answer, axis))
        for effect, cells in zip(values, rows, strict=True):
            if effect.value == answer.axes[axis].choice:
                cells[0] = f'<span class="chosen">{cells[0]}</span>'
        tables += scrolling(effects.headers(answer, axis), rows, sentences.axis(axis), left=(0, 2))
    title = html.escape(say("effects.title"))
    how = html.escape(effects.caption(answer) + say("report.space") + say("effects.bold"))
    meaning = folded(say("report.columns"), effects.meanings(answer))
    return (
        f'<section class="effects" aria-labelledby="effects"><h2 id="effects">{title}</h2>'
        f'<p class="headline">{how}</p>{tables}{meaning}</section>'
    )


# Figures


def _figures(outcome: Outcome, answer: Answer, look: Mapping[str, Look]) -> str:
    """The place of each figure; above the curves a button for the single runs of each optimizer."""
    above = {} if len(answer.seeds) == 1 else {"curves": _runs(look)}
    return "".join(
        figure(name, captions, above.get(name, "")) for name, captions in _captions(outcome, answer).items()
    )


def _runs(look: Mapping[str, Look]) -> str:
    names = {html.escape(name): f'<i style="{each.swatch}"></i>' for name, each in look.items()}
    buttons = "".join(
        f'<button type="button" aria-pressed="false" data-runs="{name}">{dot}{name}</button>'
        for name, dot in names.items()
    )
    label = html.escape(say("report.runs"))
    return f'<div class="tools runs" role="group" aria-label="{label}"><span>{label}</span>{buttons}</div>'


def _captions(outcome: Outcome, answer: Answer) -> dict[str, list[str]]:
    """What stands above each figure, sentence by sentence."""
    fresh, tuning, by = len(answer.seeds), len(answer.tuning_seeds), measure(outcome, unit(answer))
    constants = {pair.initializer for pair in answer.pairs if pair.initializer.startswith("constant")}
    shown_only = {pair.initializer for pair in answer.pairs if pair.demonstration}
    return {
        "curves": [
            say("report.curves.caption" if fresh > 1 else "report.curves.caption.one", seeds=fresh),
            say("report.curves.more") if fresh > 1 else "",
            say("report.curves.seconds"),
        ],
        "learning_rates": [
            say(f"report.learning_rates.caption.{by.name}", metric=metric(answer.metric), seeds=tuning),
            say(f"report.learning_rates.crosses.{by.name}") if crossed(outcome, by) else "",
        ],
        "map": [
            say("report.map.caption", seeds=tuning),
            say("report.map.demonstration", names=", ".join(sorted(shown_only))) if shown_only else "",
            say("report.map.constant", names=", ".join(sorted(constants))) if constants else "",
        ],
        "reached": [say("report.reached.caption", seeds=fresh)],
        "tuning": [say("report.tuning.caption")],
    }


# Settings


def _setup(outcome: Outcome, answer: Answer) -> str:
    return document.sections(
        {
            "report.settings.study": definitions(_study(outcome, answer)),
            "report.settings.tried": _tried(cut.drawn(outcome, answer)),
            "report.settings.versions": definitions(document.versions()),
        }
    )


def _study(outcome: Outcome, answer: Answer) -> list[tuple[str, str]]:
    study, task = outcome.study, outcome.study.facts
    relation = "≥" if answer.maximize else "≤"
    source = say("answer.stated" if answer.target_stated else "answer.derived")
    parts = {name: "–" if size is None else f"{size:,}" for name, size in task.sizes.items()}
    target = {"metric": metric(answer.metric), "target": f"{answer.target:.4g}"}
    steps = {"steps": sentences.spent(answer), "every": study.evaluate_every, "batch": task.batch_size}
    trainings = {
        "trainings": len(outcome),
        "diverged": int(outcome.column("diverged_at").is_not_null().sum()),
        "seconds": f"{outcome.column('seconds').sum():.3g}",
    }
    values = {
        "task": answer.task,
        "data": say("report.setting.data.value", **parts),
        "parameters": f"{task.parameters:,}",
        "target": say("report.setting.target.value", relation=relation, source=source, **target),
        "steps": say("report.setting.steps.value", **steps),
        "tuning_seeds": _span(answer.tuning_seeds),
        "seeds": _span(answer.seeds),
        "trainings": say("report.setting.trainings.value", **trainings),
        "initializers": ", ".join(initializer.name for initializer in study.initializers),
    }
    axes = [(say(f"axis.{axis.name}"), ", ".join(v.name for v in axis.values)) for axis in study.axes]
    return [*((say(f"report.setting.{name}"), value) for name, value in values.items()), *axes]


def _tried(outcome: Outcome) -> str:
    """The learning rates and the other hyperparameters of every candidate."""
    rows = []
    for candidate in outcome.study.candidates:
        rates = [f"{rate:g}" for rate in candidate.learning_rates()]
        values: dict[str, list[str]] = {}
        for variant in candidate.variants:
            for name, value in hyperparameters_of(variant).items():
                values.setdefault(name, []).append(f"{value:g}" if is_number(value) else str(value))
        values.pop("learning_rate", None)
        others = "; ".join(f"{name} {', '.join(dict.fromkeys(tried))}" for name, tried in values.items())
        rows.append([candidate.name, ", ".join(rates) or "–", others or "–"])
    headers = [say("table.optimizer"), say("report.setting.rates"), say("report.setting.others")]
    return scrolling(headers, escaped(rows), say("report.settings.tried"), left=(0, 1, 2))


def _span(seeds: Sequence[int]) -> str:
    """Seeds as a range and their number: 1000–1009 (10)."""
    return f"{seeds[0]}–{seeds[-1]} ({len(seeds)})" if len(seeds) > 1 else f"{seeds[0]}"
