"""The causes in words: a line each for the terminal, a paragraph each for the page."""

import html
import math
from collections.abc import Iterator

from kobai.questions.why.causes import Cause, Why
from kobai.report.document import escaped, scrolling
from kobai.words import say

OF = ("initializer", "learning_rate", "optimizer")


def lines(why: Why | None) -> list[str]:
    """At most three lines: of the causes that were found."""
    if why is None:
        return []
    causes = [(name, getattr(why, name)) for name in OF]
    return [
        say(f"why.{name}.{cause.name}", **_values(cause)) for name, cause in causes if cause.name != "none"
    ]


def paragraphs(why: Why) -> Iterator[tuple[str, str]]:
    """(what is asked, what there is to say) of each of the three."""
    for name in OF:
        cause: Cause = getattr(why, name)
        values = _values(cause)
        if cause.name != "none":
            yield say(f"why.{name}"), say(f"why.{name}.{cause.name}.more", **values)
        else:
            yield say(f"why.{name}"), say("why.none") + say("report.space") + _numbers(name, cause)


def section(why: Why | None) -> str:
    """The section of the page; nothing where nothing was measured."""
    if why is None:
        return ""
    title = html.escape(say("why.title"))
    how = html.escape(say("why.how", gradients=why.measured.gradients, share=f"{100 * why.share:.1f}"))
    items = "".join(
        f"<li><strong>{html.escape(head)}</strong><span>{html.escape(text)}</span></li>"
        for head, text in paragraphs(why)
    )
    return (
        f'<section aria-labelledby="why"><h2 id="why">{title}</h2><p class="headline">{how}</p>'
        f'<ul class="answer causes">{items}</ul>{_table(why)}</section>'
    )


def _table(why: Why) -> str:
    """The evidence: the gradient of each array, with each initial value, and at the end."""
    looks = dict(why.measured.starts)
    if why.measured.end is not None:
        looks[say("why.end")] = why.measured.end
    arrays = list(next(iter(looks.values())).gradients)
    rows = [[name, *(f"{look.gradients[name]:.2g}" for look in looks.values())] for name in arrays]
    spreads = max((len(look.activations) for look in looks.values()), default=0)
    for i in range(spreads):
        cells = (f"{look.activations[i]:.2g}" if look.activations else "–" for look in looks.values())
        rows.append([say("why.activations", layer=i + 1), *cells])
    shares = (say("answer.part", part=f"{100 * look.common:.0f}") for look in looks.values())
    rows.append([say("why.common"), *shares])
    return scrolling([say("why.array"), *looks], escaped(rows), say("why.caption"))


def content(why: Why | None) -> dict[str, object] | None:
    """What ``answer.json`` holds."""
    if why is None:
        return None
    texts = dict(zip(OF, (text for _, text in paragraphs(why)), strict=True))
    causes = {name: getattr(why, name) for name in OF}
    return {
        **{
            name: {"cause": cause.name, "text": texts[name], "values": dict(cause.values)}
            for name, cause in causes.items()
        },
        "gradients": why.measured.gradients,
        "share": why.share,
        "measured": why.measured.plain(),
    }


def _numbers(name: str, cause: Cause) -> str:
    """What was measured where no cause was found."""
    values = _values(cause)
    if name == "initializer":
        return say("why.initializer.same", **values) if "other" in values else say("why.initializer.alike")
    if name == "learning_rate":
        return say("why.learning_rate.open", **values) if values.get("limit_at_start", "–") != "–" else ""
    return say("why.optimizer.alike", **values) if "times" in values else ""


def _values(cause: Cause) -> dict[str, str]:
    rates = ("rate", "next")  # as they stand in the table
    return {name: f"{value:g}" if name in rates else _written(value) for name, value in cause.values.items()}


def _written(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "∞"
        return f"{value:.0f}" if 9.95 <= abs(value) < 1e5 else f"{value:.2g}"
    return ", ".join(map(_written, value)) if isinstance(value, list) else str(value)
