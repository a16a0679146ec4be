"""The section of the report: a paragraph for each question, and the tables that it rests on."""

import html
from collections.abc import Callable, Sequence

from kobai.questions.why.causes import Why
from kobai.questions.why.curved import Curved
from kobai.questions.why.look import Look
from kobai.questions.why.measure import SMALL, Measured, Unmeasured
from kobai.questions.why.sentences import OF, paragraphs, written
from kobai.report.document import escaped, scrolling
from kobai.words import say

ARRAYS, POINTS, RATES = "why-arrays", "why-points", "learning_rates-title"
"""Places on the page: the two tables here, and the figure of the rates that were tuned."""
EVIDENCE = {"initializer": (ARRAYS,), "learning_rate": (POINTS, RATES), "optimizer": (ARRAYS, POINTS)}


def section(why: Why | Unmeasured | None) -> str:
    """The section of the page; nothing where there was nothing to measure."""
    if why is None:
        return ""
    title = f'<h2 id="why">{html.escape(say("why.title"))}</h2>'
    if isinstance(why, Unmeasured):
        is_small = why.reason == SMALL
        failed = html.escape(say("why.small") if is_small else say("why.failed", reason=why.reason))
        return f'<section aria-labelledby="why">{title}<p class="headline">{failed}</p></section>'
    where = "why.how" if why.measured.end is not None else "why.how.start"
    how = html.escape(say(where, gradients=why.measured.gradients, share=f"{100 * why.share:.1f}"))
    items = "".join(
        f"<li><strong>{html.escape(head)}</strong>"
        f"<span>{html.escape(text)} {_links(EVIDENCE[name])}</span></li>"
        for name, (head, text) in zip(OF, paragraphs(why), strict=True)
    )
    return (
        f'<section aria-labelledby="why">{title}<p class="headline">{how}</p>'
        f'<ul class="answer causes">{items}</ul>'
        f'<div id="{ARRAYS}">{_arrays(why.measured)}</div><div id="{POINTS}">{_points(why.measured)}</div>'
        "</section>"
    )


def _links(places: Sequence[str]) -> str:
    """Where the numbers stand."""
    links = (f'<a href="#{place}">{html.escape(say(f"why.see.{place}"))}</a>' for place in places)
    return html.escape(say("answer.comma")).join(links)


def _arrays(measured: Measured) -> str:
    """The gradient of each array and the units of each layer, with each initial value and at the end."""
    looks = dict(measured.starts)
    if measured.end is not None:
        looks[say("why.end")] = measured.end

    def rows(of: Callable[[Look], dict[str, float]], head: str) -> list[list[str]]:
        names = of(next(iter(looks.values())))
        return [
            [say(head, name=name), *(written(of(look)[name]) for look in looks.values())] for name in names
        ]

    every = [
        *rows(lambda look: dict(look.gradients), "why.row.gradient"),
        *rows(lambda look: dict(look.spreads), "why.row.entries"),
        *rows(lambda look: dict(look.activations), "why.row.units"),
    ]
    return scrolling([say("why.row"), *looks], escaped(every), say("why.arrays.caption"))


def _points(measured: Measured) -> str:
    """What there is one of at a point: at the start with the recommended initial values, and at the end."""
    looks = [next(iter(measured.starts.values())), measured.end]
    curved = [measured.curved_at_start, measured.curved_at_end]

    def part(read: Callable[[Look], float | None]) -> list[str]:
        shares = [None if look is None else read(look) for look in looks]
        return ["–" if share is None else say("answer.part", part=f"{100 * share:.0f}") for share in shares]

    def of(read: Callable[[Curved], float | None]) -> list[str]:
        return [written(None if each is None else read(each)) for each in curved]

    rows = {
        "loss": [written(None if look is None else look.loss) for look in looks],
        "averaged": ["–", written(measured.averaged)],
        "common": part(lambda look: look.common),
        "rare": part(lambda look: look.rare),
        "stable": of(lambda each: each.stable),
        "limit": of(lambda each: None if each.bound is None else each.bound.rate),
        "curved": of(lambda each: each.ratio),
        "divided": of(lambda each: each.divided),
    }
    rows = {name: cells for name, cells in rows.items() if set(cells) != {"–"}}
    table = [[say(f"why.row.{name}"), *cells] for name, cells in rows.items()]
    heads = [say("why.row"), say("why.start"), say("why.end")]
    return scrolling(heads, escaped(table), say("why.points.caption"))
