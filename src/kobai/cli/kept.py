"""The commands `kobai status` and `kobai report`: what the folder of a study keeps. Nothing is trained.

Nothing heavy is imported before it is needed.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kobai.cli import files
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.options import Argument, Option
from kobai.cli.values import names, path
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.questions.comparison.over_tasks.result import OverTasksResult
    from kobai.questions.comparison.result import ComparisonResult


def add(group: Group) -> None:
    """Give the group the commands."""

    def status(folder: object, **named: object) -> Deed:
        return functools.partial(_status, cast(Path, folder), cast(Path | None, named.get("json")))

    def report(folder: object, wide: bool = False, by: object = None, **places: object) -> Deed:
        html, json = (cast(Path | None, places.get(name)) for name in ("html", "json"))
        own = cast(Path, folder) if html is None and json is None else None
        destination = Destination(own, html, json, kept_by_study=True)
        return functools.partial(_report, cast(Path, folder), destination, wide, by)

    folder = [Argument("DIR", "help.kept.folder", read=path)]
    html, json = files.OPTIONS[1:]
    group.add("status", status, folder, [json], meaning=say("help.status"), subject="help.status")
    options = [Option("by", "A,B,…", names), Option("wide"), html, json]
    group.add("report", report, folder, options, meaning=say("help.report"), subject="help.report")


def _status(folder: Path, file: Path | None) -> None:
    from kobai.basics.files import json_text, write_text
    from kobai.questions.comparison.opening import status

    files.check_file("--json", file)
    content = status(folder)
    for line in _lines(content):
        print(line)
    if file is not None:
        write_text(file, json_text(content))


def _lines(content: dict[str, Any]) -> list[str]:
    """The status in sentences, one a line."""

    def listed(counts: dict[str, int]) -> str:
        return say("answer.comma").join(
            say("status.count", name=name, count=count) for name, count in counts.items()
        )

    seeds = [str(seed) for seed in content["seeds"]]
    size = f"{content['bytes'] / 1e6:.1f}"
    lines = [say("status.folder", path=content["folder"], cells=content["cells"], size=size)]
    for name in ("tasks", "optimizers", "initializers", "steps", "versions"):
        lines.append(say(f"status.{name}", counts=listed(content[name])))
    if content["unused"]:
        lines.append(say("status.unused", count=content["unused"]))
    lines.append(say("status.seeds", seeds=say("answer.comma").join(_ranges(seeds))))
    if content["damaged"]:
        lines.append(say("status.damaged", count=content["damaged"]))
    if content["processes"]:
        lines.append(say("status.processes", names=say("answer.comma").join(content["processes"])))
    is_several = len({question["task"] for question in content["questions"]}) > 1
    for number, question in enumerate(content["questions"], start=1):
        state = say("status.finished" if question["finished"] else "status.unfinished")
        key = "status.question.task" if is_several else "status.question"
        values = {name: question[name] for name in ("task", "command")}
        lines.append(say(key, number=number, state=state, **values))
        if not question["finished"]:
            for name, phase in question["phases"].items():
                lines.append("  " + say("status.phase", phase=say(f"progress.{name}"), **phase))
    return lines


def _ranges(seeds: list[str]) -> list[str]:
    """Seeds in rows of neighbours: 0–2, 1000–1009."""
    rows: list[list[int]] = []
    for seed in map(int, seeds):
        if rows and seed == rows[-1][-1] + 1:
            rows[-1].append(seed)
        else:
            rows.append([seed])
    return [f"{row[0]}–{row[-1]}" if len(row) > 1 else f"{row[0]}" for row in rows]


def _report(folder: Path, destination: Destination, wide: bool, by: object) -> None:
    def read() -> "ComparisonResult | OverTasksResult":
        from kobai.questions.comparison.opening import open
        from kobai.study.lock import alone

        result = open(folder, by=cast(Sequence[str] | None, by))
        if destination.folder is not None:
            with alone(folder):
                result.save(folder)
        return result

    def show(console: "Console", result: "ComparisonResult | OverTasksResult") -> None:
        console.print(result.view(wide))

    destination.keep(read, show)
