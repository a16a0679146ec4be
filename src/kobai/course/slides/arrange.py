"""The cells of a lesson as slides: what stands on which, so that none is fuller than a screen.

A heading of the first level is the title, one of the second begins a slide to the right, one of the third a
slide below it. What does not fit goes on below, under the same heading. A deck tells its lesson in a few
slides: of the cells that have the tag ``slide``. Of an exercise a slide shows what a learner begins with, of
any other code only its output; with the tag ``code`` the code, too.
"""

import dataclasses
import html
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from kobai.course.ipynb import PLOTLY, Output
from kobai.course.notebooks import rendered
from kobai.course.slides import markup
from kobai.course.source import Lesson, LessonCell

LINES, COLUMNS, CODE_COLUMNS = 12.5, 74, 84
"""What fits on a slide below its heading: lines, and letters in a line (a Japanese one counts twice)."""
FIGURE, MOST_TEXT = 11.0, 14
"""Lines that a figure takes, and lines of printed text that are shown."""


@dataclasses.dataclass(frozen=True)
class Block:
    """A part of a slide that stays whole."""

    html: str
    lines: float
    """How high it is, in lines of text."""


@dataclasses.dataclass
class Slide:
    """What is on the screen at a time."""

    heading: str
    """The HTML of its heading."""
    level: int
    """1 for the title, 2 for a slide to the right, 3 for one below."""
    section: str = ""
    """HTML: the heading that it belongs to, where that has no slide of its own."""
    blocks: list[Block] = dataclasses.field(default_factory=list)

    @property
    def lines(self) -> float:
        """How high it is."""
        return sum(block.lines for block in self.blocks)


@dataclasses.dataclass(frozen=True)
class Deck:
    """The slides of a lesson."""

    title: str
    slides: Sequence[Slide]
    figures: Mapping[str, dict[str, object]]
    """Those of plotly, by the name that stands at their place."""


def deck_of(lesson: Lesson, language: str, outputs: Mapping[str, list[Output]]) -> Deck:
    """The slides of a lesson.

    Args:
      lesson: what they are made of.
      language: "ja" or "en".
      outputs: what its cells show, by their ids; see `outputs_of`.
    """
    arranger = _Arranger(lesson, language)
    for identity, cells in lesson.numbered():
        for cell in cells:
            if cell.is_in(language) and "slide" in cell.tags:
                arranger.add(cell, outputs.get(identity, []))
    return Deck(arranger.title or lesson.name, list(_without_empty(arranger.slides)), arranger.figures)


def _without_empty(slides: Sequence[Slide]) -> Iterator[Slide]:
    """The slides with something on them; a heading with nothing below it stands above those that follow."""
    section = ""
    for slide in slides:
        if not slide.blocks:
            section = slide.heading if slide.level == 2 else section
            continue
        if slide.level < 3:
            section = ""
        level = 2 if section and slide.level == 3 else slide.level
        yield dataclasses.replace(slide, level=level, section=section)


class _Arranger:
    """Slides that grow cell by cell."""

    def __init__(self, lesson: Lesson, language: str) -> None:
        self.lesson, self.language = lesson, language
        self.slides: list[Slide] = []
        self.figures: dict[str, dict[str, object]] = {}
        self.title = ""

    def add(self, cell: LessonCell, outputs: list[Output]) -> None:
        if cell.kind == "markdown":
            self.add_text(cell.text, appears="result" in cell.tags)
            return
        if "exercise" in cell.tags:
            self.add_code(rendered(cell, self.language, "trainee"))
        elif "code" in cell.tags:
            self.add_code(rendered(cell, self.language, "answer"))
        for block in self.shown(outputs):
            self.put(block, appears=True)

    def begin(self, heading: str, level: int) -> None:
        self.slides.append(Slide(heading, level))

    def put(self, block: Block, appears: bool = False) -> None:
        """A block on the slide that grows; on one below it where that is full.

        One that `appears` does so at the next key: first a prediction, then what came out.
        """
        slide = self.slides[-1]
        if slide.blocks and slide.lines + block.lines > LINES:
            self.begin(slide.heading, 3)
        if appears and self.slides[-1].blocks:
            block = Block(f'<div class="fragment">{block.html}</div>', block.lines)
        self.slides[-1].blocks.append(block)

    def add_text(self, text: str, appears: bool) -> None:
        for block in markup.blocks(text):
            heading = re.match(r"(#+) +(.*)", block)
            if heading:
                level = min(len(heading[1]), 3)
                shown = re.sub(r"^<h1>|</h1>\s*$", "", markup.as_html(f"# {heading[2]}"))
                if level == 1:
                    self.title = self.title or html.unescape(re.sub("<[^>]+>", "", shown))
                self.begin(shown, level)
                block = block[heading.end() :].strip("\n")
            for part in _cut(block) if block else ():
                self.put(Block(markup.as_html(part), _height(part)), appears)

    def add_code(self, source: str) -> None:
        lines = source.split("\n")
        most = int(LINES / 0.75)
        for start in range(0, len(lines), most):
            part = lines[start : start + most]
            self.put(Block(markup.code("\n".join(part)), 0.75 * sum(map(_code_lines, part)) + 0.5))

    def shown(self, outputs: list[Output]) -> Iterator[Block]:
        """What a cell shows: figures, and printed text."""
        for output in outputs:
            data = output.get("data", {})
            if PLOTLY in data:
                name = f"figure-{len(self.figures) + 1}"
                self.figures[name] = data[PLOTLY]
                yield Block(f'<div class="plot" data-figure="{name}"></div>', FIGURE)
                continue
            text = output.get("text") or data.get("text/plain") or ""
            lines = ("".join(text) if isinstance(text, list) else text).rstrip().split("\n")
            if lines != [""]:
                more = ["…"] if len(lines) > MOST_TEXT else []
                lines = lines[: MOST_TEXT - len(more)] + more
                printed = html.escape("\n".join(lines))
                yield Block(f'<pre class="printed">{printed}</pre>', 0.75 * len(lines) + 0.5)


# How high a text is


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _code_lines(line: str) -> int:
    return max(1, math.ceil(_width(line) / CODE_COLUMNS))


def _height(block: str) -> float:
    """Lines that a block of Markdown takes, and the space below it."""
    if block.lstrip().startswith("$$"):
        return 2.4 + 1.4 * block.count(r"\\")
    if block.lstrip().startswith("|"):
        return 1.15 * (len(block.splitlines()) - 1) + 0.6
    if block.startswith("<details>"):
        return 1.6
    if block.startswith("```"):
        return 0.75 * len(block.splitlines()) + 0.5
    items = re.split(r"\n(?=\s*(?:[-*]|\d+\.) )", block)
    plain = [re.sub(r"\\[a-zA-Z]+|[*`{}^_$]", "", item) for item in items]
    return sum(max(1, math.ceil(_width(item) / COLUMNS)) for item in plain) + 0.5


def _cut(block: str) -> Iterator[str]:
    """A block that is higher than a slide in parts: a list between its items, a text between its lines."""
    if _height(block) <= LINES or block.lstrip().startswith(("|", "$$", "<details>", "```")):
        yield block
        return
    items = re.split(r"\n(?=\s*(?:[-*]|\d+\.) )", block)
    items = items if len(items) > 1 else block.split("\n")
    part: list[str] = []
    for item in items:
        if part and _height("\n".join([*part, item])) > LINES:
            yield "\n".join(part)
            part = []
        part.append(item)
    yield "\n".join(part)
