"""``python -m kobai`` and the command ``kobai``."""

import sys

from kobai.basics import interruption


def main() -> None:
    """Run the command line, and end with its exit code."""
    interruption.listen()  # before anything that takes long
    from kobai.cli import run

    interruption.leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
