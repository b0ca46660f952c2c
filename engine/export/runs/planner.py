"""Planning a run: clips are looked at, plans are made and stored, or the stored ones are taken up again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlite_utils import Database

from engine import clock
from engine.errors import RushesError, WrongUse
from engine.export.planning.manner import Manner
from engine.export.planning.measure import Measured, measured
from engine.export.planning.planning import Facts, examine, joined, per_clip
from engine.export.planning.selection import Chosen, File, available, home_of
from engine.export.rendering import materials
from engine.export.runs import ledger
from engine.export.runs.ledger import Entry
from engine.export.runs.output import SourceAway
from engine.export.runs.records import Run
from engine.jobs.context import JobContext
from engine.media import letters
from engine.media.facts import MediaFacts
from engine.media.ffmpeg import FfmpegFailed
from engine.media.probe import probe
from engine.media.tools import Tools
from engine.names import display
from engine.storage.database import scalar


def planned(job: JobContext, run: Run, tools: Tools, *, retrying: bool) -> list[Entry]:
    """The plan of a run: the stored one when it still fits, else a new one, which is stored.

    Args:
        job: the job.
        run: its run.
        tools: the ffmpeg that is used now. With another build than the plan's everything is planned anew.
        retrying: what failed is queued again, and clips that could not be read are looked at again.

    Raises:
        SourceAway: a clip's drive is away.
        FfmpegFailed: nothing can be exported.
    """
    db = job.db
    if retrying:
        ledger.queue_failed(db, run.run_id)
    try:
        entries = ledger.load_plan(db, run.run_id)
    except WrongUse:
        entries = None  # of another version: planned anew
    fits = entries is not None and all(
        entry.plan.build == tools.build if entry.plan else not retrying for entry in entries
    )
    if entries is None or not fits:
        entries = _make(job, run, tools)
        ledger.store_plan(db, run.run_id, entries)
    return entries


def _make(job: JobContext, run: Run, tools: Tools) -> list[Entry]:
    preset, spec = run.preset, run.spec
    sound_only = preset["video"] is None
    clips = _now_here(job, run)
    reader = Reader(job.db, tools)
    looked = 0

    def look() -> None:
        nonlocal looked
        job.checkpoint()  # nothing is lost: what was found out about files is asked again in no time
        looked += 1
        job.progress(message=f"Looking at clip {looked:,} of {len(clips):,}")

    facts, problems = examine(clips, reader.facts, sound_only=sound_only, check=look, hdr=spec["hdr"])
    for sentence in problems.values():
        job.log("warning", sentence)
    if problems and (spec["unreadable"] == "refuse" or not facts):
        raise FfmpegFailed(_category(problems.values()), " ".join(problems.values()))
    tags = _tags(run)
    manner = Manner.of(spec, preset)
    if manner.draws:
        font = letters.best(manner.texts(clips, run.recipe_name))
        tags["font"] = materials.keep(job.library, font, "ttf")
        manner = replace(manner, spell=letters.speller(font))
    if not run.is_per_clip:
        left_out = tuple(f"{sentence} It was left out." for sentence in problems.values())
        try:
            made = joined(facts, spec, preset, tags, tools.build, manner)
        except RushesError as error:
            raise FfmpegFailed("settings", str(error)) from error
        return [Entry(0, None, made.stem, made.plan, None, (*left_out, *made.warnings))]
    found = {entry.clip.clip_id: entry for entry in facts}
    return distinct(
        [
            _one(position, clip, found.get(clip.clip_id), problems, run, tags, tools, manner)
            for position, clip in enumerate(clips)
        ]
    )


def _category(sentences: Iterable[str]) -> str:
    """What kind of failure it is when none of the clips can be used."""
    said = list(sentences)
    if all(sentence.endswith(("has no sound.", "has no moving picture.")) for sentence in said):
        return "no_stream"
    if all("is missing from its drive" in sentence for sentence in said):
        return "input_not_found"
    return "source_damaged"


def distinct(entries: Sequence[Entry]) -> list[Entry]:
    """Number names that occur more than once, in order: which clip gets which name is settled now. Pure."""
    taken: set[str] = set()
    result = []
    for entry in entries:
        stem, number = entry.stem, 0
        while stem.casefold() in taken and entry.plan is not None:
            number += 1
            stem = f"{entry.stem}_{number:03}"
        taken.add(stem.casefold())
        result.append(replace(entry, stem=stem))
    return result


def _one(
    position: int,
    clip: Chosen,
    facts: Facts | None,
    problems: dict[str, str],
    run: Run,
    tags: dict[str, str],
    tools: Tools,
    manner: Manner,
) -> Entry:
    if facts is None:
        return Entry(position, clip.clip_id, "", None, problems[clip.clip_id])
    try:
        made = per_clip(facts, position + 1, run.spec, run.preset, tags, tools.build, manner)
    except RushesError as error:
        return Entry(position, clip.clip_id, "", None, f"Clip {display(clip.title)}: {error}")
    return Entry(position, clip.clip_id, made.stem, made.plan, None, made.warnings)


def _tags(run: Run) -> dict[str, str]:
    # The moment the run was queued: a resumed start must give the same names.
    moment = clock.parse(run.created_at) if run.created_at else datetime.now(UTC)
    return {
        "recipe": run.recipe_name,
        "preset": str(run.snapshot["preset"]["name"]),
        "date": moment.strftime("%Y-%m-%d"),
        "time": moment.strftime("%H%M%S"),
        "lut": str((run.snapshot.get("lut") or {}).get("hash", "")),
    }


def _now_here(job: JobContext, run: Run) -> list[Chosen]:
    """The clips of the snapshot; a drive that left since the run was queued is waited for."""
    for clip in run.clips:
        for file in clip.files:
            if available(job.db, file.asset_id) is not None:
                continue
            home = home_of(job.db, file.asset_id)
            if home is not None:
                raise SourceAway(
                    f"{display(home[1])}, the drive of clip {display(clip.title)}, is away. "
                    "The export begins when it is back.",
                    home[0],
                )
    return run.clips


class Reader:
    """Gives the facts of files: from the catalogue when it has them, else by looking. One thread."""

    def __init__(self, db: Database, tools: Tools) -> None:
        self._db = db
        self._tools = tools

    def facts(self, file: File, title: str) -> Measured:
        """Facts of one file.

        Raises:
            RushesError: it is missing, empty, or cannot be played.
        """
        shown = display(title)
        if file.size == 0:
            raise RushesError(f"Clip {shown} is empty.")
        found = available(self._db, file.asset_id)
        if found is None or not os.path.lexists(found.path):
            raise RushesError(f"Clip {shown} is missing from its drive: relink it first.")
        try:
            facts = self.stored(file) or probe(self._tools, found.path)
        except RushesError as error:
            raise RushesError(f"Clip {shown} cannot be exported: {error}") from error
        return measured(self._tools, found.path, title, facts)

    def stored(self, file: File) -> MediaFacts | None:
        """What the catalogue knows of a file; None when it was not looked at."""
        text = scalar(self._db, "SELECT media FROM assets WHERE asset_id = ?", (file.asset_id,))
        try:
            return MediaFacts.from_json(text) if text else None
        except (ValueError, TypeError):
            return None  # written by another version: looked at again
