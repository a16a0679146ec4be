"""Where a command keeps what it found: --output, --html, --json. Checked before anything is computed."""

import dataclasses
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console

from kobai.basics.errors import UsageError
from kobai.words import say


def new_folder(name: str) -> Path:
    """kobai-runs/NAME-TIME: of a task or landscape, what every system allows in the name of a file."""
    file, python, _ = name.partition(".py")
    plain = re.sub(r"[^\w.]+", "-", Path(file).name if python else name).strip("-.")
    return Path("kobai-runs") / f"{plain}-{time.strftime('%Y%m%d-%H%M%S')}"


class Result(Protocol):
    """What can be kept."""

    def save(self, folder: Path) -> None: ...

    def html(self) -> str: ...

    def to_json(self) -> str: ...


R = TypeVar("R", bound=Result)


@dataclasses.dataclass(frozen=True)
class Files:
    """The places that were named: a folder for everything, a page, a file of JSON."""

    output: Path | None
    html: Path | None
    json: Path | None
    name: str
    """Of the folder in kobai-runs that is made, with the time, where neither --output nor --html is given."""
    contents: str
    """The files of the folder."""

    def keep(self, compute: Callable[[], R], show: Callable[[Console, R], None]) -> None:
        """Check where files are to go, compute, show, write."""
        self.check_names()
        began = time.perf_counter()
        folder = self.check()
        # Polars hears a Ctrl-C too, and would raise it once more.
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT) or signal.default_int_handler)
        console = Console(highlight=False, markup=False)
        result = compute()
        show(console, result)
        console.print()
        self.write(result, folder, began, console)

    def check_names(self) -> None:
        """Refuse a file where there can be none. Needs nothing heavy."""
        for option, path in (("--html", self.html), ("--json", self.json)):
            if path is not None and not (path.parent.is_dir() and not path.is_dir()):
                raise UsageError("error.file", option=option, path=path)
        if self.html is not None and self.json is not None and self.html.resolve() == self.json.resolve():
            raise UsageError("error.files.same", path=self.html)

    def check(self) -> Path | None:
        """Refuse what cannot be written; the folder that is to be made, if any."""
        from kobai.basics.files import check_folder, check_writable

        for path in (self.html, self.json):
            if path is not None:
                check_writable(path)
        if self.output is None and self.html is not None:
            return None
        folder = self.output or new_folder(self.name)
        check_folder(folder)
        return folder

    def write(self, result: Result, folder: Path | None, began: float, console: Console) -> None:
        """Write everything, and say where it is."""
        from kobai.basics.files import open_folder, write_text

        if folder is not None:
            result.save(open_folder(folder))
        if self.html is not None:
            write_text(self.html, result.html())
        if self.json is not None:
            write_text(self.json, result.to_json())
        where = [say("descent.files", names=self.contents, folder=folder)] if folder else []
        where += [", ".join(str(path) for path in (self.html, self.json) if path is not None)]
        seconds = say("descent.seconds", seconds=f"{time.perf_counter() - began:.1f}")
        paths: tuple[Any, ...] = (folder, self.html, self.json)
        long = any(len(str(path)) > console.width for path in paths)  # to be copied whole
        console.print(f"{'; '.join(filter(None, where))} ({seconds})", style="dim", soft_wrap=long)
