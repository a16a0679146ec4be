"""The lowest versions that pyproject.toml allows, one a line, for pip's --constraint.

python tools/lowest.py > lowest.txt && pip install . -c lowest.txt
"""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def lowest(project: dict) -> list[str]:
    """``name==version`` of every dependency, those of all extras too.

    Raises ValueError for one that names no lowest version, or two of them.
    """
    versions: dict[str, str] = {}
    for requirement in [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[\w+\])?>=([0-9.]+)", requirement)
        if match is None or versions.setdefault(*match.groups()) != match[2]:
            raise ValueError(f"{requirement}: write the one lowest version as name>=version")
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


if __name__ == "__main__":
    print(*lowest(tomllib.loads(PROJECT.read_text("utf-8"))["project"]), sep="\n")
