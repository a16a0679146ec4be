"""What tests of the command lines share: how wide a text is, its letters alone, what a command imports."""

import json
import re
import subprocess
import sys

from rich.cells import cell_len

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


def imports_nothing_heavy(commands, place):
    """Whether these commands, in both languages, leave what is slow to import alone."""
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTS, json.dumps(commands)], cwd=place, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return True
