"""What was asked in the folder of a study: a file for each question, beside the cells that answer it.

A question names its cells by what they are, phase by phase. So it is answered again from what is kept,
without its task; and whoever asks something else in the same folder is told what differs from before.
"""

import contextlib
import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import polars as pl

from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.candidates.values import as_json, learning_rate
from kobai.engine.identity import digest, versions
from kobai.engine.sweep import Sweep
from kobai.study import frame, record
from kobai.study.axes import Axis
from kobai.study.store import RESULTS, STORE, Store, checksum, content_of
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

    def rows(self, name: str, kept: pl.DataFrame, axes: Sequence[Axis], marks: list[int]) -> pl.DataFrame:
        """Those of its cells that are kept, as rows of a frame; `marks` are the steps of evaluation."""
        columns = frame.schema(axes)
        if not any(self.cells):
            return pl.DataFrame(schema=columns)
        trials = pl.DataFrame(
            self.trials, schema={name: columns.get(name, pl.String) for name in self.trials[0]}
        )
        # Sorted before the curves are beside them, which are long.
        labels = (
            trials.with_columns(
                pl.lit(name).alias("phase"),
                pl.Series("seed", [self.seeds] * len(trials), pl.List(pl.Int64)),
                pl.Series("cell", self.cells, pl.List(pl.String)),
            )
            .explode("seed", "cell")
            .sort(frame.order(axes))
        )
        results = kept.select("cell", *RESULTS)
        every = labels.join(results, on="cell", how="inner", maintain_order="left")
        times = pl.Series("evaluated_at", [marks], columns["evaluated_at"]).new_from_index(0, len(every))
        happened = {text: json.loads(text) for text in every["happened"].unique()}
        own = {name: pl.Int64 for name in frame.happenings() if name in columns}
        events = [
            pl.col("happened")
            .replace_strict({text: each.get(name) for text, each in happened.items()}, return_dtype=kind)
            .alias(name)
            for name, kind in {"machine": pl.String, **own}.items()
        ]
        return every.with_columns(times, *events).select(*columns)


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

    def cells(self, store: Store) -> pl.DataFrame:
        """The frame of its cells, as far as they are kept."""
        study = record.read(self.study)
        every = [cell for phase in self.phases.values() for cell in phase.every]
        kept = store.get(every)
        rows = {name: each.rows(name, kept, study.axes, study.marks) for name, each in self.phases.items()}
        return frame.joined(rows, study.axes)

    def write(self, store: Store) -> None:
        """Keep the question as the latest of its folder, in the place of its earlier states.

        One that has an answer is replaced by another that has one.
        """
        before = list(files_of(store.folder))
        self.number = 1 + max((asked.number for _, asked in before), default=0)
        phases = {name: vars(phase) for name, phase in self.phases.items()}  # not copied, as `asdict` would
        content = json.dumps({**vars(self), "phases": phases}, ensure_ascii=False).encode()
        path = store.open() / f"question-{checksum(content)}.json"
        files.write(path, content)
        for old, asked in before:
            if old != path and asked.question == self.question and self.finished >= asked.finished:
                old.unlink(missing_ok=True)


def files_of(folder: Path | None) -> Iterator[tuple[Path, Asked]]:
    """The questions that the folder of a store holds, with their files."""
    for path in sorted(folder.glob("question-*.json")) if folder else ():
        content = content_of(path)
        if content is not None and path.name == f"question-{checksum(content)}.json":
            with contextlib.suppress(ValueError, LookupError, TypeError):  # as another version writes it
                yield path, Asked.read(content)


def questions(store: Store) -> list[Asked]:
    """The questions that were asked in a folder, the latest last."""
    return _ordered(store.folder)


def _ordered(folder: Path | None) -> list[Asked]:
    return sorted((asked for _, asked in files_of(folder)), key=lambda asked: asked.number)


def names_in(folder: Path | None) -> list[str]:
    """The names of the tasks that the folder of a study keeps, in their order."""
    return in_order(_ordered(folder / STORE)) if folder else []


def in_order(asked: Sequence[Asked]) -> list[str]:
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
