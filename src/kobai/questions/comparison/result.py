"""What a comparison found: printed, drawn, kept in files, in the language of its call."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import RenderableType

from kobai.basics.errors import UsageError
from kobai.basics.leaf import lineage
from kobai.basics.machine import use_compilation_cache
from kobai.basics.own_code import told
from kobai.questions.comparison import terminal, trained
from kobai.questions.why import causes, sentences
from kobai.questions.why.causes import Why
from kobai.questions.why.measure import Measured, Unmeasured
from kobai.report.result import Result, Views
from kobai.study.answer import Answer, answer
from kobai.study.cells import Spooled
from kobai.study.criterion import FINAL
from kobai.study.outcome import Outcome
from kobai.study.recommendation import Recommendation
from kobai.study.setting import Setting
from kobai.words import current
from kobai.words import language as speaking

if TYPE_CHECKING:
    import torch

    from kobai.tasks.frameworks.torch.optimizers import Parameters


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ComparisonResult(Result):
    """What a comparison found. Printed, its answers and a table with one row an optimizer, best first.

    Fields:
      outcome: the study and every training run.
      answer: what it says, with the evidence.
    """

    outcome: Outcome
    answer: Answer
    more: "Callable[[Outcome, Mapping[str, Any]], ComparisonResult] | None" = None
    """Asks the same with more in it; None: it was read from its folder, without its task."""
    reused: int = 0
    """Trainings of all criteria that were there before."""
    trained: int = 0
    """Trainings that were made for it."""
    why: Why | None = None
    """The causes that measurements support; None where nothing was measured."""
    unmeasured: Unmeasured | None = None
    """Why nothing was; None where the study is too small for it, or something was."""

    files = {
        "report.html": "html",
        "results.parquet": "table",
        "cells.parquet": "frames",
        "answer.json": "to_json",
    }

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        command: str,
        more: "Callable[[Outcome, Mapping[str, Any]], ComparisonResult] | None" = None,
        others: Sequence[Outcome] = (),
        measured: Measured | Unmeasured | None = None,
    ) -> "ComparisonResult":
        """The result of a study, in the language in use; `others`: of those that were judged otherwise;
        `measured`: what there is to say why."""
        reading = dataclasses.replace(answer(outcome), others=tuple(map(answer, others)))
        why = causes.reasons(outcome, reading, measured) if isinstance(measured, Measured) else measured
        return cls(
            table=reading.table(),
            command=command,
            language=current(),
            outcome=outcome,
            answer=reading,
            more=more,
            reused=_reused([outcome, *others]),
            trained=sum(each.trained for each in (outcome, *others)),
            why=why if isinstance(why, Why) else None,
            unmeasured=why if isinstance(why, Unmeasured) else None,
        )

    @property
    def tasks(self) -> dict[str, "ComparisonResult"]:
        """This result by the name of its task, as `OverTasksResult` has those of several."""
        return {self.answer.task: self}

    @property
    def cells(self) -> pl.DataFrame:
        """Every training run: one row a cell, curves as lists."""
        return self.outcome.cells

    @property
    def frames(self) -> pl.DataFrame | tuple[pl.Schema, Iterator[pl.DataFrame]]:
        """The same; or its schema and parts of it, one behind the other, if memory does not hold all."""
        phases = [self.outcome.phases[name] for name in sorted(self.outcome.phases)]
        if not any(isinstance(cells, Spooled) for cells in phases):
            return self.cells
        nothing = self.outcome.in_phase("")
        return nothing.frame.schema, itertools.chain(*(cells.parts() for cells in phases))

    @property
    def best(self) -> Setting:
        """What is recommended, ready to use: ``kobai.compare(task, **result.best.arguments)``."""
        return Setting.of(self.outcome.recommended)

    @property
    def best_set(self) -> tuple[str, ...]:
        """The optimizers that may be the best, those that need the fewest steps first."""
        return self.answer.optimizer.best_set

    @property
    def cost(self) -> pl.DataFrame:
        """What choosing each optimizer costs: how many more steps than the best of all it may need, as a part
        of that one's steps.

        Columns: candidate, low (always 0), high (null where no bound is told), best (whether it may be the
        best). All bounds hold together in 95 % of studies; those that need the fewest steps stand first.
        """
        return pl.DataFrame(
            [(cost.name, 0.0, cost.high, cost.member) for cost in self.answer.optimizer.costs],
            {"candidate": pl.String, "low": pl.Float64, "high": pl.Float64, "best": pl.Boolean},
            orient="row",
        )

    @property
    def recommendation(self) -> Recommendation:
        """The recommended training as plain values, from which it is written as a program."""
        return Recommendation.of(self.outcome.study, self.outcome.recommended)

    def code(self, framework: str = "torch") -> str:
        """The recommended training as a program, with comments in the language of the result.

        Args:
          framework: "torch", "optax", "keras" or "kobai".

        Raises `UsageError` for another framework.
        """
        from kobai.questions.comparison.code.write import code

        with speaking(self.language):
            return code(self.recommendation, framework)

    # The network, to go on with. A study keeps curves and no weights: the one training is made again.

    def model(self, seed: int | None = None) -> object:
        """The network at the end of the recommended training, trained once more.

        It is the same to the last bit, which is checked (on a GPU, where trainings step together, up to
        rounding); where an average of the iterates is recommended it is the average.

        Args:
          seed: one of the fresh seeds, `result.answer.seeds`. Default: the first.

        Returns:
          As the framework has it, ready for use: a copy of the module of PyTorch in inference mode, the model
          of Keras made once more, the module of Flax NNX or Equinox in inference mode (with its state, where
          it has one: a pair), the variables of Flax Linen. Of two functions and of a task without a framework
          the parameters, and with a state ``(parameters, state)``.

        Raises:
          UsageError: for another seed, and for a training that diverged.
        """
        with speaking(self.language):
            use_compilation_cache()
            return trained.model(self.outcome, seed)

    def state_dict(self, seed: int | None = None) -> "dict[str, torch.Tensor]":
        """The trained weights of a module of PyTorch: ``module.load_state_dict(result.state_dict())``.

        Raises `UsageError` for another seed, a training that diverged, and a model of another framework.
        """
        model = self.model(seed)
        if "torch.nn.modules.module.Module" not in lineage(model):
            raise UsageError("error.model.torch", value=type(model).__name__)
        state: dict[str, torch.Tensor] = model.state_dict()  # type: ignore[attr-defined]
        return state

    def optimizer(self, parameters: "Parameters") -> "torch.optim.Optimizer":
        """The recommended optimizer for PyTorch, with what belongs to a step: ``optimizer.step()`` does it.

        Weight decay and penalties act on the weights alone, and what is frozen is left out. Penalties and
        clipping are hooks of the optimizer, which act on the gradients before each ``step()`` (without a
        closure) and stand in no `state_dict`. The schedule is `scheduler`'s. Batch size, number of steps,
        initial values, averages and early stopping are for the loop; of the last two a warning tells.

        Args:
          parameters: ``model.parameters()``, ``model.named_parameters()`` or the model. What each is, the
            comparison knows where they are those of its own model; else those of two or more dimensions are
            the weights.

        Raises:
          UsageError: for a rule that PyTorch has no equal for.
        """
        from kobai.questions.comparison import torch_training

        with speaking(self.language):
            return torch_training.optimizer(self.outcome.study, self.outcome.recommended, parameters)

    def scheduler(self, optimizer: "torch.optim.Optimizer") -> "torch.optim.lr_scheduler.LambdaLR":
        """The recommended schedule for PyTorch: call its ``step()`` after each of the optimizer's."""
        from kobai.questions.comparison import torch_training

        return torch_training.scheduler(self.outcome.study, self.outcome.recommended, optimizer)

    def extend(self, **more: Any) -> "ComparisonResult":
        """The same question with more in it; only what is new is trained.

        Args:
          more: arguments of `kobai.compare`. To `optimizers`, `initializers`, `learning_rates` and the values
            of an axis those given are added; any other takes the place of what it was: ``extend(seeds=20)``
            has 20 fresh seeds in all. With an `output` the folder grows; without one, memory is used.

        Raises:
          UsageError: for what makes another task, for fewer seeds, and for a result that was read from its
            folder, where the task is not.
        """
        if self.more is None:
            raise UsageError("error.study.told")
        with told():
            return self.more(self.outcome, more)

    def view(self, wide: bool = False) -> RenderableType:
        """What it prints in a terminal, for rich; `wide`: with more columns."""
        return terminal.view(self.answer, wide, why=sentences.lines(self.why))

    def _text(self) -> str:
        return terminal.text(self.answer, why=sentences.lines(self.why))

    def _views(self) -> Views:
        from kobai.questions.comparison import figures, page

        return Views(
            summary=partial(page.summary, self.answer),
            page=partial(page.page, self.outcome, self.answer, self.command, self.why or self.unmeasured),
            figures=partial(figures.figures, self.outcome, self.answer),
        )

    def _content(self) -> dict[str, object]:
        content = {**self.answer.content(), "why": sentences.content(self.why or self.unmeasured)}
        return {**content, "recommendation": dataclasses.asdict(self.recommendation)}


def _reused(outcomes: Sequence[Outcome]) -> int:
    """How many trainings were there before: steps and seconds are of the same ones, whichever came first."""
    same = [each.reused for each in outcomes if each.by != FINAL]
    return min(same, default=0) + sum(each.reused for each in outcomes if each.by == FINAL)
