"""``rushes ingest``, ``card``, ``verify``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from tui.cli import options, output

if TYPE_CHECKING:
    from engine.api import Library


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SRC...")
@click.option("--to", "destinations", multiple=True, metavar="DIR", help="A destination; may be repeated.")
@click.option(
    "--mode", type=click.Choice(["copy", "reference"]), help="The library's own mode when not given."
)
@click.option(
    "--verify",
    "verified",
    type=click.Choice(["copies", "source"]),
    default="copies",
    show_default=True,
    help="Every copy is read back. With 'source' every source is read a second time too.",
)
@click.option(
    "--duplicates",
    type=click.Choice(["skip", "copy"]),
    default="skip",
    show_default=True,
    help="What a destination volume holds verified already, under whatever name.",
)
@click.option(
    "--checksum",
    "checksums",
    multiple=True,
    type=click.Choice(["md5", "sha1", "c4"]),
    help="A further checksum from the same read, beside BLAKE3 and xxh128; may be repeated.",
)
@click.option("--mhl", "hash_lists", is_flag=True, help="Write an ASC MHL hash list with each card's copies.")
@click.option("--no-thumbnails", is_flag=True, help="Make no pictures of the clips.")
@click.option("--name", metavar="NAME", help="What the batch is called; else after its sources.")
@click.option(
    "--priority",
    type=click.Choice(["low", "normal", "high", "urgent"]),
    default="normal",
    show_default=True,
    help="Its place in the queue.",
)
@click.option(
    "--layout",
    type=click.Choice(["tree", "template", "content"]),
    help="Keep every tree (usual), name loose files by a template, or each by its hash. "
    "Cards with a structure always stay whole.",
)
@click.option(
    "--template",
    metavar="TEXT",
    help="Of {project} {date} {camera} {reel} {card} {counter} {original} {kind} {blake3}; "
    "usually {project}/{date}/{camera}/{reel}/{card}/{original}.",
)
@click.option(
    "--then",
    multiple=True,
    metavar="DIR",
    help="A destination of the second stage: read from the first verified copy, so that the card is free "
    "early; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan; change nothing.")
@click.option(
    "--preview", is_flag=True, help="Show where the first files of each source would go; change nothing."
)
@options.waiting
@options.common
def ingest(
    sources: tuple[str, ...],
    destinations: tuple[str, ...],
    mode: str | None,
    verified: str,
    duplicates: str,
    checksums: tuple[str, ...],
    hash_lists: bool,
    no_thumbnails: bool,
    name: str | None,
    priority: str,
    layout: str | None,
    template: str | None,
    then: tuple[str, ...],
    dry_run: bool,
    preview: bool,
    wait: bool,
    library_path: str | None,
    as_json: bool,
) -> int:
    """Take cards, folders or files in: copied to every destination and proven there."""
    from engine.api import ingests

    library = options.open_library(library_path)
    wanted = ingests.Options(
        verify_source=verified == "source",
        duplicates=duplicates,
        checksums=checksums,
        thumbnails=not no_thumbnails,
        name=name,
        priority=priority,
        layout=layout or ("tree" if template is None else "template"),
        template=template,
        then=then,
        hash_lists=hash_lists,
    )
    if preview:
        names = ingests.preview(library, sources, destinations, mode, wanted)
        if as_json:
            output.document(names)
        else:
            _show_names(names)
        return 0
    if dry_run:
        planned = ingests.plan(library, sources, destinations, mode, wanted)
        if as_json:
            output.document(planned)
        else:
            _show_plan(planned)
        return 0
    queued = ingests.queue(library, sources, destinations, mode, wanted)
    if not wait:
        if as_json:
            output.document(queued)
        else:
            output.say(
                f"Queued as job {queued['job_id'][:8]}. It goes on without this terminal: rushes jobs list"
            )
        return 0
    progress = output.Progress()
    try:
        result = ingests.wait(library, queued["job_id"], progress)
    finally:
        progress.end()
    if as_json:
        output.document(result)
    else:
        _show_result(result)
    return 0 if result["status"] == "completed" else 1


@click.group()
def card() -> None:
    """Is this card safe to format?"""


@card.command()
@click.argument("path")
@options.common
def check(path: str, library_path: str | None, as_json: bool) -> int:
    """Check every file of the card at PATH against the library. Formats nothing."""
    from engine.api import ingests

    library = options.with_engine(library_path, needed=False)
    verdict = ingests.check_card(library, path)
    if as_json:
        output.document(verdict)
    else:
        for block in verdict["blocking"][:50]:
            output.say(f"  {block['path']}: {output.shown(block['reason'])}")
        if len(verdict["blocking"]) > 50:
            output.say(f"  and {len(verdict['blocking']) - 50} more")
        output.say(output.shown(verdict["sentence"]))
    return 0 if verdict["safe_to_format"] else 1


@click.command()
@click.argument("path", required=False)
@click.option(
    "--budget", metavar="TIME", help="Stop after the file in hand when this has gone: 2h, 30m, 90s."
)
@click.option(
    "--repair",
    is_flag=True,
    help="Then make damaged and missing copies anew from good ones; a bad file is kept as NAME.damaged.",
)
@click.option("--damaged", is_flag=True, help="Read nothing: list the copies that are damaged or missing.")
@click.option(
    "--copy",
    "copies",
    type=int,
    multiple=True,
    metavar="ID",
    help="Read nothing: make this copy (see --damaged) anew from a good one; may be repeated.",
)
@options.common
def verify(
    path: str | None,
    budget: str | None,
    repair: bool,
    damaged: bool,
    copies: tuple[int, ...],
    library_path: str | None,
    as_json: bool,
) -> int:
    """Re-read the oldest verified copies from their devices and compare."""
    from engine.api import ingests

    if damaged:
        return _list_damaged(options.open_library(library_path), as_json=as_json)
    if copies:
        return _repair_copies(options.open_library(library_path), copies, as_json=as_json)
    seconds = parse_budget(budget) if budget else None
    progress = output.Progress()
    try:
        result = ingests.verify(options.open_library(library_path), path, seconds, progress, repair=repair)
    finally:
        progress.end()
    if as_json:
        output.document(result)
    else:
        for bad in result["damaged"]:
            output.say(f"  DAMAGED {output.shown(bad['volume'])}: {bad['path']}")
        for key in ("repaired", "not_repaired"):
            for one in result.get(key, ()):
                output.say(f"  {key.replace('_', ' ')}: {output.shown(one['sentence'])}")
        output.say(
            f"{result['checked']} copies checked ({output.size(result['bytes'])}) in "
            f"{output.duration(result['seconds'])}: {len(result['damaged'])} damaged."
        )
        if result["error"]:
            output.complain(output.shown(result["error"]))
    return 0 if result["status"] == "completed" and not result["damaged"] else 1


def _list_damaged(library: Library, *, as_json: bool) -> int:
    from engine.api import ingests

    found = ingests.damaged(library)
    if as_json:
        output.document(found)
    else:
        output.table(
            ["COPY", "STATE", "VOLUME", "SIZE", "GOOD COPIES", "PATH"],
            [
                [one["copy_id"], one["state"], output.shown(one["volume"]), output.size(one["size"]),
                 one["good_copies"], one["path"]]
                for one in found
            ],
            "No copy is known to be damaged or missing.",
        )  # fmt: skip
    return 1 if found else 0


def _repair_copies(library: Library, copies: tuple[int, ...], *, as_json: bool) -> int:
    from engine.api import ingests, jobs

    progress = output.Progress()
    try:
        job = jobs.follow(library, ingests.queue_repair(library, copies), progress)
    finally:
        progress.end()
    result = {"repaired": [], "not_repaired": [], **(job.result or {})}
    if as_json:
        output.document({**result, "job_id": job.job_id, "status": job.status, "error": job.error})
    else:
        for key in ("repaired", "not_repaired"):
            for one in result[key]:
                output.say(f"  {key.replace('_', ' ')}: {output.shown(one['sentence'])}")
        output.say(f"{len(result['repaired'])} repaired, {len(result['not_repaired'])} not.")
    return 0 if job.status == "completed" else 1


def parse_budget(text: str) -> float:
    """Read ``2h``, ``1h30m``, ``45m``, ``90s`` or ``90`` as seconds.

    Raises:
        WrongUse: it is none of these, or nothing.
    """
    from engine.errors import WrongUse

    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    numbers = [int(group or 0) for group in found.groups()] if found else []
    seconds = (
        sum(number * unit for number, unit in zip(numbers, (3600, 60, 1), strict=True)) if numbers else 0
    )
    if seconds <= 0:
        raise WrongUse(f"{output.shown(text)} is no span of time; give one like 2h, 30m or 90s.")
    return float(seconds)


def _show_plan(planned: dict[str, Any]) -> None:
    for source in planned["sources"]:
        output.say(
            f"{source['source']}: {source['kind'].replace('_', ' ')}, {_files(source['files'])}, "
            f"{output.size(source['bytes'])}{_known(source)}"
        )
        for warning in source["warnings"]:
            output.say(f"  note: {output.shown(warning)}")
        for target in planned["destinations"]:
            output.say(f"  -> {target['path']}/{source['folder']}")
        for named in source["names"][:5]:
            output.say(f"     {named['file']} becomes {named['name']}")
        if len(source["names"]) > 5:
            output.say("     and so on")
    for target in planned["destinations"]:
        output.say(
            f"{output.shown(target['volume'])}: {output.size(target['needed'])} needed, "
            f"{output.size(target['free'])} free"
            + (
                f", {target['conflicts']} names taken by other files: numbered, nothing is overwritten"
                if target["conflicts"]
                else ""
            )
        )
    seconds = planned["expected_seconds"]
    output.say(
        f"{_files(planned['files'])}, {output.size(planned['bytes'])}, "
        f"expected time {output.duration(seconds) if seconds >= 1 else 'under a second'} "
        f"({KNOWN_FROM[planned['expected_from']]}). Nothing was changed."
    )


KNOWN_FROM = {
    "history": "by the rate of the last ingests",
    "measured": "by the measured speed of the drives",
    "guess": "a guess by the kind of the drives",
}
"""What an expected time is known from, in words."""


def _show_names(preview: dict[str, Any]) -> None:
    source = None
    for named in preview["names"]:
        if named["source"] != source:
            source = named["source"]
            output.say(f"{source}, {_files(named['files'])}:")
        output.say(f"  {named['file']}  ->  {named['name']}")
    where = ", ".join(preview["destinations"])
    output.say(
        f"Below {where}. Nothing was changed." if where else "Catalogued in place. Nothing was changed."
    )


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"


def _known(source: dict[str, Any]) -> str:
    """What a plan says of files that every destination holds verified already."""
    known, files = source["duplicates"], source["files"]
    if not known:
        return ""
    return f"; {'all' if known == files else known} verified there already, {files - known} new"


def _show_result(result: dict[str, Any]) -> None:
    for item in result["items"]:
        output.say(
            f"  {item['source']}: {item['status']}, "
            f"{item['files_ingested'] + item['duplicates']} of {item['files_found']} files verified"
            + (f", {item['duplicates']} of them there already" if item["duplicates"] else "")
            + (f" - {output.shown(item['error'])}" if item["error"] else "")
        )
    output.say(
        f"{result['status'].replace('_', ' ').capitalize()}: {_files(result['ingested'])} newly verified "
        f"({output.size(result['bytes'])}), {result['duplicates']} there already, {result['failed']} failed, "
        f"in {output.duration(result['seconds'])}."
    )
    for warning in result["warnings"]:
        output.say(f"  note: {output.shown(warning)}")
    if result.get("bottleneck"):
        output.say(f"The part that was at work longest: {output.shown(result['bottleneck'])}.")
    if result.get("card_free_at") and result["card_free_at"] != result.get("all_done_at"):
        from engine import clock
        from tui import format as fmt

        freed = fmt.moment(result["card_free_at"], clock.parse(clock.now()))
        output.say(f"Every file was verified at the first destinations at {freed}.")
    for sentence in (result["error"], result["message"] if result["status"] == "paused" else None):
        if sentence:
            output.complain(output.shown(sentence))
