"""Where the tasks of a comparison come from, as its caller said it."""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

from kobai.basics import registry
from kobai.tasks.load import options_of
from kobai.tasks.provenance import FILE, MODEL, TABLE, TASK, Provenance

Options = Mapping[str, object]


def provenance(place: str, table: Options, options: Options, of_model: Provenance) -> Provenance:
    """Where a task comes from that its caller said by a name or a file.

    Args:
      place: the name or the file.
      table: how a table was to be read.
      options: what the task was made with.
      of_model: what is known already of a model in a file.
    """
    stem, _, rest = place.partition(":")
    name = stem.replace("_", "-")
    kind, where, every = TABLE, place, {**table, **options}
    if ".py" in place:
        kind, every = MODEL if _holds_a_model(place) else FILE, dict(options)
    elif name in registry.TASKS:
        kind, where, every = TASK, name.replace("-", "_"), {**options_of(stem, rest), **options}
    return dataclasses.replace(of_model, kind=kind, place=where, options=_plain(every))


def _holds_a_model(place: str) -> bool:
    """Whether a file that was run has a model and data, and no task."""
    own = sys.modules.get(f"_own_{Path(place).stem}")
    return hasattr(own, "model") and not hasattr(own, "task")


def _plain(options: Options) -> dict[str, object]:
    """Those that say something, as JSON keeps them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None and value != ()
    }
