"""What is said of a transfer: title, answer, table, notes. Terminal and page share them."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len

from kobai.questions.transfer.rows import BY_STEPS, HARMS, HELPS, LEVEL, OPEN, TransferOutcome
from kobai.report import cut
from kobai.report.letters import aligned
from kobai.study import statistics
from kobai.study.statistics import Estimate
from kobai.words import metric, say

LINE = 80
COLUMNS = ("protocol", "amount", "metric", "scratch", "difference", "ratio", "p")


def text(outcome: TransferOutcome) -> str:
    """All of it, as a terminal shows it."""
    lines = [line for protocol, parts in answers(outcome) for line in _lines(protocol, parts)]
    rows = aligned([headers(), *cells(outcome)], left=1)
    return "\n".join([title(outcome), headline(outcome), "", *lines, "", *rows, "", *notes(outcome)])


def title(outcome: TransferOutcome) -> str:
    """The title: from which task to which."""
    return say("transfer.title", source=outcome.source, target=outcome.target)


def headline(outcome: TransferOutcome) -> str:
    """The sentence that says what is measured, and what it was trained with."""
    setup = outcome.setup
    values = {"optimizer": setup.optimizer, "steps": setup.steps, "source_steps": setup.source_steps}
    return say("transfer.headline", metric=metric(outcome.metric), seeds=setup.seeds, **values)


def answers(outcome: TransferOutcome) -> Iterator[tuple[str, list[str]]]:
    """Each protocol's name, and what is said of it."""
    for (protocol,), rows in outcome.frame.group_by("protocol", maintain_order=True):
        by = "steps" if protocol in BY_STEPS else "metric"
        amounts = {
            verdict: rows.filter(verdict=verdict)["amount"].to_list() for verdict in (HELPS, HARMS, OPEN)
        }
        parts = [] if amounts[HELPS] else [say(_without_help(outcome, harms=bool(amounts[HARMS])))]
        for verdict, own in amounts.items():
            if own:
                parts.append(say(f"transfer.{verdict}.{by}", amounts=cut.listed(", ".join(map(str, own)))))
        yield say(f"transfer.protocol.{protocol}"), parts


def _without_help(outcome: TransferOutcome, harms: bool) -> str:
    """Key of what is said where no help was outcome: that alone does not show that there is none."""
    if harms:
        return "transfer.fails"
    return "transfer.not_shown" if smallest_p(outcome) <= LEVEL else "transfer.undecided"


def sentence(protocol: str, parts: Sequence[str]) -> str:
    """The answer for one protocol."""
    return say("transfer.answer", protocol=protocol, parts=say("transfer.and").join(parts))


def headers() -> list[str]:
    """The heads of the columns."""
    return [say(f"transfer.column.{name}") for name in COLUMNS]


def cells(outcome: TransferOutcome) -> list[list[str]]:
    """The table, a row for each amount and protocol."""
    return [_row(row) for row in outcome.shown().iter_rows(named=True)]


def notes(outcome: TransferOutcome) -> Iterator[str]:
    """What one must know to read the table."""
    yield from cut.word("rows", len(outcome.shown()), len(outcome.frame))
    yield say("transfer.note")
    if outcome.new_head:
        yield say("transfer.note.new_head")
    rates = outcome.setup.learning_rates
    winners = {*outcome.frame["learning_rate"], *outcome.frame["learning_rate_scratch"]}
    ends = sorted({min(rates), max(rates)} & winners) if len(rates) > 1 else []
    if ends:
        yield say("transfer.note.edge", rates=", ".join(f"{rate:g}" for rate in ends))
    p = smallest_p(outcome)
    if p > LEVEL:
        needed = statistics.seeds_needed(len(outcome.frame))
        values = {"seeds": outcome.setup.seeds, "p": f"{p:.2g}"}
        if needed is None:
            yield say("transfer.note.seeds.never", **values, rows=len(outcome.frame))
        else:
            yield say("transfer.note.seeds", **values, needed=needed)


def smallest_p(outcome: TransferOutcome) -> float:
    """The smallest corrected p that so many rows and seeds can give."""
    return statistics.smallest_p(len(outcome.frame), outcome.setup.seeds)


def _lines(protocol: str, parts: Sequence[str]) -> Iterator[str]:
    """The answer for one protocol: one line, or one line for each part."""
    line = sentence(protocol, parts)
    if cell_len(line) <= LINE:
        yield line
    else:
        yield say("transfer.answer.begin", protocol=protocol)
        yield from (f"  {part}" for part in parts)


def _row(row: dict[str, Any]) -> list[str]:
    return [
        say(f"transfer.protocol.{row['protocol']}"),
        str(row["amount"]),
        f"{row['metric']:.3f}",
        f"{row['metric_scratch']:.3f}",
        _difference(row),
        _ratio(row),
        f"{row['corrected_p']:.3f}".removeprefix("0"),
    ]


def _difference(row: dict[str, Any]) -> str:
    """Student's interval is symmetric: one number tells it."""
    half = "" if row["difference_low"] is None else f" ±{row['difference'] - row['difference_low']:.3f}"
    return f"{row['difference']:+.3f}{half}".replace("-", "−")


def _ratio(row: dict[str, Any]) -> str:
    value, low, high = (row[f"ratio{end}"] for end in ("", "_low", "_high"))
    if row["bound"] == "=":
        return "= 1"
    end = statistics.limit(Estimate(value, low, high), row["bound"])
    if value is None or (row["bound"] and end is None):
        return "–"
    if end is not None:
        return f"{row['bound']} {_short(end)}"
    return _short(value) if low is None else f"{_short(value)} [{_short(low)}, {_short(high)}]"


def _short(value: float) -> str:
    """Two figures: .031, 1.2, 12, 120."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}".removeprefix("0")
