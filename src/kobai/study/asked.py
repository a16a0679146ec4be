"""What was asked in the folder of a study: a file for each question, beside the cells that answer it.

A question names its cells by what they are, phase by phase. So it is answered again from what is kept,
without its task; and whoever asks something else in the same folder is told what differs from before.
"""

import contextlib
import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.candidates.values import as_json, learning_rate
from kobai.engine.identity import digest, versions
from kobai.engine.sweep import Sweep
from kobai.study import frame, record
from kobai.study.axes import Axis
from kobai.study.cells import Cells, Labels, gathered
from kobai.study.store import STORE, Store, checksum, content_of
from kobai.study.study import CONFIRMATION, Study, Trial
from kobai.words import say


@dataclasses.dataclass(frozen=True)
class Phase:
    """A phase of a study: trials, each with every seed, and the identity of each of these cells.

    Fields:
      trials: the columns that name a trial, `learning_rate` among them.
      seeds: of every trial.
      cells: [trials][seeds], the identities.
    """

    trials: list[dict[str, Any]]
    seeds: list[int]
    cells: list[list[str]]

    @classmethod
    def of(cls, trials: Sequence[Trial], seeds: Sequence[int], cells: list[list[str]]) -> "Phase":
        """The phase in which these trials are run with these seeds."""
        named = [{**trial.named, "learning_rate": learning_rate(trial.variant)} for trial in trials]
        return cls(named, list(seeds), cells)

    def kept(self, seeds: Collection[int], there: Set[str]) -> "Phase":
        """With these of its seeds, and with the trials all of whose cells are there."""
        places = [place for place, seed in enumerate(self.seeds) if seed in seeds]
        rows = [[cells[place] for place in places] for cells in self.cells]
        trials = [(trial, row) for trial, row in zip(self.trials, rows, strict=True) if there >= set(row)]
        return Phase(
            [trial for trial, _ in trials], [self.seeds[i] for i in places], [row for _, row in trials]
        )

    @property
    def every(self) -> list[str]:
        """The identities of all its cells."""
        return [cell for cells in self.cells for cell in cells]

    def found(self, name: str, kept: Iterable[pl.DataFrame], axes: Sequence[Axis], marks: list[int]) -> Cells:
        """Those of its cells that are in frames of what is `kept`; `marks` are the steps of evaluation."""
        columns = frame.schema(axes)
        names = ["optimizer", "hyperparameters", "initializer", *(axis.name for axis in axes)]
        if not any(self.cells):
            return Cells(pl.DataFrame(schema=columns), names)
        by_seed = np.argsort(self.seeds)
        own = {name: columns.get(name, pl.String) for name in self.trials[0]}
        trials = (
            pl.DataFrame(self.trials, schema=own)
            .with_columns(
                pl.lit(name).alias("phase"),
                pl.Series("evaluated_at", [marks] * len(self.trials), columns["evaluated_at"]),
                pl.Series("cell", self.cells, pl.List(pl.String)),
            )
            .sort(frame.order(axes)[:-1])
        )
        cells = trials.select(pl.col("cell").list.gather(by_seed.tolist()).explode()).with_columns(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("place")
        )
        labels = Labels(trials.drop("cell"), np.array(self.seeds)[by_seed])
        parts = (cells.join(frame.results(part, columns), on="cell").drop("cell") for part in kept)
        return gathered(labels, columns, names, parts)


def tasks_named(sweeps: Mapping[tuple[str, ...], Sweep]) -> list[dict[str, object]]:
    """What each task of a study is, as a question keeps it."""
    return [{"values": list(names), **sweep.identity.of_task()} for names, sweep in sweeps.items()]


