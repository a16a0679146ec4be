"""What every page of kobai is made of: one HTML file that holds all it needs, plotly included, and asks the
network for nothing.

`page` fills template.html with a title, the main part, the figures as JSON, report.css and report.js. Every
text passes through `html.escape`; what stands in a script has no "<" at all.
"""

import html
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files

import jax
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from kobai.basics.version import __version__
from kobai.words import current, say


def page(*, title: str, headline: str, main: str, data: str, style: str = "", script: str = "") -> str:
    """The whole page.

    Args:
      title, headline: letters.
      main: HTML; each ``figure`` in it is drawn from `data`.
      data: what `data` makes of the figures.
      style, script: further CSS and JavaScript, behind that of all pages.
    """
    parts = {
        "language": current(),
        "title": html.escape(title),
        "headline": html.escape(headline),
        "style": read("kobai.report", "report.css") + style,
        "main": main,
        "data": data,
        "plotly": "" if data == "{}" else get_plotlyjs(),  # which is large, and draws nothing else
        "script": read("kobai.report", "report.js") + read("kobai.report", "tables.js") + script,
    }
    return fill(read("kobai.report", "template.html"), parts)


def evidence(
    kind: str,
    *,
    chips: Sequence[tuple[str, str]],
    figures: str,
    command: str,
    setup: str,
    heading: str = "report.figures",
    chosen: int | None = None,
) -> str:
    """What stands below the tables of every page: the figures with their buttons, and how it was made.

    Args:
      kind: "report" for the words ``report.figures.use`` and ``report.figures.choose``.
      chips: (name, CSS of its mark) of each button that hides and shows the lines of that name.
      figures, setup: HTML.
      command: letters: what makes the page again.
      heading: key of the words above the figures.
      chosen: where there are more lines than colours, so many of the first have theirs from the beginning,
        and a button gives or takes a colour; None: a button hides or shows.
    """
    use = "use" if chosen is None else "many"
    parts = {
        "heading": html.escape(say(heading)),
        "use": html.escape(say(f"{kind}.figures.{use}")) if chips else "",
        "choose": html.escape(say(f"{kind}.figures.choose")),
        "many": "" if chosen is None else " data-many",
        "chips": "".join(
            _chip(name, mark, chosen is None or i < chosen) for i, (name, mark) in enumerate(chips)
        ),
        "figures": figures,
        "command": html.escape(command),
        "setup": setup,
    }
    return fill(read("kobai.report", "evidence.html"), parts)


def _chip(name: str, mark: str, pressed: bool) -> str:
    name, state = html.escape(name), f'aria-pressed="{str(pressed).lower()}"'
    return f'<button type="button" {state} data-name="{name}"><i style="{mark}"></i>{name}</button>'


def notes(sentences: Iterable[str]) -> str:
    """Sentences of caution as a list under a heading; nothing where there are none."""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    heading = html.escape(say("report.notes"))
    return f'<aside class="notes"><h3>{heading}</h3><ul>{items}</ul></aside>' if items else ""


def sections(parts: Mapping[str, str]) -> str:
    """Parts of HTML, each under the heading whose key is given."""
    heads = ((html.escape(say(key)), part) for key, part in parts.items())
    return "".join(f"<section><h3>{head}</h3>{part}</section>" for head, part in heads)


def read(package: str, name: str) -> str:
    """The text of a file that ships in a package of kobai."""
    return files(package).joinpath(name).read_text("utf-8")


def fill(template: str, parts: Mapping[str, str]) -> str:
    """The template with ``{{name}}`` replaced by parts, and ``{{say key}}`` by words; in one pass, so that
    nothing inside a part is taken for a place to fill."""

    def part(match: re.Match) -> str:
        word, name = match.groups()
        return html.escape(say(name)) if word else parts[name]

    return re.sub(r"\{\{(say )?([\w.]+)\}\}", part, template)


def data(figures: Mapping[str, go.Figure]) -> str:
    """Figures of plotly, by name, as JSON that can stand in a script element."""
    text = ",".join(f'"{name}":{figure.to_json(engine="json")}' for name, figure in figures.items())
    return "{" + text.replace("<", "\\u003c") + "}"


def scrolling(
    headers: Iterable[str],
    rows: Iterable[Sequence[str]],
    caption: str,
    left: Sequence[int] = (0,),
    deciding: int | None = None,
) -> str:
    """A table in a box that scrolls by itself; cells are HTML, the first of a row is its head and stays.

    `deciding` is the column that a narrow page shows beside the heads.
    """

    def cell(tag: str, i: int, content: str, scope: str = "") -> str:
        names = ["left"] * (i in left) + ["deciding"] * (tag == "th" and i == deciding)
        look = f' class="{" ".join(names)}"' if names else ""
        return f"<{tag}{scope}{look}>{content}</{tag}>"

    heads = "".join(cell("th", i, html.escape(head), ' scope="col"') for i, head in enumerate(headers))
    body = ""
    for first, *others in rows:
        cells = [cell("th", 0, first, ' scope="row"')]
        cells += [cell("td", i, content) for i, content in enumerate(others, start=1)]
        body += f"<tr>{''.join(cells)}</tr>"
    caption = html.escape(caption)
    return (  # the caption stands outside of the box, so that it does not scroll away
        f'<p class="caption">{caption}</p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table aria-label="{caption}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def escaped(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """Rows of letters as rows of HTML."""
    return [[html.escape(cell) for cell in row] for row in rows]


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Terms and what belongs to them."""
    items = (f"<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>" for term, text in pairs)
    return f"<dl>{''.join(items)}</dl>"


def figure(name: str, captions: Sequence[str], above: str = "") -> str:
    """The place of the figure `name`, under its title ``report.<name>.title``, a caption and HTML `above`."""
    caption = html.escape(say("report.space").join(sentence for sentence in captions if sentence))
    return (
        f'<figure><h3 id="{name}-title">{html.escape(say(f"report.{name}.title"))}</h3>'
        f'<figcaption id="{name}-caption">{caption}</figcaption>{above}'
        f'<div class="plot" data-figure="{name}" role="img" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-caption"></div></figure>'
    )


def folded(summary: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Terms and what belongs to them, shown when asked for."""
    return f"<details><summary>{html.escape(summary)}</summary>{definitions(pairs)}</details>"


def versions() -> list[tuple[str, str]]:
    """What it was made with."""
    device = jax.devices()[0]
    cores = os.cpu_count()
    kinds = " ".join(dict.fromkeys((device.platform, device.device_kind)))
    return [
        ("kobai", __version__),
        *((name, version(name)) for name in ("jax", "numpy", "scipy", "polars")),
        ("python", platform.python_version()),
        (say("report.setting.platform"), platform.platform()),
        (say("report.setting.device"), say("report.setting.device.value", device=kinds, cores=cores)),
    ]
