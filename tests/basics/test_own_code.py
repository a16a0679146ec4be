"""Whose code it was that raised."""

import os

import pytest

from kobai.basics.errors import UsageError
from kobai.basics.own_code import place, told


def raised_in(file, problem="ValueError('bad')"):
    """A function that raises as if it stood in this file."""
    namespace = {"__name__": "somebodys"}
    exec(compile(f"def raises():\n    raise {problem}", file, "exec"), namespace)
    return namespace["raises"]


def test_what_a_persons_own_file_raises_is_told_with_its_line():
    with pytest.raises(UsageError, match=r"ValueError: bad \(/home/me/loss\.py:2\)"), told():
        raised_in("/home/me/loss.py")()


@pytest.mark.parametrize(
    "file",
    [
        "/usr/lib/python3/dist-packages/rich/console.py",
        "/opt/shared/lib/python3.11/site-packages/rich/console.py",
        r"C:\shared\Lib\site-packages\rich\console.py",
    ],
)
def test_a_library_of_an_environment_that_this_one_shares_is_nobodys_own(file):
    """As with ``python -m venv --system-site-packages``: the call into it is told."""
    for problem, kind in (("ValueError('bad')", ValueError), ("SystemExit(1)", SystemExit)):
        with pytest.raises(kind) as caught:
            raised_in(file, problem)()
        assert place(caught.value)[0] == os.path.relpath(__file__)