@dataclasses.dataclass
class Asked:
    """A question that was asked in a folder.

    Fields:
      question: a hash of what is asked, and of which tasks.
      study: as `record` writes it.
      tasks: what each of its tasks is, by the names of the values that make it.
      phases: by name, as far as they have begun.
      finished: whether it has an answer.
      planned: how many fresh seeds were planned where the answer was wanted before; else 0.
      memory: numbers that each candidate remembers for every parameter, once it has.
      command: what makes its report again.
      versions: of what computed it.
      number: they are counted in the order of being asked.
      among: the names of all tasks of its folder, in their order; its own among them. None: its own alone.
    """

    question: str
    study: dict[str, Any]
    tasks: list[dict[str, Any]]
    command: str = ""
    phases: dict[str, Phase] = dataclasses.field(default_factory=dict)
    memory: dict[str, int] = dataclasses.field(default_factory=dict)
    finished: bool = False
    planned: int = 0
    versions: dict[str, str] = dataclasses.field(default_factory=versions)
    number: int = 0
    among: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def of(
        cls, study: Study, tasks: list[dict[str, Any]], command: str = "", among: Sequence[str] = ()
    ) -> "Asked":
        """What a study asks, before it has begun."""
        content = record.written(study)
        return cls(digest(as_json([content, tasks])), content, tasks, command, among=list(among))

    @property
    def task(self) -> str:
        """The name of its task; those that are told apart by the values of axes have one."""
        return str(self.tasks[0]["name"])

    @classmethod
    def read(cls, content: bytes) -> "Asked":
        """The question that a file holds."""
        values = json.loads(content)
        phases = {name: Phase(**phase) for name, phase in values["phases"].items()}
        known = {field.name for field in dataclasses.fields(cls)}  # another version may write more
        return cls(**{name: value for name, value in values.items() if name in known} | {"phases": phases})

    def end(self, seeds: Collection[int], there: Set[str], planned: int) -> None:
        """Let the answer be that of these fresh seeds, before the `planned` ones, and of what is `there`.

        The same question goes on from it: what it asks is as it was.
        """
        self.planned = planned
        self.phases = {
            name: phase.kept(seeds if name == CONFIRMATION else phase.seeds, there)
            for name, phase in self.phases.items()
        }

    @property
    def head(self) -> "Head":
        """What there is to know of it without its cells."""
        return Head(self.question, self.number, self.finished, self.task, self.among)

    def found(self, store: Store) -> dict[str, Cells]:
        """Its cells by phase, as far as they are kept."""
        study = record.read(self.study)
        return {
            name: phase.found(name, store.parts(phase.every), study.axes, study.marks)
            for name, phase in self.phases.items()
        }

    def write(self, store: Store) -> None:
        """Keep the question as the latest of its folder, in the place of its earlier states.

        One that has an answer is replaced by another that has one.
        """
        before = heads(store.folder)
        self.number = 1 + max((head.number for head in before.values()), default=0)
        phases = {name: vars(phase) for name, phase in self.phases.items()}  # not copied, as `asdict` would
        content = json.dumps({**vars(self), "phases": phases}, ensure_ascii=False).encode()
        path = store.open() / f"question-{checksum(content)}.json"
        files.write(path, content)
        _HEADS[path] = self.head
        for old, head in before.items():
            if old != path and head.question == self.question and self.finished >= head.finished:
                old.unlink(missing_ok=True)


class Head(NamedTuple):
    """What there is to know of a question without its cells: the fields of `Asked`."""

    question: str
    number: int
    finished: bool
    task: str
    among: Sequence[str]


_HEADS: dict[Path, Head] = {}
"""Of files that this process has read or written, whose names are the checksums of what they hold."""


def heads(folder: Path | None) -> dict[Path, Head]:
    """The questions that the folder of a store holds, by their files."""
    paths = set(folder.glob("question-*.json")) if folder else set()
    if not paths <= _HEADS.keys():
        for _ in files_of(folder):
            ...
    return {path: _HEADS[path] for path in sorted(paths) if path in _HEADS}


def files_of(folder: Path | None) -> Iterator[tuple[Path, Asked]]:
    """The questions that the folder of a store holds, with their files."""
    for path in sorted(folder.glob("question-*.json")) if folder else ():
        content = content_of(path)
        if content is not None and path.name == f"question-{checksum(content)}.json":
            with contextlib.suppress(ValueError, LookupError, TypeError):  # as another version writes it
                asked = Asked.read(content)
                _HEADS[path] = asked.head
                yield path, asked


def questions(store: Store) -> list[Asked]:
    """The questions that were asked in a folder, the latest last."""
    return sorted((asked for _, asked in files_of(store.folder)), key=lambda asked: asked.number)


def names_in(folder: Path | None) -> list[str]:
    """The names of the tasks that the folder of a study keeps, in their order."""
    every = heads(folder / STORE).values() if folder else ()
    return in_order(sorted(every, key=lambda head: head.number))


def in_order(asked: Sequence[Asked | Head]) -> list[str]:
    """The names of the tasks of these questions, as the latest of them orders them."""
    names = [name for each in reversed(asked) for name in (each.among or [each.task])]
    own = {each.task for each in asked}
    return [name for name in dict.fromkeys(names) if name in own]


def check_tasks(
    path: Path, before: Sequence[Asked], tasks: Sequence[Mapping[str, Any]], among: Sequence[str] = ()
) -> None:
    """Refuse other tasks than those that were asked of in the folder `path` before.

    Tasks that are told apart by the values of axes (an activation, a batch size) have a name and data in
    common. What other versions have lowered is not compared. A task of another name is refused unless the
    question is one to several tasks, `among`, or the folder keeps it among others. Raises `UsageError` that
    says what differs.
    """
    name, names = tasks[0]["name"], in_order(before)
    if names and name not in (*names, *among):
        difference = say("store.differs.name", before=", ".join(names), after=name)
        raise UsageError("error.store.also", path=path, difference=difference, before=names[0])
    for asked in (asked for asked in before if asked.task == name):
        for task in tasks:
            same = [other for other in asked.tasks if other["values"] == task["values"]]
            programs = ["program"] if same and asked.versions == versions() else []
            for other in same or asked.tasks[:1]:
                for what in ("data", *programs):
                    if other[what] != task[what]:
                        difference = say(f"store.differs.{what}")
                        raise UsageError("error.store.task", path=path, difference=difference)
