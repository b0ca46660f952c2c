"""What a recipe would come to now: clips, length, size, disk need, names, and the command that will run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from humanize import naturalsize

from engine.api.forms import Fact
from engine.errors import Refused, RushesError
from engine.export.planning import estimate, graph, planning
from engine.export.planning.estimate import Estimate
from engine.export.planning.manner import Manner
from engine.export.planning.measure import Measured, measured
from engine.export.planning.plan import Chunk, Plan
from engine.export.planning.planning import Facts
from engine.export.planning.selection import Chosen, File, available, glance
from engine.export.recipes import presets
from engine.export.rendering import materials
from engine.export.runs import demand, foresight, orders, sharing
from engine.library import Library
from engine.media import ffmpeg, letters
from engine.media.tools import Tools, find_tools
from engine.names import display
from engine.storage import config

NAMES_SHOWN = 3
"""File names that a preview lists."""

LOOKED_AT = 500
"""Clips that are looked at one by one, of a recipe that takes very many."""


def of(library: Library, name: str, spec: Mapping[str, Any]) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """What a checked spec comes to, line by line, and the ffmpeg command of its first part. Any thread.

    Raises:
        RushesError: the preset is gone, or there is no ffmpeg.
    """
    db, tools = library.db(), find_tools()
    store = config.open_config()
    try:
        preset = presets.get(store, spec["preset"])
    finally:
        store.close()
    body, _ = orders.resolved(tools, preset)
    kinds = ("video",) if body["video"] is not None else ("video", "audio")
    found = glance(db, spec, kinds, LOOKED_AT)
    clips = found.clips
    here = [clip for clip in clips if orders.is_online(db, clip)]
    more = "more than " if found.total > len(clips) else ""
    facts = [_count(spec, found.total, len(here) if found.online is None else found.online)]
    if more:
        facts.append(Fact("", f"the first {len(clips):,} were looked at for what follows"))
    unfit, skipped = foresight.unusable(spec, found.problems, clips)
    facts += [
        Fact("", f"{sentence} The export is refused: take it out of the list.", "bad") for sentence in unfit
    ]
    facts += [Fact("", sentence, "warn") for sentence in skipped]
    nowhere = _folders(library, spec)
    facts += [Fact("", sentence, "bad") for sentence in (*_foreseen(tools, spec, body, here), *nowhere)]
    facts += [Fact("", sentence, "warn") for sentence in foresight.unheard(spec, body)]
    known = [found for found in map(_known, here) if found is not None]
    facts += _doubtful(spec, here, known, sound_only=body["video"] is None)
    if not known:
        return tuple(facts), ()
    tags = _tags(name, preset.name)
    manner = _manner(spec, body, here, tags)
    try:
        plans = _plans(known, spec, body, tags, tools, manner)
    except RushesError as error:
        said = {fact.text for fact in facts}
        return (*facts, *([] if str(error) in said else [Fact("", str(error), "warn")])), ()
    frames = sum(plan.frames_total for _, plan in plans)
    milliseconds = sum(plan.duration_ms for _, plan in plans)
    room = estimate.of_clips([facts.clip for facts in known], spec, body)
    first = plans[0][1]
    shape = (
        f"{first.width}x{first.height}, {float(first.fps):.6g} frames per second"
        if first.video
        else "sound only"
    )
    facts += [
        Fact(
            "Length",
            more + (f"{_clock(milliseconds)}, {frames:,} frames" if first.video else _clock(milliseconds)),
        ),
        Fact("Shape", shape + ("" if len(plans) == 1 else ", each clip its own")),
        Fact("Size", f"{more or 'at most about '}{_size(room.films)}"),
        *([] if nowhere else _room(library, spec, room, more)),
        *_shortened(spec, plans),
        *(
            _made(library, spec, at, f"{stem}.{plan.container}", nowhere=bool(nowhere))
            for at, (stem, plan) in _first(plans)
        ),
    ]
    if len(plans) > NAMES_SHOWN:
        facts.append(Fact("", f"and {more}{len(plans) - NAMES_SHOWN:,} {'' if more else 'more '}files"))
    files = None if spec["layout"] == "joined" else len(here)
    looked = _looked_into(library, tools, known, first)
    if looked != known:
        first = _plans(looked, spec, body, tags, tools, manner)[0][1]
    return tuple(facts), _command(library, tools, first, files)


def _foreseen(
    tools: Tools, spec: Mapping[str, Any], body: Mapping[str, Any], here: Sequence[Chosen]
) -> list[str]:
    """Why the export of this recipe would be refused."""
    return foresight.at_a_glance(tools, spec, body, here)


def _folders(library: Library, spec: Mapping[str, Any]) -> list[str]:
    """Why nothing can be put where the recipe says; a mount that does not answer blocks nobody."""
    own = spec["destination"] or str(library.cache_root / "exports")
    found = orders.destination_problems(own, must_be_made=spec["destination"] is None)
    return found + (orders.destination_problems(spec["deliver_to"]) if spec["deliver_to"] else [])


def _made(library: Library, spec: Mapping[str, Any], at: int, name: str, *, nowhere: bool) -> Fact:
    """The file that is made; one whose name is taken gets a number, or replaces an earlier run's film.

    ``nowhere``: its folder cannot be looked into.
    """
    folder = spec["destination"] or str(library.cache_root / "exports")
    if not nowhere and os.path.lexists(os.path.join(folder, name)):
        name += " is there already: " + (
            "replaced if an earlier run made it" if spec["overwrite"] else "it gets a number"
        )
    return Fact("Makes" if at == 0 else "", name)


def _first(plans: Sequence[tuple[str, Plan]]) -> list[tuple[int, tuple[str, Plan]]]:
    return list(enumerate(plans[:NAMES_SHOWN]))


def _count(spec: Mapping[str, Any], total: int, online: int) -> Fact:
    away = total - online
    if not total:
        return Fact("Clips", "none fits; there is nothing to export now", "warn")
    text = f"{total:,}"
    if away:
        refused = spec["offline"] == "refuse"
        text += f", {away:,} of them away: " + ("the export is refused" if refused else "left out")
    return Fact("Clips", text, "warn" if away else "")


def _doubtful(
    spec: Mapping[str, Any], here: Sequence[Chosen], known: Sequence[Facts], *, sound_only: bool
) -> list[Fact]:
    """What the run will do about clips that cannot be exported, or of which nothing is known. Pure."""
    told = {facts.clip.clip_id for facts in known}
    said = [
        f"Nothing is known of clip {display(clip.title)}: if it cannot be played,"
        for clip in here
        if clip.clip_id not in told
    ]
    for facts in known:
        problem = planning.problem_of(facts.clip, facts.media, sound_only=sound_only, hdr=spec["hdr"])
        said += [] if problem is None else [f"{problem.rstrip('.')}:"]
    end = "the export is refused" if spec["unreadable"] == "refuse" else "it is left out"
    shown = [Fact("", f"{text} {end}", "warn") for text in said[:NAMES_SHOWN]]
    if len(said) > NAMES_SHOWN:
        shown.append(Fact("", f"and {len(said) - NAMES_SHOWN:,} more such clips", "warn"))
    return shown


def _known(clip: Chosen) -> Facts | None:
    """A clip by what the catalogue knows of it; None when it was never looked at."""
    found = [file.media for file in clip.files]
    if not found or any(media is None for media in found):
        return None
    return Facts(clip, tuple(Measured(media) for media in found if media is not None))


def _looked_into(library: Library, tools: Tools, known: list[Facts], first: Plan) -> list[Facts]:
    """The same, with what files of the first part tell only when they are looked into, as the run will."""
    part = first.segments[0] if first.segments else first.chunks[0]
    asked = {first.sources[index].clip_id for index in first.source_indexes(part)}
    return [
        replace(
            facts, measured=tuple(_measured(library, tools, facts.clip, file) for file in facts.clip.files)
        )
        if facts.clip.clip_id in asked
        else facts
        for facts in known
    ]


def _measured(library: Library, tools: Tools, clip: Chosen, file: File) -> Measured:
    assert file.media is not None
    found = available(library.db(), file.asset_id)
    return Measured(file.media) if found is None else _once(tools, found.path, clip.title, file)


@lru_cache(maxsize=256)
def _once(tools: Tools, path: str, title: str, file: File) -> Measured:
    assert file.media is not None
    return measured(tools, path, title, file.media)


def _tags(name: str, preset: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "recipe": name,
        "preset": preset,
        "date": now.strftime("%Y-%m-%d"),
        "time": now.strftime("%H%M%S"),
        "lut": "",
    }


def _manner(
    spec: Mapping[str, Any], body: Mapping[str, Any], clips: Sequence[Chosen], tags: dict[str, str]
) -> Manner:
    """How the film is to look; the hashes of what it is drawn with go into ``tags``."""
    manner = Manner.of(spec, body)
    try:
        if spec["lut"]:
            tags["lut"] = materials.digest_of(spec["lut"])
        if manner.draws:
            font = letters.best(manner.texts(clips, tags["recipe"]))
            tags["font"] = materials.digest_of(font)
            manner = replace(manner, spell=letters.speller(font))
    except OSError:
        pass  # what cannot be read is told where it is chosen
    return manner


def _plans(
    known: Sequence[Facts],
    spec: Mapping[str, Any],
    body: dict[str, Any],
    tags: dict[str, str],
    tools: Tools,
    manner: Manner,
) -> list[tuple[str, Plan]]:
    sound_only = body["video"] is None
    usable = [
        facts
        for facts in known
        if planning.problem_of(facts.clip, facts.media, sound_only=sound_only) is None
    ]
    if not usable:
        raise Refused("None of these clips has what the preset needs.")
    if spec["layout"] == "joined":
        made = planning.joined(usable, spec, body, tags, tools.build, manner)
        return [(made.stem, made.plan)]
    outputs = [
        planning.per_clip(facts, number, spec, body, tags, tools.build, manner)
        for number, facts in enumerate(usable, 1)
    ]
    return [(output.stem, output.plan) for output in outputs]


def _shortened(spec: Mapping[str, Any], plans: Sequence[tuple[str, Plan]]) -> list[Fact]:
    """Crossfades that are shorter than asked for, because a clip is too short for them. Pure."""
    if spec["transition"] != "crossfade":
        return []
    found = []
    for _, plan in plans:
        wanted = round(spec["transition_ms"] * plan.fps / 1000)
        pieces = [piece for segment in plan.segments for piece in segment.pieces if piece.is_crossfade]
        found += [piece.frames / float(plan.fps) for piece in pieces if piece.frames < wanted]
    if not found:
        return []
    are = "1 crossfade is" if len(found) == 1 else f"{len(found):,} crossfades are"
    return [
        Fact(
            "",
            f"{are} shorter than {spec['transition_ms'] / 1000:g} s, the shortest {min(found):.3g} s:"
            " at most half of a clip goes into each",
            "warn",
        )
    ]


def _room(library: Library, spec: Mapping[str, Any], room: Estimate, more: str) -> list[Fact]:
    """What the disks must hold, or ``more``, and whether they can."""
    destination = spec["destination"] or str(library.cache_root / "exports")
    snapshot = {
        "destination": destination,
        "recipe": {"spec": spec},
        "room": {"parts": room.parts, "films": room.films},
    }
    text = f"{more}{_size(room.parts)} beside the library for parts, {_size(room.films)} at"
    return [
        Fact("Disk", f"{text} {display(destination)}"),
        *(Fact("", sentence, "bad") for sentence in demand.problems(library, [(snapshot, 0)])),
    ]


def _size(count: int) -> str:
    return str(naturalsize(count, binary=True))


def _command(library: Library, tools: Tools, plan: Plan, files: int | None) -> tuple[str, ...]:
    """The command that renders the film's first part, with the paths that it opens now.

    It is put together by what runs it, for the machine as it is; the part has another name then.
    ``files`` as in :func:`engine.export.runs.sharing.threads`.
    """
    part = plan.segments[0] if plan.segments else plan.chunks[0]
    paths = []
    for used in graph.parts_of(part.pieces):
        found = available(library.db(), plan.sources[used.source].asset_id)
        paths.append(ffmpeg.file_url(found.path) if found else "?")
    if isinstance(part, Chunk):
        args = graph.chunk_arguments(plan, part, paths, f"file:00000.{graph.AUDIO_FORMAT}")
    else:
        workers = int(config.values("export.workers")["export.workers"])
        threads = sharing.first_threads(plan, workers, files)
        args = graph.segment_arguments(plan, part, paths, f"file:00000.{plan.segment_format}", threads)
    return tuple(ffmpeg.command(tools, args))


def _clock(milliseconds: int) -> str:
    whole = round(milliseconds / 1000)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
