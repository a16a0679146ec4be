"""What a comparison would take: the same arguments, and nothing is trained but what is timed."""

import functools
import inspect
import itertools
import operator
from collections.abc import Iterator
from pathlib import Path

from kobai.basics.errors import UsageError
from kobai.basics.guard import guard
from kobai.basics.machine import use_compilation_cache
from kobai.basics.progress import duration
from kobai.questions.comparison.ask import compare, questions_of
from kobai.study import statistics
from kobai.study.plan import Plan, plan
from kobai.study.store import is_store
from kobai.words import language, say


@guard
def planned(task: object, data: object = None, **arguments: object) -> Plan:
    """What ``kobai.compare(task, data, **arguments)`` would take."""
    ask = inspect.signature(compare).bind(task, data, **arguments)
    ask.apply_defaults()
    output = ask.arguments["output"]
    if ask.arguments["budget"] is not None:
        raise UsageError("error.plan.budget")
    with language(ask.arguments["language"]):
        use_compilation_cache()
        folder = None if output is None or not Path(output).is_dir() else Path(output)
        folder = folder if folder is not None and is_store(folder) else None
        _, questions = questions_of(ask.arguments)
        plans = [plan(study, folder) for study in itertools.chain(*questions)]
        return functools.reduce(operator.add, plans)


def lines(plan: Plan) -> Iterator[str]:
    """The plan in sentences, one a line."""
    yield say("plan.trainings", trainings=plan.trainings, tuning=plan.tuning)
    if plan.kept:
        yield say("plan.kept", kept=plan.kept, left=plan.left)
    how = say("plan.measured" if plan.measured else "plan.read")
    each = f"{plan.seconds_each:.3g}"
    yield say("plan.time", time=duration(plan.seconds), cores=plan.threads, seconds=each, how=how)
    if plan.trainings_at_most > plan.trainings:
        values = {"most": plan.trainings_at_most, "time": duration(plan.seconds_at_most)}
        yield say("plan.grows", first=statistics.LOOKS[0], last=statistics.LOOKS[-1], **values)
    size, most = (f"{size / 1e6:.2g}" for size in (plan.bytes, plan.bytes_at_most))
    yield say("plan.size", size=size, most=most)
