"""``rushes segment``: one segment of a plan, as a render farm would run it."""

from __future__ import annotations

import json

import click

from tui.cli import options, output


@click.group()
def segment() -> None:
    """Render one segment of a plan, as a render farm would."""


@segment.command()
@click.option("--plan", "plan_file", required=True, metavar="FILE", help="A plan: rushes exports plan RUN")
@click.option("--index", type=click.IntRange(0), required=True, help="Which segment, from 0.")
@click.option("--attempt", required=True, metavar="ID", help="A name that no other attempt has.")
@options.without_library("The result as one JSON document; progress on stderr.")
def run(plan_file: str, index: int, attempt: str, as_json: bool) -> None:
    """Render, prove and publish one segment; progress is a JSON line each on standard error."""
    from engine.api import exports as api

    def tell(done: int, total: int) -> None:
        output.complain(
            json.dumps({"index": index, "frames": done, "total": total, "progress": done / total})
        )

    made = api.render_segment(plan_file, index, attempt, tell)
    if as_json:
        output.document(made)
    else:
        output.say(f"{made['file']}: {output.size(made['size'])} in {made['seconds']} s, proven.")
