"""``rushes jobs``: what the engine does."""

from __future__ import annotations

import click

from tui.cli import options, output, turns


@click.group()
def jobs() -> None:
    """What the engine does: list, pause, resume, cancel, retry."""


@jobs.command(name="list")
@options.common
@click.option("--status", "statuses", multiple=True, help="Only jobs in this state; may be repeated.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
def list_jobs(library_path: str | None, as_json: bool, statuses: tuple[str, ...], limit: int) -> None:
    """Jobs, the newest first."""
    from engine.api import jobs as api

    found = api.list_jobs(options.open_library(library_path), statuses, limit)
    if as_json:
        output.document(found)
        return
    output.table(
        ["JOB", "STATUS", "DONE", "WHAT", "AGE"],
        [
            [
                job["job_id"][:8],
                job["status"].replace("_", " "),
                f"{job['progress'] * 100:.0f} %" if job["progress"] is not None else "-",
                output.shown(job["title"]),
                output.age(job["created_at"]),
            ]
            for job in found
        ],
        "No jobs yet. Take a card in with: rushes ingest CARD --to DRIVE",
    )


@jobs.command()
@click.argument("job")
@options.common
def show(job: str, library_path: str | None, as_json: bool) -> None:
    """One job with its tasks."""
    from engine.api import jobs as api

    found = api.show(options.open_library(library_path), job)
    if as_json:
        output.document(found)
        return
    output.say(f"{output.shown(found['title'])}\n{found['job_id']}  {found['status'].replace('_', ' ')}")
    for key in ("message", "error"):
        if found[key]:
            output.say(output.shown(found[key]))
    if found["free_eta_seconds"] is not None:
        output.say(
            f"The card is free in {output.duration(found['free_eta_seconds'])}, "
            f"all is done in {output.duration(found['eta_seconds'])}."
        )
    for part in found["parts"]:
        rates = [
            f"{word} {output.size(part[key])}/s"
            for word, key in (("reads", "read_rate"), ("writes", "write_rate"))
            if part[key]
        ]
        slowest = "  <- holds the others up" if part["bottleneck"] else ""
        output.say(f"  {output.shown(part['name'])}: {', '.join(rates) or part['kind']}{slowest}")
    for state, count in found["task_counts"].items():
        output.say(f"  {count} {state}")
    for task in found["tasks"]:
        if task["status"] == "failed":
            output.say(f"  failed: {task['name']}: {output.shown(task['error'] or '')}")


@jobs.command()
@click.argument("job")
@options.common
@click.option("--limit", type=click.IntRange(1), default=500, show_default=True)
def logs(job: str, library_path: str | None, as_json: bool, limit: int) -> None:
    """The log of one job."""
    from engine.api import jobs as api

    lines = api.logs(options.open_library(library_path), job, limit)
    if as_json:
        output.document(lines)
        return
    for line in lines:
        output.say(f"{line['at']}  {line['level'].upper():7}  {output.shown(line['message'])}")
    if not lines:
        output.say("Nothing was logged.")


@jobs.command(name="file")
@click.argument("job")
@click.argument("path")
@options.common
def one_file(job: str, path: str, library_path: str | None, as_json: bool) -> None:
    """The journal of one file of an ingest: every step at every destination, with times and hashes.

    PATH is its path on the source, as ``jobs show`` names it.
    """
    from engine.api import ingests

    found = ingests.journal(options.open_library(library_path), job, path)
    if as_json:
        output.document(found)
        return
    output.say(f"{output.shown(found['name'])}  {output.size(found['size'])}  {found['status']}")
    output.say(f"  begun {found['started_at'] or '-'}, ended {found['ended_at'] or '-'}")
    for form, digest in found["hashes"].items():
        output.say(f"  {form:7} {digest}")
    for leg in found["legs"]:
        stage = ", second stage" if leg["hop"] == 2 else ""
        where = f"{output.shown(leg['volume'])}: " if leg["volume"] else "source "
        output.say(f"{where}{leg['path']}  {leg['verdict']}{stage}")
        for step in leg["steps"]:
            rate = f"{output.size(step['rate'])}/s" if step["rate"] else ""
            took = output.span(step["seconds"])
            words = [step["what"], step["state"], took, rate, output.shown(step["text"] or "")]
            output.say("    " + "  ".join(word for word in words if word))
        if leg["verified_at"]:
            output.say(f"    verified {leg['verified_at']} ({leg['level']})")
        if leg["error"]:
            output.say(f"    {output.shown(leg['error'])}")
    if found["doubt"]:
        output.say(f"{found['doubt']} First {found['readings'][0]}, then {found['readings'][1]}.")
    for line in found["log"]:
        output.say(f"  {line['at']}  {line['level'].upper():7}  {output.shown(line['message'])}")


def _verb(name: str, text: str) -> None:
    @jobs.command(name=name, help=text)
    @click.argument("job")
    @options.common
    def verb(job: str, library_path: str | None, as_json: bool) -> None:
        from engine.api import jobs as api

        library = options.open_library(library_path)
        asked = api.request(library, job, name)
        found = api.settle(library, asked["job_id"])
        if as_json:
            output.document(found)
        else:
            output.say(f"{output.shown(found['title'])}: {found['status'].replace('_', ' ')}.")


_verb("pause", "Let the file or segment in hand reach its checkpoint, then rest.")
_verb("resume", "Go on with a paused, interrupted or cancelled-ingest job.")
_verb("cancel", "Stop at once; temporary files go, verified files stay.")
_verb("retry", "Run the failed tasks again, and only those.")


def _door() -> object:
    from engine.api import jobs as api

    return api


turns.add_to(jobs, "job", _door)
