"""``rushes files``: copies of ours, moved and put aside, never without a proven copy elsewhere."""

from __future__ import annotations

import click

from tui.cli import options, output


@click.group()
def files() -> None:
    """Copy, move, trash, restore; and what lies twice."""


@files.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option(
    "--to", "destinations", multiple=True, required=True, type=click.Path(), help="Where to; repeat it."
)
@options.waiting
@options.common
def copy(
    paths: tuple[str, ...], destinations: tuple[str, ...], wait: bool, library_path: str | None, as_json: bool
) -> int:
    """Copy recorded files or folders to other places, verified."""
    from engine.api import files as api
    from engine.api import ingests

    library = options.with_engine(library_path)
    queued = api.copy(library, paths, destinations)
    if not wait:
        if as_json:
            output.document(queued)
        else:
            output.say(f"Queued as job {queued['job_id'][:8]}.")
        return 0
    progress = output.Progress()
    try:
        ended = ingests.wait(library, queued["job_id"], progress)
    finally:
        progress.end()
    if as_json:
        output.document({**queued, **ended})
    else:
        output.say(ended["message"] or f"{ended['ingested']} files copied and verified.")
        if ended["error"]:
            output.complain(output.shown(ended["error"]))
    return 0 if ended["status"] == "completed" else 1


@files.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--to", "folder", required=True, type=click.Path(), help="The folder they go into.")
@options.confirming
@options.common
def move(paths: tuple[str, ...], folder: str, yes: bool, library_path: str | None, as_json: bool) -> int:
    """Move recorded files of ours into a folder.

    On one volume they are renamed. To another they are copied and verified;
    then the old ones go into the trash of their volume.
    """
    from engine.api import files as api

    library = options.with_engine(library_path)
    plan = api.plan_move(library, paths, folder)
    question = (
        f"Copy {plan['copied']} files ({output.size(plan['bytes'])}) to {output.shown(folder)}, "
        "and put the old ones into the trash when all are verified?"
        if plan["copied"]
        else f"Move {plan['renamed']} files to {output.shown(folder)}?"
    )
    if not output.ask(question, yes=yes):
        return 130
    progress = output.Progress()
    try:
        done = api.move(library, paths, folder, progress)
    finally:
        progress.end()
    if as_json:
        output.document(done)
    else:
        output.say(f"{len(done['moved']) + len(done['trashed'])} files moved to {output.shown(folder)}.")
        if done["ingest"] and done["ingest"]["error"]:
            output.complain(output.shown(done["ingest"]["error"]))
    return 0 if done["status"] == "completed" else 1


@files.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--list", "listing", is_flag=True, help="Show what is in the trash.")
@click.option("--empty", is_flag=True, help="Delete what is in the trash for good: all, or what is named.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="Of --list: the newest."
)
@click.option(
    "--offset", type=click.IntRange(0), default=0, help="Of --list: leave out so many of the newest."
)
@options.confirming
@options.common
def trash(
    paths: tuple[str, ...],
    listing: bool,
    empty: bool,
    limit: int,
    offset: int,
    yes: bool,
    library_path: str | None,
    as_json: bool,
) -> int:
    """Put recorded files of ours aside on their own volume.

    The last verified copy of a content is refused, and so are sources and
    footage that is only referenced.
    """
    from engine.api import files as api
    from engine.errors import Refused, WrongUse

    library = options.with_engine(library_path, needed=False)
    if listing or empty:
        if not empty:
            _list(api.trashed(library, limit, offset), api.in_trash(library), offset, as_json)
            return 0
        found = api.trashed(library, None)
        total = output.size(sum(gone["size"] for gone in found))
        what = "what is named" if paths else f"all {len(found)} files ({total})"
        if not output.ask(f"Delete {what} from the trash for good? This cannot be undone.", yes=yes):
            return 130
        ended = api.empty(library, paths or None)
        if as_json:
            output.document(ended)
        else:
            output.say(f"{len(ended['deleted'])} files are deleted.")
            for sentence in ended["kept"]:
                output.complain(sentence)
        return 1 if ended["kept"] else 0
    if not paths:
        raise WrongUse("Say which files, or --list, or --empty.")
    plan = api.preview_trash(library, paths)
    if not plan["files"]:
        raise Refused("\n".join(plan["refused"]))
    for sentence in (*plan["refused"], *plan["warnings"]):
        output.complain(sentence)
    if not output.ask(f"Put {plan['files']} files ({output.size(plan['bytes'])}) into the trash?", yes=yes):
        return 130
    done = api.put_aside(library, paths)
    if as_json:
        output.document(done)
    else:
        output.say(f"{done['files']} files are in the trash; rushes files restore brings them back.")
    return 1 if done["refused"] else 0


def _list(found: list[dict[str, object]], total: int, offset: int, as_json: bool) -> None:
    """Print what is in the trash, and how many older ones were left out."""
    if as_json:
        output.document({"total": total, "files": found})
        return
    output.table(
        ["NUMBER", "VOLUME", "SIZE", "SINCE", "PATH"],
        [
            [
                gone["trash_id"],
                output.shown(str(gone["volume"])) + ("" if gone["reachable"] else " (offline)"),
                output.size(int(str(gone["size"]))),
                output.age(str(gone["trashed_at"])),
                gone["path"],
            ]
            for gone in found
        ],
        "The trash holds no more." if offset and total else "The trash is empty.",
    )
    older = total - offset - len(found)
    if older > 0:
        output.say(f"{older:,} older ones are not shown; --offset {offset + len(found)} begins with them.")


@files.command()
@click.argument("wanted", nargs=-1, required=True)
@options.common
def restore(wanted: tuple[str, ...], library_path: str | None, as_json: bool) -> None:
    """Bring files back from the trash: by number, or by the path where they lay."""
    from engine.api import files as api

    done = api.restore(options.with_engine(library_path, needed=False), wanted)
    if as_json:
        output.document(done)
    else:
        output.say(f"{len(done)} files are back where they lay.")


@files.command()
@click.option("--smallest", default=1024, show_default=True, help="Bytes; smaller files are left out.")
@click.option("--largest", type=int, help="Bytes; larger files are left out.")
@click.option("--extension", "extensions", multiple=True, help="Only files with this ending; repeat it.")
@click.option("--same-device", is_flag=True, help="Only what lies twice on one device.")
@click.option("--limit", default=1000, show_default=True, help="Groups at most.")
@options.common
def duplicates(
    smallest: int,
    largest: int | None,
    extensions: tuple[str, ...],
    same_device: bool,
    limit: int,
    library_path: str | None,
    as_json: bool,
) -> None:
    """Contents that lie in more than one file. It reports; it deletes nothing."""
    from engine.api import files as api

    found = api.duplicates(
        options.open_library(library_path),
        smallest=smallest,
        largest=largest,
        extensions=extensions,
        same_device=same_device,
        limit=limit,
    )
    if as_json:
        output.document(found)
        return
    for group in found["groups"]:
        devices = f"{group['devices']} device{'s' if group['devices'] != 1 else ''}"
        output.say(f"{output.size(group['size'])} x {len(group['files'])} on {devices}")
        for file in group["files"]:
            state = "" if file["state"] == "online" else f" ({file['state']})"
            output.say(f"  {file['volume']}: {output.shown(file['path'])}{state}")
    output.say(
        f"{len(found['groups'])} contents lie more than once: "
        f"{output.size(found['wasted'])} at most beyond one each."
        if found["groups"]
        else "No content lies more than once."
    )
