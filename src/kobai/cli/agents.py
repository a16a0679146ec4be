"""The command `kobai mcp`: a server of the Model Context Protocol for agents, on standard input and output.

It offers what the command line offers, as tools: `compare`, `judge`, `diagnose`, `status`. It listens to
nobody but the program that started it. Nothing heavy is imported before it is needed.
"""

import contextlib
import functools
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kobai.basics.errors import UsageError
from kobai.cli.commands import Deed, Group
from kobai.words import say

if TYPE_CHECKING:
    from mcp.server import MCPServer


def add(group: Group) -> None:
    """Give the group the command."""

    def deed() -> Deed:
        return _serve

    group.add("mcp", deed, meaning=say("help.mcp"))


def _serve() -> None:
    server().run("stdio")


def server() -> "MCPServer":
    """The server with its tools. Raises `UsageError` where the SDK is not installed."""
    try:
        from mcp.server import MCPServer
    except ImportError:
        raise UsageError("error.judge.extra", package="mcp", extra="mcp") from None
    functions: tuple[Callable[..., dict[str, Any]], ...] = (judge, compare, diagnose, status)
    tools = {function.__name__: function for function in functions}

    class Server(MCPServer):
        """The SDK's, which passes over arguments that a tool does not have."""

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            if name in tools:
                _check_names(tools[name], arguments)
            return await super().call_tool(name, arguments, context)

    served = Server("kobai", instructions=say("mcp.instructions"))
    for name, function in tools.items():
        served.tool(name=name, description=say(f"mcp.{name}"))(_told(function))
    return served


def _check_names(tool: Callable[..., object], arguments: dict[str, Any]) -> None:
    """Refuse an argument that is misspelt: without it the answer would be that to another question."""
    from mcp.server.mcpserver.exceptions import ToolError

    known = inspect.signature(tool).parameters
    for name in arguments:
        if name not in known:
            mistake = UsageError("error.mcp.argument", tool=tool.__name__, value=name, known=", ".join(known))
            raise ToolError(str(mistake))


def _told(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The tool, whose mistakes are one sentence, and which prints nothing into the protocol."""

    @functools.wraps(function)
    def tool(**arguments: Any) -> dict[str, Any]:
        from mcp.server.mcpserver.exceptions import ToolError

        from kobai.basics.own_code import told

        with _silent():
            try:
                with told():
                    return function(**arguments)
            except UsageError as problem:
                raise ToolError(str(problem)) from None

    return tool


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Whatever is printed goes to standard error: standard output is the protocol's."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


# The tools; their arguments are those of the questions


def judge(
    source: list[str],
    metric: str | None = None,
    group: str | None = None,
    seed: str | None = None,
    step: str | None = None,
    baseline: str | None = None,
    arm: str | None = None,
    by: str = "final",
    maximize: bool | None = None,
    margin: float | str | None = None,
    sigma: float | str | None = None,
    unpaired: bool = False,
    ranks: bool = False,
    slope: float | str | None = None,
    watch: bool = True,
) -> dict[str, Any]:
    """The JSON of a judgement, and what a terminal would show. An agent looks often: it watches."""
    from kobai.questions.judgement.ask import judge as question

    asked = {key: value for key, value in locals().items() if key not in ("source", "question")}
    result = question(source[0] if len(source) == 1 else source, **asked)
    return {**json.loads(result.to_json()), "text": str(result)}


def compare(
    task: str,
    optimizers: list[str] | None = None,
    initializers: list[str] | None = None,
    learning_rates: list[float] | None = None,
    target: float | None = None,
    steps: int | None = None,
    seeds: int | None = None,
    quick: bool = False,
    output: str | None = None,
) -> dict[str, Any]:
    """The answer of a comparison as JSON, and what a terminal would show; its files in a folder, if named."""
    from kobai.questions.comparison.ask import compare as question

    asked = {key: value for key, value in locals().items() if key not in ("task", "question", "output")}
    chosen = {key: value for key, value in asked.items() if value is not None}
    result = question(task, output=output, progress=False, **chosen)
    if output is not None:
        result.save(Path(output))
    return {"answer": json.loads(result.to_json()), "text": str(result), "folder": output}


def diagnose(
    task: str,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    initializer: str | None = None,
    clip: str | None = None,
    weight_decay: float | None = None,
    schedule: str | None = None,
    steps: int = 300,
    seeds: int = 3,
    cure: bool = False,
) -> dict[str, Any]:
    """The troubles of a training as JSON, strongest first, and what a terminal would show."""
    from kobai.questions.diagnosis.ask import diagnose as question

    asked = {key: value for key, value in locals().items() if key not in ("task", "question")}
    result = question(task, progress=False, **asked)
    return {**json.loads(result.to_json()), "text": str(result)}


def status(folder: str) -> dict[str, Any]:
    """What the folder of a study keeps."""
    from kobai.basics.files import json_text
    from kobai.questions.comparison.opening import status as question

    kept: dict[str, Any] = json.loads(json_text(question(Path(folder))))
    return kept
