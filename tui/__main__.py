"""The program ``rushes``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line with this process's arguments and exit with its code."""
    from tui.cli.root import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
