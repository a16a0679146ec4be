"""``python -m kobai`` and the command ``kobai``."""

import gc
import os
import sys


def main() -> None:
    """Run the command line, and end with its exit code."""
    gc.set_threshold(100_000, 50, 50)  # nearly all that is imported and traced stays: looking takes longer
    try:
        from kobai.basics import interruption

        interruption.listen()
    except KeyboardInterrupt:  # for some milliseconds there is nothing else to hear it, and no language
        os.write(2, b"\nkobai: interrupted\n")
        os._exit(130)
    from kobai.cli import run

    interruption.leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
