"""What the documentation shows is true: its Python runs, its commands exist, its links lead somewhere."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from kobai import cli, methods
from kobai.initializers import INITIALIZERS
from kobai.study.grid import default_rates

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEST_COMMAND = 'pip install -e ".[test]" && pytest'
MAIN_COMMAND = "pip install . && kobai compare digits"


def blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in FENCE.findall(page.read_text("utf-8")) if language in languages]


def having(*languages: str) -> list:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if blocks(page, *languages)]


@pytest.mark.parametrize("page", having("python"))
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for code in blocks(page, "python"):
        # Blank lines before it, so that an error names the line of the page.
        before = page.read_text("utf-8").split(code)[0].count("\n")
        exec(compile("\n" * before + code, page.name, "exec"), namespace)


def known_options(command: str) -> set[str]:
    parameters = get_command(cli.application([])).commands[command].params
    return {text for option in parameters for text in option.opts} | {"--help"}


def commands(page: Path) -> list[list[str]]:
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in line.split("#")[0].split("&&")]
    return [shlex.split(part) for part in parts if part.strip().startswith("kobai ")]


def refused(words: list[str]) -> str | None:
    """What does not exist of a command line: the command, an option, a name, a file; None where all does."""
    _, command, *rest = words
    if command == "course":
        known = get_command(cli.application([])).commands["course"].commands
        return None if rest[0] in known else rest[0]
    if command not in ("compare", "descend", "landscapes", "methods", "tasks", "transfer"):
        return command
    options = known_options(command)
    for word in rest:
        if word.startswith("--") and word.partition("=")[0] not in options:
            return word
    values = dict(zip(rest, rest[1:], strict=False))
    every = (*methods.OPTIMIZERS, *methods.MINIMIZERS)
    names = (
        ("--optimizers", every),
        ("--optimizer", methods.OPTIMIZERS),
        ("--initializers", INITIALIZERS),
        ("--methods", every),
        ("--protocol", methods.PROTOCOLS),
    )
    for option, known in names:
        for name in values.get(option, "").split(","):
            if name and name.partition(":")[0] not in known:
                return name
    if command == "descend":
        return None if rest[0] in methods.LANDSCAPES else rest[0]
    if command == "transfer":
        known = ("--list", "--help", *methods.PAIRS, *methods.TASKS)
        tasks = [word for word in rest[:2] if not word.startswith("--")] or rest[:1]
        return next((word for word in tasks if word.partition(":")[0] not in known), None)
    task = rest[0] if command == "compare" else "--help"
    if task.startswith("examples/"):
        return None if (ROOT / task.partition(":")[0]).is_file() else task
    return None if task.partition(":")[0] in ("--help", *methods.TASKS) or ".py" in task else task


@pytest.mark.parametrize("page", having("sh"))
def test_every_command_exists(page):
    found = commands(page)
    assert [words for words in found if refused(words)] == []


def test_the_check_of_commands_sees_mistakes():
    assert refused(shlex.split("kobai compare digits --optimizers sgd,adam --quick")) is None
    assert refused(shlex.split("kobai compare digits --optimisers sgd")) == "--optimisers"
    assert refused(shlex.split("kobai compare digits --optimizers sdg")) == "sdg"
    assert refused(shlex.split("kobai compare digits --initializers he,normal:0.1,xaver")) == "xaver"
    assert refused(shlex.split("kobai compare mnist")) == "mnist"
    assert refused(shlex.split("kobai compare examples/none.py")) == "examples/none.py"
    assert refused(shlex.split("kobai comprae digits")) == "comprae"
    assert refused(shlex.split("kobai descend bowl --methods sgd,bfgs --start -7,2")) is None
    assert refused(shlex.split("kobai descend bowel")) == "bowel"
    assert refused(shlex.split("kobai descend bowl --methods sgd,bfsg")) == "bfsg"
    assert refused(shlex.split("kobai course strat here")) == "strat"
    assert refused(shlex.split("kobai transfer moved --protocol fine-tuning --seeds 5")) is None
    assert refused(shlex.split("kobai transfer adding:length=5 adding:length=10")) is None
    assert refused(shlex.split("kobai transfer moved --protocol fine-tunning")) == "fine-tunning"
    assert refused(shlex.split("kobai transfer moved --optimizer bfgs")) == "bfgs"
    assert refused(shlex.split("kobai transfer movde")) == "movde"
    assert refused(shlex.split("kobai transfer sine sien")) == "sien"


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_both_readmes_begin_with_the_two_commands(name):
    lines = "".join(blocks(ROOT / name, "sh")).splitlines()
    assert lines[:2] == [MAIN_COMMAND, TEST_COMMAND]


def test_both_readmes_show_the_same_code():
    """Their comments may differ."""

    def bare(page: str) -> list[str]:
        lines = "".join(blocks(ROOT / page, "python", "sh")).splitlines()
        return [line.partition("#")[0].rstrip() for line in lines]

    assert bare("README.md") == bare("README.ja.md")


@pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PAGES])
def test_links_lead_to_files_that_exist(page):
    text = FENCE.sub("", page.read_text("utf-8"))
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_tree_names_what_exists(name):
    """Every path in the annotated tree is there, and every module of the package is in it."""
    text = (ROOT / name).read_text("utf-8")
    [tree] = [code for _, code in FENCE.findall(text) if "src/kobai/\n" in code or code.startswith("src/")]
    listed, parents = set(), []
    for line in tree.splitlines():
        path = line.split("  ")[0] if not line.startswith(" ") else line.lstrip().split("  ")[0]
        depth = (len(line) - len(line.lstrip())) // 2
        parents = [*parents[:depth], path]
        listed.add("".join(parents))
    assert [path for path in sorted(listed) if not (ROOT / path).exists()] == []
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "src/kobai").glob("*.py")}
    folders = {f"{p.parent.relative_to(ROOT)}/" for p in (ROOT / "src/kobai").glob("*/__init__.py")}
    unlisted = {"src/kobai/__init__.py", "src/kobai/__main__.py"}
    assert (modules | folders) - unlisted <= listed


def test_every_method_is_documented():
    text = (ROOT / "docs/reference/methods.md").read_text("utf-8")
    undocumented = [name for name in (*methods.OPTIMIZERS, *INITIALIZERS) if f"`{name}" not in text]
    assert undocumented == []


def test_the_table_of_default_rates_is_that_of_the_grid():
    text = (ROOT / "docs/reference/methods.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([\d.e-]+) \| ([\d.e-]+) \|$", text, re.MULTILINE)
    said = {
        name: (float(low), float(high)) for names, low, high in rows for name in re.findall(r"\w+", names)
    }
    assert said == {name: (default_rates(name)[0], default_rates(name)[-1]) for name in methods.OPTIMIZERS}


def test_constraints_name_every_direct_dependency_and_no_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    pin_format = re.compile(r"([a-z0-9-]+)==[\d.]+( ; python_version (<|>=) \"3\.\d+\")?")
    assert [pin for pin in pins if not pin_format.fullmatch(pin)] == []
    pinned = {pin.partition("==")[0] for pin in pins}
    assert {re.match(r"[\w-]+", name)[0].lower() for name in wanted} <= pinned
