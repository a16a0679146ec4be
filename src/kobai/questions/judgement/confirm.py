"""Do the best trials of a search hold? ``kobai.confirm("study.db", objective)`` runs them on fresh seeds.

The best of a hundred trials is the best by what it is and by luck, and the luck does not come again: the
winner's curse. What the trials show on seeds that chose nobody is told beside what they showed in the search.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from kobai.basics.checks import FUNCTION, check_arguments, check_count
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.basics.own_code import told
from kobai.questions.judgement import table
from kobai.questions.judgement.ask import judge
from kobai.questions.judgement.outcome import Judgement
from kobai.questions.judgement.readers import optuna
from kobai.report.panels import Attributes, colour, figure, text
from kobai.report.result import call
from kobai.report.sheet import Sheet, SheetResult
from kobai.words import current, say
from kobai.words import language as speaking

if TYPE_CHECKING:
    import plotly.graph_objects as go

FIRST_SEED = 10_000
"""The first of the fresh seeds, which no search begins with."""
MOST_TRIALS, MOST_SEEDS = 40, 1000


@dataclasses.dataclass(frozen=True)
class Confirmed:
    """A trial, in the search and on fresh seeds.

    Fields:
      name: "#12", of the trial with this number.
      value: what it showed in the search.
      fresh: its mean on the fresh seeds.
      lost: by how much that is worse.
    """

    name: str
    parameters: Mapping[str, Any]
    value: float
    fresh: float
    lost: float


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ConfirmationResult(SheetResult):
    """What came of it. Printed, a table with one row a trial, and what was luck.

    Fields:
      trials: the best of the search, the best first.
      searched: of so many.
      judgement: the trials against the best of the search, on the fresh seeds.
    """

    trials: tuple[Confirmed, ...]
    searched: int
    judgement: Judgement

    files = {"confirmation.html": "html", "confirmation.json": "to_json", "table.parquet": "table"}

    @property
    def best_set(self) -> list[str]:
        """The trials that may be the best."""
        return list(self.judgement.best.members)

    def _sheet(self) -> Sheet:
        seeds = len(self.judgement.arms[0].x)
        values = {"top": len(self.trials), "all": self.searched, "seeds": seeds}
        heads = [
            say(f"confirm.column.{name}")
            for name in ("trial", "value", "fresh", "lost", "cost", "parameters")
        ]
        return Sheet(say("confirm.title", **values), heads, [*map(self._row, self.trials)], self._notes())

    def _row(self, trial: Confirmed) -> list[str]:
        arm = next(arm for arm in self.judgement.arms if arm.name == trial.name)
        cost = self.judgement.best.costs[trial.name]
        said = ", ".join(f"{name}={_short(value)}" for name, value in trial.parameters.items())
        return [
            trial.name,
            table.number(trial.value, None),
            table.interval(*self.judgement.means(arm)),
            table.number(trial.lost, None, signed=True),
            "–" if cost is None else f"{cost:.3g}",
            said,
        ]

    def _notes(self) -> list[str]:
        best, seeds = self.trials[0], len(self.judgement.arms[0].x)
        mean = sum(trial.lost for trial in self.trials) / len(self.trials)
        luck = {"value": table.number(best.value, None), "fresh": table.number(best.fresh, None)}
        key = "curse" if best.lost > 0 else "held"
        notes = [
            say(f"confirm.{key}", name=best.name, **luck, lost=f"{abs(best.lost):.3g}", all=self.searched)
        ]
        if len(self.trials) > 1:
            notes.append(say("confirm.mean", lost=table.number(mean, None), seeds=seeds))
            notes.append(table.together(self.judgement))
        return [*notes, *map(str, self.judgement.warnings)]

    def _figures(self) -> "dict[str, go.Figure]":
        """A row a trial: its interval on fresh seeds, and a ring where the search had it."""
        rows = range(len(self.trials))
        names = [text(trial.name) for trial in self.trials]
        up: Attributes = {"tickvals": [*rows], "ticktext": names, "range": [len(rows) - 0.5, -0.5]}
        across = {"title_text": say("confirm.axis"), "nticks": 6}
        drawing = figure([""], [across], [up], height=30 * len(rows) + 30, margin={"t": 8})
        for i, trial in enumerate(self.trials):
            arm = next(arm for arm in self.judgement.arms if arm.name == trial.name)
            _, low, high = self.judgement.means(arm)
            look: Attributes = {"name": text(trial.name), "meta": trial.name, "showlegend": False, "y": [i]}
            ring = {"size": 10, "color": "rgba(0,0,0,0)", "line": {"color": colour(i), "width": 2}}
            drawing.add_scatter(x=[trial.value], mode="markers", marker=ring, **look)
            dot = {"size": 10, "color": colour(i)}
            drawing.add_scatter(x=[trial.fresh], mode="markers", marker=dot, **look)
            if low is not None:
                line = {"color": colour(i), "width": 2}
                drawing.add_scatter(**{**look, "x": [low, high], "y": [i, i]}, mode="lines", line=line)
        return {"confirmation": drawing}

    def _content(self) -> Mapping[str, object]:
        return {
            "trials": [dataclasses.asdict(trial) for trial in self.trials],
            "searched": self.searched,
            "seeds": [int(str(seed)) for seed in self.judgement.arms[0].seeds],
            "best_set": self.best_set,
            "notes": self._notes(),
        }


@guard
def confirm(
    storage: object,
    objective: Callable[..., object],
    *,
    study: str | None = None,
    top: int = 5,
    seeds: int = 10,
    language: str | None = None,
    command: str | None = None,
) -> ConfirmationResult:
    """Do the best trials of a study of Optuna hold on fresh seeds?

    Args:
      storage: the file or the address of the study, or the study itself.
      objective: ``objective(trial, seed)``, as Optuna calls it, but for the seed that it is to use for all
        that is random. What it suggests is the trial's own. It may give nan, or raise `optuna.TrialPruned`,
        where a run fails: such runs count as the worst of all.
      study: its name, where the storage has several.
      top: so many of its trials, the best of different parameters.
      seeds: so many seeds, from 10,000 on.
      language: "en" or "ja", for this call. Default: the language in use.
      command: what the page says makes it again. Default: this call.

    Returns:
      A `ConfirmationResult`: what each showed in the search and on the fresh seeds, which may be the best,
      and what choosing each costs.

    Raises:
      UsageError: for anything that cannot be meant.
    """
    command = command or call(confirm, locals(), {"storage": "study", "objective": "objective"})
    with speaking(language):
        check_arguments("confirm", {"objective": objective}, {"objective": FUNCTION})
        check_count("top", top, most=MOST_TRIALS)
        check_count("seeds", seeds, most=MOST_SEEDS)
        _check_seed(objective)
        loaded: Any = (
            storage if hasattr(storage, "get_trials") else optuna.load(optuna.address(storage), study)
        )
        best, searched = _best(loaded, top)
        maximize = loaded.direction.name == "MAXIMIZE"
        values = {
            f"#{trial.number}": {
                seed: _run(objective, trial, seed) for seed in range(FIRST_SEED, FIRST_SEED + seeds)
            }
            for trial in best
        }
        judgement = _judged(values, maximize)
        means = {arm.name: judgement.means(arm)[0] for arm in judgement.arms}
        trials = tuple(_confirmed(trial, means[f"#{trial.number}"], maximize) for trial in best)
        return ConfirmationResult(
            table=pl.DataFrame([_flat(trial) for trial in trials]),
            command=command,
            language=current(),
            trials=trials,
            searched=searched,
            judgement=judgement,
        )


def _check_seed(objective: Callable[..., object]) -> None:
    """Refuse an objective that takes no seed, whose runs would be one and the same, or by chance not."""
    try:
        inspect.signature(objective).bind(None, 0)
    except (TypeError, ValueError):
        raise UsageError(
            "error.confirm.seed", value=getattr(objective, "__name__", quoted(objective))
        ) from None


def _best(study: Any, top: int) -> tuple[list[Any], int]:
    """The best trials of different parameters, and how many were finished."""
    if len(study.directions) > 1:
        raise UsageError("error.confirm.several", count=len(study.directions))
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == optuna.COMPLETE]
    if len(complete) < 2:
        raise UsageError("error.confirm.few", count=len(complete))
    different: dict[str, Any] = {}
    for trial in sorted(complete, key=lambda trial: sign * trial.value):
        different.setdefault(repr(sorted(trial.params.items())), trial)
    return [*different.values()][: max(top, 2)], len(complete)


def _run(objective: Callable[..., object], trial: Any, seed: int) -> float:
    """One run of a trial's parameters; NaN where it failed."""
    import optuna as library

    fixed = library.trial.FixedTrial(trial.params, number=trial.number)
    with told("error.confirm.raises", every=True, trial=trial.number):
        try:
            value: Any = objective(fixed, seed)
        except library.TrialPruned:
            return math.nan
        return math.nan if value is None else float(value)


def _judged(values: Mapping[str, Mapping[int, float]], maximize: bool) -> Judgement:
    """The trials against the best of the search."""
    return judge(values, baseline=next(iter(values)), maximize=maximize, metric="value").judgement


def _confirmed(trial: Any, fresh: float, maximize: bool) -> Confirmed:
    lost = trial.value - fresh if maximize else fresh - trial.value
    return Confirmed(f"#{trial.number}", dict(trial.params), trial.value, fresh, lost)


def _flat(trial: Confirmed) -> dict[str, object]:
    return {"trial": trial.name, "value": trial.value, "fresh": trial.fresh, "lost": trial.lost} | {
        f"parameter.{name}": value for name, value in trial.parameters.items()
    }


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
