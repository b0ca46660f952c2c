"""``rushes report``."""

from __future__ import annotations

import click

from tui.cli import options, output


@click.command()
@click.argument("job", required=False, metavar="[JOB]")
@click.option(
    "--format",
    "formats",
    metavar="csv,json,txt,html,pdf",
    help="What to write, separated by commas; html, pdf and json when not given.",
)
@click.option("--day", metavar="DATE", help="Everything that was taken in on a day, e.g. 2026-11-20.")
@click.option("--card", metavar="CARD", help="A card: its id, the beginning of it, or its label.")
@click.option("--volume", metavar="VOLUME", help="Everything on a volume: its name, id or mount point.")
@click.option("--to", metavar="DIR", help="Where to write; .rushes/reports of the library when not given.")
@options.common
def report(
    job: str | None,
    formats: str | None,
    day: str | None,
    card: str | None,
    volume: str | None,
    to: str | None,
    library_path: str | None,
    as_json: bool,
) -> int:
    """Write a report of a job or batch, a day, a card or a volume. Never replaces an older one."""
    from engine.api import reports

    made = reports.make(
        options.open_library(library_path),
        job,
        day=day,
        card=card,
        volume=volume,
        formats=(formats or "").split(","),
        to=to,
    )
    if as_json:
        output.document(made)
    else:
        output.say(made["verdict"])
        for path in made["files"].values():
            output.say(output.shown(path))
    return 0
