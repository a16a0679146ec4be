"""``python -m kobai`` and the command ``kobai``."""

import sys


def main() -> int:
    """Run the command line; the exit code."""
    try:
        from kobai.cli import run
    except KeyboardInterrupt:  # before there is anything to keep, or a language to say it in
        return 130
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
