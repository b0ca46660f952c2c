"""The last step of an item: its files become a card and clips, probed and with a picture each.

Nothing here can fail an ingest: the files are verified already. What cannot be
understood becomes a clip with a warning.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace

from engine import clock
from engine.errors import RushesError, ToolMissing
from engine.ingest import catalogue
from engine.ingest.ends import Source
from engine.ingest.meter import Meter
from engine.jobs.context import JobContext
from engine.media.beside import enrich
from engine.media.cards import Card, Listed, reader, recognise
from engine.media.clips import Clip, group
from engine.media.facts import MediaFacts
from engine.media.probe import probe
from engine.media.thumbs import thumbnail
from engine.media.tools import Tools, find_tools
from engine.names import display, from_blob
from engine.storage.database import execute, row, rows, scalar, write

THUMBNAIL = 320
"""Longest side of a clip's picture, pixels."""


def catalogue_item(
    job: JobContext,
    item_id: int,
    source: Source,
    meter: Meter,
    *,
    thumbnails: bool,
) -> None:
    """Enter the card and the clips of an item, from the files that were taken in so far.

    Doing it again adds what a retry brought and makes no second clip.

    Raises:
        JobCancelled, JobStopped: by the operator or the engine.
    """
    meter.stage("catalogue")
    db = job.db
    found = rows(
        db,
        "SELECT name, size, mtime_ns, asset_id FROM tasks WHERE item_id = ?"
        " AND error_kind IS NOT 'unreadable_folder' ORDER BY position",
        (item_id,),
    )
    if not found:
        return
    listed = [Listed(from_blob(entry["name"]), entry["size"], entry["mtime_ns"]) for entry in found]
    assets = {
        from_blob(entry["name"]): int(entry["asset_id"]) for entry in found if entry["asset_id"] is not None
    }
    card, clips, warnings = _understand(source, listed)
    with write(db):
        card_id = catalogue.record_card(
            db,
            replace(card, label=display(source.order.label or os.path.basename(source.path))),
            source.order.volume_id,
            len(listed),
            sum(file.size for file in listed),
        )
        execute(db, "UPDATE batch_items SET card_id = ? WHERE item_id = ?", (card_id, item_id))
    for sentence in (*card.warnings, *warnings):
        job.log("warning", sentence)
    tools = _tools(job)
    for clip in clips:
        job.check_now()
        if clip.essence not in assets:
            continue  # it failed, and is listed as failed; a retry brings it
        meter.tick()
        _enter(job, clip, assets, source, tools, card_id, thumbnails=thumbnails)


def _understand(source: Source, listed: list[Listed]) -> tuple[Card, list[Clip], list[str]]:
    read = reader(source.base)
    card = recognise(listed, read)
    clips, warnings = group(listed, card, read)
    return card, clips, warnings


def _tools(job: JobContext) -> Tools | None:
    try:
        return find_tools()
    except ToolMissing as error:
        job.log("warning", f"Clips were entered without their facts. {error}")
        return None


def _enter(
    job: JobContext,
    clip: Clip,
    assets: dict[str, int],
    source: Source,
    tools: Tools | None,
    card_id: str,
    *,
    thumbnails: bool,
) -> None:
    db = job.db
    asset_id = assets[clip.essence]
    size = int(scalar(db, "SELECT size FROM assets WHERE asset_id = ?", (asset_id,)))
    title = display(clip.title)
    clip = replace(clip, title=title, kind=clip.kind if size else "other")
    warnings: list[str] = []
    facts: MediaFacts | None = None
    if catalogue.known_clip(db, asset_id, size, card_id, title) is None:
        if not size:
            warnings.append("The file is empty: nothing was recorded, or the recording was cut off.")
        elif clip.kind != "other":
            facts = _facts(job, asset_id, source, clip, tools, warnings, thumbnails=thumbnails)
    catalogue.record_clip(
        db,
        clip,
        assets,
        facts=facts,
        warnings=warnings,
        card_id=card_id,
        batch_id=str(job.record.batch_id),
    )


def _facts(
    job: JobContext,
    asset_id: int,
    source: Source,
    clip: Clip,
    tools: Tools | None,
    warnings: list[str],
    *,
    thumbnails: bool,
) -> MediaFacts | None:
    if tools is None:
        return None
    path = _readable(job, asset_id) or os.path.join(source.base, clip.essence)
    try:
        facts = enrich(probe(tools, path), clip, reader(source.base))
    except RushesError as error:
        warnings.append(str(error))
        return None
    warnings.extend(facts.warnings)
    execute(
        job.db,
        "UPDATE assets SET media = ?, probed_at = ?, probe_tool = ? WHERE asset_id = ?",
        (json.dumps(facts.to_json()), clock.now(), f"ffprobe {tools.version}", asset_id),
    )
    if thumbnails and facts.video is not None:
        _picture(job, asset_id, path, facts, tools)
    return facts


def _readable(job: JobContext, asset_id: int) -> str | None:
    """A copy of this content that can be opened now: a destination's, so that the card is left in peace."""
    from engine.volumes import places

    for entry in rows(
        job.db,
        "SELECT * FROM copy_states WHERE asset_id = ? AND state = 'present' ORDER BY role = 'source'",
        (asset_id,),
    ):
        path = places.absolute(entry, from_blob(entry["path"]))
        if path is not None and os.path.isfile(path):
            return path
    return None


def _picture(job: JobContext, asset_id: int, path: str, facts: MediaFacts, tools: Tools) -> None:
    entry = row(job.db, "SELECT blake3 FROM assets WHERE asset_id = ?", (asset_id,))
    assert entry is not None
    target = thumbnail_path(str(job.library.thumbs), str(entry["blake3"]))
    if os.path.exists(target):
        return
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        thumbnail(tools, path, target, facts, THUMBNAIL)
    except (RushesError, OSError):
        # A picture is a convenience: the clip is listed without one, and it is tried again on demand.
        return


def thumbnail_path(folder: str, blake3: str, longest: int = THUMBNAIL) -> str:
    """Where the picture of a content lies in the thumbnail folder."""
    return os.path.join(folder, blake3[:2], blake3[2:4], f"{blake3}_{longest}.jpg")
