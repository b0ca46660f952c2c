"""``rushes export`` and ``exports``: runs of recipes."""

from __future__ import annotations

from typing import Any

import click

from tui.cli import options, output, turns


def _finish(library: Any, queued: dict[str, Any], wait: bool, as_json: bool) -> int:
    from engine.api import exports

    if not wait:
        if as_json:
            output.document(queued)
        else:
            for run in queued["runs"]:
                output.say(f"{output.shown(run['recipe'])}: queued as run {run['run_id'][:8]}.")
        return 0
    progress = output.Progress()
    try:
        result = exports.wait(library, [run["job_id"] for run in queued["runs"]], progress)
    finally:
        progress.end()
    if as_json:
        output.document(result)
    else:
        for run in result["runs"]:
            output.say(
                f"{output.shown(run['recipe'])}: {run['status'].replace('_', ' ')}"
                + (
                    f", {run['output_path']} ({output.size(run['output_size'])}, {run['frames']} frames)"
                    if run["output_path"]
                    else ""
                )
            )
            if run["error"]:
                for part in run["error"].split("\n"):
                    output.complain(output.shown(part))
    return 0 if all(run["status"] == "completed" for run in result["runs"]) else 1


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@options.waiting
@options.common
def export(recipes: tuple[str, ...], wait: bool, library_path: str | None, as_json: bool) -> int:
    """Queue a run of each RECIPE."""
    from engine.api import exports

    library = options.open_library(library_path)
    return _finish(library, exports.queue(library, recipes), wait, as_json)


@click.group()
def exports() -> None:
    """Runs: list, show, pause, cancel, resume, rerun, compare, move, deliver, report, delete."""


@exports.command(name="list")
@click.option("--status", "statuses", multiple=True, help="Only runs in this state; may be repeated.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option(
    "--text",
    help="In the names of the run, its recipe or preset, or in its output's path; !TEXT hides."
    " Words such as is:failed, size>1g, length<30s, age<2d are conditions.",
)
@click.option("--recipe", help="Only runs of this recipe.")
@click.option("--preset", help="Only runs with this preset.")
@click.option("--since", metavar="TIME", help="Only runs queued since this ISO 8601 moment or date.")
@options.common
def list_runs(
    statuses: tuple[str, ...],
    limit: int,
    text: str | None,
    recipe: str | None,
    preset: str | None,
    since: str | None,
    library_path: str | None,
    as_json: bool,
) -> None:
    """Runs, the newest first."""
    from engine.api import exports as api

    found = api.list_runs(
        options.open_library(library_path),
        statuses,
        limit,
        text=text,
        recipe=recipe,
        preset=preset,
        since=since,
    )
    if as_json:
        output.document(found)
        return
    output.table(
        ["RUN", "STATUS", "NAME", "SIZE", "LENGTH", "AGE"],
        [
            [
                run["run_id"][:8],
                run["status"].replace("_", " "),
                output.shown(run["name"]),
                output.size(run["output_size"]),
                output.clip_length(run["output_duration_ms"]),
                output.age(run["created_at"]),
            ]
            for run in found
        ],
        "No run fits."
        if statuses or text or recipe or preset or since
        else "No runs yet. Make a recipe and queue it: rushes recipe create NAME, rushes export NAME",
    )


@exports.command(name="show")
@click.argument("run")
@options.common
def show_run(run: str, library_path: str | None, as_json: bool) -> None:
    """One run with its outputs and segments."""
    from engine.api import exports as api

    found = api.show(options.open_library(library_path), run)
    if as_json:
        output.document(found)
        return
    for key, value in found.items():
        if value is not None and not isinstance(value, (list, dict)):
            output.say(f"{key:18} {output.shown(str(value))}")
    for made in found["outputs"]:
        name = output.shown(made["path"] or made["clip"] or "-")
        why = f": {output.shown(made['error'])}" if made["error"] else ""
        proof = api.proof_of(made)
        why += f" ({proof})" if proof else ""
        output.say(f"{'file':18} {made['status'].replace('_', ' ')} {name}{why}")


@exports.command()
@click.argument("run")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--file", "where", is_flag=True, help="Say where everything lies that ffmpeg said.")
@click.option("--full", is_flag=True, help="The last lines of what ffmpeg was asked and said.")
@options.common
def logs(run: str, limit: int, where: bool, full: bool, library_path: str | None, as_json: bool) -> None:
    """The log of a run."""
    from engine.api import exports as api

    if full:
        said = api.log_tail(options.open_library(library_path), run, limit)
        if as_json:
            output.document(said)
        else:
            for words in said or ["ffmpeg was not called in this run."]:
                output.say(words)
        return
    if where:
        from engine.names import json_name

        path = api.log_file(options.open_library(library_path), run)
        if as_json:
            output.document(json_name("path", path))
        else:
            output.say(output.shown(path) if path else "ffmpeg was not called in this run.")
        return
    lines = api.logs(options.open_library(library_path), run, limit)
    if as_json:
        output.document(lines)
        return
    for line in lines:
        for part in line["message"].split("\n"):
            output.say(f"{line['at']}  {line['level'].upper():7}  {output.shown(part)}")
    if not lines:
        output.say("Nothing was logged.")


def _asked(name: str, text: str) -> None:
    @exports.command(name=name, help=text)
    @click.argument("run")
    @options.common
    def verb(run: str, library_path: str | None, as_json: bool) -> None:
        from engine.api import exports as api
        from engine.api import jobs

        library = options.open_library(library_path)
        asked = {"pause": api.pause, "cancel": api.cancel}[name](library, run)
        found = jobs.settle(library, asked["job_id"])
        if as_json:
            output.document(found)
        else:
            late = name == "pause" and found["status"] == "running"
            word = "pausing; the segment in hand is finished first" if late else found["status"]
            output.say(f"{output.shown(found['title'])}: {word.replace('_', ' ')}.")


