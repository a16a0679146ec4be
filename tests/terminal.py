"""What tests of the command lines share: how wide a text is, its letters alone, what a command imports."""

import json
import re
import subprocess
import sys

from rich.cells import cell_len

from kobai import words

WIDTH = 80

IMPORTS = """
import json, sys
from kobai import cli
for arguments in json.loads(sys.argv[1]):
    for language in ("en", "ja"):
        cli.run([*arguments, "--language", language] if arguments else ["--language", language])
        heavy = {"jax", "numpy", "scipy", "polars", "plotly"} & set(sys.modules)
        assert not heavy, (arguments, heavy)
"""


def widest(text):
    """The columns that the longest line takes in a terminal."""
    return max(cell_len(line) for line in text.splitlines())


def squeezed(text):
    """The text without its spaces, so that it does not matter where lines end."""
    return re.sub(r"\s", "", text)


def refused_in_one_line(run, arguments, parts):
    """Whether the command is refused with code 2 and one line, which names `parts`; in Japanese too."""
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, ""), ran
    assert re.fullmatch(r"kobai: [^\n]+\n", ran.err)
    assert all(part in ran.err for part in parts), ran.err
    japanese = run(*arguments, "--language", "ja")
    assert (japanese.code, japanese.out) == (2, "")
    assert re.fullmatch(r"kobai: [^\n]*[぀-ヿ一-鿿][^\n]*\n", japanese.err)
    return True


def says_in_each_language(problem, parts):
    """Whether a mistake is one line in every language, each its own, and names `parts` in English."""
    said = []
    for language in words.TABLES:
        with words.language(language):
            said.append(str(problem))
            assert "\n" not in said[-1]
    assert said[0] != said[1]
    assert all(part in said[0] for part in parts), said[0]
    return True


def imports_nothing_heavy(commands, place):
    """Whether these commands, in both languages, leave what is slow to import alone."""
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTS, json.dumps(commands)], cwd=place, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return True
