"""A lesson's slides as one page that holds all it needs: reveal.js, plotly and what they show."""

import html
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from plotly.offline import get_plotlyjs

from kobai.basics.files import write_text
from kobai.course.slides.arrange import Deck, Slide, deck_of
from kobai.course.slides.outputs import outputs_of
from kobai.course.source import Lesson
from kobai.report.document import fill, read
from kobai.words import current, language

PLACE = "kobai.course.slides"


def write(
    folder: Path, lessons: Sequence[Lesson], progress: Callable[[Lesson], None] | None = None
) -> list[Path]:
    """A deck for each lesson, in the language in use; the files. Runs each notebook, which takes its time."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for lesson in lessons:
        if progress:
            progress(lesson)
        path = folder / f"{lesson.name}.html"
        deck = deck_of(lesson, current(), outputs_of(lesson, current()))
        write_text(path, as_page(deck, current()))
        paths.append(path)
    return paths


def as_page(deck: Deck, tongue: str) -> str:
    """The page; plotly only where there is a figure."""
    figures = json.dumps(deck.figures, ensure_ascii=False).replace("<", "\\u003c")
    parts = {
        "language": tongue,
        "title": html.escape(deck.title),
        "reveal_style": read(PLACE, "reveal/reveal.css"),
        "style": read(PLACE, "deck.css"),
        "slides": _sections(deck.slides),
        "data": figures,
        "plotly": get_plotlyjs() if deck.figures else "",
        "reveal": read(PLACE, "reveal/reveal.js"),
        "script": read(PLACE, "deck.js"),
    }
    with language(tongue):
        return fill(read(PLACE, "deck.html"), parts)


def _sections(slides: Sequence[Slide]) -> str:
    """Slides side by side, and those of the third level below the one that they belong to."""
    columns: list[list[Slide]] = []
    for slide in slides:
        if slide.level < 3 or not columns:
            columns.append([])
        columns[-1].append(slide)
    return "\n".join(f"<section>{''.join(map(_section, column))}</section>" for column in columns)


def _section(slide: Slide) -> str:
    tag = "h1" if slide.level == 1 else "h2"
    body = "".join(block.html for block in slide.blocks)
    above = f'<p class="section">{slide.section}</p>' if slide.section else ""
    return f"<section>{above}<{tag}>{slide.heading}</{tag}>{body}</section>\n"
