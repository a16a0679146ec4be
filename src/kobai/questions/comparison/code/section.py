"""The section of the report that holds the programs: a tab for each framework, and a button that copies."""

import html

from kobai.questions.comparison.code.write import FRAMEWORKS, NAMES, code
from kobai.report import document
from kobai.study.recommendation import Recommendation
from kobai.words import say

PACKAGE = "kobai.questions.comparison.code"


def section(recommendation: Recommendation) -> str:
    """The section as HTML; without JavaScript every program is shown, one below the other."""
    title, use, choose = (html.escape(say(f"report.code{part}")) for part in ("", ".use", ".choose"))
    tabs = "".join(
        f'<button type="button" role="tab" id="tab-{name}" aria-controls="code-{name}" '
        f'aria-selected="{str(i == 0).lower()}">{NAMES[name]}</button>'
        for i, name in enumerate(FRAMEWORKS)
    )
    panels = "".join(_panel(name, code(recommendation, name)) for name in FRAMEWORKS)
    return (
        f'<section class="code" aria-labelledby="code"><h2 id="code">{title}</h2>'
        f'<p class="caption">{use}</p>'
        f'<div class="tabs" role="tablist" aria-label="{choose}" hidden>{tabs}</div>{panels}</section>'
    )


def _panel(name: str, text: str) -> str:
    copy, copied = html.escape(say("report.code.copy")), html.escape(say("report.code.copied"))
    return (
        f'<div class="panel" role="tabpanel" id="code-{name}" aria-labelledby="tab-{name}">'
        f"<h3>{NAMES[name]}</h3>"
        f'<div class="panel"><button type="button" class="copy" data-copied="{copied}" hidden>{copy}</button>'
        f'<pre tabindex="0"><code>{html.escape(text)}</code></pre></div></div>'
    )


def style() -> str:
    """Its CSS."""
    return document.read(PACKAGE, "code.css")


def script() -> str:
    """Its JavaScript."""
    return document.read(PACKAGE, "code.js")
