"""Where a command keeps what it found: --output, --html, --json. Checked before anything is computed."""

import dataclasses
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kobai.basics.errors import UsageError
from kobai.cli.options import Option
from kobai.cli.values import path
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.report.result import Result

OPTIONS = (Option("output", "DIR", path), Option("html", "FILE", path), Option("json", "FILE", path))

R = TypeVar("R", bound="Result")


def new_folder(name: str) -> Path:
    """kobai-runs/NAME-TIME: of a task or landscape, what every system allows in the name of a file."""
    file, python, _ = name.partition(".py")
    plain = re.sub(r"[^\w.]+", "-", Path(file).name if python else name).strip("-.")
    return Path("kobai-runs") / f"{plain}-{time.strftime('%Y%m%d-%H%M%S')}"


@dataclasses.dataclass(frozen=True)
class Destination:
    """The places where a result goes: a folder for everything, a page, a file of JSON.

    Fields:
      folder: None where only a page was asked for.
      kept_by_study: whether the computation itself keeps its files in the folder, so that it can be resumed.
    """

    folder: Path | None
    html: Path | None
    json: Path | None
    kept_by_study: bool = False

    @classmethod
    def of(cls, places: dict[str, object], name: str, kept_by_study: bool = False) -> "Destination":
        """The places that were named by `OPTIONS`, which are taken out of `places`.

        Without --output and --html it is a new folder in kobai-runs, called `name` and the time.
        """
        named = cls.named(places)
        folder = named.folder
        if folder is None and named.html is None and not places.keys() & {"resume", "join"}:
            folder = new_folder(name)
        return cls(folder, named.html, named.json, kept_by_study)

    @classmethod
    def named(cls, places: dict[str, object]) -> "Destination":
        """The places that were named by `OPTIONS` and no other, which are taken out of `places`."""
        paths = (places.pop(option.key, None) for option in OPTIONS)
        folder, html, json = (each if isinstance(each, Path) else None for each in paths)
        return cls(folder, html, json)

    def keep(self, compute: Callable[[], R], show: Callable[["Console", R], None]) -> None:
        """Check where files are to go, compute, show, write."""
        self._check_names()
        self._check_places()
        began = time.perf_counter()
        # Polars, once imported, hears a Ctrl-C too, and would raise it once more while files are written.
        import polars  # noqa: F401

        from kobai.basics.console import Console

        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT) or signal.default_int_handler)
        console = Console(highlight=False, markup=False)
        result = compute()
        show(console, result)
        if self == Destination(None, None, None):
            return
        console.print()
        self._write(result)
        self._say_where(console, result, time.perf_counter() - began)

    def _check_names(self) -> None:
        """Refuse a file where there can be none. Needs nothing heavy."""
        for option, file in (("--html", self.html), ("--json", self.json)):
            check_file(option, file)
        if self.html is not None and self.json is not None and self.html.resolve() == self.json.resolve():
            raise UsageError("error.files.same", path=self.html)

    def _check_places(self) -> None:
        """Refuse what cannot be written."""
        from kobai.basics.files import check_folder, check_writable

        for file in (self.html, self.json):
            if file is not None:
                check_writable(file)
        if self.folder is not None and not self.kept_by_study:
            check_folder(self.folder)

    def _write(self, result: "Result") -> None:
        from kobai.basics.files import open_folder, write_text

        if self.folder is not None and not self.kept_by_study:
            result.save(open_folder(self.folder))
        if self.html is not None:
            result.write_html(self.html)
        if self.json is not None:
            write_text(self.json, result.to_json())

    def _say_where(self, console: "Console", result: "Result", seconds: float) -> None:
        from rich.text import Text

        from kobai.report.letters import Paragraph

        where = [", ".join(str(file) for file in (self.html, self.json) if file is not None)]
        if self.folder is not None:
            names = say("answer.comma").join(result.files)
            where.insert(0, say("files.folder", names=names, folder=self.folder))
        time = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"
        sentence = say("files.seconds", where="; ".join(filter(None, where)), seconds=time)
        paths = (self.folder, self.html, self.json)
        long = any(len(str(path)) > console.width for path in paths)  # to be copied whole
        console.print(Paragraph(Text(sentence, style="dim")), soft_wrap=long)


def check_file(option: str, path: Path | None) -> None:
    """Refuse a file that cannot be: one that is a folder, or in no folder."""
    if path is not None and not (path.parent.is_dir() and not path.is_dir()):
        raise UsageError("error.file", option=option, path=path)
