"""The command line: `run` takes its arguments and gives the exit code."""

from kobai.cli.main import run

__all__ = ["run"]
