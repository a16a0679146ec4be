"""The form of a notebook's file, nbformat 4.5: what `json` makes of one that the course wrote or ran."""

from typing import Final, NotRequired, TypedDict

PLOTLY: Final = "application/vnd.plotly.v1+json"

Data = TypedDict(
    "Data",
    {"application/vnd.plotly.v1+json": dict[str, object], "text/plain": str | list[str]},
    total=False,
)
"""What an output shows, in the forms that it has: a figure of plotly, a text."""


class Output(TypedDict, total=False):
    """One output of a code cell."""

    name: str
    """The stream that the text was printed to: stdout or stderr."""
    text: str | list[str]
    """What was printed, whole or line by line."""
    data: Data
    """What was shown, in each of its forms."""


class CellMetadata(TypedDict, total=False):
    """What a cell notes beside its text."""

    tags: list[str]
    editable: bool
    deletable: bool


class NotebookCell(TypedDict):
    """One cell of a notebook; the last two only of code."""

    cell_type: str
    id: str
    metadata: CellMetadata
    source: list[str]
    execution_count: NotRequired[None]
    outputs: NotRequired[list[Output]]


class NotebookMetadata(TypedDict):
    """What a notebook notes beside its cells."""

    kernelspec: dict[str, str]
    language_info: dict[str, str]
    kobai: dict[str, str]
    """Of which lesson or page, language and kind it is; and the digest of what the course wrote."""


class Notebook(TypedDict):
    """A notebook as its file holds it."""

    cells: list[NotebookCell]
    metadata: NotebookMetadata
    nbformat: int
    nbformat_minor: int
