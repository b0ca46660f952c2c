"""``rushes doctor``."""

from __future__ import annotations

import click

from tui.cli import options, output

MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


@click.command()
@options.common
def doctor(library_path: str | None, as_json: bool) -> int:
    """Tools, codecs, permissions, mounts: what works, what to install."""
    from engine.api import doctor as api
    from engine.errors import NotFound, WrongUse

    try:
        library = options.open_library(library_path)
    except (NotFound, WrongUse):
        if library_path:
            raise
        library = None
    found = api.examine(library)
    problems = [finding for finding in found if finding["status"] == "problem"]
    if as_json:
        output.document({"ok": not problems, "findings": found})
    else:
        for finding in found:
            output.say(f"{MARKS[finding['status']]}  {finding['subject']}: {finding['text']}")
            if finding["remedy"] and finding["status"] != "ok":
                output.say(f"         -> {finding['remedy']}")
    return 1 if problems else 0
