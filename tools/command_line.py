"""Write the pages of the reference that hold the help of every command, as the commands print it.

    python tools/command_line.py

Each command is asked for its help as a user asks; which commands there are, the help says itself.
"""

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from kobai import cli

REFERENCE = Path(__file__).parent.parent / "docs/reference"

PAGES = {"en": "command-line.md", "ja": "command-line.ja.md"}

OPENING = {
    "en": """\
# The command line

日本語: [コマンドライン](command-line.ja.md)

What every command says of itself with `--help`. A mistake is answered with one line and exit code 2; Ctrl-C
ends with 130. What a study leaves in its folder: [files](files.md).
""",
    "ja": """\
# コマンドライン

English: [The command line](command-line.md)

各コマンドが`--help`で表示する説明です。使い方の誤りは1行で知らせ、終了コード2で終わります。Ctrl-Cで止めると130です。
""",
}

COMMANDS = {"en": "Commands:", "ja": "コマンド:"}


def page(language: str) -> str:
    """The page in `language`, "en" or "ja"."""
    parts = [OPENING[language]]
    for words, text in helps((), language):
        parts.append(f"## {' '.join(('kobai', *words))}\n\n```text\n{text}```\n")
    return "\n".join(parts)


def helps(words: tuple[str, ...], language: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The help of the command `kobai WORDS`, and of all commands below it."""
    text = printed([*words, "--help"], language)
    yield words, text
    for name in commands_in(text, COMMANDS[language]):
        yield from helps((*words, name), language)


def printed(arguments: list[str], language: str) -> str:
    """What kobai prints, 80 columns wide."""
    output = io.StringIO()
    with mock.patch.dict(os.environ, COLUMNS="80"), contextlib.redirect_stdout(output):
        assert cli.run([*arguments, "--language", language]) == 0
    return output.getvalue()


def commands_in(text: str, heading: str) -> list[str]:
    """The names under the heading of the commands; none where a help has no such heading."""
    _, _, rest = text.partition(f"\n{heading}\n")
    section = re.split(r"^\S", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^  ([a-z-]+) ", section, re.MULTILINE)


if __name__ == "__main__":
    for language, name in PAGES.items():
        (REFERENCE / name).write_text(page(language), "utf-8")
