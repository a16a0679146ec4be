"""Write the pages of the reference that hold the help of every command, as the commands print it.

    python tools/command_line.py

Each command is asked for its help as a user asks; which commands there are, the help says itself.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

REFERENCE = Path(__file__).parent.parent / "docs/reference"

PAGES = {"en": "command-line.md", "ja": "command-line.ja.md"}

OPENING = {
    "en": """\
# The command line

日本語: [command-line.ja.md](command-line.ja.md)

What every command says of itself with `--help`. A mistake is one line and exit code 2, Ctrl-C is 130. Where results are kept: [files](files.md).
""",
    "ja": """\
# コマンドライン

English: [command-line.md](command-line.md)

各コマンドが`--help`で表示する説明です。使い方に誤りがあれば1行で知らせ、終了コード2で終わります。Ctrl-Cで止めたときの終了コードは130です。結果のファイルについては[こちら](files.md)(英語)を見てください。
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
    environment = {**os.environ, "COLUMNS": "80", "LC_ALL": language, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "kobai", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8").stdout


def commands_in(text: str, heading: str) -> list[str]:
    """The names under the heading of the commands; none where a help has no such heading."""
    _, _, rest = text.partition(f"\n{heading}\n")
    section = re.split(r"^\S", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^  ([a-z-]+) ", section, re.MULTILINE)


if __name__ == "__main__":
    for language, name in PAGES.items():
        (REFERENCE / name).write_text(page(language), "utf-8")
