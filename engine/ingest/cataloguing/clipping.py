"""The last step of an item: its files become a card and clips, probed and with a picture each.

Nothing here can fail an ingest: the files are verified already. What cannot be
understood becomes a clip with a warning.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import partial

from engine import clock
from engine.errors import RushesError, ToolMissing
from engine.ingest.carrying.meter import Meter
from engine.ingest.cataloguing import lengths
from engine.ingest.cataloguing.splits import Splits
from engine.ingest.ends.ends import Source
from engine.ingest.planning import layout
from engine.ingest.records import catalogue
from engine.jobs.context import JobContext
from engine.media.beside import enrich
from engine.media.cards import FileList, Listed, reader, recognise
from engine.media.clips import Clip, group_each
from engine.media.facts import MediaFacts
from engine.media.listing import Reader
from engine.media.probe import probe
from engine.media.thumbs import thumbnail, thumbnail_path
from engine.media.tools import Tools, find_tools
from engine.names import display, from_blob, to_blob
from engine.storage.database import execute, row, rows, scalar, write


def catalogue_item(
    job: JobContext,
    item_id: int,
    source: Source,
    meter: Meter,
    *,
    thumbnails: bool,
    tell: bool = True,
) -> None:
    """Enter the card and the clips of an item, from the files that were taken in so far.

    Doing it again adds what a retry brought and makes no second clip.

    Raises:
        JobCancelled, JobStopped: by the operator or the engine.
    """
    meter.stage("catalogue")
    db = job.db
    files = _files_of(job, item_id)
    if not len(files):
        return
    read = _reader(source)
    card = recognise(files, read)
    with write(db):
        card_id = catalogue.record_card(
            db,
            replace(card, label=display(source.order.label or os.path.basename(source.path))),
            source.order.volume_id,
            len(files),
            files.size,
        )
        execute(db, "UPDATE batch_items SET card_id = ? WHERE item_id = ?", (card_id, item_id))
    tools = _tools(job)

    def enter(clip: Clip) -> None:
        job.check_now()
        assets = _assets_of(job, item_id, clip)
        if clip.essence not in assets:
            return  # it failed, and is listed as failed; a retry brings it
        meter.tick()
        _enter(job, clip, assets, source, tools, card_id, thumbnails=thumbnails)

    splits = Splits(partial(_size_of, files), partial(_facts_to_join, job, item_id, source, tools), enter)
    try:
        warnings = group_each(files, card, read, splits.take)
        splits.finish()
    finally:
        files.close()
    if tell:
        said = [one for one in dict.fromkeys((*card.warnings, *warnings)) if one not in splits.settled]
        kept = json.dumps(said) if said else None
        execute(db, "UPDATE batch_items SET warnings = ? WHERE item_id = ?", (kept, item_id))
        for sentence in said:
            job.log("warning", sentence)


def _size_of(files: FileList, path: str) -> int | None:
    found = files.get(path)
    return found.size if found else None


def _facts_to_join(
    job: JobContext, item_id: int, source: Source, tools: Tools | None, clip: Clip
) -> MediaFacts | None:
    """What is known of a clip that may be a part of another; None when its file was not taken in."""
    return _known_facts(job, clip.essence, _assets_of(job, item_id, clip), source, tools)


def _files_of(job: JobContext, item_id: int) -> FileList:
    """The files of an item as they were listed."""
    return FileList(
        Listed(from_blob(name), size, mtime_ns)
        for name, size, mtime_ns in job.db.conn.execute(
            "SELECT name, size, mtime_ns FROM tasks WHERE job_id = ? AND item_id = ?"
            " AND error_kind IS NOT 'unreadable_folder' ORDER BY position",
            (job.job_id, item_id),
        )
    )


def _assets_of(job: JobContext, item_id: int, clip: Clip) -> dict[str, int]:
    """The asset of each part of a clip that was taken in, by path."""
    found: dict[str, int] = {}
    for part in clip.parts:
        asset_id = scalar(
            job.db,
            "SELECT asset_id FROM tasks WHERE job_id = ? AND item_id = ? AND name = ?",
            (job.job_id, item_id, to_blob(part.path)),
        )
        if asset_id is not None:
            found[part.path] = int(asset_id)
    return found


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
    known = catalogue.known_clip(db, asset_id, size, card_id, title)
    if known is None:
        if not size:
            warnings.append("The file is empty: nothing was recorded, or the recording was cut off.")
        elif clip.kind != "other":
            facts = _facts(job, asset_id, source, clip, tools, warnings, thumbnails=thumbnails)
            if facts is not None:
                facts = _whole_length(job, facts, clip, assets, source, tools, warnings)
    clip_id = catalogue.record_clip(
        db,
        clip,
        assets,
        facts=facts,
        warnings=warnings,
        card_id=card_id,
        batch_id=str(job.record.batch_id),
    )
    if known is not None:
        _complete_length(job, clip_id, clip, assets, source, tools)
        if thumbnails and tools is not None:
            _late_picture(job, asset_id, source, clip, tools)


PROBED = 128 << 20
"""Bytes that a probe counts as when it is waited for: it has deadlines of its own, and runs twice at most."""

UNKNOWN_LENGTH = "The length of the clip is not known"
"""How the warning begins that goes when the missing chapter has come."""


def _whole_length(
    job: JobContext,
    facts: MediaFacts,
    clip: Clip,
    assets: dict[str, int],
    source: Source,
    tools: Tools | None,
    warnings: list[str],
) -> MediaFacts:
    """``facts`` with the length of all chapters or spans together; None and a warning when one is unknown."""
    more = lengths.continuations(clip)
    if not more:
        return facts
    each = [_length(job, path, assets, source, tools) for path in more]
    unknown = [display(path) for path, length in zip(more, each, strict=True) if length is None]
    if unknown:
        warnings.append(f"{UNKNOWN_LENGTH}: {layout.listed(unknown)} could not be read or understood.")
    return replace(facts, duration_ms=lengths.together([facts.duration_ms, *each]))


def _complete_length(
    job: JobContext,
    clip_id: str,
    clip: Clip,
    assets: dict[str, int],
    source: Source,
    tools: Tools | None,
) -> None:
    """Give a known clip its length when a chapter that was missing has come."""
    more = lengths.continuations(clip)
    entry = row(
        job.db,
        "SELECT media FROM clips JOIN assets USING (asset_id) WHERE clip_id = ? AND duration_ms IS NULL",
        (clip_id,),
    )
    if not more or entry is None or entry["media"] is None:
        return
    first = MediaFacts.from_json(entry["media"]).duration_ms
    whole = lengths.together([first, *(_length(job, path, assets, source, tools) for path in more)])
    if whole is None:
        return
    with write(job.db):
        said = scalar(job.db, "SELECT warnings FROM clips WHERE clip_id = ?", (clip_id,))
        kept = [text for text in json.loads(said or "[]") if not text.startswith(UNKNOWN_LENGTH)]
        job.db.execute(
            "UPDATE clips SET duration_ms = ?, warnings = ? WHERE clip_id = ?",
            (whole, json.dumps(kept) if kept else None, clip_id),
        )


def _length(
    job: JobContext, path: str, assets: dict[str, int], source: Source, tools: Tools | None
) -> int | None:
    """Milliseconds of one part, from the catalogue or by a probe; None when it cannot be known."""
    facts = _known_facts(job, path, assets, source, tools)
    return facts.duration_ms if facts is not None else None


def _known_facts(
    job: JobContext, path: str, assets: dict[str, int], source: Source, tools: Tools | None
) -> MediaFacts | None:
    """The facts of one file, from the catalogue or by a probe; None when they cannot be known."""
    job.check_now()
    asset_id = assets.get(path)
    if asset_id is None:
        return None
    media = scalar(job.db, "SELECT media FROM assets WHERE asset_id = ?", (asset_id,))
    if media is not None:
        return MediaFacts.from_json(media)
    if tools is None:
        return None
    try:
        facts = _probe(tools, _readable(job, asset_id, source) or os.path.join(source.base, path), source)
    except RushesError:
        return None  # the caller says so in the clip's warnings
    _store_facts(job, asset_id, facts, tools)
    return facts


def _store_facts(job: JobContext, asset_id: int, facts: MediaFacts, tools: Tools) -> None:
    execute(
        job.db,
        "UPDATE assets SET media = ?, probed_at = ?, probe_tool = ? WHERE asset_id = ?",
        (json.dumps(facts.to_json()), clock.now(), f"ffprobe {tools.version}", asset_id),
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
    path = _readable(job, asset_id, source) or os.path.join(source.base, clip.essence)
    try:
        facts = enrich(_probe(tools, path, source), clip, _reader(source))
    except RushesError as error:
        warnings.append(str(error))
        return _beside_only(clip, source)
    warnings.extend(facts.warnings)
    _store_facts(job, asset_id, facts, tools)
    if thumbnails and facts.video is not None:
        _picture(job, asset_id, path, facts, tools)
    return facts


def _beside_only(clip: Clip, source: Source) -> MediaFacts | None:
    """What name and sidecars say of a recording that no tool here can open, as raw formats; None: nothing."""
    nothing = MediaFacts(clip.kind, "", None, None, None, None, None)
    said = enrich(nothing, clip, _reader(source))
    return said if said != nothing else None


def _reader(source: Source) -> Reader:
    """Read small files of a source that may not answer."""
    read = reader(source.base)
    return lambda path: source.reach.ask(lambda: read(path))


def _probe(tools: Tools, path: str, source: Source) -> MediaFacts:
    """Probe a file, which may lie on a source that does not answer."""
    if path.startswith(source.base.rstrip("/") + "/"):
        return source.reach.ask(lambda: probe(tools, path), size=PROBED)
    return probe(tools, path)


def _readable(job: JobContext, asset_id: int, source: Source) -> str | None:
    """A copy of this content that can be opened now: a destination's, so that the card is left in peace."""
    from engine.volumes import places

    for entry in rows(
        job.db,
        "SELECT * FROM copy_states WHERE asset_id = ? AND state = 'present' ORDER BY role = 'source'",
        (asset_id,),
    ):
        path = places.absolute(entry, from_blob(entry["path"]))
        if path is None:
            continue
        mine = entry["volume_id"] == source.order.volume_id
        if source.reach.ask(partial(os.path.isfile, path)) if mine else os.path.isfile(path):
            return path
    return None


def _late_picture(job: JobContext, asset_id: int, source: Source, clip: Clip, tools: Tools) -> None:
    """Make the picture of a clip that was entered before its content was known."""
    media = scalar(job.db, "SELECT media FROM assets WHERE asset_id = ? AND blake3 IS NOT NULL", (asset_id,))
    if media is None:
        return
    facts = MediaFacts.from_json(media)
    if facts.video is not None:
        path = _readable(job, asset_id, source) or os.path.join(source.base, clip.essence)
        _picture(job, asset_id, path, facts, tools)


def _picture(job: JobContext, asset_id: int, path: str, facts: MediaFacts, tools: Tools) -> None:
    entry = row(job.db, "SELECT blake3 FROM assets WHERE asset_id = ?", (asset_id,))
    assert entry is not None
    target = thumbnail_path(str(job.library.thumbs), str(entry["blake3"]))
    if os.path.exists(target):
        return
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        thumbnail(tools, path, target, facts)
    except (RushesError, OSError):
        # A picture is a convenience: the clip is listed without one, and it is tried again on demand.
        return
