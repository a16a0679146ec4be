"""The server for agents: through the official client, in memory and as a process."""

import sys

import anyio
import mcp
import pytest
from mcp import StdioServerParameters

from judged import table
from kobai.cli import agents
from terminal import imports_nothing_heavy


def asked(server, *calls):
    """What the server answers to each (tool, arguments)."""

    async def ask():
        async with mcp.Client(server) as client:
            tools = await client.list_tools()
            return tools.tools, [await client.call_tool(name, arguments) for name, arguments in calls]

    return anyio.run(ask)


@pytest.fixture
def runs(place):
    table({"main": 0.31, "new": 0.29}).write_csv(place / "runs.csv")
    return str(place / "runs.csv")


def test_help_imports_nothing_heavy(place):
    assert imports_nothing_heavy([["mcp", "--help"]], place)


def test_the_tools(runs, place):
    judging = {"source": [runs], "baseline": "main", "watch": False}
    wrong = {"source": [str(place / "none.csv")]}
    tools, (judged, refused, unknown) = asked(
        agents.server(), ("judge", judging), ("judge", wrong), ("status", {"folder": str(place)})
    )
    assert {tool.name for tool in tools} == {"compare", "judge", "diagnose", "status"}
    assert all(tool.description for tool in tools)
    content = judged.structured_content
    assert content["exit_code"] == 0
    assert content["verdicts"][0]["verdict"] == "better"
    assert "BETTER" in content["text"]
    assert refused.is_error
    assert "does not exist" in refused.content[0].text
    assert unknown.is_error


def test_an_argument_that_a_tool_does_not_have_is_refused(runs):
    calls = [("judge", {"source": [runs], "baselin": "main"}), ("status", {"folder": "x", "nope": 1})]
    _, (judged, status) = asked(agents.server(), *calls)
    assert judged.is_error
    assert status.is_error
    assert "judge has no argument baselin; its arguments are source, metric, group" in judged.content[0].text
    assert status.content[0].text.endswith("status has no argument nope; its arguments are folder")


def test_a_comparison(place):
    ask = {
        "task": "sine",
        "optimizers": ["sgd"],
        "learning_rates": [0.1],
        "steps": 4,
        "seeds": 2,
        "output": "out",
    }
    _, (compared, kept) = asked(agents.server(), ("compare", ask), ("status", {"folder": "out"}))
    assert not compared.is_error, compared.content
    assert compared.structured_content["folder"] == "out"
    assert kept.structured_content["cells"] > 0


def test_a_diagnosis():
    sick = {"task": "sine", "optimizer": "sgd", "learning_rate": 5.0, "steps": 40, "seeds": 1}
    few = {"task": "sine", "steps": 3}
    _, (named, refused) = asked(agents.server(), ("diagnose", sick), ("diagnose", few))
    assert named.structured_content["troubles"][0]["name"] == "rate_too_high"
    assert "text" in named.structured_content
    assert refused.is_error
    assert "at least 20" in refused.content[0].text


def test_as_a_process_that_speaks_over_its_own_streams(runs):
    process = StdioServerParameters(command=sys.executable, args=["-m", "kobai", "mcp"])
    tools, (judged,) = asked(mcp.stdio_client(process), ("judge", {"source": [runs], "watch": False}))
    assert len(tools) == 4
    assert judged.structured_content["verdicts"][0]["arm"] == "new"
