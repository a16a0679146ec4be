"""What the documentation shows is true: its Python runs, its commands exist, its links lead somewhere."""

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import pytest

import kobai
from framework_loop import framework
from kobai import cli
from kobai.basics import registry
from kobai.basics.registry import INITIALIZERS
from kobai.candidates.grid import default_rates
from kobai.candidates.lists import LISTS
from kobai.cli.main import commands as command_line
from kobai.questions.comparison.code.write import FRAMEWORKS
from kobai.tasks.check import check_task
from kobai.words import TABLES

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
JAPANESE = [page for page in PAGES if page.is_relative_to(ROOT / "docs") and page.name.endswith(".ja.md")]
"""The pages of docs/ in Japanese: each stands beside its English one, and holds the same code."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEST_COMMAND = 'pip install -e ".[test]" && pytest'
MAIN_COMMAND = "pip install . && kobai compare digits"


def blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in FENCE.findall(page.read_text("utf-8")) if language in languages]


def having(*languages: str) -> list:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if blocks(page, *languages)]


@pytest.mark.parametrize("page", [page for page in having("python") if page.values[0] not in JAPANESE])
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for code in blocks(page, "python"):
        # Blank lines before it, so that an error names the line of the page.
        before = page.read_text("utf-8").split(code)[0].count("\n")
        exec(compile("\n" * before + code, page.name, "exec"), namespace)


PACKAGE = re.compile("^(?:import|from) (torch|keras|flax|equinox)", re.MULTILINE)
OF_FRAMEWORKS = [
    pytest.param(page, code, package, id=f"{page.stem}-{package}")
    for page in PAGES
    if page not in JAPANESE
    for code in blocks(page, "py")
    for package in dict.fromkeys(PACKAGE.findall(code))
]
"""The Python of a page that needs a framework, which may be absent: its fence says py."""


@pytest.mark.parametrize(("page", "code", "package"), OF_FRAMEWORKS)
def test_the_python_for_a_framework_runs_after_the_first_of_its_page(page, code, package):
    framework(package)
    namespace = {"__name__": "__main__"}
    exec(blocks(page, "python")[0], namespace)
    exec(code, namespace)
    check_task(namespace["task"] if "task" in namespace else namespace["result"].outcome.study.task)


def test_every_python_for_a_framework_names_it():
    assert len(OF_FRAMEWORKS) == sum(len(blocks(page, "py")) for page in PAGES if page not in JAPANESE) == 6


def known_options(command: str) -> set[str]:
    return {f"--{option.name}" for option in command_line([]).commands[command].options}


def commands(page: Path) -> list[list[str]]:
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in line.split("#")[0].split("&&")]
    return [shlex.split(part) for part in parts if part.strip().startswith("kobai ")]


def refused(words: list[str]) -> str | None:
    """What does not exist of a command line: the command, an option, a name, a file; None where all does."""
    _, command, *rest = words
    if command == "course":
        known = command_line([]).commands["course"].commands
        return None if rest[0] in known else rest[0]
    of_folder = ("code", "report", "status")
    if command not in (
        *of_folder,
        "compare",
        "descend",
        "confirm",
        "diagnose",
        "judge",
        "mcp",
        "range",
        "landscapes",
        "methods",
        "tasks",
        "transfer",
    ):
        return command
    options = known_options(command)
    for word in rest:
        if word.startswith("--") and word.partition("=")[0] not in options:
            return word
    values = dict(zip(rest, rest[1:], strict=False))
    every = (*registry.OPTIMIZERS, *registry.MINIMIZERS)
    names = (
        ("--optimizers", (*every, *LISTS)),
        ("--optimizer", registry.OPTIMIZERS),
        ("--initializers", (*INITIALIZERS, *registry.MODEL_VALUES)),
        ("--methods", every),
        ("--protocol", registry.PROTOCOLS),
    )
    for option, known in names:
        for name in values.get(option, "").split(","):
            of_optax = option == "--optimizers" and name.startswith("optax.")
            if name and name.partition(":")[0] not in known and not of_optax:
                return name
    if command in ("confirm", "judge", "mcp"):
        return None
    if command in of_folder:
        return None if values.get("--framework", "torch") in FRAMEWORKS else values["--framework"]
    if command == "descend":
        return None if rest[0] in registry.LANDSCAPES else rest[0]
    if command == "transfer":
        known = ("--list", "--help", *registry.PAIRS, *registry.TASKS)
        tasks = [word for word in rest[:2] if not word.startswith("--")] or rest[:1]
        return next((word for word in tasks if word.partition(":")[0] not in known), None)
    task = rest[0] if command in ("compare", "diagnose", "range") else "--help"
    if task.startswith("examples/"):
        return None if (ROOT / task.partition(":")[0]).is_file() else task
    return None if task.partition(":")[0] in ("--help", *registry.TASKS) or ".py" in task else task


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
    assert refused(shlex.split("kobai code run --framework optax")) is None
    assert refused(shlex.split("kobai code run --framework pytorch")) == "pytorch"
    assert refused(shlex.split("kobai report run --language ja --wide")) is None
    assert refused(shlex.split("kobai status run --wide")) == "--wide"
    assert refused(shlex.split("kobai descend bowl --methods sgd,bfsg")) == "bfsg"
    assert refused(shlex.split("kobai course strat here")) == "strat"
    assert refused(shlex.split("kobai transfer moved --protocol fine-tuning --seeds 5")) is None
    assert refused(shlex.split("kobai transfer adding:length=5 adding:length=10")) is None
    assert refused(shlex.split("kobai transfer moved --protocol fine-tunning")) == "fine-tunning"
    assert refused(shlex.split("kobai transfer moved --optimizer bfgs")) == "bfgs"
    assert refused(shlex.split("kobai transfer movde")) == "movde"
    assert refused(shlex.split("kobai transfer sine sien")) == "sien"


def test_every_command_exists_that_the_list_of_methods_prints():
    """Those of a kind, and the options in the sentences, which belong to one command or another."""
    uses = [use.split("; ")[0] for use in registry.USES.values()]
    assert len(uses) == 9
    assert [use for use in uses if refused(shlex.split(use))] == []
    entries = [entry for table in registry.METHODS.values() for entry in table.values()]
    sentences = [table[entry.key] for table in TABLES.values() for entry in entries]
    option_in_use = re.compile(r"[(（](--[\w-]+) [^)）]+[)）]")
    options = [option for sentence in sentences for option in option_in_use.findall(sentence)]
    assert len(options) > 40
    assert set(options) <= known_options("compare") | known_options("transfer")
    commands = [part for sentence in sentences for part in re.findall(r"kobai \w+", sentence)]
    assert {"kobai descend", "kobai landscapes"} == set(commands)


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_both_readmes_begin_with_the_two_commands(name):
    lines = "".join(blocks(ROOT / name, "sh")).splitlines()
    assert lines[:2] == [MAIN_COMMAND, TEST_COMMAND]


def test_both_readmes_show_the_same_code():
    """Their comments may differ, and the language that a command is asked for."""

    def bare(page: str) -> list[str]:
        lines = "".join(blocks(ROOT / page, "python", "sh")).splitlines()
        return [line.partition("#")[0].replace(" --language ja", "").rstrip() for line in lines]

    assert bare("README.md") == bare("README.ja.md")


def named(pages: list[Path]) -> list:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


def anchors(page: Path) -> set[str]:
    """What a link into a page can name: its headings, as code hosts and the site's generator spell them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    """The links of `text`, on `page`, that lead to no file or to no heading."""
    links = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))
    return [link for link in links if "://" not in link and not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", named(PAGES))
def test_links_lead_to_files_and_headings_that_exist(page):
    assert broken_links(page, page.read_text("utf-8")) == []


def test_the_check_of_links_sees_mistakes():
    page = ROOT / "docs/index.md"
    text = (
        "[a](tutorial/first-study.md) [b](tutorial/gone.md) [c](reference/methods.md#initial-values) "
        "[d](reference/methods.md#gone) [e](#gone) [f](https://example.org/gone.md)"
    )
    assert broken_links(page, text) == ["tutorial/gone.md", "reference/methods.md#gone", "#gone"]


@pytest.mark.parametrize("page", named(JAPANESE))
def test_a_japanese_page_stands_beside_its_english_one_with_the_same_code(page):
    english = page.with_name(page.name.replace(".ja.md", ".md"))

    def code(page: Path) -> list[str]:
        """Without comments and docstrings, which are translated, and the language that is asked for."""
        text = re.sub(" --language (en|ja)", "", "".join(blocks(page, "python", "py", "sh")))
        lines = re.sub(r'""".*?"""', "", text, flags=re.DOTALL).splitlines()
        return [line.partition("#")[0].rstrip() for line in lines]

    def headings(page: Path) -> list[int]:
        return [len(marks) for marks in re.findall(r"^(#+) ", FENCE.sub("", page.read_text("utf-8")), re.M)]

    assert code(page) == code(english)
    assert headings(page) == headings(english)
    assert f"]({page.name})" in english.read_text("utf-8")
    assert f"]({english.name})" in page.read_text("utf-8")


@pytest.mark.parametrize("page", named(JAPANESE))
def test_japanese_is_set_without_spaces_of_its_own(page):
    """Neither beside Latin letters nor after a full stop, and no line break that would be shown as one."""
    text = re.sub("`[^`\n]*`", "code", FENCE.sub("", page.read_text("utf-8"))).replace("**", "")
    japanese = "[\u3000-\u30ff\u3400-\u9fff\uff00-\uff60]"
    assert re.findall(f".*{japanese} [^|].*|.*[^|#.>-] {japanese}.*", text) == []
    assert re.findall(f"^(?![#|>-]|\\d+\\. ).*{japanese}\n(?=[^\n#|>-]).*", text, re.MULTILINE) == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_of_the_command_line_is_what_the_commands_say(language):
    tool = runpy.run_path(str(ROOT / "tools/command_line.py"))
    written = (ROOT / "docs/reference" / tool["PAGES"][language]).read_text("utf-8")
    assert written == tool["page"](language), "write it anew: python tools/command_line.py"
    assert written.count("\n## kobai") == 21


def test_every_public_name_stands_in_the_reference_once():
    pages = (ROOT / "docs/reference/api").glob("*.md")
    told = re.findall(r"^::: kobai\.(\w+)$", "".join(page.read_text("utf-8") for page in pages), re.MULTILINE)
    whole = {"optimizers", "minimizers", "networks", "tasks"}  # their contents stand there one by one
    assert sorted(told) == sorted(set(kobai.__all__) - {"__version__"} - whole)


@pytest.mark.parametrize(
    ("language", "readme", "index"),
    [("en", "README.md", "docs/index.md"), ("ja", "README.ja.md", "docs/index.ja.md")],
)
def test_readme_and_help_say_where_the_documentation_is(language, readme, index, capsys):
    cli.run(["--help", "--language", language])
    for text in ((ROOT / readme).read_text("utf-8"), capsys.readouterr().out):
        assert index in text
        assert 'pip install -e ".[docs]" && zensical serve' in text
        assert "127.0.0.1" in text


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
    undocumented = [name for name in (*registry.OPTIMIZERS, *INITIALIZERS) if f"`{name}" not in text]
    assert undocumented == []


def test_the_table_of_default_rates_is_that_of_the_grid():
    text = (ROOT / "docs/reference/methods.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([\d.e-]+) \| ([\d.e-]+) \|$", text, re.MULTILINE)
    said = {
        name: (float(low), float(high)) for names, low, high in rows for name in re.findall(r"\w+", names)
    }
    assert said == {name: (default_rates(name)[0], default_rates(name)[-1]) for name in registry.OPTIMIZERS}


def test_constraints_name_every_direct_dependency_and_no_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    wanted += project["optional-dependencies"]["docs"]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    pin_format = re.compile(r"([a-z0-9-]+)==[\d.]+( ; python_version (<|>=) \"3\.\d+\")?")
    assert [pin for pin in pins if not pin_format.fullmatch(pin)] == []
    pinned = {pin.partition("==")[0] for pin in pins}
    assert {re.match(r"[\w-]+", name)[0].lower() for name in wanted} <= pinned