_asked("pause", "Stop a run at its next checkpoint; the segment in hand is finished first.")
_asked("cancel", "Stop a run at once; finished segments stay for a later resume.")


def _again(name: str, text: str) -> None:
    @exports.command(name=name, help=text)
    @click.argument("run")
    @options.waiting
    @options.common
    def verb(run: str, wait: bool, library_path: str | None, as_json: bool) -> int:
        from engine.api import exports as api

        library = options.open_library(library_path)
        return _finish(library, api.again(library, run, name), wait, as_json)


_again("resume", "Go on with a run; finished segments are checked and reused.")
_again("retry", "Try a failed run again; finished segments are checked and reused.")
_again("rerun", "Render the same snapshot afresh.")


@exports.command(name="report")
@click.argument("run")
@click.option("--format", "formats", default="csv,json,txt", show_default=True, help="Or html, pdf.")
@click.option("--to", metavar="DIR", help="Where to write; .rushes/reports of the library when not given.")
@options.common
def report_run(run: str, formats: str, to: str | None, library_path: str | None, as_json: bool) -> None:
    """Write a report of a run. Never replaces an older one."""
    from engine.api import exports as api

    made = api.report(options.open_library(library_path), run, formats.split(","), to)
    if as_json:
        output.document(made)
        return
    output.say(made["verdict"])
    for path in made["files"].values():
        output.say(output.shown(path))


@exports.command(name="delete")
@click.argument("run")
@options.confirming
@options.common
def delete_run(run: str, yes: bool, library_path: str | None, as_json: bool) -> int:
    """Delete a run together with its output file."""
    from engine.api import exports as api

    library = options.open_library(library_path)
    found = api.show(library, run)
    what = f"the run {output.shown(found['name'])}"
    files = api.goes_with(library, found["run_id"])
    if files:
        what += f" and {len(files)} finished file(s), first {output.shown(files[0])}"
    if not output.ask(f"Delete {what}?", yes=yes):
        return 130
    gone = api.delete(library, run)
    output.document(gone) if as_json else output.say(f"Deleted {what}.")
    return 0


@exports.command(name="open")
@click.argument("run")
@options.common
def open_run(run: str, library_path: str | None, as_json: bool) -> None:
    """Print where a run's file lies; over SSH there is no desktop to open it on."""
    from engine.api import exports as api
    from engine.names import json_name

    path = api.output_of(options.open_library(library_path), run)
    output.document(json_name("path", path)) if as_json else output.say(output.shown(path))


@exports.command()
@click.argument("run")
@click.option("--output", "position", type=click.IntRange(0), default=0, help="Which file of the run.")
@options.common
def plan(run: str, position: int, library_path: str | None, as_json: bool) -> None:
    """Print a run's plan for `segment run`. It is JSON either way."""
    from engine.api import exports as api

    del as_json
    output.say(api.plan_text(options.open_library(library_path), run, position))


@exports.command()
@click.argument("one")
@click.argument("other")
@options.common
def compare(one: str, other: str, library_path: str | None, as_json: bool) -> None:
    """Two runs side by side."""
    from engine.api import exports as api

    found = api.compare(options.open_library(library_path), one, other)
    if as_json:
        output.document(found)
        return
    first, second = found["runs"]
    facts = ("status", "preset", "clips", "frames_total", "output_duration_ms", "output_size", "seconds")
    lines = [[key, first[key], second[key]] for key in facts]
    lines += [[name, *map(_short, values)] for name, values in found["different"].items()]
    output.table(["", output.shown(first["name"]), output.shown(second["name"])], lines, "")
    output.say("The films are the same, byte for byte." if found["same_bytes"] else "The films differ.")
    for which, key in ((first, "clips_only_in_first"), (second, "clips_only_in_second")):
        if found[key]:
            titles = ", ".join(output.shown(title) for title in found[key])
            output.say(f"Only in {output.shown(which['name'])}: {titles}")


def _short(value: Any) -> str:
    return "-" if value in (None, "", [], {}) else output.shown(str(value))


def _door() -> object:
    from engine.api import exports as api

    return api


turns.add_to(exports, "run", _door)


@exports.command()
@click.argument("run")
@click.option("--to", "folder", required=True, metavar="DIR", help="Folder that gets the finished files.")
@click.option("--move", is_flag=True, help="Remove each old file after its new one is proven.")
@click.option("--wait", is_flag=True, help="Wait for the end.")
@options.common
def deliver(run: str, folder: str, move: bool, wait: bool, library_path: str | None, as_json: bool) -> int:
    """Copy a run's finished files to DIR, verified; a name that is taken is numbered."""
    import os

    from engine.api import exports as api
    from engine.api import jobs

    library = options.open_library(library_path)
    queued = api.deliver(library, run, os.path.abspath(folder), move=move)
    if not wait:
        output.document(queued) if as_json else output.say(f"Queued as job {queued['job_id'][:8]}.")
        return 0
    progress = output.Progress()
    try:
        job = jobs.follow(library, queued["job_id"], progress)
    finally:
        progress.end()
    if as_json:
        output.document({**queued, "status": job.status, "error": job.error, **(job.result or {})})
    else:
        output.say(f"{output.shown(job.title)}: {job.status.replace('_', ' ')}.")
        if job.error:
            output.complain(output.shown(job.error))
    return 0 if job.status == "completed" else 1
