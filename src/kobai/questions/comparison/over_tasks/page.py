"""The report of several tasks: `page(over, answers, command, places)`, with what they say together on top."""

import html
from collections.abc import Mapping
from urllib.parse import quote

from kobai.questions.comparison import page as single
from kobai.questions.comparison.over_tasks import figure, sentences, table
from kobai.report import document
from kobai.report.colours import looks
from kobai.report.document import definitions, escaped, folded, scrolling
from kobai.study.answer import Answer
from kobai.study.over_tasks import OverTasks
from kobai.words import say

Answers = Mapping[str, Answer]


def page(over: OverTasks, answers: Answers, command: str, places: Mapping[str, str]) -> str:
    """The whole page.

    Args:
      over, answers: what the tasks say together, and each of them, by its name.
      command: what makes the page again, a line for each command.
      places: files beside it that hold the report of each task, to which it links; none: it links to nothing.
    """
    drawn = any(each.mean is not None for each in over.candidates)
    parts = {
        "answer": _answer(over, answers) + document.notes(sentences.notes(over)),
        "costs": document.figure("over_tasks", figure.captions(over)) if drawn else "",
        "table": _table(over, answers),
        "tasks": "".join(
            _of_task(i, name, answers[name], places.get(name)) for i, name in enumerate(answers)
        ),
        "command": html.escape(command),
        "versions": document.sections({"report.settings.versions": definitions(document.versions())}),
    }
    template = document.read("kobai.questions.comparison.over_tasks", "report.html")
    return document.page(
        title=say("over.title", names=sentences.listed(over.tasks)),
        headline=sentences.headline(over, answers),
        main=document.fill(template, parts),
        data=document.data({"over_tasks": figure.over_tasks(over, answers)} if drawn else {}),
    )


def summary(over: OverTasks, answers: Answers) -> str:
    """Answer, cautions and table, and the answer to each task, without style or script: for a notebook."""
    notes = document.notes(sentences.notes(over))
    each = "".join(f"<h3>{html.escape(name)}</h3>{single.summary(own)}" for name, own in answers.items())
    return f"{_answer(over, answers)}{notes}{_listing(over, answers)}{each}"


def _answer(over: OverTasks, answers: Answers) -> str:
    """The answer: the choice and its cost in large letters, the rest beside it."""
    choice, _, rest = sentences.answer(over, answers).partition(say("over.join"))
    item = f"<strong>{single.whole(choice)}</strong> <span>{single.whole(_sentence(rest))}</span>"
    return f'<ol class="answer"><li>{item}</li></ol>'


def _sentence(text: str) -> str:
    """A clause that stands alone, with a capital letter."""
    return text[:1].upper() + text[1:]


def _listing(over: OverTasks, answers: Answers) -> str:
    """The table, with the colours of the figure."""
    rows = escaped(table.rows(over, answers))
    look = looks(each.name for each in over.candidates)
    for each, cells in zip(over.candidates, rows, strict=True):
        mark = ' class="chosen"' if each is over.choice else ""
        cells[0] = f'<span{mark}><i style="{look[each.name].swatch}"></i>{cells[0]}</span>'
    deciding = 1 + len(over.tasks)
    return scrolling(table.headers(over), rows, say("over.table.caption"), deciding=deciding)


def _table(over: OverTasks, answers: Answers) -> str:
    """The table, and what its columns mean."""
    names = ["mean", "high", "leads", "member"]
    meanings = [(sentences.listed(over.tasks), say("over.column.task"))]
    meanings += [(say(f"over.table.{name}").replace("\n", " "), say(f"over.column.{name}")) for name in names]
    return _listing(over, answers) + folded(say("report.columns"), meanings)


def _of_task(number: int, name: str, answer: Answer, place: str | None) -> str:
    """The section of one task: its answer and table, and where its report is."""
    link = f'<p class="use">{html.escape(say("over.of_task.elsewhere"))}</p>'
    if place is not None:
        words = html.escape(say("over.of_task", name=name))
        link = f'<p><a href="{html.escape(quote(place))}">{words}</a></p>'
    return (
        f'<section aria-labelledby="task-{number}"><h2 id="task-{number}">{html.escape(name)}</h2>'
        f"{link}{single.summary(answer)}</section>"
    )
