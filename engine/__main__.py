"""``python -m engine --library PATH``: the engine process. Clients start it; people use ``rushes engine``."""

from __future__ import annotations

import argparse
import sys

from engine.supervisor.service import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m engine", description="The engine of one rushes library.")
    parser.add_argument("--library", required=True, help="the library's root or cache root")
    parser.add_argument("--take-over", action="store_true", help="take a lock whose owner cannot be asked")
    arguments = parser.parse_args()
    sys.exit(main(arguments.library, arguments.take_over))
