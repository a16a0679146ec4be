"""The terminal that everything is printed on: `Console`, rich's own with two precautions."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from kobai.basics.controls import harmless

LEAST = 40
"""So many columns are written in at least: a narrower terminal breaks the lines itself."""


class Console(RichConsole):
    """A console that shows names as they are read, not obeyed, and has a width to write a table in."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.width < LEAST:  # COLUMNS=0 says that nobody knows; in fewer than these even a name is cut
            self.width = LEAST if self.width > 0 else 80

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed; rich's own commands to the terminal stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))
