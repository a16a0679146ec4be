"""The documentation as a site: it is built strictly and quietly, and fetches nothing from elsewhere."""

import re
import runpy
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from kobai.basics import registry

ROOT = Path(__file__).parent.parent
CONTENTS = ("zensical.toml", "docs", "tools/site", "src")


def copied(folder: Path) -> Path:
    """A copy of what the site is made of, so that no build writes into the checkout."""
    for name in CONTENTS:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def build(folder: Path) -> tuple[int, str]:
    """Build the site strictly: the exit code, and all that was said."""
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    return done.returncode, re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = copied(tmp_path_factory.mktemp("site"))
    code, said = build(folder)
    assert code == 0, said
    unexpected = re.sub(
        r"^(Build started|Build finished in [\d.]+m?s|No issues found)$", "", said, flags=re.M
    )
    assert unexpected.split() == []
    return folder / "site"


def page(site: Path, name: str) -> str:
    return (site / name).read_text("utf-8")


def test_a_page_is_in_its_language(site):
    assert '<html lang="en"' in page(site, "index.html")
    assert '<html lang="ja"' in page(site, "index.ja.html")
    assert '<html lang="ja"' in page(site, "tutorial/first-study.ja.html")


def test_every_page_is_in_the_navigation(site):
    navigation = (ROOT / "zensical.toml").read_text("utf-8")
    pages = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]
    assert [name for name in pages if f'"{name}"' not in navigation] == []
    assert [name for name in pages if not (site / name).with_suffix(".html").exists()] == []


LOADED = (
    r'<(?:script|img|iframe|source)[^>]*\ssrc="?https?:',
    r'<link[^>]*rel="?(?:stylesheet|preconnect|preload|icon)[^>]*href="?https?:',
    r"url\(.?https?:",
)
"""What a browser would fetch from elsewhere by itself; a link that a reader may follow is another thing."""


def test_nothing_is_fetched_from_elsewhere(site):
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 30
    text = "\n".join(file.read_text("utf-8") for file in files)
    assert [match for pattern in LOADED for match in re.findall(pattern, text)] == []


def test_the_reference_has_signatures_docstrings_and_formulas(site):
    text = re.sub(r"<[^>]+>", "", page(site, "reference/api/optimizers.html"))
    assert re.search(r"Momentum\(\s*learning_rate: float = 0.01,\s*momentum: float = 0.9,?\s*\)", text)
    assert "v ← αv − ηg\nΔ = v" in text
    assert "Keep moving: part of the last update is made again." in text
    questions = re.sub(r"<[^>]+>", "", page(site, "reference/api/questions.html"))
    assert re.search(r"tuning_seeds: int \| None = None", questions)


def test_every_method_task_and_landscape_is_in_the_reference(site):
    """Whatever `kobai methods` lists, by where it lives; what makes a batch is no function for a user."""
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    told = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    tables = [table for kind, table in registry.METHODS.items() if kind != "batch"]
    homes = [
        entry.home for table in (*tables, registry.TASKS, registry.LANDSCAPES) for entry in table.values()
    ]
    assert len(homes) > 60
    assert [home for home in homes if f"kobai.{home.replace(':', '.')}" not in told] == []


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("[gone](gone.md) and [gone](index.md#gone)", ["page does not exist", "anchor does not exist"]),
        ("::: kobai.Gone", ["kobai.Gone could not be found"]),
    ],
)
def test_the_strict_build_refuses(tmp_path, text, complaints):
    folder = copied(tmp_path)
    with (folder / "docs/index.md").open("a", encoding="utf-8") as index:
        index.write(f"\n{text}\n")
    code, said = build(folder)
    assert code != 0
    assert [complaint for complaint in complaints if complaint not in said] == []


def test_only_paragraphs_of_formulas_are_set_as_such():
    with_formulas = runpy.run_path(str(ROOT / "tools/site/docstrings.py"))["with_formulas"]
    text = (
        "Keep moving.\n\nv ← αv − ηg\nΔ = v\n\nη stands inside v. PyTorch keeps b ← αb + g\nand steps by −ηb."
    )
    assert with_formulas(text) == text.replace("v ← αv − ηg\nΔ = v", "    v ← αv − ηg\n    Δ = v")
